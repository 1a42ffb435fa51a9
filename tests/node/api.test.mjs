// What the package does beside planning, and what it promises when things go wrong.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import {
  Cluster,
  PlannerPanic,
  RequestError,
  defaults,
  describe,
  edit,
  fields,
  memoryBytes,
  plan,
  planText,
  recover,
  redacted,
  renderManifests,
  sarif,
} from "refit-planner";

import { contents, goldenCases } from "../golden.mjs";

const golden = (await goldenCases()).find((it) => it.name === "clear-upgrade");
const request = await golden.request();
const cluster = contents(await golden.files());
const data = process.env.REFIT_ISTIO_DATA;
const release = (version) => data && join(data, "istio/releases", `istio-${version}.tar.gz`);
const skip = !(data && existsSync(release("1.30.3"))) && "needs REFIT_ISTIO_DATA";
const archive = async (version) => ({ name: `istio-${version}.tar.gz`, content: await readFile(release(version)) });

test("a panic is told, the instance is replaced, and what it had read is gone", async () => {
  const { call } = await import("../../pkg/dist/engine.js");
  const before = await Cluster.read(cluster);
  // A real trap of the module: an object that was freed.
  assert.throws(
    () =>
      call((planner) => {
        const session = new planner.Session();
        session.free();
        session.plan("{}");
      }),
    (error) => error instanceof PlannerPanic && /replaced/.test(error.message),
  );
  assert.throws(() => before.plan(request), /read the cluster again/);
  before.close();
  assert.equal(await planText({ ...request, cluster }), golden.expected.outcome);
});

test("a stalled source is stopped by the signal, and told", { timeout: 5000 }, async () => {
  const reason = new Error("enough");
  let told;
  const stalled = new ReadableStream({ cancel: (why) => (told = why) });
  const controller = new AbortController();
  const reading = plan({ ...request, cluster: { name: "a.yaml", content: stalled }, signal: controller.signal });
  setTimeout(() => controller.abort(reason), 20);
  await assert.rejects(reading, reason);
  assert.equal(told, reason);

  let returned = false;
  const iterable = {
    [Symbol.asyncIterator]: () => ({
      next: () => new Promise(() => {}),
      return: async () => ((returned = true), { done: true }),
    }),
  };
  const second = new AbortController();
  setTimeout(() => second.abort(reason), 20);
  await assert.rejects(
    plan({ ...request, cluster: { name: "a.yaml", content: iterable }, signal: second.signal }),
    reason,
  );
  assert.ok(returned);
});

test("an error in the input tells the source to stop", async () => {
  let cancelled = false;
  const source = new ReadableStream({
    pull: (controller) => controller.enqueue(new TextEncoder().encode('{"kind": [}\n'.repeat(200))),
    cancel: () => void (cancelled = true),
  });
  await assert.rejects(plan({ ...request, cluster: { name: "a.json", content: source } }), {
    name: "InputError",
    file: "a.json",
  });
  assert.ok(cancelled);
});

test("a stream that is read elsewhere is the caller's mistake, no panic", async () => {
  const held = await Cluster.read(cluster);
  const stream = new Blob(["a"]).stream();
  stream.getReader();
  await assert.rejects(plan({ ...request, cluster: { name: "a.yaml", content: stream } }), TypeError);
  assert.equal(held.planText(request), golden.expected.outcome);
  held.close();
});

test("large memory is really given back", async () => {
  const line = (name) =>
    `- {apiVersion: v1, kind: Service, metadata: {name: ${name}, namespace: a, annotations: {x: "${"x".repeat(100_000)}"}}}\n`;
  const content = (function* () {
    yield "apiVersion: v1\nkind: List\nitems:\n";
    for (let at = 0; at < 1000; at += 1) {
      yield line(`c${at}`);
    }
  })();
  const large = await Cluster.read({ name: "large.yaml", content });
  const held = memoryBytes();
  assert.ok(held > 64 << 20, `only ${held} bytes`);
  large.close();
  await planText({ ...request, cluster });
  assert.ok(memoryBytes() < held / 2, `${memoryBytes()} of ${held}`);
});

