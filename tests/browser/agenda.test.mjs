// What is left to people, under the verdict: in the planner's numbers and words, each thing with its button, and carried by
// what is copied and saved.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import { describe } from "refit-planner";

import { data, golden, needsData, needsGallery, usePage } from "./page.mjs";

const it = usePage();
const CLEAR = ["clear-upgrade/export/cluster.yaml", "clear-upgrade/export/version.json"].map(golden);
const plain = (text) => text.replaceAll("`", "");
const command = () => it.page.locator(".agenda .command code").first().textContent();
const outcome = async () => JSON.parse(await it.download("JSON"));

test("the verdict says what is left, and each thing leads to its finding", async () => {
  await it.sample("A whole plan");
  const found = await outcome();
  const { agenda } = await describe(found);
  assert.equal(agenda.state, "decide");
  assert.equal(await it.page.textContent(".verdict h1"), agenda.title);
  assert.match(agenda.title, /^Clear, \d+ to decide/);
  assert.equal(await it.page.locator(".verdict.clear.decide").count(), 1);
  const titles = (places) => places.map((at) => plain(found.findings[at].title));
  const lines = (part) => it.page.locator(`.agenda-part.${part} .agenda-line`).allTextContents();
  assert.deepEqual(await lines("decide"), titles([...agenda.decide, ...agenda.lost]));
  assert.deepEqual(await lines("by-hand"), titles(agenda.byHand));
  assert.match(await command(), /^refit upgrade --to 1\.30\.3/);
  // From any tab, and whatever is filtered.
  await it.tab("Steps");
  const last = titles(agenda.byHand).at(-1);
  await it.page.getByRole("button", { name: last, exact: true }).click();
  assert.equal(await it.page.evaluate(() => document.activeElement.textContent), last);
  assert.match(it.page.url(), /tab=Findings/);
  await it.open({});
  await it.pick(CLEAR);
  await it.page.waitForSelector(".outcome");
  assert.match(await it.page.textContent(".agenda-part.run"), /no plan without the releases/);
});

test("what is left behind is deleted by a button, and kept by another; command and plan carry it", async () => {
  await it.sample("A whole plan");
  const before = await outcome();
  const orphan = before.changes.find((change) => change.class === "orphan").object;
  const name = [orphan.kind, orphan.namespace, orphan.name].filter(Boolean).join("/");
  const shown = `Delete ${orphan.kind} ${orphan.namespace === undefined ? "" : `${orphan.namespace}/`}${orphan.name}`;
  await it.page.locator(".agenda").getByRole("button", { name: shown }).click();
  await it.page.waitForSelector(".agenda .pruned");
  await it.settled();
  assert.ok((await command()).endsWith(`--prune ${name}`), await command());
  const plan = JSON.parse(await it.download("Save plan.json"));
  const deleted = plan.plan.steps.flatMap((step) => step.actions).filter((action) => action.action === "delete");
  assert.deepEqual(
    deleted.map((action) => action.object),
    [orphan],
  );
  // A reload goes on with it.
  await it.page.reload();
  await it.page.waitForSelector(".agenda .pruned");
  await it.settled();
  await it.page.locator(".pruned").getByRole("button", { name: "Keep it" }).click();
  await it.page.waitForSelector(".pruned", { state: "detached" });
  await it.settled();
  assert.ok(!(await command()).includes("--prune"));
  await it.page.getByRole("button", { name: "Delete all but gateways and definitions" }).first().click();
  await it.page.waitForSelector(".agenda .pruned");
  assert.match(await command(), / --prune-orphans$/);
});

test("the control plane that is meant is a button", needsData, async () => {
  await it.page.fill("#target", "1.30.3");
  await it.pick([`${data}/exports/two-control-planes/export.tar.gz`]);
  await it.page.waitForSelector(".verdict.blocked");
  const found = await outcome();
  const finding = found.findings.find((it) => it.code === "several-control-planes");
  const namespaces = finding.subjects.map((subject) => subject.namespace).sort();
  const buttons = it.page.locator(".agenda").getByRole("button", { name: /^Plan the one in / });
  assert.deepEqual(
    await buttons.allTextContents(),
    namespaces.map((name) => `Plan the one in ${name}`),
  );
  await buttons.last().click();
  await it.settled();
  await it.page.waitForFunction(() => !document.querySelector(".agenda").textContent.includes("Plan the one in"));
  assert.equal(await it.page.inputValue("#namespace"), namespaces.at(-1));
});

