// Plans a large export twice and prints what the second took and what memory was held and is left: node bench.mjs FILE

import { openAsBlob } from "node:fs";

import { Cluster, memoryBytes } from "refit-planner";

const [path] = process.argv.slice(2);
const measured = { ms: 0, held: 0, left: 0 };
for (let run = 0; run < 2; run += 1) {
  const start = performance.now();
  const cluster = await Cluster.read({ name: path, content: await openAsBlob(path) });
  const outcome = cluster.plan({ to: "1.30.3" });
  measured.ms = performance.now() - start;
  measured.held = memoryBytes();
  cluster.close();
  if (outcome.inventory.proxies.length === 0) {
    throw new Error("the plan saw no proxy");
  }
}
// Whatever is used next starts in a fresh instance, where the one before had grown large.
(await Cluster.read([])).close();
measured.left = memoryBytes();
console.log(JSON.stringify(measured));
