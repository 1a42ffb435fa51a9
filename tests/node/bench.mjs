// Plans a large export twice and prints the milliseconds that the second took: node bench.mjs FILE

import { openAsBlob } from "node:fs";

import { plan } from "refit-planner";

const [path] = process.argv.slice(2);
let took = 0;
for (let run = 0; run < 2; run += 1) {
  const start = performance.now();
  const outcome = await plan({ cluster: { name: path, content: await openAsBlob(path) }, to: "1.30.3" });
  took = performance.now() - start;
  if (outcome.inventory.proxies.length === 0) {
    throw new Error("the plan saw no proxy");
  }
}
console.log(took);