test("workloads to restart by hand have their reason in words", needsGallery, async () => {
  await it.sample("An upgrade, step by step");
  const found = await outcome();
  const { reasons } = await describe(found);
  const planned = new Set(
    found.plan.steps
      .flatMap((step) => step.actions)
      .filter((action) => action.action === "restart")
      .map((action) => JSON.stringify(action.object)),
  );
  const hand = found.restarts.filter((it) => it.how !== "auto" && !planned.has(JSON.stringify(it.object)));
  assert.ok(hand.length > 0);
  const part = it.page.locator(".agenda-part.by-hand");
  await part.getByText(/to restart by hand$/).click();
  await part.locator(".by-hand-workloads li").first().waitFor();
  const lines = await part.locator(".by-hand-workloads li").allTextContents();
  assert.deepEqual(
    lines,
    hand.map(({ object, reason }) => `${object.kind} ${object.namespace}/${object.name}${reasons[reason]}`),
  );
});

test("the same remedy has the same button at each finding", async () => {
  const cluster = await readFile(CLEAR[0], "utf8");
  await it.page.fill("#target", "1.30.0");
  await it.page.setInputFiles("#files", [
    { name: "cluster.yaml", mimeType: "text/yaml", buffer: Buffer.from(cluster) },
    { name: "version.json", mimeType: "application/json", buffer: await readFile(CLEAR[1]) },
  ]);
  await it.page.waitForSelector(".outcome");
  const { findings } = await outcome();
  const elsewhere = findings.flatMap((finding, at) => (finding.instead === undefined ? [] : [[at, finding.instead]]));
  assert.ok(elsewhere.length >= 2, JSON.stringify(elsewhere));
  for (const [at, version] of elsewhere) {
    const button = it.page.locator(`#findings-${at}`).getByRole("button", { name: `Plan ${version}`, exact: true });
    assert.equal(await button.count(), 1, String(at));
  }
  const [at, version] = elsewhere[0];
  await it.page
    .locator(`#findings-${at}`)
    .getByRole("button", { name: `Plan ${version}` })
    .click();
  await it.settled();
  assert.equal(await it.page.inputValue("#target"), version);
});

test("where no setting keeps a changed default, the row says why", async () => {
  await it.sample("A downgrade");
  const { defaults } = await outcome();
  await it.tab("Defaults");
  const rows = it.page.locator(".defaults tbody tr");
  assert.equal(await rows.count(), defaults.length);
  for (const [at, row] of defaults.entries()) {
    const last = await rows.nth(at).locator("td").last().textContent();
    assert.ok(last.includes(row.keep ?? (row.pinned ? "set by" : row.unkept)), `${row.path}: ${last}`);
  }
  assert.ok(defaults.some((row) => row.keep === null && !row.pinned));
});

test("what a setting falls back to is said, and objects have all their fields together", needsGallery, async () => {
  await it.sample("Settings reverted");
  const { reverted, findings, target } = await outcome();
  await it.tab("Reverted");
  const back = reverted.find((it) => it.request === undefined && typeof it.default === "number");
  const card = it.page.locator(".finding", { has: it.page.getByText(back.path, { exact: true }) });
  assert.equal(await card.locator("dt").last().textContent(), `the default of ${target.version}`);
  assert.equal(await card.locator(".plus").textContent(), String(back.default));
  await it.tab("Findings");
  const same = (one, other) => one.kind !== undefined && one.kind === other.kind && one.name === other.name;
  const at = findings.findIndex(({ subjects: [one, other] }) => other !== undefined && same(one, other));
  const grouped = it.page.locator(`#findings-${at} .grouped`).first();
  assert.ok((await grouped.locator("ul > li").count()) > 1);
  assert.equal(await grouped.locator("> .follow").count(), 1);
});
