import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { type Plugin, defineConfig } from "vite";

// Relative addresses: the page works from any file server and below any path.
export default defineConfig({
  base: "./",
  build: { target: "es2022", modulePreload: { polyfill: false }, assetsInlineLimit: 0 },
  worker: { format: "es" },
  // The package finds its wasm file beside its script; pre-bundling would part them.
  optimizeDeps: { exclude: ["refit-planner"] },
  plugins: [serviceWorker()],
});

/** Writes `sw.js`: the page's own files, by a version that changes with any of them. */
function serviceWorker(): Plugin {
  return {
    name: "service-worker",
    apply: "build",
    enforce: "post",
    generateBundle: {
      order: "post",
      handler(_, bundle) {
        const files = Object.keys(bundle)
          .filter((it) => !it.endsWith(".map"))
          .sort();
        const hash = createHash("sha256");
        for (const name of files) {
          const file = bundle[name];
          hash.update(name).update(file?.type === "chunk" ? file.code : (file?.source ?? ""));
        }
        // Neither the page itself nor what lies in `public` is in the bundle at every moment.
        hash.update(readFileSync(new URL("./index.html", import.meta.url)));
        const own = new URL("./public/", import.meta.url);
        const shipped = readdirSync(own).filter((it) => it.includes("."));
        shipped.forEach((it) => hash.update(readFileSync(new URL(it, own))));
        const source = readFileSync(new URL("./src/sw.js", import.meta.url), "utf8");
        hash.update(source);
        const text = source
          .replace("__VERSION__", hash.digest("hex").slice(0, 16))
          .replace("__FILES__", JSON.stringify(["./", ...shipped, ...files.filter((it) => it !== "index.html")]));
        this.emitFile({ type: "asset", fileName: "sw.js", source: text });
      },
    },
  };
}
