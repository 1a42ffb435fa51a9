// The golden cases, for Node and for the browser's tests. The Rust side of this is src/lib.rs.

import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const ROOT = new URL("./golden/", import.meta.url);

/** Reads the descriptions of all cases, by name. */
export async function goldenCases() {
  const entries = await readdir(ROOT, { withFileTypes: true });
  const names = entries.filter((it) => it.isDirectory()).map((it) => it.name);
  return Promise.all(names.sort().map(goldenCase));
}

/** Holds what `node/deno.mjs` printed in a runtime against what is expected, byte by byte. */
export async function assertGolden(printed) {
  const got = JSON.parse(printed);
  for (const golden of await goldenCases()) {
    const { outcome, error } = got[golden.name];
    assert.equal(outcome, golden.expected.outcome, golden.name);
    assert.deepEqual(error, golden.expected.error && JSON.parse(golden.expected.error), golden.name);
  }
}

/** Files as contents for the package. */
export function contents(files) {
  return files.map(({ name, bytes }) => ({ name, content: bytes }));
}

async function goldenCase(name) {
  const folder = new URL(`${name}/`, ROOT);
  const description = JSON.parse(await readFile(new URL("case.json", folder), "utf8"));
  const { files = [], ...request } = description.request;
  const maybe = (file) => readFile(new URL(file, folder), "utf8").catch(() => undefined);
  return {
    name,
    expected: { outcome: await maybe("outcome.json"), error: await maybe("error.json") },
    /** The export's files with their bytes. */
    files: () =>
      Promise.all(description.files.map(async (it) => ({ name: it, bytes: await readFile(new URL(it, folder)) }))),
    /** Its releases with their bytes: a folder of charts as an archive, or a file of what one rendered. */
    releases: () => Promise.all((description.releases ?? []).map((it) => release(folder, it))),
    /** What is asked for, its files written out. */
    request: async () => ({
      ...request,
      asOf: description.asOf ?? null,
      files: await Promise.all(
        files.map(async (it) => ({ name: it, text: await readFile(new URL(it, folder), "utf8") })),
      ),
    }),
  };
}

async function release(folder, name) {
  if (/\.ya?ml$/.test(name)) return { name, bytes: await readFile(new URL(name, folder)) };
  const root = new URL(`${name}/`, folder);
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const paths = entries.filter((it) => it.isFile()).map((it) => `${it.parentPath ?? it.path}/${it.name}`);
  const files = await Promise.all(
    paths.sort().map(async (path) => ({
      path: `manifests/${path.slice(fileURLToPath(root).length)}`,
      bytes: await readFile(path),
    })),
  );
  return { name: `istio-${name.split("/").pop()}.tar.gz`, bytes: gzipSync(tar(files)) };
}

/** Packs files as POSIX ustar does (https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html). */
function tar(files) {
  const BLOCK = 512;
  const blocks = files.flatMap(({ path, bytes }) => {
    const header = Buffer.alloc(BLOCK);
    header.write(path, 0);
    header.write("0000644\0", 100);
    header.write(`${bytes.length.toString(8).padStart(11, "0")}\0`, 124);
    header.write("00000000000\0", 136);
    header.write("        0", 148);
    header.write("ustar\u000000", 257);
    const sum = header.reduce((all, byte) => all + byte, 0);
    header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
    return [header, bytes, Buffer.alloc(-bytes.length & (BLOCK - 1))];
  });
  return Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK)]);
}
