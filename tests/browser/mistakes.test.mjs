// What goes wrong has a next step, and takes nothing with it that is right.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import { golden, needsGallery, usePage } from "./page.mjs";

const it = usePage();
const CLEAR = ["clear-upgrade/export/cluster.yaml", "clear-upgrade/export/version.json"].map(golden);
const yaml = (name, text) => ({ name, mimeType: "application/yaml", buffer: Buffer.from(text) });
const broken = async (name) => yaml(name, await readFile(golden("truncated/export/cluster.yaml"), "utf8"));
const names = () => it.page.locator(".files .name").allTextContents();

test("a bad file leaves the plan of the good ones, and is left out by one click", async () => {
  await it.pick(CLEAR);
  await it.page.waitForSelector(".outcome");
  await it.pick([await broken("more.yaml")]);
  const error = it.page.locator(".verdict.error");
  await error.waitFor();
  assert.equal(await it.page.locator(".outcome").count(), 1);
  assert.match(await error.textContent(), /more\.yaml:\d+:\d+(?!:\d).*The plan below is of the other 2 files\./);
  assert.equal((await error.textContent()).split("more.yaml").length, 2, "the place is told once");
  // What the plan rests on is still there.
  await it.page.fill("#target", "1.29.6");
  await it.page.waitForSelector(".verdict-facts dd:text('1.29.6')");
  assert.equal(await it.page.locator(".verdict.error").count(), 1, "the plan still lacks it");
  await it.page.getByRole("button", { name: "Leave it out" }).click();
  await error.waitFor({ state: "detached" });
  assert.deepEqual(await names(), ["cluster.yaml", "version.json"]);
  assert.equal(await it.page.locator(".outcome").count(), 1);
});

test("of files dropped together the bad one can be left out", async () => {
  await it.pick([yaml("cluster.yaml", await readFile(CLEAR[0], "utf8")), await broken("more.yaml")]);
  await it.page.waitForSelector(".verdict.error");
  assert.equal(await it.page.locator(".outcome").count(), 0);
  await it.page.getByRole("button", { name: "Leave it out" }).click();
  await it.page.waitForSelector(".outcome");
  assert.deepEqual(await names(), ["cluster.yaml"]);
});

test("while the request cannot be read, what rests on it waits", needsGallery, async () => {
  await it.sample("Settings reverted");
  const codes = async () => {
    await it.settled();
    return JSON.parse(await it.download("JSON")).findings.map((finding) => finding.code);
  };
  assert.ok((await codes()).includes("settings-reverted"));
  await it.type("apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nspec: [\n");
  await it.page.waitForSelector(".finding:has-text('request-invalid')");
  const now = await codes();
  assert.ok(now.includes("request-invalid") && !now.includes("settings-reverted"), String(now));
});

test("two clusters that are dropped together are asked about, not merged", async () => {
  const own = async (name, path, uid) =>
    yaml(
      name,
      `${await readFile(golden(path), "utf8")}\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: kube-system, uid: ${uid}}\n`,
    );
  await it.pick([
    await own("east.yaml", "clear-upgrade/export/cluster.yaml", "of-the-east"),
    await own("west.yaml", "version-skew/export/cluster.yaml", "of-the-west"),
  ]);
  await it.page.getByRole("dialog", { name: "These files hold 2 clusters" }).waitFor();
  await it.page.getByRole("button", { name: "Plan west.yaml" }).click();
  await it.page.waitForSelector(".outcome");
  assert.deepEqual(await names(), ["west.yaml"]);
  assert.equal(await it.page.locator(".hops li").first().textContent(), "1.26.8");
});
