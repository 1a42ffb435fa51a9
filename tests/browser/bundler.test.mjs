// The example of a page with a bundler: built as its reader would build it, used in Chromium.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cp, mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";

import { launch } from "./chromium.mjs";
import { serve } from "./serve.mjs";

const root = fileURLToPath(new URL("../../", import.meta.url));

test("the bundler's page plans in its worker", { timeout: 120_000 }, async () => {
  const here = await mkdtemp(join(tmpdir(), "refit-page-"));
  let server;
  let browser;
  try {
    await cp(join(root, "pkg/examples/page"), here, { recursive: true });
    await mkdir(join(here, "node_modules"));
    await symlink(join(root, "pkg"), join(here, "node_modules/refit-planner"));
    const vite = join(root, "www/node_modules/vite/bin/vite.js");
    const built = spawnSync(process.execPath, [vite, "build", "--logLevel", "warn"], { cwd: here, encoding: "utf8" });
    assert.equal(built.status, 0, built.stdout + built.stderr);

    server = await serve({ "/any/path/": pathToFileURL(`${here}/dist/`) });
    browser = await launch();
    const page = await browser.newPage();
    const complaints = [];
    page.on("pageerror", (error) => complaints.push(String(error)));
    await page.goto(`${server.origin}/any/path/`);
    await page.setInputFiles("#files", join(root, "tests/golden/version-skew/export/cluster.yaml"));
    await page.waitForFunction(() => document.querySelector("#verdict").textContent !== "");
    assert.match(await page.textContent("#verdict"), /Upgrade 1\.26\.8 → 1\.30\.3: blocked/);
    assert.ok((await page.locator("#findings li").count()) > 0);
    assert.deepEqual(complaints, []);
  } finally {
    await browser?.close();
    await server?.close();
    await rm(here, { recursive: true });
  }
});
