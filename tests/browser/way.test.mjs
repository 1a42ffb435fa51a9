// The version to go to follows from the cluster, and a longer way is gone hop by hop.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import { golden, usePage } from "./page.mjs";

const it = usePage();
const SKEW = ["version-skew/export/cluster.yaml", "version-skew/export/version.json"].map(golden);
const CLEAR = ["clear-upgrade/export/cluster.yaml", "clear-upgrade/export/version.json"].map(golden);
const target = () => it.page.inputValue("#target");

test("where nobody chose a version, it is the next minor's newest, never what blocks", async () => {
  const { facts } = await import("refit-planner");
  const { releases } = JSON.parse(await facts());
  const newest = (minor) =>
    Object.keys(releases)
      .filter((version) => version.startsWith(`${minor}.`) && !version.includes("-"))
      .sort((a, b) => Number(a.split(".")[2]) - Number(b.split(".")[2]))
      .at(-1);
  await it.pick(SKEW);
  await it.page.waitForSelector(".outcome");
  await it.settled();
  assert.match(await target(), /^1\.27\./);
  assert.equal(await it.page.locator(".verdict.blocked").count(), 0);
  await it.open({});
  await it.pick(CLEAR);
  await it.page.waitForSelector(".outcome");
  assert.equal(await target(), newest("1.30"));

  // A server that the next minor does not run on: the patch of the own one.
  await it.open({});
  const version = JSON.parse(await readFile(CLEAR[1], "utf8"));
  version.serverVersion.gitVersion = "v1.31.0";
  const cluster = (await readFile(CLEAR[0], "utf8")).replaceAll("kubeletVersion: v1.33.8", "kubeletVersion: v1.31.0");
  await it.page.setInputFiles("#files", [
    { name: "cluster.yaml", mimeType: "text/yaml", buffer: Buffer.from(cluster) },
    { name: "version.json", mimeType: "application/json", buffer: Buffer.from(JSON.stringify(version)) },
  ]);
  await it.page.waitForSelector(".outcome");
  assert.equal(await target(), newest("1.29"));
});

test("what somebody chose stays", async () => {
  await it.page.fill("#target", "1.30.3");
  await it.pick(SKEW);
  await it.page.waitForSelector(".verdict.blocked");
  assert.equal(await target(), "1.30.3");
});

test("the way is told hop by hop, and the hop that can be planned now has a button", async () => {
  await it.page.fill("#target", "1.30.3");
  await it.pick(SKEW);
  await it.page.waitForSelector(".verdict.blocked");
  const { path } = JSON.parse(await it.download("JSON"));
  const html = await it.download("HTML");
  await it.page.getByRole("button", { name: "The way, hop by hop" }).click();
  assert.equal(await it.page.getByRole("tab", { selected: true }).getAttribute("data-focus").then(Boolean), true);
  const stops = it.page.locator(".way > li");
  assert.equal(await stops.count(), path.length);
  for (const [at, hop] of path.entries()) {
    const text = await stops.nth(at).textContent();
    assert.ok(text.includes(`${hop.from} → ${hop.to}`), text);
    assert.ok(hop.kubernetes === null || text.includes(`${hop.kubernetes.minimum} to ${hop.kubernetes.maximum}`), text);
    for (const { title } of [...hop.findings, ...hop.notes]) {
      assert.ok(text.includes(title.replaceAll("`", "")), title);
    }
    for (const [version, pods] of Object.entries(hop.restart)) {
      assert.match(text, new RegExp(`${pods} pods? of ${version.replaceAll(".", "\\.")}`));
    }
  }
  const other = await it.context.newPage();
  await other.setContent(html);
  assert.equal(await other.locator("#way > ol > li").count(), path.length);
  await other.close();
  await it.page
    .locator(".way")
    .getByRole("button", { name: `Plan ${path[0].from} → ${path[0].to}` })
    .click();
  await it.page.waitForSelector(".verdict:not(.blocked)");
  assert.equal(await target(), path[0].to);
});
