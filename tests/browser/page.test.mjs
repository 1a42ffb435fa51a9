// The page as a person uses it: files in, a request, a verdict, what is kept.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createServer } from "node:http";
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { describe } from "refit-planner";

import { data, golden, needsData, needsGallery, usePage } from "./page.mjs";

const it = usePage();
const SKEW = ["version-skew/export/cluster.yaml", "version-skew/export/version.json"].map(golden);
const CLEAR = ["clear-upgrade/export/cluster.yaml", "clear-upgrade/export/version.json"].map(golden);

test("an export is picked and the verdict comes first", async () => {
  await it.page.fill("#target", "1.30.3");
  await it.pick(SKEW);
  await it.page.waitForSelector(".verdict.blocked");
  assert.equal(await it.page.textContent(".verdict h1"), "Blocked");
  assert.match(await it.page.textContent(".findings"), /version-skew/);
  assert.deepEqual(await it.page.locator(".hops li").allTextContents(), [
    "1.26.8",
    "1.27.9",
    "1.28.10",
    "1.29.8",
    "1.30.3",
  ]);
  assert.match(await it.page.textContent("#status"), /blocked/);
});

test("files are dropped, pasted twice, and taken out again", async () => {
  const [cluster, version] = await Promise.all(SKEW.map((path) => readFile(path, "utf8")));
  const transfer = await it.page.evaluateHandle((text) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([text], "cluster.yaml"));
    return transfer;
  }, cluster);
  await it.page.dispatchEvent("body", "dragenter", { dataTransfer: transfer });
  assert.ok(await it.page.isVisible("#drop-veil"));
  await it.page.dispatchEvent("#drop-veil", "drop", { dataTransfer: transfer });
  await it.page.waitForSelector(".outcome");
  for (const text of [version, "kind: ConfigMap\napiVersion: v1\nmetadata: {name: a, namespace: b}\n"]) {
    await it.page.evaluate((text) => {
      const clipboardData = new DataTransfer();
      clipboardData.setData("text/plain", text);
      dispatchEvent(new ClipboardEvent("paste", { clipboardData }));
    }, text);
    await it.settled();
  }
  const names = await it.page.locator(".files .name").allTextContents();
  assert.equal(names.length, 3, String(names));
  assert.equal(new Set(names).size, 3);
  await it.page.getByRole("button", { name: "Remove cluster.yaml" }).click();
  await it.settled();
  assert.equal(await it.page.locator(".files .name").count(), 2);
});

