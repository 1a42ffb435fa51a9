// How the page looks and how it can be used: axe on everything, nothing that overflows, screenshots to look at.

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";

import { BEFORE, golden, needsGallery, output, usePage } from "./page.mjs";

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

const LOOKS = [
  ["light", 1440, 900],
  ["dark", 1440, 900],
  ["light", 768, 1024],
  ["light", 360, 740],
  ["dark", 360, 740],
];

/** The states that are looked at, each with the way to it from the one before. */
const STATES = [
  ["welcome", () => it.page.waitForSelector(".editor .cm-content")],
  ...TABS.map((tab, at) => [
    tab.toLowerCase(),
    async () => {
      if (at === 0) {
        await it.sample("Settings reverted");
      }
      await it.tab(tab);
      if (tab === "Objects") {
        await it.page.locator(".leaf").nth(1).click();
        await it.page.locator(".pane .arriving:not([aria-busy])").first().waitFor();
      }
      if (tab === "Steps") {
        await it.page.locator(".steps summary").first().click();
      }
      await it.page.waitForTimeout(150);
    },
  ]),
  [
    "object",
    async () => {
      await it.tab("Findings");
      await it.page.locator(".evidence .follow").first().click();
      await it.page.waitForSelector(".object-dialog");
      await it.page.waitForTimeout(150);
    },
  ],
  [
    "versions",
    async () => {
      await it.page.keyboard.press("Escape");
      await it.page.click("#target");
      await it.page.waitForSelector("#versions");
    },
  ],
  [
    "error",
    async () => {
      await it.pick([golden("truncated/export/cluster.yaml")]);
      await it.page.waitForSelector(".verdict.error");
    },
  ],
];

for (const [colorScheme, width, height] of LOOKS) {
  const options = { colorScheme, viewport: { width, height }, bypassCSP: true, reducedMotion: "reduce" };
  const picture = (name) => `${name}-${colorScheme}-${width}.png`;

  test(`axe, fit and screenshots: ${colorScheme}, ${width}`, needsGallery, async () => {
    await it.open(options);
    await it.page.evaluate(axe);
    const found = [];
    for (const [name, reach] of STATES) {
      await reach();
      if (name === "versions") {
        const { left, right, top, bottom } = await it.page.locator("#versions").evaluate((node) => {
          const { left, right, top, bottom } = node.getBoundingClientRect();
          return { left, right, top, bottom };
        });
        assert.ok(left >= 0 && top >= 0 && right <= width && bottom <= height, "#versions is cut");
      }
      found.push(...(await overflow(name)), ...(await violations(name)));
      await it.page.screenshot({ path: output(picture(name)), fullPage: true });
    }
    assert.deepEqual(found, []);
  });

  // Only where there is a page to put beside it.
  if (!BEFORE) {
    continue;
  }
  test(`the same states before: ${colorScheme}, ${width}`, needsGallery, async () => {
    it.folder = "/before/";
    try {
      await it.open(options, "#");
      it.allowed.push(/./);
      it.page.setDefaultTimeout(5_000);
      const rows = [];
      for (const [name, reach] of STATES) {
        const path = `before/${picture(name)}`;
        // A page of another day may not have the state, or another way to it.
        const there = await reach().then(
          () => true,
          () => false,
        );
        if (there) {
          await it.page.screenshot({ path: output(path), fullPage: true });
        }
        rows.push(`<tr><th>${name}<td>${there ? `<img src="${path}">` : "not there"}<td><img src="${picture(name)}">`);
      }
      const style = "<style>td { vertical-align: top } img { max-width: 45vw }</style>";
      await writeFile(
        output(`before-${colorScheme}-${width}.html`),
        `<!doctype html>${style}<table>${rows.join("\n")}</table>`,
      );
    } finally {
      it.folder = "/some/where/";
      await it.open({});
    }
  });
}

test("nothing of the column and of the tabs is cut or lies over another", async () => {
  for (const [width, height] of [
    [1280, 900],
    [900, 900],
    [360, 740],
  ]) {
    await it.open({ viewport: { width, height } });
    await it.sample("A whole plan");
    const tabs = await it.page.locator('.tabs [role="tab"]').evaluateAll((all) =>
      all.map((tab) => {
        const { left, right } = tab.getBoundingClientRect();
        return { left, right, inner: tab.scrollWidth - tab.clientWidth };
      }),
    );
    for (const [at, tab] of tabs.entries()) {
      assert.ok(tab.inner <= 0 && (at === 0 || tab.left >= tabs[at - 1].right), `${width}: tab ${at}`);
    }
    const column = await it.page.locator("#input").evaluate((node) => node.scrollHeight - node.clientHeight);
    assert.equal(column, 0, `${width}: the column scrolls by itself`);
    // Its end comes into sight with the page's.
    await it.page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight));
    await it.page.locator("#input summary", { hasText: "More" }).waitFor();
    const over = await it.page.evaluate(() => {
      const { right } = document.querySelector("main").getBoundingClientRect();
      return [...document.querySelectorAll(".card, .agenda-part, .verdict, .finding")]
        .filter((card) => card.getBoundingClientRect().right > right + 0.5)
        .map((card) => card.className);
    });
    assert.deepEqual(over, [], `${width}: over the margin`);
  }
});

test("words in passing stand below each other, and each keeps its button", async () => {
  await it.sample("A whole plan");
  await it.page.getByRole("button", { name: "Recover my settings" }).click();
  await it.page
    .getByRole("button", { name: /^(Use it|Put it|Replace)/ })
    .first()
    .click();
  await it.settled();
  await it.page.evaluate(() => document.querySelector("#theme").focus());
  const before = await it.page.locator("#toast > div").count();
  await it.page.getByRole("button", { name: "Paste", exact: true }).click();
  await it.page.waitForFunction((before) => document.querySelectorAll("#toast > div").length > before, before);
  assert.ok((await it.page.locator("#toast").getByRole("button", { name: "Undo" }).count()) >= Math.min(before, 1));
});

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
