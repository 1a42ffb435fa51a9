// The request's files: several, in the order of several `-f`, and nothing that was typed is lost.

import assert from "node:assert/strict";
import { test } from "node:test";

import { golden, needsGallery, usePage } from "./page.mjs";

const it = usePage();
const CLEAR = ["clear-upgrade/export/cluster.yaml", "clear-upgrade/export/version.json"].map(golden);
const operator = (name, sampling) => ({
  name,
  mimeType: "application/yaml",
  buffer: Buffer.from(
    `apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nspec:\n  values:\n    pilot:\n      traceSampling: ${sampling}\n`,
  ),
});
const tabs = () => it.page.locator(".request-files [role=tab] .name").allTextContents();
const chosen = () => it.page.textContent(".request-files [role=tab][aria-selected=true] .name");
/** The files in the command that repeats the request. */
async function command() {
  await it.settled();
  return /-f .*/.exec(await it.page.locator(".command code").first().textContent())?.[0];
}
/** What istiod would sample, by the prediction. */
async function sampling() {
  await it.settled();
  const { changes } = JSON.parse(await it.download("Save plan.json"));
  const istiod = changes.find((it) => it.object.kind === "Deployment" && it.object.name === "istiod");
  const [{ env }] = istiod.predicted.spec.template.spec.containers;
  return env.find((it) => it.name === "PILOT_TRACE_SAMPLING").value;
}

test(
  "several IstioOperator files are kept in order, moved, taken out and brought back; later ones win",
  needsGallery,
  async () => {
    await it.sample("An upgrade, step by step");
    await it.type("");
    await it.pick([operator("base.yaml", 5), operator("prod.yaml", 50)]);
    await it.page.waitForFunction(() => document.querySelectorAll(".request-files [role=tab]").length === 2);
    assert.deepEqual(await tabs(), ["base.yaml", "prod.yaml"]);
    assert.equal(await chosen(), "prod.yaml");
    await it.tab("Steps");
    assert.equal(await command(), "-f base.yaml -f prod.yaml");
    assert.equal(await sampling(), "50");

    await it.page.getByRole("button", { name: "Move prod.yaml earlier" }).click();
    assert.deepEqual(await tabs(), ["prod.yaml", "base.yaml"]);
    assert.equal(await command(), "-f prod.yaml -f base.yaml");
    assert.equal(await sampling(), "5");
    await it.page.getByRole("tab", { name: /prod\.yaml/ }).focus();
    await it.page.keyboard.press("Alt+ArrowRight");
    assert.deepEqual(await tabs(), ["base.yaml", "prod.yaml"], "by keyboard, too");

    await it.page.getByRole("button", { name: "Take prod.yaml out" }).click();
    assert.equal(await command(), "-f base.yaml");
    await it.page.getByRole("button", { name: "Undo" }).click();
    assert.deepEqual(await tabs(), ["base.yaml", "prod.yaml"]);
    assert.match(await it.editorText(), /traceSampling: 50/);
    assert.equal(await command(), "-f base.yaml -f prod.yaml");
    assert.match(await it.download("Save base.yaml"), /traceSampling: 5\n/);
    assert.match(await it.download("Save prod.yaml"), /traceSampling: 50\n/);
  },
);

test("nothing that was typed is replaced without asking, and what was replaced comes back", async () => {
  await it.pick(CLEAR);
  await it.page.waitForSelector(".outcome");
  await it.type("# typed\n");
  await it.pick([operator("base.yaml", 5)]);
  await it.page.waitForFunction(() => document.querySelectorAll(".request-files [role=tab]").length === 2);
  assert.deepEqual(await tabs(), ["request.yaml", "base.yaml"], "behind what was typed");

  const again = async (answer) => {
    await it.pick([operator("base.yaml", 7)]);
    await it.page.getByRole("dialog", { name: "base.yaml is open, with another text" }).waitFor();
    await it.page.getByRole("button", { name: answer }).click();
    await it.page.waitForSelector("dialog", { state: "detached" });
  };
  await again("Leave it as it is");
  assert.match(await it.editorText(), /traceSampling: 5/);
  await again("Keep both");
  assert.deepEqual(await tabs(), ["request.yaml", "base.yaml", "base-2.yaml"]);
  assert.match(await it.editorText(), /traceSampling: 7/);
  await again("Replace it");
  assert.equal(await chosen(), "base.yaml");
  assert.match(await it.editorText(), /traceSampling: 7/);
  await it.page.getByRole("button", { name: "Undo" }).click();
  assert.match(await it.editorText(), /traceSampling: 5/);
  await it.page.getByRole("tab", { name: /request\.yaml/ }).click();
  assert.equal(await it.editorText(), "# typed\n");
});

test("a finding leads to the file in which it stands, and its fix edits that one", needsGallery, async () => {
  await it.sample("An upgrade, step by step");
  await it.type("");
  const typo = operator("base.yaml", 5);
  typo.buffer = Buffer.from(String(typo.buffer).replace("traceSampling: 5", "autoscaleMni: 2"));
  await it.pick([typo, operator("prod.yaml", 50)]);
  await it.page.waitForSelector(".verdict.blocked");
  await it.page.getByRole("tab", { name: /base\.yaml 1 errors?/ }).waitFor();
  await it.page.locator(".finding .evidence .follow", { hasText: "base.yaml:6" }).first().click();
  assert.equal(await chosen(), "base.yaml");
  await it.page.locator(".findings").getByRole("button", { name: "Rename it to autoscaleMin" }).click();
  await it.page.waitForSelector(".verdict:not(.blocked)");
  assert.match(await it.editorText(), /autoscaleMin: 2/);
  await it.page.getByRole("tab", { name: /prod\.yaml/ }).click();
  assert.match(await it.editorText(), /traceSampling: 50/);
});