test("a folder is picked, and a bug report, whose logs are passed over", async () => {
  await it.page.fill("#target", "1.30.3");
  await it.page.setInputFiles("#folder", golden("version-skew/export"));
  await it.page.waitForSelector(".verdict.blocked");
  const names = await it.page.locator(".files .name").allTextContents();
  assert.deepEqual(names.map((name) => name.split("/").at(-1)).sort(), ["cluster.yaml", "version.json"]);
  await it.open({});
  await it.page.fill("#target", "1.30.3");
  const folder = await mkdtemp(join(tmpdir(), "refit-"));
  try {
    const cluster = join(folder, "bug-report/cluster/one");
    await mkdir(cluster, { recursive: true });
    await copyFile(SKEW[0], join(cluster, "k8s-cluster-resources"));
    await mkdir(join(folder, "bug-report/istio/istio-system/istiod"), { recursive: true });
    await writeFile(join(folder, "bug-report/istio/istio-system/istiod/istiod.log"), "{ no: yaml: [\n");
    execFileSync("tar", ["czf", "bug-report.tar.gz", "bug-report"], { cwd: folder });
    await it.pick([join(folder, "bug-report.tar.gz")]);
    await it.page.waitForSelector(".verdict.blocked");
    assert.match(await it.page.textContent(".findings"), /version-skew/);
    assert.match(await it.page.textContent(".passed-over"), /1 file was not read.*istiod\.log/);
    await it.open({});
    await it.page.fill("#target", "1.30.3");
    const loose = join(folder, "loose");
    await mkdir(loose);
    await copyFile(SKEW[0], join(loose, "cluster.yaml"));
    await writeFile(join(loose, "cluster.txt"), "NAME READY\n");
    await writeFile(join(loose, ".hidden.yaml"), "kind: List\n");
    await it.page.setInputFiles("#folder", loose);
    await it.page.waitForSelector(".verdict.blocked");
    assert.match(await it.page.textContent(".passed-over"), /2 files were not read/);
    assert.match(await it.page.textContent(".passed-over"), /cluster\.txt/);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("a bad file does not stick: the others stay, and it can be taken out", async () => {
  await it.pick([golden("truncated/export/cluster.yaml")]);
  await it.page.waitForSelector(".verdict.error");
  assert.match(await it.page.textContent(".verdict.error code"), /^cluster\.yaml:\d+:\d+$/);
  await it.page.getByRole("button", { name: "Remove cluster.yaml" }).click();
  await it.page.waitForSelector(".welcome");
  await it.pick(CLEAR);
  await it.page.waitForSelector(".outcome");
});

test("the outcome's JSON is the very text of the command line", async () => {
  await it.pick(CLEAR);
  await it.page.waitForSelector(".outcome");
  const text = await it.download("JSON");
  const outcome = JSON.parse(text);
  assert.equal(outcome.source.version, "1.29.6");
  assert.equal(text, `${JSON.stringify(outcome, null, 2)}\n`);
  assert.equal(JSON.parse(await it.download("SARIF")).version, "2.1.0");
});

test("every sample opens, and together they fill every tab", async () => {
  const filled = new Set();
  const names = await it.page.locator(".sample strong").allTextContents();
  for (const name of names) {
    await it.sample(name);
    for (const label of await it.page.getByRole("tab").allTextContents()) {
      const [, tab, number] = /^([A-Za-z]+)(\d*)$/.exec(label);
      if (number === "" || Number(number) > 0) {
        filled.add(tab);
        await it.tab(tab);
        const panel = it.page.locator('[role="tabpanel"]:not([hidden])');
        assert.ok((await panel.textContent()).length > 20, `${name}: ${tab}`);
        assert.equal(await panel.locator(".empty").count(), 0, `${name}: ${tab}`);
      }
    }
    await it.page.click("#forget");
    await it.page.waitForSelector(".welcome");
  }
  assert.ok(names.length >= 4);
  if (!needsGallery.skip) {
    assert.deepEqual([...filled].sort(), [
      "Defaults",
      "Findings",
      "Inventory",
      "Objects",
      "Restarts",
      "Reverted",
      "Steps",
      "Way",
    ]);
  }
});

test("what is missing is listed with the finding and the line that exports it", needsGallery, async () => {
  await it.sample("Half an export");
  const gaps = it.page.locator(".gaps");
  await gaps.locator("summary").click();
  assert.match(await gaps.textContent(), /CustomResourceDefinition.*export-incomplete/);
  assert.match(await gaps.textContent(), /managedFields.*ownership-unknown/);
});

test("a typo is completed away: an error at its line, fixed by its quick fix", needsGallery, async () => {
  await it.sample("An upgrade, step by step");
  await it.type(
    "apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nspec:\n  values:\n    pilot:\n      # two at night\n      autoscaleMni: 2\n",
  );
  await it.page.waitForSelector(".verdict.blocked");
  assert.ok((await it.page.locator(".editor .cm-lintRange-error").count()) > 0);
  await it.page.locator(".finding .evidence .follow", { hasText: "request.yaml:7" }).first().click();
  assert.ok(await it.page.evaluate(() => document.querySelector(".editor").shadowRoot.activeElement !== null));
  await it.page.locator(".findings").getByRole("button", { name: "Rename it to autoscaleMin" }).click();
  await it.page.waitForSelector(".verdict.clear");
  const text = await it.editorText();
  assert.match(text, /# two at night\n {6}autoscaleMin: 2/);
});

test("the editor completes what the release knows", async () => {
  await it.type("spec:\n  values:\n    pilot:\n      autoscaleM");
  await it.page.locator(".editor .cm-content").click();
  await it.page.keyboard.press("Control+End");
  await it.page.keyboard.press("Control+Space");
  await it.page.waitForSelector(".editor .cm-tooltip-autocomplete");
  const offered = await it.page.locator(".editor .cm-completionLabel").allTextContents();
  assert.deepEqual(offered.slice(0, 2).sort(), ["autoscaleMax", "autoscaleMin"]);
  // The list takes no key in the first moments.
  await it.page.waitForTimeout(150);
  await it.page.keyboard.press("Enter");
  assert.match(await it.editorText(), /autoscaleM(ax|in): $/);
});

test("keeping everything empties the list, strings staying strings", needsGallery, async () => {
  await it.sample("Settings reverted");
  await it.tab("Reverted");
  assert.match(await it.page.textContent("#panel-2"), /PILOT_PUSH_THROTTLE|settings are set/);
  await it.page.getByRole("button", { name: "Keep all", exact: true }).click();
  await it.page.waitForFunction(() => document.querySelector("#tab-2 .number")?.textContent === "0");
  assert.equal(await it.page.getAttribute("#tab-2", "aria-selected"), "true");
  const outcome = JSON.parse(await it.download("JSON"));
  assert.deepEqual(outcome.reverted, []);
});

test("evidence opens the object at its field, and the focus comes back", needsGallery, async () => {
  await it.sample("An upgrade, step by step");
  const row = it.page.locator(".evidence li li", { hasText: "spec.minReplicas" }).first();
  await row.locator(".follow").click();
  await it.page.waitForSelector(".object-dialog .cm-here");
  assert.match(await it.page.textContent(".object-dialog .cm-here"), /minReplicas/);
  await it.page.keyboard.press("Escape");
  await it.page.waitForSelector(".object-dialog", { state: "detached" });
  assert.ok(await row.locator(".follow").evaluate((button) => button === document.activeElement));
});

test("an object is compared as fields, in one column and in two; noise is folded", needsGallery, async () => {
  await it.sample("Edited by others");
  await it.tab("Objects");
  await it.page.getByLabel("Find an object").fill("deployment istio-system/istiod");
  await it.page.locator(".leaf", { hasText: "istiod" }).first().click();
  const change = it.page.locator(".pane");
  await change.locator(".diff .path").first().waitFor();
  const quiet = await change.locator(".diff .path").count();
  await change.getByRole("button", { name: "Unified" }).click();
  await change.locator(".cm-changedLine, .cm-insertedLine").first().waitFor();
  await change.getByRole("button", { name: "Side by side" }).click();
  await change.locator(".cm-mergeViewEditor").nth(1).waitFor();
  assert.ok(!(await change.textContent()).includes("managedFields"));
  await change.getByRole("button", { name: "Fields" }).click();
  await it.page.getByLabel("Show noise").check();
  await change.locator(`.diff li:nth-child(${quiet + 1})`).waitFor();
});

test("settings are recovered, seen before they are used", needsGallery, async () => {
  await it.sample("Settings reverted");
  const before = await it.editorText();
  await it.page.getByRole("button", { name: "Recover my settings" }).click();
  await it.page.waitForSelector(".object-dialog");
  await it.page.getByRole("button", { name: "Leave the editor as it is" }).click();
  assert.equal(await it.editorText(), before);
  await it.page.getByRole("button", { name: "Recover my settings" }).click();
  await it.page.getByRole("button", { name: "Replace what stands there" }).click();
  await it.page.waitForFunction(() => document.querySelector("#tab-2 .number")?.textContent === "0");
  assert.notEqual(await it.editorText(), before);
});

test("planning again keeps the tab, what is open, the filter and the focus", needsGallery, async () => {
  await it.sample("An upgrade, step by step");
  await it.tab("Steps");
  await it.page.locator(".steps summary").nth(1).click();
  await it.page.fill("#sets", "values.pilot.traceSampling=5");
  await it.settled();
  assert.equal(await it.page.locator(".steps details[open]").count(), 1);
  await it.tab("Findings");
  await it.page.getByLabel("Filter findings").fill("istiod");
  const shown = await it.page.locator(".finding").count();
  await it.page.evaluate(() => document.querySelector("#sets").dispatchEvent(new Event("input")));
  await it.settled();
  assert.equal(await it.page.locator(".finding").count(), shown);
  assert.ok(await it.page.getByLabel("Filter findings").evaluate((input) => input === document.activeElement));
  assert.equal(await it.page.locator("#result[aria-live]").count(), 0);
});

test("the command repeats the whole request, and its file can be saved", needsGallery, async () => {
  await it.sample("An upgrade, step by step");
  await it.type("apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nspec:\n  profile: default\n");
  await it.page.fill("#sets", "meshConfig.accessLogFormat=it's %a");
  await it.page.getByText("More", { exact: true }).click();
  await it.page.fill("#namespace", "istio-system");
  await it.page.check("#force");
  await it.settled();
  await it.tab("Steps");
  const command = await it.page.locator(".command code").first().textContent();
  assert.equal(
    command,
    "refit upgrade --to 1.30.3 -f request.yaml --set 'meshConfig.accessLogFormat=it'\\''s %a' --istio-namespace istio-system --force",
  );
  assert.match(await it.download("Save request.yaml"), /profile: default/);
  const plan = JSON.parse(await it.download("Save plan.json"));
  assert.ok(plan.plan.steps.length > 0 && plan.changes.some((change) => change.predicted !== undefined));
});

test("levels and words filter the findings; tabs obey arrows, Home and End", async () => {
  await it.sample("Blocked by skew");
  const all = await it.page.locator(".group .finding").count();
  await it.page.locator(".chip").first().click();
  assert.equal(await it.page.locator(".chip").first().getAttribute("aria-pressed"), "true");
  assert.ok((await it.page.locator(".group .finding").count()) < all);
  const tabs = it.page.getByRole("tab");
  await tabs.first().focus();
  await it.page.keyboard.press("End");
  assert.equal(await tabs.last().getAttribute("aria-selected"), "true");
  await it.page.keyboard.press("Home");
  await it.page.keyboard.press("ArrowRight");
  assert.equal(await tabs.nth(1).getAttribute("aria-selected"), "true");
  assert.equal(await it.page.getByRole("tabpanel").count(), 1);
});

test("versions are chosen with their dates, by keyboard", async () => {
  assert.match(await it.page.textContent("#support"), /The newest stable release that this page knows\./);
  await it.page.click("#target");
  const options = it.page.getByRole("option");
  assert.match(await options.filter({ hasText: "1.28.10" }).textContent(), /ended 2026-07-01.*Kubernetes 1\.30/);
  // The end of 1.30 is not published yet.
  assert.match(await options.filter({ hasText: "1.30.3" }).textContent(), /no date known.*Kubernetes 1\.32/);
  await it.page.fill("#target", "1.29");
  await it.page.keyboard.press("ArrowDown");
  await it.page.keyboard.press("Enter");
  assert.equal(await it.page.inputValue("#target"), "1.29.6");
  assert.equal(await it.page.getAttribute("#target", "aria-expanded"), "false");
});

test("newer facts beside the page are taken, older ones are left out with a word", async () => {
  const { facts } = await import("refit-planner");
  const known = JSON.parse(await facts());
  const newer = { ...known, support: { ...known.support, "1.30": { ...known.support["1.30"], end: "2026-05-05" } } };
  let beside = JSON.stringify(newer);
  await it.open({ serviceWorkers: "block" });
  await it.context.route("**/facts.json", (route) => route.fulfill({ contentType: "application/json", body: beside }));
  await it.page.reload();
  await it.page.waitForSelector("#support:has-text('2026-05-05')");
  await it.pick(CLEAR);
  await it.page.waitForSelector(".outcome");
  const { findings } = JSON.parse(await it.download("JSON"));
  assert.ok(findings.some((it) => it.code === "end-of-life" && JSON.stringify(it).includes("2026-05-05")));
  beside = JSON.stringify({ ...known, releases: { "1.6.0": "2020-05-21" }, bulletins: [] });
  await it.page.reload();
  await it.page.waitForSelector("#toast:has-text('older facts replace no newer ones')");
});

test("a link hands the outcome on, read-only and without values", needsGallery, async () => {
  await it.sample("Edited by others");
  const hash = await it.page.evaluate(async () => {
    const button = [...document.querySelectorAll("button")].find((button) => button.textContent === "Copy link");
    const copied = new Promise((resolve) => (navigator.clipboard.writeText = async (text) => resolve(text)));
    button.click();
    return new URL(await copied).hash;
  });
  assert.match(hash, /^#v1\.[\w-]+$/);
  await it.open({}, hash);
  await it.page.waitForSelector(".outcome");
  assert.match(await it.page.textContent(".note"), /handed on/);
  assert.equal(await it.page.locator(".quick button").count(), 0);
  assert.ok(Number(await it.page.textContent("#tab-3 .number")) > 0);
  assert.ok(!it.requests.some((url) => url.includes("v1.")), "the hash reaches no server");
});

test("a damaged link and one that unpacks to too much are told, not followed", async () => {
  await it.open({}, "#v1.abcdefgh");
  await it.page.waitForSelector(".verdict.error");
  const bomb = await it.page.evaluate(async () => {
    const packed = new Blob([new Uint8Array(40 << 20)]).stream().pipeThrough(new CompressionStream("deflate-raw"));
    const bytes = new Uint8Array(await new Response(packed).arrayBuffer());
    return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""))
      .replaceAll("+", "-")
      .replaceAll("/", "_");
  });
  await it.open({}, `#v1.${bomb}`);
  await it.page.waitForSelector(".verdict.error");
  assert.match(await it.page.textContent(".verdict.error"), /more than any outcome/);
});

test("a session stays only where the user says so, and is forgotten with the rest", async () => {
  const kept = () => it.page.evaluate(async () => (await indexedDB.databases()).map((base) => base.name));
  await it.sample("Blocked by skew");
  assert.deepEqual(await kept(), []);
  await it.page.check("#remember");
  await it.remembered();
  await it.settled();
  // Another day: nothing is left of this tab.
  await it.page.evaluate(() => sessionStorage.clear());
  await it.page.goto(`${it.server.origin}/some/where/`);
  await it.page.getByRole("button", { name: "Open it" }).click();
  await it.page.waitForSelector(".verdict.blocked");
  await it.page.click("#forget");
  await it.page.waitForSelector(".welcome");
  assert.deepEqual(await kept(), []);
});

test("forgetting empties everything that was typed", async () => {
  await it.sample("A clear upgrade");
  await it.page.fill("#sets", "values.pilot.traceSampling=5");
  await it.page.getByText("More", { exact: true }).click();
  await it.page.fill("#from", "1.29.0");
  await it.page.fill("#namespace", "other");
  await it.page.check("#force");
  await it.page.click("#forget");
  await it.page.waitForSelector(".welcome");
  for (const id of ["sets", "from", "namespace"]) {
    assert.equal(await it.page.inputValue(`#${id}`), "", id);
  }
  assert.equal(await it.page.isChecked("#force"), false);
  assert.equal(await it.page.inputValue("#target"), "1.30.3");
  assert.ok(await it.page.isHidden("#forget"));
});

test("an IstioOperator file goes into the editor", async () => {
  await it.pick([...CLEAR, golden("clear-upgrade/request/operator.yaml")]);
  await it.page.waitForSelector(".outcome");
  assert.match(await it.editorText(), /autoscaleMin/);
});

test("with both releases dropped, objects, restarts and steps are shown", needsData, async () => {
  await it.pick([
    `${data}/exports/stale-proxies-and-leftover-gateway/export.tar.gz`,
    `${data}/istio/releases/istio-1.27.9.tar.gz`,
    `${data}/istio/releases/istio-1.28.10.tar.gz`,
  ]);
  await it.page.waitForSelector(".outcome");
  await it.page.fill("#target", "1.28.10");
  await it.settled();
  await it.tab("Objects");
  await it.page.waitForSelector(".change, .empty");
  await it.page.fill("#target", "1.27.9");
  await it.settled();
  assert.match(await it.page.textContent(".read"), /istio-|Releases found/);
});

test("the downloaded HTML holds everything, and nothing in it runs", needsGallery, async () => {
  await it.sample("An upgrade, step by step");
  const outcome = JSON.parse(await it.download("JSON"));
  const html = await it.download("HTML");
  const other = await it.context.newPage();
  await other.setContent(html);
  assert.equal(await other.textContent(".verdict h1"), (await describe(outcome)).agenda.title);
  const rows = (selector) => other.locator(selector).count();
  assert.equal(await rows("#findings article"), outcome.findings.length);
  assert.equal(await rows("#notes article"), outcome.notes.length);
  assert.equal(await rows("#defaults tbody tr"), outcome.defaults.length);
  assert.equal(await rows("#restarts tbody tr"), outcome.restarts.length);
  assert.equal(await rows("#objects .object"), outcome.changes.filter((change) => change.class !== "unchanged").length);
  assert.equal(await rows("#objects .field"), outcome.changes.flatMap((change) => change.fields).length);
  assert.equal(await rows("#steps > ol > li"), outcome.plan.steps.length);
  assert.equal(
    await rows("#steps ul li"),
    outcome.plan.steps.flatMap((step) => [...step.actions, ...step.waits]).length,
  );
  assert.equal(await rows("button, input, script, link, img"), 0);
  for (const width of [320, 900]) {
    await other.setViewportSize({ width, height: 800 });
    const over = await other.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    assert.equal(over, 0, `it scrolls sideways at ${width} px`);
  }
});

test("the worker reaches no other origin", async () => {
  let reached = 0;
  const other = createServer((_, response) => {
    reached += 1;
    response.writeHead(200, { "access-control-allow-origin": "*" }).end("got it");
  });
  await new Promise((resolve) => other.listen(0, "127.0.0.1", resolve));
  const address = `http://127.0.0.1:${other.address().port}/`;
  it.allowed.push(/Content Security Policy/);
  const [worker] = it.page.workers();
  const said = await worker.evaluate(
    (address) =>
      fetch(address).then(
        () => "reached",
        (error) => error.name,
      ),
    address,
  );
  const fromPage = await it.page.evaluate(
    (address) =>
      fetch(address).then(
        () => "reached",
        (error) => error.name,
      ),
    address,
  );
  await new Promise((resolve) => other.close(resolve));
  assert.deepEqual([said, fromPage, reached], ["TypeError", "TypeError", 0]);
  it.requests = it.requests.filter((url) => url !== address);
});

test("the page opens again without a network, by any address, and plans with what it used", needsGallery, async () => {
  await it.page.evaluate(() => navigator.serviceWorker.ready);
  await it.page.reload();
  await it.page.waitForSelector("#commands pre");
  await it.sample("An upgrade, step by step");
  await it.context.setOffline(true);
  for (const address of ["", "index.html", "?from=a-bookmark"]) {
    await it.page.goto(`${it.server.origin}/some/where/${address}`);
    await it.page.waitForSelector("#commands pre");
  }
  await it.sample("An upgrade, step by step");
  assert.ok(Number(await it.page.textContent("#tab-3 .number")) > 0);
  const names = await it.page.evaluate(() => caches.keys());
  assert.ok(
    names.every((name) => name.startsWith("refit:http") && name.includes("/some/where/:")),
    String(names),
  );
  await it.context.setOffline(false);
  it.allowed.push(/Failed to load resource|net::ERR_INTERNET_DISCONNECTED/);
});
