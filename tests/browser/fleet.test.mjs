// A fleet as `refit fleet plan --out` wrote it: the table, its filters, each cluster's outcome.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import { golden, usePage } from "./page.mjs";

const it = usePage();

const json = (name, value) => ({
  name,
  mimeType: "application/json",
  buffer: Buffer.from(typeof value === "string" ? value : JSON.stringify(value, null, 2)),
});

const summary = (verdict, more = {}) => ({
  verdict,
  direction: "upgrade",
  source: "1.29.6",
  target: "1.30.3",
  plan: null,
  decide: 1,
  lost: 0,
  byHand: 0,
  changes: 3,
  workloads: 2,
  pods: 5,
  role: "primary",
  findings: [],
  ...more,
});

const FLEET = {
  schema: "refit.fleet/v1",
  target: "1.30.3",
  verdict: "blocked",
  clusters: [
    { name: "eu-1", exported: "2026-11-28T10:00:00Z", file: "eu-1.json", summary: summary("clear") },
    {
      name: "us-1",
      summary: summary("blocked", {
        findings: [{ code: "version-skew", level: "block", title: "Source and target are too far apart" }],
      }),
    },
    { name: "<img src=x>", error: "pods.yaml:1:1: not YAML" },
  ],
  meshes: [{ id: "mesh1", order: [["eu-1", "us-1"], ["edge"]] }],
  findings: [
    {
      code: "fleet-version-skew",
      level: "warn",
      title: "Control planes of one mesh are 2 minors apart",
      detail: "istiod of us-1 is 1.27.8",
      subjects: [
        {
          cluster: "us-1",
          subject: { apiVersion: "apps/v1", kind: "Deployment", namespace: "istio-system", name: "istiod" },
        },
      ],
      fix: "Upgrade us-1 first",
      link: null,
    },
  ],
};

test("a fleet is a table that can be filtered, and each cluster's outcome is a button away", async () => {
  const outcome = await readFile(golden("clear-upgrade/outcome.json"), "utf8");
  await it.page.setInputFiles("#files", [json("fleet.json", FLEET), json("eu-1.json", outcome)]);
  await it.page.waitForSelector(".fleet");
  const rows = it.page.locator(".fleet tbody tr");
  assert.equal(await rows.count(), 3);
  assert.match(
    await it.page.locator(".fleet header").textContent(),
    /3 clusters → 1\.30\.3.*1 blocked, 1 unreadable, 1 clear/,
  );
  const fleet = await it.page.locator(".fleet").textContent();
  for (const words of [
    "version-skew",
    "pods.yaml:1:1",
    "mesh1: eu-1, us-1, then edge",
    "Upgrade us-1 first",
    "istio-system/istiod",
  ]) {
    assert.ok(fleet.includes(words), words);
  }
  assert.equal(await it.page.locator(".fleet img").count(), 0);
  await it.page.getByLabel("Show clusters of a verdict").selectOption("blocked");
  assert.deepEqual(await rows.locator("th").allTextContents(), ["us-1"]);
  await it.page.getByLabel("Show clusters of a verdict").selectOption("");
  await it.page.getByLabel("Show clusters whose name holds").fill("EU");
  assert.deepEqual(await rows.locator("th").allTextContents(), ["eu-1"]);

  await it.page.getByRole("button", { name: "eu-1", exact: true }).click();
  await it.page.waitForSelector(".outcome");
  const { findings } = JSON.parse(outcome);
  assert.equal(Number(await it.page.locator('[role="tab"] .number').first().textContent()), findings.length);
  assert.match(await it.page.locator(".note").textContent(), /outcome of eu-1, as eu-1\.json has it/);
  assert.equal(await it.page.locator('.fleet tr[aria-current="true"] th').textContent(), "eu-1");

  await it.page.evaluate(await readFile(new URL("../node_modules/axe-core/axe.min.js", import.meta.url), "utf8"));
  const { violations } = await it.page.evaluate(() => globalThis.axe.run(".fleet"));
  assert.deepEqual(
    violations.map((found) => found.id),
    [],
  );
  await it.page.getByRole("button", { name: "Close the fleet" }).click();
  assert.equal(await it.page.locator(".fleet").count(), 0);
});

test("an outcome alone is opened, and what is no fleet is an error", async () => {
  await it.open({});
  const outcome = await readFile(golden("clear-upgrade/outcome.json"), "utf8");
  await it.page.setInputFiles("#files", [json("eu-1.json", outcome)]);
  await it.page.waitForSelector(".outcome");
  assert.match(await it.page.locator(".note").textContent(), /the outcome in eu-1\.json/);
  await it.open({});
  await it.page.setInputFiles("#files", [json("fleet.json", { schema: "refit.fleet/v2", clusters: [] })]);
  await it.page.waitForSelector(".verdict.error");
  assert.match(await it.page.locator(".verdict.error").textContent(), /fleet\.json is no fleet of this version/);
});
