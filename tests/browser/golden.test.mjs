// Golden cases in Chromium, with the package as it is published and no bundler: byte by byte as natively.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

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
    const files = (await golden.files()).map(({ name, bytes }) => ({ name, text: bytes.toString("utf8") }));
    const got = await page.evaluate(planned, { files, request: await golden.request() });
    assert.equal(got.outcome, golden.expected.outcome);
    assert.deepEqual(got.error, golden.expected.error && JSON.parse(golden.expected.error));
  });
}

/** Runs in the page. */
async function planned({ files, request }) {
  const { InputError, planText } = await import("/pkg/index.js");
  try {
    const cluster = files.map(({ name, text }) => ({ name, content: new Blob([text]) }));
    return { outcome: await planText({ ...request, cluster }) };
  } catch (error) {
    if (!(error instanceof InputError)) {
      throw error;
    }
    return { error: { file: error.file, line: error.line, column: error.column, message: error.message } };
  }
}
