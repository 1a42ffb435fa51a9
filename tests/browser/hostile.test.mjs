// Exports that mean no good: markup in every name, secrets, files that are cut, files that are too large to wait for.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createWriteStream, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { finished } from "node:stream/promises";
import { after, test } from "node:test";
import { inflateRawSync } from "node:zlib";

import { data, golden, needsData, usePage } from "./page.mjs";

const it = usePage();
const EVIL = '<img src=x onerror="globalThis.owned = true"><script>globalThis.owned = true</script>';
const folder = mkdtempSync(join(tmpdir(), "refit-hostile-"));
after(() => rmSync(folder, { recursive: true }));

/** The text of everything that can be kept or handed on. */
async function kept() {
  const texts = {};
  for (const kind of ["JSON", "Markdown", "HTML", "SARIF"]) {
    texts[kind] = await it.download(kind);
  }
  if ((await it.page.getByRole("button", { name: "Plan file", exact: true }).count()) > 0) {
    texts["Plan file"] = await it.download("Plan file");
  }
  const link = await it.page.evaluate(async () => {
    const button = [...document.querySelectorAll("button")].find((button) => button.textContent === "Copy link");
    const copied = new Promise((resolve) => (navigator.clipboard.writeText = async (text) => resolve(text)));
    button.click();
    return copied;
  });
  texts.link = inflateRawSync(Buffer.from(new URL(link).hash.slice(4), "base64url")).toString("utf8");
  return texts;
}

/** Opens every tab and everything in it, and returns the text of the page, shadow roots too. */
async function everything() {
  let text = "";
  for (const name of ["Findings", "Defaults", "Reverted", "Objects", "Restarts", "Steps", "Inventory"]) {
    await it.tab(name);
    for (let round = 0; round < 3; round += 1) {
      await it.page.evaluate(() =>
        document.querySelectorAll("#result details:not([open])").forEach((details) => (details.open = true)),
      );
      await it.page.waitForTimeout(100);
    }
    text += await it.page.evaluate(
      () =>
        document.documentElement.outerHTML +
        [...document.querySelectorAll("*")].map((node) => node.shadowRoot?.innerHTML ?? "").join(""),
    );
  }
  return text;
}

test("markup in names, labels, values and file names stays text, on the page and in what is kept", async () => {
  const hostile = {
    apiVersion: "v1",
    kind: "List",
    items: [
      {
        apiVersion: "v1",
        kind: "Namespace",
        metadata: { name: EVIL, labels: { "istio-injection": "enabled", [EVIL]: EVIL } },
      },
      {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name: EVIL, namespace: EVIL, labels: { app: "istiod", "istio.io/rev": EVIL } },
        spec: { containers: [{ name: "discovery", image: "docker.io/istio/pilot:1.29.6" }] },
      },
      {
        apiVersion: "apps/v1",
        kind: "Deployment",
        metadata: {
          name: "istiod",
          namespace: "istio-system",
          labels: { app: "istiod", istio: "pilot", "istio.io/rev": EVIL, "operator.istio.io/component": EVIL },
        },
        spec: {
          replicas: 1,
          selector: { matchLabels: { app: EVIL } },
          template: {
            metadata: { labels: { app: EVIL } },
            spec: { containers: [{ name: "discovery", image: `docker.io/istio/pilot:${EVIL}` }] },
          },
        },
      },
    ],
  };
  await it.page.setInputFiles("#files", {
    name: `${EVIL}.json`,
    mimeType: "application/json",
    buffer: Buffer.from(JSON.stringify(hostile)),
  });
  await it.page.waitForSelector(".outcome");
  await everything();
  assert.equal(await it.page.evaluate(() => globalThis.owned), undefined);
  assert.equal(await it.page.locator("#result img[src], #result script, #input img[src]").count(), 0);
  const html = await it.download("HTML");
  const other = await it.context.newPage();
  await other.setContent(html);
  assert.equal(await other.evaluate(() => globalThis.owned), undefined);
  assert.equal(await other.locator("img, script").count(), 0);
});

test("markup in the name of an archive's member stays text", async () => {
  const member = "x<img src=x onerror=alert(1)>.yaml";
  spawnSync("sh", ["-c", 'printf "kind: [" > "$1" && tar czf evil.tar.gz "$1"', "sh", member], { cwd: folder });
  await it.pick([join(folder, "evil.tar.gz")]);
  await it.page.waitForSelector(".verdict.error");
  assert.equal(await it.page.locator("#result img").count(), 0);
  assert.match(await it.page.textContent(".verdict.error code"), /!x<img/);
});

