// The main walk in Firefox, driven by WebDriver BiDi: files in, a verdict, every tab, an object by key, a link of its own.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, before, test } from "node:test";

import { launch } from "puppeteer-core";

import { DIST, golden } from "./page.mjs";
import { serve } from "./serve.mjs";

const FIREFOX = process.env.FIREFOX ?? "/usr/bin/firefox-esr";
const there = { skip: !existsSync(FIREFOX) && "no Firefox: install Debian's package `firefox-esr`, or set FIREFOX" };
const SAMPLE = ["sample/export/cluster.yaml", "sample/export/version.json"].map(golden);
const RENDERED = ["sample/rendered/istio-1.29.6.yaml.gz", "sample/rendered/istio-1.30.3.yaml.gz"].map(golden);

let server;
let browser;
before(async () => {
  server = await serve({ "/page/": DIST });
  browser = there.skip ? undefined : await launch({ browser: "firefox", executablePath: FIREFOX, headless: true });
});
after(async () => {
  await browser?.close();
  await server?.close();
});

test("the main walk", there, async () => {
  const page = await browser.newPage();
  const complaints = [];
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  await page.goto(`${server.origin}/page/`);
  await page.waitForSelector("#commands pre");
  await (await page.$("#files")).uploadFile(...SAMPLE, ...RENDERED);
  await page.waitForSelector(".verdict.clear");
  await page.waitForSelector("#result:not([aria-busy])");
  assert.equal(await page.$eval("#target", (input) => input.value), "1.30.3");
  assert.match(await page.$eval(".verdict h1", (it) => it.textContent), /^Clear, \d+ to decide/);
  const tabs = await page.$$eval('.tabs [role="tab"]', (all) => all.map((one) => one.id));
  for (const id of tabs) {
    await page.click(`#${id}`);
    const panel = `#${id.replace("tab", "panel")}`;
    assert.ok((await page.$eval(panel, (it) => it.textContent.trim())).length > 20, id);
  }
  await page.click("#tab-3");
  await page.focus(".leaf");
  await page.keyboard.press("j");
  await page.waitForFunction(() => document.querySelectorAll(".leaf")[1].getAttribute("aria-current") === "true");
  await page.waitForSelector(".pane .diff .path");
  const compared = await page.evaluateHandle(() =>
    [...document.querySelectorAll(".segment")].find((button) => button.textContent === "Unified"),
  );
  await compared.click();
  await page.waitForFunction(() => document.querySelector(".code-view")?.shadowRoot?.querySelector(".cm-line"));
  const address = page.url();
  assert.match(address, /object=/);
  await page.reload();
  await page.waitForSelector(".note");
  await page.goto(`${server.origin}/page/guide.html#version-skew`);
  assert.ok(await page.$eval("[id=version-skew]", (it) => it.checkVisibility()));
  assert.deepEqual(complaints, []);
});
