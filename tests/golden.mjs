// The golden cases, for Node and for the browser's tests. The Rust side of this is src/lib.rs.

import { readFile, readdir } from "node:fs/promises";

const ROOT = new URL("./golden/", import.meta.url);

/** Reads the descriptions of all cases, by name. */
export async function goldenCases() {
  const entries = await readdir(ROOT, { withFileTypes: true });
  const names = entries.filter((it) => it.isDirectory()).map((it) => it.name);
  return Promise.all(names.sort().map(goldenCase));
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
    /** What releases rendered for it, with their bytes. */
    releases: () =>
      Promise.all(
        (description.releases ?? []).map(async (it) => ({ name: it, bytes: await readFile(new URL(it, folder)) })),
      ),
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
