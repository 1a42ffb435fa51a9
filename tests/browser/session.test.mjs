// Nothing lost: the address, "Back", a reload, a new version, "Start again"; and nothing left after "Forget everything".

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import { golden, usePage } from "./page.mjs";

const it = usePage();
const CLEAR = ["clear-upgrade/export/cluster.yaml", "clear-upgrade/export/version.json"].map(golden);
const hash = () => it.page.evaluate(() => Object.fromEntries(new URLSearchParams(location.hash.slice(1))));
const chosen = () => it.page.getByRole("tab", { selected: true }).first().textContent();
const stored = () => it.page.evaluate(() => JSON.stringify({ ...sessionStorage }));

test("sample, target and tab stand in the address; Back and Forward follow it", async () => {
  await it.sample("Blocked by skew");
  await it.tab("Inventory");
  assert.deepEqual(await hash(), { sample: "version-skew", to: "1.30.3", tab: "Inventory" });
  const address = new URL(it.page.url()).hash;
  await it.page.goBack();
  assert.match(await chosen(), /^Findings/);
  await it.page.goBack();
  await it.page.waitForSelector(".welcome");
  await it.page.goForward();
  await it.page.waitForSelector(".verdict.blocked");
  assert.match(await chosen(), /^Findings/);
  await it.open({}, address);
  await it.page.waitForSelector(".verdict.blocked");
  assert.match(await chosen(), /^Inventory/);
  await it.page.fill("#target", "1.27.9");
  await it.page.waitForSelector(".verdict-facts dd:text('1.27.9')");
  assert.equal((await hash()).to, "1.27.9");
});

test("a reload keeps the request, the findings and the tab in this tab of the browser, and never the export", async () => {
  const canary = "kind: ConfigMap\napiVersion: v1\nmetadata: {name: a, namespace: istio-system}\ndata: {a: a-canary}\n";
  await it.pick(CLEAR);
  await it.page.setInputFiles("#files", { name: "more.yaml", mimeType: "text/yaml", buffer: Buffer.from(canary) });
  await it.page.waitForSelector(".files .name:text('more.yaml')");
  await it.settled();
  await it.type("# typed by hand\n");
  await it.page.fill("#sets", "values.pilot.traceSampling=7");
  await it.settled();
  await it.tab("Inventory");
  await it.page.reload();
  await it.page.waitForSelector(".outcome");
  assert.match(await chosen(), /^Inventory/);
  assert.match(await it.page.textContent(".note"), /loaded again.*drop cluster\.yaml, version\.json, more\.yaml again/);
  assert.doesNotMatch(await it.page.textContent(".note"), /handed on/);
  assert.equal(await it.page.inputValue("#sets"), "values.pilot.traceSampling=7");
  await it.page.waitForSelector(".editor .cm-content");
  assert.equal(await it.editorText(), "# typed by hand\n");
  assert.ok(!(await stored()).includes("a-canary"));
  await it.pick(CLEAR);
  await it.page.locator(".note").waitFor({ state: "detached" });
  assert.match(await chosen(), /^Inventory/);
  const other = await it.context.newPage();
  await other.goto(`${it.server.origin}/some/where/`);
  await other.waitForSelector("#commands pre");
  assert.equal(await other.inputValue("#sets"), "", "another tab knows nothing of it");
});

test("a reload opens the sample again, with what was typed", async () => {
  await it.sample("A clear upgrade");
  await it.page.fill("#sets", "values.pilot.traceSampling=7");
  await it.page.waitForFunction(() => JSON.stringify({ ...sessionStorage }).includes("traceSampling=7"));
  await it.settled();
  await it.page.reload();
  await it.page.waitForSelector(".outcome");
  assert.equal(await it.page.inputValue("#sets"), "values.pilot.traceSampling=7");
  assert.equal(await it.page.locator(".note").count(), 0);
  assert.equal(await it.page.locator(".files .name").count(), 2);
});

test("a sample and Start again ask before they replace what was typed", async () => {
  await it.page.fill("#sets", "values.pilot.traceSampling=7");
  await it.page.locator(".sample").first().click();
  await it.page.getByRole("button", { name: "Keep what is here" }).click();
  assert.equal(await it.page.inputValue("#sets"), "values.pilot.traceSampling=7");
  await it.pick([golden("truncated/export/cluster.yaml")]);
  await it.page.getByRole("button", { name: "Start again" }).click();
  await it.page.keyboard.press("Escape");
  assert.equal(await it.page.inputValue("#sets"), "values.pilot.traceSampling=7");
  await it.page.getByRole("button", { name: "Start again" }).click();
  await it.page.getByRole("dialog").getByRole("button", { name: "Start again" }).click();
  await it.page.waitForSelector(".welcome");
  assert.equal(await it.page.inputValue("#sets"), "");
});

test("a new version of the page asks before it takes files with it", async () => {
  await it.page.evaluate(() => navigator.serviceWorker.ready);
  await it.page.reload();
  await it.page.waitForSelector("#commands pre");
  await it.pick(CLEAR);
  await it.page.waitForSelector(".outcome");
  const source = await readFile(new URL("../../www/dist/sw.js", import.meta.url), "utf8");
  it.server.replace("/some/where/sw.js", `${source}\n// a new version`);
  await it.page.evaluate(async () => (await navigator.serviceWorker.getRegistration()).update());
  await it.page.getByRole("button", { name: "Reload" }).click();
  await it.page.getByRole("dialog", { name: "Load the new version now?" }).waitFor();
  await it.page.getByRole("button", { name: "Not now" }).click();
  assert.equal(await it.page.locator(".outcome").count(), 1);
  await it.page.getByRole("button", { name: "Reload" }).click();
  await it.page.getByRole("button", { name: "Load it" }).click();
  await it.page.waitForSelector(".note:has-text('loaded again')");
});

test("Forget everything forgets the editor's history, the address and what a reload would find", async () => {
  await it.pick(CLEAR);
  await it.page.waitForSelector(".outcome");
  await it.type("# a secret of mine\n");
  await it.page.waitForFunction(() => JSON.stringify({ ...sessionStorage }).includes("secret of mine"));
  await it.settled();
  await it.page.click("#forget");
  await it.page.waitForSelector(".welcome");
  await it.page.locator(".editor .cm-content").click();
  await it.page.keyboard.press("Control+z");
  assert.ok(!(await it.editorText()).includes("secret"));
  assert.equal(await stored(), "{}");
  assert.deepEqual(await hash(), {});
});

test("one's own session of another day is not handed on", async () => {
  await it.pick(CLEAR);
  await it.page.waitForSelector(".outcome");
  await it.page.check("#remember");
  await it.remembered();
  await it.settled();
  const other = await it.context.newPage();
  await other.goto(`${it.server.origin}/some/where/`);
  await other.getByRole("button", { name: "Open it" }).click();
  await other.waitForSelector(".outcome");
  assert.match(
    await other.textContent(".note"),
    /You planned this here on \d.*drop cluster\.yaml, version\.json again/,
  );
});
