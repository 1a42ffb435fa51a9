// The script that `curl | sh` runs, from a server of its own, and what kubectl makes of what it installed.

import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { file, folder, run, running, serve } from "./dist.mjs";

const KUBECTL = process.env.KUBECTL ?? "kubectl";
const script = file("install.sh");

/** Everything below a folder. */
const below = async (path) => (await readdir(path, { recursive: true })).sort();

test("it installs the archive whose sum is right, and kubectl takes it as a plugin, with completion", async () => {
  const prefix = await folder();
  const env = { ...process.env, PREFIX: prefix, REFIT_URL: await serve() };
  const installed = await running("sh", [script], { env });
  assert.equal(installed.code, 0, installed.said);
  assert.match(installed.said, /^refit \d/m);
  const files = await below(prefix);
  for (const it of [
    "bin/refit",
    "bin/kubectl-refit",
    "bin/kubectl_complete-refit",
    "share/man/man1/refit-plan.1",
    "share/bash-completion/completions/refit",
    "share/zsh/site-functions/_refit",
    "share/fish/vendor_completions.d/refit.fish",
    "share/doc/refit/LICENSE",
    "share/doc/refit/NOTICES.txt",
  ]) {
    assert.ok(files.includes(it), `${it}: ${files}`);
  }
  // Another time over what runs.
  const again = await running("sh", [script], { env });
  assert.equal(again.code, 0, again.said);
  assert.deepEqual(await below(prefix), files);

  const path = { ...process.env, PATH: `${prefix}/bin:${process.env.PATH}` };
  const kubectl = (...args) => run(KUBECTL, args, { env: path });
  assert.match(kubectl("plugin", "list"), /kubectl-refit$/m);
  assert.match(kubectl("refit", "version"), /^refit \d/);
  assert.match(kubectl("refit", "explain", "version-skew"), /minor/);
  const offered = kubectl("__complete", "refit", "pl").split("\n");
  assert.ok(offered.some((it) => /^plan(\t|$)/.test(it)) && offered.includes(":4"), offered.join());
  assert.match(kubectl("__complete", "refit", "explain", "version-s"), /^version-skew/m);
});

test("an archive whose sum differs installs nothing", async () => {
  const spoiled = (name, bytes) => {
    bytes[bytes.length >> 1] ^= 1;
    return bytes;
  };
  const short = (name, bytes) => bytes.subarray(0, bytes.length - 1);
  for (const change of [spoiled, short]) {
    const prefix = await folder();
    const env = { ...process.env, PREFIX: prefix, REFIT_URL: await serve(change) };
    const { code, said } = await running("sh", [script], { env });
    assert.equal(code, 1, said);
    assert.match(said, /^error: .*its sum differs, nothing was installed\n$/);
    assert.deepEqual(await below(prefix), []);
  }
});

test("what is not there is said, and half a script does nothing", async () => {
  const prefix = await folder();
  const env = { ...process.env, PREFIX: prefix, REFIT_URL: `${await serve()}/nowhere` };
  const { code, said } = await running("sh", [script], { env });
  assert.equal(code, 1, said);
  assert.match(said, /^error: .*cannot be had$/m);
  const half = await running("sh", ["-c", `head -n -1 "${script}" | sh`], { env });
  assert.deepEqual(half, { code: 0, said: "" });
  assert.deepEqual(await below(prefix), []);
});

test("another machine is told that there is none for it", async () => {
  const bin = await folder();
  const { writeFile } = await import("node:fs/promises");
  await writeFile(join(bin, "uname"), '#!/bin/sh\n[ "$1" = -s ] && echo Linux || echo riscv64\n', { mode: 0o755 });
  const env = { ...process.env, PATH: `${bin}:${process.env.PATH}`, PREFIX: bin };
  const { code, said } = await running("sh", [script], { env });
  assert.equal(code, 1);
  assert.equal(said, "error: there is no archive for riscv64: build it from source\n");
});