test("secrets that were exported are in nothing that is kept, handed on, shown or remembered", needsData, async () => {
  const scenario = join(data, "exports/secrets-in-export");
  const { canaries } = JSON.parse(readFileSync(join(scenario, "expected.json"), "utf8"));
  assert.ok(canaries.length >= 4);
  await it.pick([
    join(scenario, "export.tar.gz"),
    join(data, "istio/releases/istio-1.29.6.tar.gz"),
    join(data, "istio/releases/istio-1.30.3.tar.gz"),
  ]);
  await it.page.waitForSelector(".outcome");
  await it.page.check("#remember");
  await it.page.waitForFunction(async () => (await indexedDB.databases()).length > 0);
  const places = { ...(await kept()), page: await everything() };
  places.remembered = await it.page.evaluate(
    () =>
      new Promise((resolve) => {
        indexedDB.open("refit").onsuccess = ({ target }) => {
          target.result.transaction("session").objectStore("session").getAll().onsuccess = (event) =>
            resolve(JSON.stringify(event.target.result));
        };
      }),
  );
  places.stored = await it.page.evaluate(() =>
    JSON.stringify([{ ...localStorage }, { ...sessionStorage }, location.href]),
  );
  for (const [place, text] of Object.entries(places)) {
    for (const canary of canaries) {
      assert.ok(!text.includes(canary), `a canary is in ${place}`);
    }
  }
});

test("a cut archive and a cut release are named, and nothing is planned from them", needsData, async () => {
  const cut = (path) => readFileSync(path).subarray(0, 60_000);
  await it.page.setInputFiles("#files", {
    name: "export.tar.gz",
    mimeType: "application/gzip",
    buffer: cut(join(data, "exports/helm/export.tar.gz")),
  });
  await it.page.waitForSelector(".verdict.error");
  assert.match(await it.page.textContent(".verdict.error"), /export\.tar\.gz.*(truncated|damaged)/);
  await it.page.getByRole("button", { name: "Start again" }).click();
  await it.page.waitForSelector(".welcome");
  await it.pick([golden("clear-upgrade/export/cluster.yaml")]);
  await it.page.waitForSelector(".outcome");
  await it.page.setInputFiles("#files", {
    name: "istio-1.30.3.tar.gz",
    mimeType: "application/gzip",
    buffer: cut(join(data, "istio/releases/istio-1.30.3.tar.gz")),
  });
  await it.page.waitForSelector(".verdict.error");
  assert.match(await it.page.textContent(".verdict.error"), /istio-1\.30\.3\.tar\.gz/);
  await it.page.getByRole("button", { name: "Remove istio-1.30.3.tar.gz" }).click();
  await it.page.waitForSelector(".outcome");
});

test("200 MB are read with progress, and can be cancelled", { timeout: 240_000 }, async () => {
  const path = join(folder, "large.yaml");
  const file = createWriteStream(path);
  const item = `- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: NAME, namespace: shop}\n  data:\n    a: ${"x".repeat(20_000)}\n`;
  file.write("apiVersion: v1\nkind: List\nitems:\n");
  for (let at = 0; at < 10_000; at += 1) {
    if (!file.write(item.replace("NAME", `c${at}`))) {
      await new Promise((resolve) => file.once("drain", resolve));
    }
  }
  file.end();
  await finished(file);
  await it.pick([path]);
  await it.page.waitForFunction(() => Number(document.querySelector("#progress")?.value) > 0);
  assert.match(await it.page.textContent(".work"), /large\.yaml: .* of 20\d\.\d MB/);
  await it.page.click("#cancel");
  await it.page.waitForSelector("#result .empty");
  assert.match(await it.page.textContent("#result"), /Cancelled/);
  assert.match(await it.page.evaluate(() => document.activeElement.textContent), /Read 1 file again/);
  await it.page.getByRole("button", { name: "Read 1 file again" }).click();
  await it.page.waitForFunction(() => / MB, \d+ MB\/s/.test(document.querySelector(".work").textContent));
  await it.page.waitForSelector(".outcome", { timeout: 180_000 });
  assert.match(await it.page.textContent(".summary"), /10,000 objects/);
});
