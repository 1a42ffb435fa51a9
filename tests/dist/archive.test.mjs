// The archive, its sums and its software bill of materials, as GNU's programs and the shells read them.

import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { DIST, file, folder, run } from "./dist.mjs";

const unpacked = await folder();
run("tar", ["-xzf", file("linux-amd64.tar.gz"), "-C", unpacked, "--strip-components=1"]);

test("the sums are those of all files", async () => {
  run("sha256sum", ["--check", "--strict", "SHA256SUMS"], { cwd: DIST });
  const summed = (await readFile(join(DIST, "SHA256SUMS"), "utf8")).match(/(?<= {2}).+/g);
  const there = (await readdir(DIST)).filter((it) => it !== "SHA256SUMS");
  assert.deepEqual(summed, there.sort());
});

test("the archive holds the program, its licenses, pages, completions and what it is made of", async () => {
  const list = run("tar", ["--utc", "--numeric-owner", "-tvzf", file("linux-amd64.tar.gz")]);
  const lines = list.trim().split("\n");
  for (const line of lines) {
    assert.match(line, /^-rw[-x]r-[-x]r-[-x] 0\/0 +\d+ 1970-01-01 00:00 refit-[\d.]+-linux-amd64\/\S+$/);
  }
  const names = lines.map((it) => it.replace(/^.*linux-amd64\//, ""));
  for (const name of ["refit", "LICENSE", "NOTICES.txt", "README.md", "CHANGELOG.md", "sbom.cdx.json"]) {
    assert.ok(names.includes(name), name);
  }
  const executables = lines.filter((it) => it.startsWith("-rwx")).map((it) => it.replace(/^.*\//, ""));
  assert.deepEqual(executables, ["kubectl_complete-refit", "refit"]);
  assert.ok(names.filter((it) => /^man\/refit.*\.1$/.test(it)).length > 20, names.join());
});

test("pages are what man reads, and scripts what their shells take", async () => {
  for (const name of await readdir(join(unpacked, "man"))) {
    const page = join(unpacked, "man", name);
    const text = run("groff", ["-man", "-Tutf8", "-ww", "-z", page]);
    assert.equal(text, "", name);
  }
  run("bash", ["-n", join(unpacked, "completions/refit.bash")]);
  run("sh", ["-n", join(unpacked, "kubectl_complete-refit")]);
});

test("what it is made of is told as its notices tell it", async () => {
  const parts = JSON.parse(await readFile(join(unpacked, "sbom.cdx.json"), "utf8"));
  const notices = await readFile(join(unpacked, "NOTICES.txt"), "utf8");
  assert.equal(parts.metadata.component.name, "refit");
  assert.ok(parts.components.length > 100);
  for (const { name, version } of parts.components) {
    assert.ok(notices.includes(`\n${name} ${version}: `), `${name} ${version}`);
  }
});
