// The guide: made from the rules, found by words, there without a network, and where findings lead.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import { codes } from "refit-planner";

import { output, usePage } from "./page.mjs";

const it = usePage();
const axe = await readFile(new URL("../node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
const guide = () => `${it.server.origin}/some/where/guide.html`;

test("every code of the outcome's schema is explained, in the rules' words", async () => {
  const schema = JSON.parse(await readFile(new URL("../../pkg/schema/outcome.json", import.meta.url), "utf8"));
  const known = schema.$defs.Finding.properties.code.enum;
  const explained = await codes();
  assert.deepEqual(
    explained.map((entry) => entry.code),
    known,
  );
  await it.page.goto(`${guide()}#settle`);
  for (const { code, title, why, settle } of explained) {
    const text = await it.page.locator(`[id="${code}"]`).textContent();
    for (const words of [code, title, why, settle]) {
      assert.ok(text.includes(words.replaceAll("`", "")), `${code}: ${words}`);
    }
  }
});

test("each topic is a page of its own, and the search goes through all of them", async () => {
  await it.page.goto(guide());
  const shown = () => it.page.locator(".topic:visible").evaluateAll((all) => all.map((one) => one.id));
  assert.deepEqual(await shown(), ["export"]);
  for (const [name, id] of [
    ["Plan", "plan"],
    ["Read a verdict", "verdict"],
    ["Settle a finding", "settle"],
    ["Perform", "perform"],
    ["Roll back", "rollback"],
  ]) {
    await it.page.getByRole("link", { name, exact: true }).first().click();
    await it.page.locator(`#${id}.topic`).waitFor();
    assert.deepEqual(await shown(), [id]);
  }
  await it.page.getByLabel("Search").fill("disruption budget");
  await it.page.locator(".results a").first().waitFor();
  assert.deepEqual(await shown(), []);
  const hits = await it.page.locator(".results a").allTextContents();
  assert.ok(
    hits.some((hit) => hit.startsWith("istiod-no-disruption-budget")),
    String(hits),
  );
  await it.page.locator(".results a", { hasText: "istiod-no-disruption-budget" }).click();
  assert.deepEqual(await shown(), ["settle"]);
  assert.ok(await it.page.locator("#istiod-no-disruption-budget").isVisible());
});

test("a finding leads to its page, and where refit comes from is said; without a network too", async () => {
  await it.page.evaluate(() => navigator.serviceWorker.ready);
  await it.page.reload();
  await it.sample("Blocked by skew");
  await it.page.getByRole("button", { name: "version-skew", exact: true }).click();
  const link = it.page
    .locator(".finding", { has: it.page.getByRole("button", { name: "version-skew", exact: true }) })
    .getByRole("link", { name: "In the guide" });
  await it.context.setOffline(true);
  // Beside the page, which keeps what was dropped.
  const [guide] = await Promise.all([it.context.waitForEvent("page"), link.click()]);
  await guide.locator("#version-skew").waitFor();
  await guide.getByRole("link", { name: "Perform", exact: true }).click();
  assert.ok(await guide.locator("#install").isVisible());
  assert.equal(await it.page.locator(".verdict.blocked").count(), 1);
  await it.context.setOffline(false);
  it.allowed.push(/Failed to load resource|net::ERR_INTERNET_DISCONNECTED/);
});

for (const [colorScheme, width] of [
  ["light", 360],
  ["dark", 1440],
]) {
  test(`axe, fit and screenshots: ${colorScheme}, ${width}`, async () => {
    await it.open({ colorScheme, viewport: { width, height: 800 }, bypassCSP: true });
    for (const topic of ["verdict", "settle", "perform"]) {
      await it.page.goto(`${guide()}#${topic}`);
      await it.page.screenshot({ path: output(`guide-${topic}-${colorScheme}-${width}.png`) });
      await it.page.evaluate(axe);
      const found = await it.page.evaluate(() => globalThis.axe.run({ rules: { "target-size": { enabled: true } } }));
      assert.deepEqual(
        found.violations.map((rule) => `${topic}: ${rule.id}: ${rule.nodes[0].html}`),
        [],
      );
      const over = await it.page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      assert.equal(over, 0, `${topic} overflows`);
    }
  });
}
