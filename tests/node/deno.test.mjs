// Golden cases in Deno: the package as it is, byte by byte as natively.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { assertGolden } from "../golden.mjs";

const deno = fileURLToPath(new URL("../node_modules/.bin/deno", import.meta.url));
const script = fileURLToPath(new URL("./deno.mjs", import.meta.url));
const root = fileURLToPath(new URL("../../", import.meta.url));

test(
  "golden cases in Deno, without network or writing",
  { skip: !existsSync(deno) && "needs npm's optional package deno", timeout: 120_000 },
  async () => {
    const run = spawnSync(deno, ["run", "--no-config", "--no-prompt", `--allow-read=${root}`, script], {
      encoding: "utf8",
      maxBuffer: 1 << 26,
    });
    assert.equal(run.status, 0, run.stderr);
    await assertGolden(run.stdout);
  },
);
