// The planner as a WASI file: the outcome byte by byte as natively, in Node's own WASI and in a Go program.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { closeSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { WASI } from "node:wasi";

import { goldenCases } from "../golden.mjs";

const file = process.env.REFIT_WASI;
const skip = file === undefined && "needs REFIT_WASI";

for (const golden of await goldenCases()) {
  test(`golden in WASI: ${golden.name}`, { skip }, async () => {
    const request = await golden.request();
    const files = [
      { name: "request.json", bytes: Buffer.from(JSON.stringify(request)) },
      ...(await golden.files()),
      ...(await golden.releases()).map((it) => ({ ...it, name: `releases/${it.name}` })),
    ];
    const run = await plan(tar(files));
    if (golden.expected.outcome === undefined) {
      assert.equal(run.code, 1);
      const { file: name, line, column, message } = JSON.parse(run.stderr);
      assert.deepEqual({ file: name, line, column, message }, JSON.parse(golden.expected.error));
      return;
    }
    assert.equal(run.stdout, golden.expected.outcome);
    const codes = { clear: 0, blocked: 3, unknown: 4 };
    assert.equal(run.code, codes[JSON.parse(run.stdout).verdict]);
  });
}

test("the Go example plans like every other face", { skip }, async () => {
  const golden = (await goldenCases()).find((it) => it.name === "version-skew");
  const { to, asOf } = await golden.request();
  const folder = fileURLToPath(new URL("../golden/version-skew/export", import.meta.url));
  const example = fileURLToPath(new URL("../../pkg/examples/go", import.meta.url));
  const run = spawnSync("go", ["run", ".", file, folder, JSON.stringify({ to, asOf })], {
    cwd: example,
    encoding: "utf8",
  });
  assert.equal(run.stdout, golden.expected.outcome, run.stderr);
});

/** Runs the module once over an archive. */
async function plan(archive) {
  const folder = await mkdtemp(join(tmpdir(), "refit-wasi-"));
  const path = (name) => join(folder, name);
  try {
    writeFileSync(path("stdin"), archive);
    const [stdin, stdout, stderr] = [
      openSync(path("stdin"), "r"),
      openSync(path("stdout"), "w"),
      openSync(path("stderr"), "w"),
    ];
    const wasi = new WASI({ version: "preview1", stdin, stdout, stderr, returnOnExit: true });
    const module = await WebAssembly.compile(await readFile(file));
    const code = wasi.start(await WebAssembly.instantiate(module, wasi.getImportObject()));
    [stdin, stdout, stderr].forEach(closeSync);
    return { code, stdout: readFileSync(path("stdout"), "utf8"), stderr: readFileSync(path("stderr"), "utf8") };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Files as a tar archive (ustar). */
function tar(files) {
  const blocks = files.flatMap(({ name, bytes }) => {
    const header = Buffer.alloc(512);
    header.write(name, 0);
    header.write("0000644\0", 100);
    header.write("0000000\0", 108);
    header.write("0000000\0", 116);
    header.write(`${bytes.length.toString(8).padStart(11, "0")}\0`, 124);
    header.write("00000000000\0", 136);
    header.write("        ", 148);
    header.write("0", 156);
    header.write("ustar\x0000", 257);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
    return [header, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}