test("an outcome is described, written as SARIF, and redacted", async () => {
  const outcome = await plan({ ...request, cluster });
  const words = await describe(outcome);
  assert.match(words.headline, /1\.29\.6 → 1\.30\.3/);
  assert.match(words.markdown, /^# Upgrade/);
  const log = JSON.parse(await sarif(outcome));
  assert.equal(log.version, "2.1.0");
  assert.equal(log.runs[0].results.length, outcome.findings.length + outcome.notes.length);
  const ids = log.runs[0].tool.driver.rules.map((it) => it.id);
  for (const result of log.runs[0].results) {
    assert.equal(ids[result.ruleIndex], result.ruleId);
    assert.ok(result.message.text.length > 10);
  }
  const handed = await redacted(outcome);
  assert.equal(handed.schema, outcome.schema);
  assert.deepEqual(
    handed.findings.map((it) => it.code),
    outcome.findings.map((it) => it.code),
  );
  assert.ok(handed.findings.every((it) => it.subjects.every((subject) => !("value" in subject))));
});

test("defaults that differ are listed, each with the edit that keeps it", async () => {
  const changes = await defaults("1.29.6", "1.30.3");
  assert.ok(changes.length > 0);
  const kept = changes.find((it) => it.edit !== undefined);
  const text = await edit("", [kept.edit]);
  assert.match(text, /kind: IstioOperator/);
  await assert.rejects(defaults("1.29.6", "nonsense"), RequestError);
});

test("edits keep what they do not touch, and refuse what they cannot do alone", async () => {
  const before = "spec:\n  # ours\n  profile: demo # small\n";
  const after = await edit(before, [{ edit: "set", path: "values.pilot.env.A", value: "1" }]);
  assert.equal(after, 'spec:\n  # ours\n  profile: demo # small\n  values:\n    pilot:\n      env:\n        A: "1"\n');
  await assert.rejects(edit("spec: {a: 1}\n", [{ edit: "set", path: "b", value: 1 }]), RequestError);
});

test("fields of a release are told by path", async () => {
  const known = await fields("1.30.3", ["spec", "meshConfig"]);
  assert.deepEqual(known.find((it) => it.name === "accessLogEncoding")?.values, ["TEXT", "JSON"]);
  assert.deepEqual(await fields("1.30.3", ["spec", "nonsense"]), []);
});

test("an object is shown at a field, and what the export lacks is told", async () => {
  const read = await Cluster.read(cluster);
  const deployment = { apiVersion: "apps/v1", kind: "Deployment", namespace: "istio-system", name: "istiod" };
  const shown = read.object(deployment, "spec.template.spec.containers[name=discovery].image");
  assert.match(shown.yaml.split("\n")[shown.line - 1], /image: .*pilot/);
  assert.equal(read.object({ ...deployment, name: "nothing" }), null);
  const coverage = read.missing(request);
  assert.ok(coverage.gaps.every((it) => it.command.startsWith("kubectl ") && it.unknown !== ""));
  read.close();
  const empty = await Cluster.read([]);
  assert.ok(empty.missing(request).gaps.some((it) => it.what === "Pod" && it.code === "export-incomplete"));
  empty.close();
});

test("a release renders from a stream; its refusal names file and line", { skip }, async () => {
  const content = new Blob([await readFile(release("1.30.3"))]).stream();
  const { manifests } = await renderManifests({ release: { name: "istio-1.30.3.tar.gz", content } });
  assert.match(manifests, /kind: Deployment/);
  const files = [
    {
      name: "wrong.yaml",
      text: "apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nspec:\n  values:\n    pilot:\n      autoscaleMni: 2\n",
    },
  ];
  await assert.rejects(renderManifests({ release: await archive("1.30.3"), files }), (error) => {
    assert.ok(error instanceof RequestError);
    assert.deepEqual([error.file, error.line], ["wrong.yaml", 6]);
    assert.equal(error.diagnostics[0].file, "wrong.yaml");
    return true;
  });
});

test("settings are recovered, compared, and a truncated release is an error", { skip }, async () => {
  const path = join(data, "exports/customised-demo-partial-request/export.tar.gz");
  const source = { name: "export.tar.gz", content: await readFile(path) };
  const found = await recover({ cluster: source, releases: [await archive("1.28.10")] });
  assert.ok(found.compared);
  assert.match(found.text, /kind: IstioOperator/);
  assert.ok(found.evidence.length > 0);

  const read = await Cluster.read(source);
  await read.addReleases([await archive("1.28.10"), await archive("1.29.6")]);
  const outcome = read.plan({ to: "1.29.6", asOf: null });
  const change = outcome.changes.find((it) => it.class === "change" && it.object.kind === "Deployment");
  const { live, predicted } = read.compare(change.object);
  assert.ok(live !== null && predicted !== null && live !== predicted);
  assert.ok(!live.includes("resourceVersion") && !live.includes("managedFields"));
  assert.ok(read.compare(change.object, true).live.includes("resourceVersion"));
  const whole = (await archive("1.29.6")).content;
  await assert.rejects(read.addReleases({ name: "cut.tar.gz", content: whole.subarray(0, whole.length / 2) }), {
    name: "InputError",
    file: "cut.tar.gz",
  });
  read.close();
});
