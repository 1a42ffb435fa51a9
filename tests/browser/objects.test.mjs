// Real changes first: one number everywhere, and each object beside the tree, by key and by address.

import assert from "node:assert/strict";
import { test } from "node:test";

import { describe } from "refit-planner";

import { usePage } from "./page.mjs";

const it = usePage();
const hash = () => it.page.evaluate(() => Object.fromEntries(new URLSearchParams(location.hash.slice(1))));
const ref = ({ kind, namespace, name }) => `${kind} ${namespace === undefined ? "" : `${namespace}/`}${name}`;
const current = () => it.page.locator('.tree [aria-current="true"]').getAttribute("title");

test("what is more than a version label is counted, the same everywhere; the rest is a line", async () => {
  await it.sample("A whole plan");
  const outcome = JSON.parse(await it.download("JSON"));
  const { agenda } = await describe(outcome);
  assert.ok(agenda.real.length > 5 && agenda.stamped.length > 5);
  assert.equal(await it.page.textContent("#tab-3 .number"), String(agenda.real.length));
  assert.ok((await it.page.textContent(".counts")).includes(`${agenda.real.length} changes`));
  await it.tab("Objects");
  const panel = it.page.locator(".objects");
  assert.ok((await panel.textContent()).includes(agenda.tally));
  assert.equal(await panel.locator(".leaf").count(), agenda.real.length);
  const chips = await panel.locator(".chip").allTextContents();
  const sum = chips.reduce((sum, chip) => sum + Number(/\d+$/.exec(chip)[0]), 0);
  assert.equal(sum, agenda.real.length);
  await panel.getByText(`${agenda.stamped.length} objects get new version labels only`).click();
  await panel.locator(".stamped li").first().waitFor();
  assert.equal(await panel.locator(".stamped li").count(), agenda.stamped.length);
  const html = await it.download("HTML");
  const other = await it.context.newPage();
  await other.setContent(html);
  assert.equal(await other.getAttribute("#objects", "data-count"), String(agenda.real.length));
  // The text of the command line counts the same.
  assert.ok((await it.download("Markdown")).includes(`## Changes: ${agenda.tally}`));
});

test("j and k go along the tree, v ticks what was viewed", async () => {
  await it.sample("A whole plan");
  await it.tab("Objects");
  const names = await it.page
    .locator(".tree .leaf")
    .evaluateAll((leaves) => leaves.map((leaf) => leaf.getAttribute("title")));
  assert.equal(await current(), names[0]);
  await it.page.locator(".leaf").first().focus();
  await it.page.keyboard.press("j");
  await it.page.keyboard.press("j");
  assert.equal(await current(), names[2]);
  await it.page.keyboard.press("k");
  assert.equal(await it.page.textContent(".pane h3"), names[1]);
  await it.page.keyboard.press("v");
  assert.ok(await it.page.isChecked(".pane input[type=checkbox]"));
  assert.match(await it.page.textContent(".objects .filters [role=status]"), /^1 of \d+ objects viewed$/);
  await it.page.getByRole("button", { name: "Next", exact: true }).click();
  assert.equal(await current(), names[2]);
  // A letter that is typed is a letter.
  await it.page.getByLabel("Find an object").fill("");
  await it.page.getByLabel("Find an object").press("j");
  assert.equal(await it.page.getByLabel("Find an object").inputValue(), "j");
  assert.equal(await current().catch(() => names[2]), names[2]);
  await it.page.getByLabel("Find an object").fill("");
  // Planning again keeps what was ticked and chosen.
  await it.page.fill("#sets", "values.pilot.traceSampling=7");
  await it.settled();
  assert.equal(await current(), names[2]);
  assert.equal(await it.page.locator(".leaf.viewed").count(), 1);
});

test("each object has an address, which a reload and another tab open", async () => {
  await it.sample("A whole plan");
  const outcome = JSON.parse(await it.download("JSON"));
  const { changes } = outcome;
  await it.tab("Objects");
  const change = changes.find((change) => change.class === "take-over");
  await it.page.locator(`.leaf[title="${ref(change.object)}"]`).click();
  assert.equal((await hash()).object, ref(change.object));
  const address = it.page.url();
  const stamps = (await describe(outcome)).agenda.stamps[changes.indexOf(change)] ?? [];
  await it.page.reload();
  await it.page.waitForSelector(".outcome");
  assert.equal(await it.page.textContent(".pane h3"), ref(change.object));
  const other = await it.context.newPage();
  await other.goto(address);
  await other.waitForSelector(".pane .diff .path");
  assert.equal(await other.textContent(".pane h3"), ref(change.object));
  assert.deepEqual(
    await other.locator(".pane .diff .path").allTextContents(),
    change.fields.filter((_, at) => !stamps.includes(at)).map((field) => field.path),
  );
});
