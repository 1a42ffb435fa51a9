// A caller's mistake is a TypeError with words: it never looks like a defect of the planner, and no cluster that is held
// is lost by it.

import assert from "node:assert/strict";
import { test } from "node:test";

import * as planner from "refit-planner";

import { goldenCases } from "../golden.mjs";

const { Cluster } = planner;
const golden = (await goldenCases()).find((it) => it.name === "clear-upgrade");
const request = await golden.request();
const cluster = (await golden.files()).map(({ name, bytes }) => ({ name, content: bytes }));
const circle = {};
circle.itself = circle;

const MISTAKES = [
  [/input must be an object, not undefined/, () => planner.plan()],
  [/`to` must be a string, not undefined/, () => planner.plan({ cluster })],
  [/`to` must be a string, not a number/, () => planner.plan({ cluster, to: 1.3 })],
  [/`sets` must be an array, not a string/, () => planner.plan({ cluster, to: "1.30.3", sets: "a=b" })],
  [/`sets`\[1\] must be a string, not null/, () => planner.plan({ cluster, to: "1.30.3", sets: ["a=b", null] })],
  [/`files\[0\]` must be an object, not a string/, () => planner.plan({ cluster, to: "1.30.3", files: ["iop.yaml"] })],
  [/`files\[0\].text` must be a string/, () => planner.plan({ cluster, to: "1.30.3", files: [{ name: "a" }] })],
  [/`force` must be true or false, not a string/, () => planner.plan({ cluster, to: "1.30.3", force: "yes" })],
  [/`asOf` must be a day like/, () => planner.plan({ cluster, to: "1.30.3", asOf: "tomorrow" })],
  [/`asOf` must be a string, not an object of Date/, () => planner.plan({ cluster, to: "1.30.3", asOf: new Date(0) })],
  [/`facts` must be a string, not an object/, () => planner.plan({ cluster, to: "1.30.3", facts: {} })],
  [/content must be \{ name, content \}, or several of them, not undefined/, () => planner.plan({ to: "1.30.3" })],
  [/content must be .*, not a string/, () => planner.plan({ cluster: "kind: List", to: "1.30.3" })],
  [/`name` must be a string, not undefined/, () => planner.plan({ cluster: [{ content: "" }], to: "1.30.3" })],
  [/content of "a" must be text, bytes/, () => planner.plan({ cluster: { name: "a", content: 7 }, to: "1.30.3" })],
  [/content of "a" must be .*, not an object of Promise/, () => read({ name: "a", content: Promise.resolve("") })],
  [/content with its name must be an object, not a string/, () => read(["cluster.yaml"])],
  [/`namespace` must be a string/, () => planner.recover({ cluster, namespace: 5 })],
  [/code must be a string, not an array/, () => planner.explain([])],
  [/minor must be a string, not a number/, () => planner.profile(1.3, "demo")],
  [/facts must be a string/, () => planner.releases(5)],
  [/options must be an object, not a string/, () => planner.required("1.30.3")],
  [/`release` must be an object, not undefined/, () => planner.renderManifests({})],
  [/second version must be a string/, () => planner.defaults("1.29.6")],
  [/options must be an object, not null/, () => planner.defaults("1.29.6", "1.30.3", "default", null)],
  [/outcome must be an object, not a string/, () => planner.describe("{}")],
  [/outcome must be an object, not undefined/, () => planner.sarif()],
  [/command must be a string, not a number/, () => planner.html({}, 1)],
  [/circular/i, () => planner.redacted(circle)],
  [/path must be an array, not a string/, () => planner.fields("1.30.3", "spec.values")],
  [/edits must be an array/, () => planner.edit("spec: {}", {})],
  [/text must be a string, not undefined/, () => planner.edit()],
  [/module must be bytes/, () => planner.init()],
  [/options must be an object, not undefined/, (held) => held.plan()],
  [/BigInt/, (held) => held.plan({ to: "1.30.3", accept: [1n] })],
  [/options must be an object, not a string/, (held) => held.missing("1.30.3")],
  [/`to` must be a string/, (held) => held.releases({})],
  [/options must be an object, not null/, (held) => held.recover(null)],
  [/reference must be an object, not a string/, (held) => held.object("Deployment/istiod")],
  [/reference must be an object, not undefined/, (held) => held.compare()],
  [/facts must be a string/, (held) => held.useFacts({})],
];

function read(contents) {
  return Cluster.read(contents);
}

test("every mistake is a TypeError that says what was meant, and what is held stays", async () => {
  const held = await Cluster.read(cluster);
  for (const [words, mistake] of MISTAKES) {
    await assert.rejects(
      async () => mistake(held),
      (error) => {
        assert.ok(error instanceof TypeError, `${error.name}: ${error.message} of ${mistake}`);
        assert.match(error.message, words);
        return true;
      },
    );
  }
  assert.equal(held.planText(request), golden.expected.outcome);
  held.close();
});

test("what is right is taken as it was: nothing, null days, objects of other realms", async () => {
  const outcome = await planner.plan({ ...request, cluster, asOf: null, sets: [], from: undefined, facts: undefined });
  assert.equal(outcome.schema, "refit.outcome/v1");
  const { runInNewContext } = await import("node:vm");
  const foreign = runInNewContext('[{ name: "a.yaml", content: "apiVersion: v1\\nkind: List\\nitems: []\\n" }]');
  (await read(foreign)).close();
});
