// The first visit, as the server sees it: the page is painted before the planner is asked for, and nothing is asked for twice.

import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { test } from "node:test";

import { DIST, usePage } from "./page.mjs";

const it = usePage();

/** What all but the module may have, as it lies on the server: scripts, styles, the guide; samples are loaded when they are used. */
const BUDGET = 850_000;

test("everything is loaded once, what the service worker keeps included", async () => {
  // The visit of the page that is open already ends first.
  await it.page.evaluate(() => navigator.serviceWorker.ready);
  const before = it.server.asked.length;
  await it.open({});
  await it.page.evaluate(() => navigator.serviceWorker.ready);
  const asked = it.server.asked.slice(before).map(({ name, ...rest }) => ({ ...rest, name: name.slice(12) }));
  const assets = asked.filter(({ name }) => name.startsWith("assets/"));
  const names = assets.map(({ name }) => name).sort();
  const isSample = (name) => /\.(gz|yaml|json)$/.test(name);
  const all = (await readdir(new URL("assets/", DIST)))
    .filter((name) => !isSample(name))
    .map((name) => `assets/${name}`);
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

test("a sample that was used is there without a network", async () => {
  await it.page.evaluate(() => navigator.serviceWorker.ready);
  await it.page.reload();
  await it.page.waitForSelector("#commands pre");
  await it.sample("Blocked by skew");
  await it.context.setOffline(true);
  await it.page.goto(`${it.server.origin}/some/where/`);
  await it.page.waitForSelector("#commands pre");
  await it.page.evaluate(() => sessionStorage.clear());
  await it.sample("Blocked by skew");
  await it.page.waitForSelector(".verdict.blocked");
  await it.context.setOffline(false);
  it.allowed.push(/Failed to load resource|net::ERR_INTERNET_DISCONNECTED/);
});
