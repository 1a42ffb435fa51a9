// The package's own promises: every form of input, progress, cancelling, typed errors.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createReadStream } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { InputError, RequestError, explain, facts, plan, planText, profile, releases, required } from "refit-planner";

import { goldenCases } from "../golden.mjs";

const golden = (await goldenCases()).find((it) => it.name === "clear-upgrade");
const request = await golden.request();
const files = await golden.files();

/** Plans the case with each file in another form; the outcome must not change. */
async function check(form) {
  const cluster = files.map(({ name, bytes }) => ({ name, content: form(new Uint8Array(bytes)) }));
  assert.equal(await planText({ ...request, cluster }), golden.expected.outcome);
}

test("text, bytes, blobs, streams and iterables plan alike", async () => {
  await check((bytes) => bytes);
  await check((bytes) => bytes.buffer);
  await check((bytes) => new TextDecoder().decode(bytes));
  await check((bytes) => new Blob([bytes]));
  await check((bytes) => new Blob([bytes]).stream());
  await check((bytes) => pieces(bytes, 7));
  await check((bytes) => asyncPieces(bytes, 1000));
});

test("a file of the disk is read as a stream", async () => {
  const path = fileURLToPath(new URL("../golden/clear-upgrade/export/cluster.yaml", import.meta.url));
  const outcome = await plan({ ...request, cluster: { name: "cluster.yaml", content: createReadStream(path) } });
  assert.equal(outcome.schema, "refit.outcome/v1");
});

test("progress tells names and bytes", async () => {
  const seen = [];
  const content = new Blob([files[0].bytes]);
  await plan({ ...request, cluster: { name: "a.yaml", content }, onProgress: (it) => seen.push(it) });
  assert.deepEqual(seen.at(-1), { name: "a.yaml", bytes: content.size, total: content.size });
});

test("an aborted signal stops the reading with its reason", async () => {
  const reason = new Error("enough");
  await assert.rejects(
    plan({ ...request, cluster: { name: "a", content: "" }, signal: AbortSignal.abort(reason) }),
    reason,
  );
  const controller = new AbortController();
  const cluster = { name: "a", content: endless(() => controller.abort(reason)) };
  await assert.rejects(plan({ ...request, cluster, signal: controller.signal }), reason);
});

test("unreadable input names file, line and column", async () => {
  await assert.rejects(
    plan({ ...request, cluster: { name: "bad.yaml", content: "kind: Pod\nmetadata: [" } }),
    (error) => {
      assert.ok(error instanceof InputError);
      assert.equal(error.file, "bad.yaml");
      assert.equal(error.line, 2);
      assert.ok(error.column > 0);
      return true;
    },
  );
});

test("a release archive that is none is an error with its name", async () => {
  const releases = { name: "istio-1.30.3.tar.gz", content: "not an archive" };
  await assert.rejects(plan({ ...request, cluster: [], releases }), (error) => {
    assert.ok(error instanceof InputError);
    assert.equal(error.file, "istio-1.30.3.tar.gz");
    return true;
  });
});

test("a request with unknown fields is refused before anything is planned", async () => {
  await assert.rejects(plan({ ...request, cluster: [], nonsense: true }), RequestError);
});

test("releases, profiles, codes and needs are told without a cluster", async () => {
  const known = await releases();
  assert.equal(known[0].minor, "1.6");
  assert.ok(known.every((it) => it.version.startsWith(`${it.minor}.`)));
  assert.notEqual(await profile("1.30", "demo"), null);
  assert.equal(await profile("1.30", "nonsense"), null);
  assert.match(await explain("version-skew"), /minor/);
  assert.equal(await explain("nonsense"), undefined);
  const needs = await required({ to: "1.30.3" });
  assert.deepEqual(needs.releases, ["1.30.3"]);
  assert.ok(needs.commands.every((it) => !/secrets/i.test(it)));
});

test("newer facts are taken, and older ones are not", async () => {
  const known = JSON.parse(await facts());
  const newer = structuredClone(known);
  newer.releases["1.30.9"] = "2027-01-20";
  newer.support["1.30"].end = "2027-12-24";
  const text = JSON.stringify(newer);
  const minor = (all) => all.find((it) => it.minor === "1.30");
  assert.equal(minor(await releases(text)).endOfLife, "2027-12-24");
  assert.equal(minor(await releases(text)).newest, "1.30.9");
  assert.notEqual(minor(await releases()).endOfLife, "2027-12-24");
  const cluster = files.map(({ name, bytes }) => ({ name, content: bytes }));
  const planned = (facts) => plan({ ...request, cluster, asOf: "2027-02-01", facts });
  const patch = (outcome) => outcome.findings.concat(outcome.notes).find((it) => it.code === "newer-patch");
  assert.match(JSON.stringify(patch(await planned(text))), /1\.30\.9/);
  assert.doesNotMatch(JSON.stringify(await planned(undefined)), /1\.30\.9/);
  const older = { ...known, releases: { "1.6.0": "2020-05-21" }, bulletins: [] };
  await assert.rejects(releases(JSON.stringify(older)), /older facts replace no newer ones/);
  await assert.rejects(planned("{}"), /facts/);
});

test("the example plans a folder and sets the exit code", () => {
  const example = fileURLToPath(new URL("../../pkg/examples/plan.mjs", import.meta.url));
  const folder = fileURLToPath(new URL("../golden/version-skew/export", import.meta.url));
  const run = spawnSync(process.execPath, [example, folder, "--to", "1.30.3"], { encoding: "utf8" });
  assert.equal(run.status, 3, run.stderr);
  assert.match(run.stdout, /version-skew/);
});

test("the HTTP handler answers with the outcome, and with the place of an error", async () => {
  const { handle } = await import("../../pkg/examples/handler.mjs");
  const body = new FormData();
  body.append("export", new Blob([files[0].bytes]), "cluster.yaml");
  const answer = await handle(new Request("http://localhost/plan?to=1.30.3", { method: "POST", body }));
  assert.equal(answer.status, 200);
  assert.equal((await answer.json()).schema, "refit.outcome/v1");
  const broken = new FormData();
  broken.append("export", new Blob(["a: ["]), "cluster.yaml");
  const refused = await handle(new Request("http://localhost/plan?to=1.30.3", { method: "POST", body: broken }));
  assert.equal(refused.status, 400);
  assert.equal((await refused.json()).line, 1);
});

function* pieces(bytes, size) {
  for (let at = 0; at < bytes.length; at += size) {
    yield bytes.subarray(at, at + size);
  }
}

async function* asyncPieces(bytes, size) {
  yield* pieces(bytes, size);
}

/** A stream that never ends by itself. */
function endless(afterSome) {
  let given = 0;
  return new ReadableStream({
    pull(controller) {
      given += 1;
      controller.enqueue(new TextEncoder().encode("# nothing\n"));
      if (given === 5) {
        afterSome();
      }
    },
  });
}
