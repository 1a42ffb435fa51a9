// `refit serve` itself, on a terminal of its own, before a real control plane: a person reads the cluster on the page,
// proposes, types the word in the terminal, and watches the upgrade to its end.

import assert from "node:assert/strict";
import { execFile, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { launch } from "./chromium.mjs";
import { DIST, OUTPUT, data, output } from "./page.mjs";

const { REFIT, TESTPLANE, KUBECTL = "kubectl", REFIT_PYTHON = "python3" } = process.env;
const lacks = Object.entries({ REFIT, TESTPLANE, REFIT_ISTIO_DATA: data }).filter(
  ([, path]) => !path || !existsSync(path),
);
const skip = lacks.length > 0 && `needs ${lacks.map(([name]) => name).join(", ")}`;
const run = promisify(execFile);

const folder = mkdtempSync(join(tmpdir(), "refit-live-"));
const running = [];
let browser;
after(async () => {
  await browser?.close();
  running.reverse().forEach((it) => it.kill());
  rmSync(folder, { recursive: true, force: true });
});

/** Lines of a program, as they come: waits for one that fits. */
function follow(stream) {
  const lines = createInterface({ input: stream })[Symbol.asyncIterator]();
  return async (wanted) => {
    for (let seen = ""; ;) {
      const { value, done } = await lines.next();
      assert.ok(!done, `ended before ${wanted}:\n${seen}`);
      if (wanted.test(value)) {
        return value;
      }
      seen += `${value}\n`;
    }
  };
}

/** A real cluster with Istio 1.29.6 in it; returns its kubeconfig. */
async function cluster() {
  const plane = spawn(TESTPLANE, ["up", "--exit-on-stdin-eof", "--istiod"], { stdio: ["pipe", "pipe", "ignore"] });
  running.push(plane);
  const { kubeconfig } = JSON.parse(await follow(plane.stdout)(/kubeconfig/));
  execFileSync("tar", ["-xzf", join(data, "exports/default-1.29-to-1.30/export.tar.gz"), "-C", folder]);
  // It tells by its exit code that not everything can be as it was; what matters is waited for.
  await run(REFIT_PYTHON, [join(data, "checks/restore.py"), kubeconfig, join(folder, "export")], {
    maxBuffer: 64 << 20,
  }).catch(() => undefined);
  await run(KUBECTL, [
    "--kubeconfig",
    kubeconfig,
    "wait",
    "--for=condition=Available",
    "deploy",
    "--all",
    "-n",
    "istio-system",
    "--timeout=90s",
  ]);
  return kubeconfig;
}

test(
  "an upgrade from the page, confirmed in the terminal, watched to its end",
  { skip, timeout: 600_000 },
  async () => {
    const kubeconfig = await cluster();
    const words = [
      REFIT,
      "serve",
      "--page",
      fileURLToPath(DIST),
      "--releases",
      join(data, "istio/releases"),
      "--offline",
      "--to",
      "1.30.3",
    ];
    const terminal = spawn("script", ["-qec", `exec ${words.map((it) => `'${it}'`).join(" ")}`, "/dev/null"], {
      env: { ...process.env, KUBECONFIG: kubeconfig, XDG_STATE_HOME: folder },
    });
    running.push(terminal);
    const shows = follow(terminal.stdout);
    const link = (await shows(/#token=/)).trim();
    const { origin } = new URL(link);

    browser = await launch();
    const page = await browser.newPage({ viewport: { width: 1440, height: 1000 } });
    const requests = [];
    const complaints = [];
    page.on("request", (request) => requests.push(request.url()));
    page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(String(error)));
    const answer = await page.goto(link);
    assert.match(answer.headers()["content-security-policy"], /frame-ancestors 'none'/);
    await page.getByRole("button", { name: "Read the cluster" }).click();
    await page.waitForSelector(".outcome", { timeout: 120_000 });
    await page.waitForSelector("#result:not([aria-busy])", { timeout: 120_000 });
    assert.equal(await page.inputValue("#target"), "1.30.3");
    assert.match(await page.textContent(".verdict-facts"), /from1\.29\.6/);
    if ((await page.locator(".verdict.clear").count()) === 0) {
      await page.locator("form summary", { hasText: "More" }).click();
      await page.check("#force");
      await page.waitForSelector("#result:not([aria-busy])", { timeout: 120_000 });
    }
    await page.getByRole("button", { name: "Propose the upgrade to the terminal" }).click();
    const word = /"(.*)"/.exec(await shows(/to go on/))[1];
    assert.match(word, /upgrade 1\.30\.3$/);
    await page.waitForSelector('.run[data-state="asking"]');
    terminal.stdin.write(`${word}\n`);
    await page.waitForSelector(".run-steps > .running");
    mkdirSync(OUTPUT, { recursive: true });
    await page.screenshot({ path: output("live-cluster-running.png") });
    await page.waitForSelector('.run[data-state="done"], .run[data-state="failed"]', { timeout: 300_000 });
    await page.screenshot({ path: output("live-cluster-done.png") });
    assert.equal(await page.getAttribute(".run", "data-state"), "done", await page.textContent(".run"));
    assert.ok((await page.locator(".run-steps > .done").count()) > 3);
    const { stdout } = await run(KUBECTL, [
      "--kubeconfig",
      kubeconfig,
      "get",
      "deploy",
      "istiod",
      "-n",
      "istio-system",
      "-o",
      "jsonpath={.spec.template.spec.containers[0].image}",
    ]);
    assert.match(stdout, /1\.30\.3/);
    await page.getByRole("button", { name: "Read it again" }).click();
    await page.waitForFunction(
      () => /from1\.30\.3/.test(document.querySelector(".verdict-facts")?.textContent ?? ""),
      undefined,
      { timeout: 120_000 },
    );

    const ended = new Promise((resolve) => terminal.on("exit", resolve));
    assert.deepEqual(
      requests.filter((url) => !url.startsWith(`${origin}/`) && !/^(blob|data):/.test(url)),
      [],
      "nothing leaves the origin",
    );
    assert.deepEqual(complaints, []);
    await page.close();
    terminal.stdin.write("\u0003");
    assert.equal(await ended, 0);
  },
);
