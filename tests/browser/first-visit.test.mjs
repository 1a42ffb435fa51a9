// The first visit, as the server sees it: the page is painted before the planner is asked for, and nothing is asked for twice.

import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { test } from "node:test";

import { DIST, usePage } from "./page.mjs";

const it = usePage();

/** What all but the module may have, as it lies on the server: scripts, styles, the guide, samples. */
const BUDGET = 1_500_000;

test("everything is loaded once, what the service worker keeps included", async () => {
  // The visit of the page that is open already ends first.
  await it.page.evaluate(() => navigator.serviceWorker.ready);
  const before = it.server.asked.length;
  await it.open({});
  await it.page.evaluate(() => navigator.serviceWorker.ready);
  const asked = it.server.asked.slice(before).map(({ name, ...rest }) => ({ ...rest, name: name.slice(12) }));
  const assets = asked.filter(({ name }) => name.startsWith("assets/"));
  const names = assets.map(({ name }) => name).sort();
  const all = (await readdir(new URL("assets/", DIST))).map((name) => `assets/${name}`);
  assert.deepEqual(names, all.sort(), "each file, and each once");
  const sum = (some) => some.reduce((sum, { bytes }) => sum + bytes, 0);
  const module = sum(asked.filter(({ name }) => name.endsWith(".wasm")));
  const rest = sum(asked) - module;
  console.log(
    `# first visit: ${Math.round(rest / 1000)} kB and the module of ${Math.round(module / 1000)} kB, unpacked`,
  );
  assert.ok(rest < BUDGET, `${rest} bytes beside the module`);
});

test("the page is painted before the planner is asked for, and stands while it starts", async () => {
  const before = it.server.asked.length;
  await it.open({});
  const painted = await it.page.evaluate(
    () => performance.timeOrigin + performance.getEntriesByName("first-contentful-paint")[0].startTime,
  );
  const module = it.server.asked.slice(before).find(({ name }) => name.endsWith(".wasm"));
  assert.ok(painted <= module.at, `painted ${Math.round(painted - module.at)} ms after the planner was asked for`);
  console.log(`# painted ${Math.round(module.at - painted)} ms before the planner was asked for`);
});
