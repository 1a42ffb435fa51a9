// The page of `refit serve`, before a double of it: what it asks for, and how a run is shown.

import assert from "node:assert/strict";
import { mkdir, readFile } from "node:fs/promises";
import { after, afterEach, before, beforeEach, test } from "node:test";

import { launch } from "./chromium.mjs";
import { serveLive } from "./live.mjs";
import { OUTPUT, output } from "./page.mjs";

const axe = await readFile(new URL("../node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
/** What a real upgrade told, from 1.29.6 to 1.30.3 (tests/suite/control_plane/serves.rs wrote it down). */
const RUN = (await readFile(new URL("./live-run.jsonl", import.meta.url), "utf8"))
  .trim()
  .split("\n")
  .map((it) => JSON.parse(it));

let browser, server, context, page, requests, complaints;
/** What the browser says itself of a refusal that a test asks for. */
let allowed;
before(async () => {
  await mkdir(OUTPUT, { recursive: true });
  browser = await launch();
});
after(() => browser?.close());
beforeEach(() => open());
afterEach(async () => {
  assert.deepEqual(
    requests.filter((url) => !url.startsWith(`${server.origin}/`) && !/^(blob|data):/.test(url)),
    [],
    "nothing leaves the origin",
  );
  assert.deepEqual(complaints, []);
  await context.close();
  await server.close();
});

async function open(options = {}, about = {}) {
  if (server !== undefined) {
    await context?.close();
    await server.close();
  }
  server = await serveLive({ about });
  context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  page = await context.newPage();
  requests = [];
  complaints = [];
  allowed = /status of 4\d\d/;
  context.on("request", (request) => requests.push(request.url()));
  page.on(
    "console",
    (message) => message.type() === "error" && !allowed.test(message.text()) && complaints.push(message.text()),
  );
  page.on("pageerror", (error) => complaints.push(String(error)));
  await page.goto(server.link);
  await page.waitForSelector('.live-card[data-state="idle"]');
}

async function readCluster() {
  await page.getByRole("button", { name: "Read the cluster" }).click();
  await page.waitForSelector(".outcome");
  await page.waitForSelector("#result:not([aria-busy])");
}

const proposal = (state, more = {}) => ({
  kind: "proposal",
  id: 1,
  verb: "upgrade",
  to: "1.30.3",
  state,
  reason: null,
  ...more,
});
const asked = (route) => server.asked.filter((it) => it.route === route).map((it) => it.body);

test("the token is used once and stands nowhere afterwards; a reload goes on with the session", async () => {
  assert.equal(new URL(page.url()).hash, "#live");
  assert.deepEqual(asked("POST session"), [{ token: "good-once" }]);
  assert.equal(
    requests.some((url) => url.includes("good-once")),
    false,
  );
  assert.match(await page.textContent(".live-card"), /kind-test \(https:\/\/127\.0\.0\.1:6443\)/);
  assert.equal(await page.inputValue("#target"), "1.30.3", "the command line's version");
  await page.reload();
  await page.waitForSelector('.live-card[data-state="idle"]');
  assert.equal(asked("GET session").length, 1);
  const other = await context.newPage();
  await other.goto(server.link);
  await other.waitForFunction(() => document.querySelector(".live-card")?.textContent?.includes("used already"));
  assert.deepEqual(await context.cookies(), []);
  assert.equal(server.cookies, false);
  assert.equal(
    requests.some((url) => url.includes("of-the-session")),
    false,
  );
  // The secret is of this origin, port included: what listens on another port of this host never has it.
  const elsewhere = await serveLive();
  const stranger = await context.newPage();
  await stranger.goto(`${elsewhere.origin}/#live`);
  await stranger.waitForFunction(() => document.querySelector(".live-card")?.textContent?.includes("open the link"));
  assert.deepEqual(await stranger.evaluate(() => Object.keys(sessionStorage)), []);
  assert.equal(elsewhere.cookies, false);
  await stranger.close();
  await elsewhere.close();
  requests = requests.filter((url) => !url.startsWith(elsewhere.origin));
  assert.deepEqual(await page.evaluate(async () => (await navigator.serviceWorker.getRegistrations()).length), 0);
});

test("the cluster is read, planned, and the request proposed, never a plan", async () => {
  assert.equal(await page.isVisible(".live-propose"), false);
  await readCluster();
  assert.match(await page.textContent(".files"), /live-cluster\.tar\.gz/);
  await page.fill("#sets", "values.pilot.traceSampling=10");
  await page.waitForSelector("#result:not([aria-busy])");
  await page.check("#live-restart");
  await page.getByRole("button", { name: "Propose the upgrade to the terminal" }).click();
  await page.getByText("The terminal was asked.").waitFor();
  assert.deepEqual(asked("POST proposal"), [
    { to: "1.30.3", files: [], sets: ["values.pilot.traceSampling=10"], force: false, restart: true },
  ]);
  server.tell(proposal("planning"));
  await page.getByText("what this page planned is not taken").waitFor();
  assert.equal(await page.isDisabled(".live-propose > button"), true, "one at a time");
  server.tell(proposal("refused", { reason: "cancelled, nothing was changed" }));
  await page.locator(".run", { hasText: "cancelled, nothing was changed" }).waitFor();
  assert.equal(await page.isDisabled(".live-propose > button"), false);
  server.refuses = { status: 409, detail: "another proposal is being decided" };
  await page.getByRole("button", { name: "Propose the upgrade to the terminal" }).click();
  await page.getByText("another proposal is being decided").waitFor();
  await page.getByRole("button", { name: "Read it again" }).click();
  await page.waitForSelector("#result:not([aria-busy])");
  assert.equal(await page.locator(".files .name").count(), 1, "in the place of the one before");
});

test("a real run is shown as it goes, to its end", async () => {
  const steps = RUN.find((it) => it.kind === "plan").steps;
  const half = RUN.findIndex(
    (it) => it.kind === "record" && it.record.event === "step-began" && it.record.step === steps[2].id,
  );
  server.tell(...RUN.slice(0, half + 1));
  await page.locator(".run-steps > .running", { hasText: steps[2].title }).waitFor();
  assert.equal(await page.locator(".run-steps > .done").count(), 2);
  assert.equal(await page.getAttribute(".run", "data-state"), "running");
  assert.match(await page.textContent(".run [role=status]"), new RegExp(`Running: ${steps[2].title}`));
  server.tell({ kind: "waiting", object: "Deployment istio-system/istiod", reason: "1 of 2 replicas" });
  await page.locator(".step-waits", { hasText: "1 of 2 replicas" }).waitFor();
  server.tell(...RUN.slice(half + 1));
  await page.waitForSelector('.run[data-state="done"]');
  const began = RUN.find((it) => it.record?.event === "run-began").record;
  const own = steps.filter((it) => began.restarts === true || !it.isRestart);
  assert.equal(await page.locator(".run-steps > .done").count(), own.length);
  assert.equal(await page.locator(".run-steps > .left").count(), steps.length - own.length);
  assert.equal(await page.locator(".step-waits").count(), 0);
  const records = RUN.filter((it) => it.kind === "record").length;
  assert.equal(await page.locator(".records li").count(), records);
  await page.reload();
  await page.waitForSelector('.run[data-state="done"]');
  assert.equal(await page.locator(".records li").count(), records, "who comes late sees all of it");
});

test("a run that stops shows why, with the last lines of the log, as text", async () => {
  const plan = RUN.find((it) => it.kind === "plan");
  const step = plan.steps[0].id;
  const record = (event, more) => ({
    kind: "record",
    record: { schema: "refit.record/v1", at: "2026-11-26T10:00:00Z", plan: plan.plan, event, ...more },
  });
  server.tell(proposal("planning"), plan, proposal("asking", { reason: "Proceed to Istio 1.30.3?" }));
  await page.locator(".run", { hasText: "Proceed to Istio 1.30.3? Read it in the terminal" }).waitFor();
  server.tell(
    proposal("running"),
    record("run-began", { by: "host" }),
    record("step-began", { step }),
    { kind: "said", text: "! <img src=x onerror=alert(1)> is not up to date" },
    record("failed", {
      step,
      reason: "step: pod istiod-1 is in CrashLoopBackOff; its last lines:\n    <b>panic</b>: no certificate",
    }),
    proposal("failed", { reason: "go on with `refit apply --resume`" }),
  );
  await page.waitForSelector('.run[data-state="failed"]');
  assert.match(await page.textContent(".failure"), /its last lines:\n {4}<b>panic<\/b>/);
  assert.equal(await page.locator(".run img, .run b").count(), 0);
  assert.equal(await page.locator(".run-steps > .failed").count(), 1);
});

test("workloads alone are proposed with their pace", async () => {
  await readCluster();
  await page.getByText("Only restart workloads").click();
  await page.fill("#live-wave", "25%");
  await page.fill("#live-pause", "10m");
  await page.getByRole("button", { name: "Propose to restart them" }).click();
  await page.getByText("The terminal was asked.").waitFor();
  assert.deepEqual(asked("POST restart"), [{ wave: "25%", pause: "10m" }]);
});

test("without a terminal the page proposes nothing", async () => {
  await open({}, { terminal: false });
  await readCluster();
  assert.equal(await page.isVisible(".live-propose"), false);
  assert.match(await page.textContent(".live-card"), /has no terminal/);
});

test("a server that ends is told", async () => {
  allowed = /net::ERR_/;
  // What the page fetches by itself is there.
  await page.waitForSelector(".editor .cm-content");
  await page.waitForSelector("#commands pre", { state: "attached" });
  await server.close();
  await page.waitForSelector('.live-card[data-state="lost"]');
  assert.match(await page.textContent(".live-card .warn"), /refit serve/);
  assert.equal(await page.getByRole("button", { name: "Read the cluster" }).isDisabled(), true);
});

for (const [colorScheme, width, height] of [
  ["light", 1440, 900],
  ["dark", 1440, 900],
  ["light", 360, 740],
  ["dark", 360, 740],
]) {
  test(`axe, fit and screenshots: ${colorScheme}, ${width}`, async () => {
    await open({ colorScheme, viewport: { width, height }, bypassCSP: true, reducedMotion: "reduce" });
    await page.evaluate(axe);
    const found = [];
    const look = async (name) => {
      const over = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      found.push(...(over === 0 ? [] : [`${name} overflows by ${over}`]));
      const { violations } = await page.evaluate(() => globalThis.axe.run());
      found.push(
        ...violations.map(
          (rule) => `${name}: ${rule.id}: ${rule.nodes.map((node) => node.html.slice(0, 160)).join(" ")}`,
        ),
      );
      await page.screenshot({ path: output(`live-${name}-${colorScheme}-${width}.png`), fullPage: true });
    };
    await page.waitForSelector(".editor .cm-content");
    await look("open");
    await readCluster();
    server.tell(
      ...RUN.slice(
        0,
        RUN.findIndex((it) => it.kind === "proposal" && it.state === "running"),
      ),
    );
    await page.waitForSelector('.run[data-state="asking"]');
    await look("asking");
    const half = RUN.findIndex((it) => it.kind === "record" && it.record.event === "step-ended") + 4;
    server.tell(...RUN.slice(server.told.length, half), {
      kind: "waiting",
      object: "Deployment istio-system/istiod",
      reason: "1 of 2 replicas are available",
    });
    await page.waitForSelector(".step-waits");
    await look("running");
    server.tell(...RUN.slice(half));
    await page.waitForSelector('.run[data-state="done"]');
    await page.getByText("Records of the journal").click();
    await look("done");
    assert.deepEqual(found, []);
  });
}
