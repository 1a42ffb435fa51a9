// The page as a person uses it, in Chromium. Screenshots go to tests/output.

import assert from "node:assert/strict";
import { mkdir, readFile } from "node:fs/promises";
import { after, before, beforeEach, test } from "node:test";
import { fileURLToPath } from "node:url";

import { launch } from "./chromium.mjs";
import { serve } from "./serve.mjs";

const CANARY = "canary-of-a-secret";
const OUTPUT = new URL("../output/", import.meta.url);

let server;
let browser;
let context;
let page;
let requests;
let complaints;

before(async () => {
  await mkdir(OUTPUT, { recursive: true });
  server = await serve({ "/some/where/": new URL("../../www/dist/", import.meta.url) });
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await server?.close();
});

beforeEach(async () => {
  await context?.close();
  await open({});
});

async function open(options) {
  context = await browser.newContext({ acceptDownloads: true, ...options });
  page = await context.newPage();
  requests = [];
  complaints = [];
  context.on("request", (it) => requests.push(it.url()));
  page.on("console", (it) => it.type() === "error" && complaints.push(it.text()));
  page.on("pageerror", (it) => complaints.push(String(it)));
  await page.goto(`${server.origin}/some/where/`);
  await page.waitForSelector("#commands pre");
}

/** Whatever a test did: nothing left the origin, and nothing went wrong in the console. */
function checkQuiet() {
  const outside = requests.filter((it) => !it.startsWith(`${server.origin}/some/where/`) && !/^(blob|data):/.test(it));
  assert.deepEqual(outside, []);
  assert.deepEqual(complaints, []);
}

const golden = (path) => fileURLToPath(new URL(`../golden/${path}`, import.meta.url));
const dropFiles = (paths) => page.setInputFiles("#files", paths.map(golden));

test("an export is dropped and the verdict comes first", async () => {
  await dropFiles(["version-skew/export/cluster.yaml", "version-skew/export/version.json"]);
  await page.waitForSelector(".verdict.blocked");
  assert.equal(await page.textContent(".verdict h1"), "Blocked");
  assert.match(await page.textContent(".findings"), /version-skew/);
  assert.deepEqual(await page.locator(".hops li").first().allTextContents(), ["1.26.8"]);
  checkQuiet();
});

test("the outcome's JSON is the very text of the command line", async () => {
  await dropFiles(["clear-upgrade/export/cluster.yaml", "clear-upgrade/export/version.json"]);
  await page.waitForSelector(".verdict");
  const text = await download("JSON");
  const outcome = JSON.parse(text);
  assert.equal(outcome.source.version, "1.29.6");
  assert.equal(text, `${JSON.stringify(outcome, null, 2)}\n`);
});

test("samples show everything without a cluster", async () => {
  for (const name of ["A clear upgrade", "Blocked by skew", "Another installer", "A downgrade"]) {
    await page.getByRole("button", { name }).click();
    await page.waitForSelector(".verdict:not(.error)");
    await page.click("#forget");
    await page.waitForSelector(".welcome");
  }
  checkQuiet();
});

test("a change of the request plans again", async () => {
  await page.getByRole("button", { name: "A clear upgrade" }).click();
  await page.waitForSelector(".verdict");
  await page.fill("#target", "1.31.0");
  await page.waitForSelector(".findings :text('version-skew')");
  await page.fill("#sets", "values.pilot.traceSampling=5");
  await page.waitForFunction(() => document.querySelector(".verdict") !== null);
  checkQuiet();
});

test("tabs move by arrow keys and show their panels", async () => {
  await page.getByRole("button", { name: "A clear upgrade" }).click();
  const tabs = page.getByRole("tab");
  await tabs.first().focus();
  for (let at = 1; at < (await tabs.count()); at += 1) {
    await page.keyboard.press("ArrowRight");
    assert.equal(await tabs.nth(at).getAttribute("aria-selected"), "true");
    assert.equal(await page.getByRole("tabpanel").count(), 1);
  }
  checkQuiet();
});

test("an unreadable file is named with line and column", async () => {
  await dropFiles(["truncated/export/cluster.yaml"]);
  await page.waitForSelector(".verdict.error");
  assert.match(await page.textContent(".verdict.error code"), /^cluster\.yaml:\d+:\d+$/);
});

test("an IstioOperator file goes into the editor", async () => {
  await dropFiles(["clear-upgrade/export/cluster.yaml", "clear-upgrade/request/operator.yaml"]);
  await page.waitForSelector(".verdict");
  const text = await page.evaluate(() => document.querySelector(".editor").shadowRoot.querySelector(".cm-content").textContent);
  assert.match(text, /autoscaleMin/);
});

