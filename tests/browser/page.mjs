// The page in Chromium, for tests that use it as a person does. Whatever a test does: nothing leaves the origin, nothing
// goes wrong in the console.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { after, afterEach, before, beforeEach } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";

import { launch } from "./chromium.mjs";
import { serve } from "./serve.mjs";

/** Milliseconds until a test gives up waiting. */
const PATIENCE = 120_000;
export const OUTPUT = new URL("../output/", import.meta.url);
export const DIST = new URL("../../www/dist/", import.meta.url);
/** A page of another day, to look at beside this one: the `www/dist` of an earlier commit. */
export const BEFORE = process.env.REFIT_BEFORE && pathToFileURL(`${process.env.REFIT_BEFORE}/`);
export const data = process.env.REFIT_ISTIO_DATA;
/** Real clusters are there when the page was built with data. */
export const needsGallery = {
  skip:
    !readFileSync(new URL("samples/index.json", DIST), "utf8").includes('"export"') && "needs a page built with data",
};
export const needsData = { skip: !data && "needs REFIT_ISTIO_DATA" };

export const golden = (path) => fileURLToPath(new URL(`../golden/${path}`, import.meta.url));
export const output = (name) => fileURLToPath(new URL(name, OUTPUT));

/** Sets the page up around the tests of a file; `it.page` is the one of the test that runs. */
export function usePage() {
  const it = { folder: "/some/where/", complaints: [], requests: [], allowed: [] };

  before(async () => {
    await mkdir(OUTPUT, { recursive: true });
    it.server = await serve({ "/some/where/": DIST, ...(BEFORE && { "/before/": BEFORE }) });
    it.browser = await launch();
  });
  after(async () => {
    await it.browser?.close();
    await it.server?.close();
  });
  beforeEach(() => it.open({}));
  afterEach(() => it.checkQuiet());

  it.open = async (options, hash = "") => {
    await it.context?.close();
    it.context = await it.browser.newContext({
      acceptDownloads: true,
      viewport: { width: 1280, height: 900 },
      ...options,
    });
    it.page = await it.context.newPage();
    // Other suites run beside this one: what takes two seconds alone can take half a minute.
    it.page.setDefaultTimeout(PATIENCE);
    it.requests = [];
    it.complaints = [];
    it.allowed = [];
    it.context.on("request", (request) => it.requests.push(request.url()));
    it.page.on("console", (message) => message.type() === "error" && it.complaints.push(message.text()));
    it.page.on("pageerror", (error) => it.complaints.push(String(error)));
    await it.page.goto(`${it.server.origin}${it.folder}${hash}`);
    if (hash === "") {
      await it.page.waitForSelector("#commands pre");
    }
  };

  it.checkQuiet = () => {
    const outside = it.requests.filter(
      (url) => !url.startsWith(`${it.server.origin}${it.folder}`) && !/^(blob|data):/.test(url),
    );
    assert.deepEqual(outside, []);
    // Nothing is asked that only `refit serve` answers.
    assert.deepEqual(
      it.requests.filter((url) => url.includes("/live/")),
      [],
    );
    assert.deepEqual(
      it.complaints.filter((text) => !it.allowed.some((allowed) => allowed.test(text))),
      [],
    );
  };

  it.pick = (paths) => it.page.setInputFiles("#files", paths);
  it.sample = async (name) => {
    await it.page.locator(".sample", { has: it.page.getByText(name, { exact: true }) }).click();
    await it.page.waitForSelector(".outcome");
  };
  it.tab = (name) => it.page.getByRole("tab", { name }).click();
  it.editorText = () =>
    it.page.evaluate(() =>
      [...document.querySelector(".editor").shadowRoot.querySelectorAll(".cm-line")]
        .map((line) => line.textContent)
        .join("\n"),
    );
  it.type = async (text) => {
    await it.page.locator(".editor .cm-content").click();
    await it.page.keyboard.press("Control+a");
    // Chromium would take the colours of what it replaces along, as a style of its own that the policy refuses.
    await it.page.keyboard.press("Delete");
    await it.page.keyboard.insertText(text);
  };
  /** Waits until the session of another day is written. */
  it.remembered = async () => {
    await it.page.waitForFunction(async () => (await indexedDB.databases()).length > 0);
    await it.page.waitForFunction(
      () =>
        new Promise((resolve) => {
          const opening = indexedDB.open("refit");
          opening.onsuccess = () => {
            const asked = opening.result.transaction("session").objectStore("session").get("last");
            asked.onsuccess = () => {
              opening.result.close();
              resolve(asked.result !== undefined);
            };
          };
        }),
    );
  };
  /** Waits until the page has planned what it was asked for last. */
  it.settled = async () => {
    await it.page.waitForSelector("#result:not([aria-busy])");
  };
  it.download = async (kind) => {
    const [file] = await Promise.all([
      it.page.waitForEvent("download"),
      it.page.getByRole("button", { name: kind, exact: true }).click(),
    ]);
    return readFile(await file.path(), "utf8");
  };
  return it;
}
