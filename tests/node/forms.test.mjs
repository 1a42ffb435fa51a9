// The outcome in the forms of others: SARIF by the schema of OASIS, HTML as the command line writes it.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import Ajv from "ajv";
import addFormats from "ajv-formats";
import { html, sarif } from "refit-planner";

import { goldenCases } from "../golden.mjs";

const SCHEMA = new URL("../oracles/sarif/sarif-schema-2.1.0.json", import.meta.url);
const planned = (await goldenCases()).filter((it) => it.expected.outcome !== undefined);
const refit = process.env.REFIT;

test("SARIF is what the schema of OASIS says, and every result has a place in a file", async () => {
  const ajv = new Ajv({ strict: false, allErrors: true, unicodeRegExp: false });
  addFormats(ajv);
  const validate = ajv.compile(JSON.parse(await readFile(SCHEMA, "utf8")));
  let results = 0;
  for (const { name, expected } of planned) {
    const outcome = JSON.parse(expected.outcome);
    for (const finding of outcome.findings) {
      finding.accepted = "decided on";
    }
    for (const text of [expected.outcome, JSON.stringify(outcome)]) {
      const log = JSON.parse(await sarif(JSON.parse(text)));
      assert.ok(validate(log), `${name}: ${ajv.errorsText(validate.errors, { separator: "\n" })}`);
      for (const result of log.runs[0].results) {
        results += 1;
        assert.ok(result.locations.length > 0, `${name}: ${result.ruleId}`);
        for (const { physicalLocation } of result.locations) {
          assert.ok(physicalLocation.artifactLocation.uri.length > 0, `${name}: ${result.ruleId}`);
        }
      }
    }
  }
  assert.ok(results > 50, `only ${results} results`);
  // Counter-case: the schema refuses something.
  assert.ok(!validate({ version: "2.1.0", runs: [{ tool: {}, results: [] }] }));
});

test("HTML is the same file on the command line", { skip: !refit && "needs REFIT" }, async () => {
  const sample = (form) => {
    const args = ["plan", "--sample", "--offline", "--as-of", "2026-06-01", "-o", form];
    const run = spawnSync(refit, args, { encoding: "utf8", maxBuffer: 1 << 26 });
    assert.equal(run.status, 0, run.stderr);
    return run.stdout;
  };
  assert.equal(await html(JSON.parse(sample("json"))), sample("html"));
});