test("hostile names stay text, and secrets go nowhere", async () => {
  const name = '<img src=x onerror="globalThis.owned = true">';
  const hostile = {
    apiVersion: "v1",
    kind: "List",
    items: [
      { apiVersion: "v1", kind: "Secret", metadata: { name: "s", namespace: "istio-system" }, data: { key: CANARY }, stringData: { key: CANARY } },
      {
        apiVersion: "apps/v1",
        kind: "Deployment",
        metadata: { name: "istiod", namespace: "istio-system", labels: { app: "istiod", istio: "pilot", "istio.io/rev": name, "operator.istio.io/component": name } },
        spec: { replicas: 1, template: { spec: { containers: [{ name: "discovery", image: `docker.io/istio/pilot:${name}` }] } } },
      },
    ],
  };
  await page.setInputFiles("#files", { name: `${name}.json`, mimeType: "application/json", buffer: Buffer.from(JSON.stringify(hostile)) });
  await page.waitForSelector(".verdict");
  assert.equal(await page.evaluate(() => globalThis.owned), undefined);
  assert.equal(await page.locator("#result img").count(), 0);
  for (const kind of ["JSON", "Markdown", "HTML"]) {
    assert.ok(!(await download(kind)).includes(CANARY), kind);
  }
  checkQuiet();
});

const data = process.env.REFIT_ISTIO_DATA;

test("with both releases, objects, restarts and steps are shown", { skip: !data && "needs REFIT_ISTIO_DATA" }, async () => {
  await page.setInputFiles("#files", [
    `${data}/exports/default-1.29-to-1.30/export.tar.gz`,
    `${data}/istio/releases/istio-1.29.6.tar.gz`,
    `${data}/istio/releases/istio-1.30.3.tar.gz`,
  ]);
  await page.waitForSelector(".verdict:not(.error)");
  for (const [tab, row] of [["Defaults", "table.defaults tbody tr"], ["Objects", ".change"], ["Restarts", ".restarts li"], ["Steps", ".steps li"]]) {
    await page.getByRole("tab", { name: tab }).click();
    await page.waitForSelector(row);
    await page.screenshot({ path: fileURLToPath(new URL(`real-${tab.toLowerCase()}.png`, OUTPUT)) });
  }
  checkQuiet();
});

test("the downloaded HTML opens by itself and holds the verdict", async () => {
  await page.getByRole("button", { name: "Blocked by skew" }).click();
  await page.waitForSelector(".verdict");
  const html = await download("HTML");
  const other = await context.newPage();
  await other.setContent(html);
  assert.equal(await other.textContent(".verdict h1"), "Blocked");
  assert.equal(await other.locator("script").count(), 0);
});

test("the page opens again without a network", async () => {
  await page.evaluate(() => navigator.serviceWorker.ready);
  await page.reload();
  await page.waitForSelector("#commands pre");
  await context.setOffline(true);
  await page.reload();
  await page.waitForSelector("#commands pre");
  await page.getByRole("button", { name: "Blocked by skew" }).click();
  await page.waitForSelector(".verdict.blocked");
  await context.setOffline(false);
});

test("axe finds nothing to complain about", async () => {
  const axe = await readFile(new URL("../node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
  for (const colorScheme of ["light", "dark"]) {
    await context.close();
    await open({ colorScheme, bypassCSP: true });
    await page.evaluate(axe);
    for (const step of ["welcome", "planned"]) {
      if (step === "planned") {
        await page.getByRole("button", { name: "Blocked by skew" }).click();
        await page.waitForSelector(".verdict");
      }
      const found = await page.evaluate(() => globalThis.axe.run());
      const said = found.violations.map((it) => `${it.id}: ${it.nodes.map((node) => node.html).join(" ")}`);
      assert.deepEqual(said, [], `${colorScheme}, ${step}`);
    }
  }
});

test("it fits narrow and wide, light and dark", async () => {
  for (const [colorScheme, width, height] of [["light", 1440, 900], ["dark", 1440, 900], ["light", 360, 740], ["dark", 360, 740]]) {
    await context.close();
    await open({ colorScheme, viewport: { width, height } });
    for (const step of ["welcome", "planned"]) {
      if (step === "planned") {
        await page.getByRole("button", { name: "Blocked by skew" }).click();
        await page.waitForSelector(".verdict");
      }
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.equal(overflow, 0, `${step} overflows at ${width}`);
      await page.screenshot({ path: fileURLToPath(new URL(`${step}-${colorScheme}-${width}.png`, OUTPUT)), fullPage: true });
    }
  }
});

/** Presses a download's button and returns the file's text. */
async function download(kind) {
  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: kind, exact: true }).click()]);
  return readFile(await file.path(), "utf8");
}
