// Plans a large export twice in Chromium and prints what the second took: node bench.mjs FILE

import { basename, dirname } from "node:path";
import { pathToFileURL } from "node:url";

import { launch } from "./chromium.mjs";
import { serve } from "./serve.mjs";

const [path] = process.argv.slice(2);
const here = new URL("./", import.meta.url);
const server = await serve({
  "/pkg/": new URL("../../pkg/dist/", here),
  "/data/": pathToFileURL(`${dirname(path)}/`),
  "/": here,
});
const browser = await launch();
try {
  const page = await browser.newPage();
  await page.goto(`${server.origin}/blank.html`);
  const ms = await page.evaluate(async (name) => {
    const { plan } = await import("/pkg/index.js");
    const content = await (await fetch(`/data/${name}`)).blob();
    let took = 0;
    for (let run = 0; run < 2; run += 1) {
      const start = performance.now();
      const outcome = await plan({ cluster: { name, content }, to: "1.30.3" });
      took = performance.now() - start;
      if (outcome.inventory.proxies.length === 0) {
        throw new Error("the plan saw no proxy");
      }
    }
    return took;
  }, basename(path));
  console.log(JSON.stringify({ ms }));
} finally {
  await browser.close();
  await server.close();
}
