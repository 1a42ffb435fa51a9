// Plans what a folder holds: node plan.mjs FOLDER --to VERSION [-f OPERATOR.yaml] [--markdown]
//
// Prints the findings and exits as `refit plan` does: 0 clear, 1 error, 3 blocked, 4 unknown.

import { createReadStream } from "node:fs";
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { InputError, describe, plan } from "refit-planner";

const EXIT = { clear: 0, blocked: 3, unknown: 4 };

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    to: { type: "string" },
    filename: { type: "string", short: "f", multiple: true, default: [] },
    set: { type: "string", multiple: true, default: [] },
    markdown: { type: "boolean", default: false },
  },
});
const [folder] = positionals;
if (folder === undefined || values.to === undefined) {
  console.error("usage: node plan.mjs FOLDER --to VERSION [-f OPERATOR.yaml] [--set PATH=VALUE] [--markdown]");
  process.exit(1);
}

try {
  const outcome = await plan({
    cluster: exported(folder),
    to: values.to,
    files: await Promise.all(values.filename.map(async (name) => ({ name, text: await readFile(name, "utf8") }))),
    sets: values.set,
  });
  const words = await describe(outcome);
  if (values.markdown) {
    console.log(words.markdown);
  } else {
    console.log(`${words.headline}: ${words.verdict}`);
    for (const { level, code, title, fix } of outcome.findings) {
      console.log(`  ${level} [${code}]: ${title}${fix === null ? "" : `\n    fix: ${fix}`}`);
    }
  }
  process.exitCode = EXIT[outcome.verdict];
} catch (error) {
  console.error(error instanceof InputError ? error.message : error);
  process.exitCode = 1;
}

/** The folder's documents, each read as a stream when its turn comes. */
async function* exported(path) {
  const names = (await readdir(path)).filter((it) => /\.(ya?ml|json|tar\.gz|tgz)$/.test(it)).sort();
  for (const name of names) {
    yield { name, content: createReadStream(join(path, name)) };
  }
}
