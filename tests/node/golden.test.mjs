// Golden cases in Node: the outcome byte by byte as natively.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import { Cluster, InputError, planText } from "refit-planner";

import { contents, goldenCases } from "../golden.mjs";

for (const golden of await goldenCases()) {
  test(`golden: ${golden.name}`, async () => {
    const input = {
      ...(await golden.request()),
      cluster: contents(await golden.files()),
      releases: contents(await golden.releases()),
    };
    if (golden.expected.outcome !== undefined) {
      assert.equal(await planText(input), golden.expected.outcome);
      return;
    }
    await assert.rejects(planText(input), (error) => {
      assert.ok(error instanceof InputError);
      const { file, line, column, message } = error;
      assert.deepEqual({ file, line, column, message }, JSON.parse(golden.expected.error));
      return true;
    });
  });
}

test("one cluster can be planned many times", async () => {
  const [golden] = await goldenCases();
  const cluster = await Cluster.read(contents(await golden.files()));
  const request = await golden.request();
  assert.equal(cluster.planText(request), golden.expected.outcome);
  cluster.plan({ to: "1.28.10" });
  assert.equal(cluster.planText(request), golden.expected.outcome);
  cluster.close();
  assert.throws(() => cluster.plan(request), /closed/);
});

test("the module is the one in dist and nothing else is loaded", async () => {
  const manifest = JSON.parse(await readFile(new URL("../../pkg/package.json", import.meta.url), "utf8"));
  assert.equal(manifest.scripts?.postinstall, undefined);
  assert.equal(manifest.dependencies, undefined);
  assert.equal(manifest.sideEffects, false);
});
