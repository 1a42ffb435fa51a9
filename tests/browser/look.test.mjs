// How the page looks and how it can be used: axe on everything, nothing that overflows, screenshots to look at.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import { golden, needsGallery, output, usePage } from "./page.mjs";

const it = usePage();
const axe = await readFile(new URL("../node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
const TABS = ["Findings", "Defaults", "Reverted", "Objects", "Restarts", "Steps", "Inventory"];

async function violations(where) {
  const found = await it.page.evaluate(() => globalThis.axe.run({ rules: { "target-size": { enabled: true } } }));
  return found.violations.map(
    (rule) => `${where}: ${rule.id}: ${rule.nodes.map((node) => node.html.slice(0, 160)).join(" ")}`,
  );
}

async function overflow(where) {
  const over = await it.page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  return over === 0 ? [] : [`${where} overflows by ${over}`];
}

for (const [colorScheme, width, height] of [
  ["light", 1440, 900],
  ["dark", 1440, 900],
  ["light", 360, 740],
  ["dark", 360, 740],
]) {
  test(`axe, fit and screenshots: ${colorScheme}, ${width}`, needsGallery, async () => {
    await it.open({ colorScheme, viewport: { width, height }, bypassCSP: true, reducedMotion: "reduce" });
    await it.page.evaluate(axe);
    const found = [];
    const look = async (name) => {
      found.push(...(await overflow(name)), ...(await violations(name)));
      await it.page.screenshot({ path: output(`${name}-${colorScheme}-${width}.png`), fullPage: true });
    };
    await it.page.waitForSelector(".editor .cm-content");
    await look("welcome");
    await it.sample("Settings reverted");
    for (const name of TABS) {
      await it.tab(name);
      if (name === "Objects") {
        await it.page.locator(".change summary").first().click();
        await it.page.locator(".detail .arriving:not([aria-busy])").first().waitFor();
      }
      if (name === "Steps") {
        await it.page.locator(".steps summary").first().click();
      }
      await it.page.waitForTimeout(150);
      await look(name.toLowerCase());
    }
    await it.tab("Findings");
    await it.page.locator(".evidence .follow").first().click();
    await it.page.waitForSelector(".object-dialog");
    await it.page.waitForTimeout(150);
    await look("object");
    await it.page.keyboard.press("Escape");
    await it.page.click("#target");
    await look("versions");
    await it.pick([golden("truncated/export/cluster.yaml")]);
    await it.page.waitForSelector(".verdict.error");
    await look("error");
    assert.deepEqual(found, []);
  });
}

test("nothing moves where the user wants no motion", async () => {
  await it.open({ reducedMotion: "reduce" });
  const moving = await it.page.evaluate(
    () =>
      [...document.querySelectorAll("*")].filter(
        (node) => !["0s", ""].includes(getComputedStyle(node).transitionDuration),
      ).length,
  );
  assert.equal(moving, 0);
});
