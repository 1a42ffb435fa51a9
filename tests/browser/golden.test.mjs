// Golden cases in Chromium, with the package as it is published and no bundler: byte by byte as natively.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { planText } from "refit-planner";

import { goldenCases } from "../golden.mjs";
import { launch } from "./chromium.mjs";
import { serve } from "./serve.mjs";

let server;
let browser;
let page;

before(async () => {
  const here = new URL("./", import.meta.url);
  server = await serve({ "/pkg/": new URL("../../pkg/dist/", here), "/": here });
  browser = await launch();
  page = await browser.newPage();
  await page.goto(`${server.origin}/blank.html`);
});

after(async () => {
  await browser?.close();
  await server?.close();
});

for (const golden of await goldenCases()) {
  test(`golden: ${golden.name}`, async () => {
    const files = (await golden.files()).map(({ name, bytes }) => ({ name, text: bytes.toString("base64") }));
    const releases = (await golden.releases()).map(({ name, bytes }) => ({ name, text: bytes.toString("base64") }));
    const got = await page.evaluate(planned, { files, releases, request: await golden.request() });
    assert.equal(got.outcome, golden.expected.outcome);
    assert.deepEqual(got.error, golden.expected.error && JSON.parse(golden.expected.error));
  });
}

const { REFIT_ISTIO_DATA: data } = process.env;

// A real export with both releases: what Chromium says is what Node says, which tests/node/real.test.mjs compares with
// the command line.
for (const [name, ...versions] of [
  ["default-1.29-to-1.30", "1.29.6", "1.30.3"],
  ["ambient-1.29-to-1.30", "1.29.6", "1.30.3"],
  ["live-edits", "1.29.6", "1.30.3"],
]) {
  test(`real export: ${name}`, { skip: !data && "needs REFIT_ISTIO_DATA" }, async () => {
    const export_ = await readFile(join(data, "exports", name, "export.tar.gz"));
    const archives = await Promise.all(
      versions.map(async (it) => ({
        name: `istio-${it}.tar.gz`,
        content: await readFile(join(data, "istio/releases", `istio-${it}.tar.gz`)),
      })),
    );
    const request = { to: versions.at(-1), asOf: null };
    const here = await planText({
      ...request,
      cluster: { name: "export.tar.gz", content: export_ },
      releases: archives,
    });
    const got = await page.evaluate(plannedWhole, {
      request,
      cluster: export_.toString("base64"),
      releases: archives.map(({ name, content }) => ({ name, text: content.toString("base64") })),
    });
    assert.equal(got, here);
  });
}

/** Runs in the page. */
async function plannedWhole({ request, cluster, releases }) {
  const { planText } = await import("/pkg/index.js");
  const bytes = (text) => Uint8Array.from(atob(text), (it) => it.charCodeAt(0));
  return planText({
    ...request,
    cluster: { name: "export.tar.gz", content: new Blob([bytes(cluster)]) },
    releases: releases.map(({ name, text }) => ({ name, content: new Blob([bytes(text)]).stream() })),
  });
}

/** Runs in the page. */
async function planned({ files, releases, request }) {
  const { InputError, planText } = await import("/pkg/index.js");
  try {
    const bytes = (text) => Uint8Array.from(atob(text), (it) => it.charCodeAt(0));
    const named = ({ name, text }) => ({ name, content: new Blob([bytes(text)]) });
    return { outcome: await planText({ ...request, cluster: files.map(named), releases: releases.map(named) }) };
  } catch (error) {
    if (!(error instanceof InputError)) {
      throw error;
    }
    return { error: { file: error.file, line: error.line, column: error.column, message: error.message } };
  }
}
