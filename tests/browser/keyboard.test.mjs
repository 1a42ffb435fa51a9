// The page by keyboard, by ear, and in the system's colours.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import { golden, needsGallery, usePage } from "./page.mjs";

const it = usePage();
const axe = await readFile(new URL("../node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
const CLEAR = ["clear-upgrade/export/cluster.yaml", "clear-upgrade/export/version.json"].map(golden);
const focused = () => it.page.evaluate(() => document.activeElement?.id);

test("Tab leaves the editor, Ctrl+] indents in it", async () => {
  await it.type("spec:");
  await it.page.keyboard.press("Control+]");
  assert.equal(await it.editorText(), "  spec:");
  assert.match(await it.page.textContent("#editor-keys"), /Ctrl\+\].*Tab leaves/);
  await it.page.keyboard.press("Tab");
  assert.equal(await it.editorText(), "  spec:");
  const inside = () => it.page.evaluate(() => document.querySelector(".editor").shadowRoot.activeElement !== null);
  for (let at = 0; at < 3 && (await inside()); at += 1) {
    // The gutter of remarks is no stop, but a tooltip may be.
    await it.page.keyboard.press("Tab");
  }
  assert.equal(await inside(), false);
});

test("the focus goes to the verdict after a sample and after files, and stays with who types", async () => {
  await it.page.locator(".sample").first().focus();
  await it.page.keyboard.press("Enter");
  await it.page.waitForSelector(".outcome");
  await it.settled();
  assert.equal(await focused(), "verdict");
  await it.page.click("#forget");
  await it.page.waitForSelector(".welcome");
  await it.pick(CLEAR);
  await it.page.waitForSelector(".outcome");
  await it.settled();
  assert.equal(await focused(), "verdict");
  await it.page.fill("#sets", "values.pilot.traceSampling=7");
  await it.settled();
  assert.equal(await focused(), "sets");
});

test("the gallery tells verdicts in words, not by colour alone", async () => {
  const text = await it.page.locator(".sample", { hasText: "Blocked by skew" }).textContent();
  assert.match(text, /Blocked$/);
});

test("no heading holds a button", async () => {
  await it.sample("A whole plan");
  for (const name of ["Findings", "Reverted", "Inventory"]) {
    await it.tab(name);
    assert.equal(await it.page.locator("h1 button, h2 button, h3 button").count(), 0, name);
  }
});

test("why a workload restarts is told in the planner's words", async () => {
  await it.sample("A whole plan");
  await it.tab("Restarts");
  await it.page.waitForSelector(".workload .reason");
  const reasons = await it.page.locator(".workload .reason").allTextContents();
  assert.ok(
    reasons.every((reason) => reason.includes(" ")),
    String(reasons),
  );
});

test("in forced colours the chosen tab and the way are told by lines", async () => {
  await it.open({ forcedColors: "active" });
  await it.sample("Blocked by skew");
  const border = (selected) =>
    it.page
      .getByRole("tab", { selected })
      .first()
      .evaluate((tab) => getComputedStyle(tab).borderTopWidth);
  assert.equal(await border(true), "2px");
  assert.equal(await border(false), "0px");
  const line = await it.page
    .locator(".hops li")
    .first()
    .evaluate((stop) => {
      const { backgroundColor, backgroundImage } = getComputedStyle(stop, "::after");
      return `${backgroundColor} ${backgroundImage}`;
    });
  assert.doesNotMatch(line, /^rgba\(0, 0, 0, 0\) none$/);
  assert.notEqual(
    line.split(" none")[0],
    await it.page.evaluate(() => getComputedStyle(document.body).backgroundColor),
    "not in the colour of what is behind it",
  );
});

for (const colorScheme of ["light", "dark"]) {
  test(`changed words can be read: ${colorScheme}`, needsGallery, async () => {
    await it.open({ colorScheme, bypassCSP: true });
    await it.page.evaluate(axe);
    await it.sample("Edited by others");
    await it.tab("Objects");
    await it.page.getByLabel("Find an object").fill("deployment istio-system/istiod");
    await it.page.locator(".leaf", { hasText: "istiod" }).first().click();
    const change = it.page.locator(".pane");
    await change.getByRole("button", { name: "Unified" }).click();
    await change.locator(".cm-changedText, .cm-deletedText").first().waitFor();
    const found = await it.page.evaluate(() => globalThis.axe.run({ runOnly: ["color-contrast"] }));
    assert.deepEqual(
      found.violations.flatMap((rule) => rule.nodes.map((node) => node.any[0]?.message ?? node.html)),
      [],
    );
  });
}

test("what is printed is all of it, light, and nothing to click", async () => {
  await it.open({ colorScheme: "dark" });
  await it.sample("Blocked by skew");
  await it.page.emulateMedia({ media: "print", colorScheme: "dark" });
  await it.page.evaluate(() => dispatchEvent(new Event("beforeprint")));
  for (const panel of await it.page.locator('[role="tabpanel"]').all()) {
    assert.ok(await panel.isVisible());
    assert.ok((await panel.textContent()).length > 20);
  }
  assert.deepEqual(await it.page.locator("button:visible:not(.follow, .leaf)").allTextContents(), []);
  assert.equal(await it.page.evaluate(() => getComputedStyle(document.documentElement).colorScheme), "light");
});

test("the promise that nothing leaves stands on a phone too, and releases are told by their whole version", async () => {
  await it.open({ viewport: { width: 360, height: 740 } });
  assert.ok(await it.page.getByText("Nothing leaves this page.").isVisible());
  const box = await it.page.getByText("Nothing leaves this page.").boundingBox();
  assert.ok(box.width > 80 && box.height >= 12, JSON.stringify(box));
  await it.sample("A whole plan");
  assert.match(await it.page.textContent(".read"), /Releases found: 1\.29\.6, 1\.30\.3/);
});

test("at 320 px no tab scrolls sideways", async () => {
  await it.open({ viewport: { width: 320, height: 740 } });
  await it.sample("A whole plan");
  for (const tab of await it.page.locator("#result").getByRole("tab").all()) {
    await tab.click();
    const over = await it.page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    assert.equal(over, 0, await tab.textContent());
  }
});
