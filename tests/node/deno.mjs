// Runs in Deno: plans every golden case and prints what came of it.

import { InputError, planText } from "../../pkg/dist/index.js";
import { contents, goldenCases } from "../golden.mjs";

const results = {};
for (const golden of await goldenCases()) {
  try {
    results[golden.name] = {
      outcome: await planText({
        ...(await golden.request()),
        cluster: contents(await golden.files()),
        releases: contents(await golden.releases()),
      }),
    };
  } catch (thrown) {
    if (!(thrown instanceof InputError)) {
      throw thrown;
    }
    const { file, line, column, message } = thrown;
    results[golden.name] = { error: { file, line, column, message } };
  }
}
console.log(JSON.stringify(results));
