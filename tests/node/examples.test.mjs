// The package's examples, run as their readers would run them, and the package as npm would install it.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

const PACKAGE = fileURLToPath(new URL("../../pkg/", import.meta.url));
const golden = (path) => fileURLToPath(new URL(`../golden/${path}`, import.meta.url));
const folder = await mkdtemp(join(tmpdir(), "refit-examples-"));
after(() => rm(folder, { recursive: true }));

/** The `run:` lines of a job's steps, by the steps' names. */
function steps(workflow) {
  const found = new Map();
  for (const [, name, rest] of workflow.matchAll(/- name: (\w+)\n((?: {8}.*\n?)+)/g)) {
    const block = /run: \|\n((?: {10}.*\n?)+)/.exec(rest)?.[1].replace(/^ {10}/gm, "");
    found.set(name, block ?? /run: (.*)/.exec(rest)?.[1]);
  }
  return found;
}

/** Runs a step as the runner does: `bash -e`. */
function run(script, cwd, env = {}) {
  return spawnSync("bash", ["-e", "-c", script], { cwd, encoding: "utf8", env: { ...process.env, ...env } });
}

for (const [name, status] of [
  ["clear-upgrade", 0],
  ["version-skew", 3],
]) {
  test(`the Actions job comments, and fails as the verdict does: ${name}`, async () => {
    const job = steps(await readFile(join(PACKAGE, "examples/upgrade-check.yaml"), "utf8"));
    const here = join(folder, name);
    await mkdir(join(here, "node_modules"), { recursive: true });
    await symlink(PACKAGE, join(here, "node_modules/refit-planner"));
    await mkdir(join(here, "istio"));
    await cp(golden(`${name}/export`), join(here, "istio/export"), { recursive: true });
    await writeFile(join(here, "istio/target-version"), "1.30.3\n");
    await writeFile(
      join(here, "istio/operator.yaml"),
      "apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nspec:\n  profile: default\n",
    );
    const planned = run(job.get("Plan"), here);
    // The golden case has no release, so that only the block is certain.
    assert.equal(planned.status, status === 0 ? 4 : status, planned.stderr);

    const bin = join(here, "bin");
    await mkdir(bin);
    await writeFile(join(bin, "gh"), `#!/bin/sh\necho "$@" > "${here}/gh.txt"\n`, { mode: 0o755 });
    const commented = run(job.get("Comment"), here, {
      PATH: `${bin}:${process.env.PATH}`,
      PULL_REQUEST: "7",
      GITHUB_STEP_SUMMARY: join(here, "summary.md"),
    });
    assert.equal(commented.status, 0, commented.stderr);
    assert.match(await readFile(join(here, "gh.txt"), "utf8"), /^pr comment 7 --body-file verdict\.md/);
    assert.match(await readFile(join(here, "summary.md"), "utf8"), /^# Upgrade/);
  });
}

test("the HTTP handler runs as a server", { timeout: 30_000 }, async () => {
  const server = spawn(process.execPath, [join(PACKAGE, "examples/handler.mjs")], {
    env: { ...process.env, PORT: "0" },
  });
  try {
    const address = await new Promise((resolve, reject) => {
      server.stdout.once("data", (line) => resolve(String(line).trim()));
      server.once("exit", (code) => reject(new Error(`it ended with ${code}`)));
    });
    const body = new FormData();
    body.append("export", new Blob([await readFile(golden("version-skew/export/cluster.yaml"))]), "cluster.yaml");
    const answer = await fetch(`${address}?to=1.30.3`, { method: "POST", body });
    assert.equal(answer.status, 200);
    assert.equal((await answer.json()).verdict, "blocked");
    assert.equal((await fetch(address)).status, 405);
  } finally {
    server.kill();
  }
});

test("the package works where npm unpacks it", { timeout: 60_000 }, async () => {
  const here = join(folder, "packed");
  await mkdir(join(here, "node_modules/refit-planner"), { recursive: true });
  const packed = spawnSync("npm", ["pack", "--silent", "--ignore-scripts", "--pack-destination", here], {
    cwd: PACKAGE,
    encoding: "utf8",
  });
  assert.equal(packed.status, 0, packed.stderr);
  const archive = join(here, packed.stdout.trim().split("\n").at(-1));
  spawnSync("tar", ["xzf", archive, "--strip-components=1", "-C", join(here, "node_modules/refit-planner")]);
  await writeFile(
    join(here, "use.mjs"),
    'import { explain } from "refit-planner";\nconsole.log(await explain("version-skew"));\n',
  );
  const used = spawnSync(process.execPath, ["use.mjs"], { cwd: here, encoding: "utf8" });
  assert.match(used.stdout, /minor/, used.stderr);
});
