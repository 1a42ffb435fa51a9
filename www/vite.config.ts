import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { type Explanation, codes } from "refit-planner";
import { type Plugin, defineConfig } from "vite";

// Relative addresses: the page works from any file server and below any path.
export default defineConfig({
  base: "./",
  build: {
    target: "es2022",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    rolldownOptions: { input: ["index.html", "guide.html"] },
  },
  worker: { format: "es" },
  // The package finds its wasm file beside its script; pre-bundling would part them.
  optimizeDeps: { exclude: ["refit-planner"] },
  plugins: [codesOfTheGuide(), serviceWorker()],
});

/** Writes what every code means into the guide, as the planner says it. */
function codesOfTheGuide(): Plugin {
  return {
    name: "codes-of-the-guide",
    transformIndexHtml: {
      order: "pre",
      handler: async (html) => html.replace("<!--codes-->", (await codes()).map(entry).join("\n")),
    },
  };
}

function entry({ code, level, title, why, settle, source, link }: Explanation): string {
  const more =
    link?.startsWith("https://") === true ? ` <a href="${text(link)}" rel="noopener noreferrer">${text(link)}</a>` : "";
  return `<section class="code-entry" id="${text(code)}">
  <h2><code>${text(code)}</code> <span class="badge ${text(level)}">${text(level)}</span></h2>
  <p>${words(title)}</p>
  <p><strong>Why it matters</strong> ${words(why)}</p>
  <p><strong>How to settle it</strong> ${words(settle)}</p>
  <p class="source">${words(source)}${more}</p>
</section>`;
}

/** A text as markup, what stands between backticks as code. */
function words(it: string): string {
  return it
    .split("`")
    .map((part, at) => (at % 2 === 1 ? `<code>${text(part)}</code>` : text(part)))
    .join("");
}

function text(it: string): string {
  return it.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

/** Files of the samples are kept once they were used, as those beside the page are. */
function isSample(name: string): boolean {
  return /\.(ya?ml|gz|json)$/.test(name);
}

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
        hash.update(readFileSync(new URL("./guide.html", import.meta.url)));
        const own = new URL("./public/", import.meta.url);
        const shipped = readdirSync(own).filter((it) => it.includes("."));
        shipped.forEach((it) => hash.update(readFileSync(new URL(it, own))));
        const source = readFileSync(new URL("./src/sw.js", import.meta.url), "utf8");
        hash.update(source);
        const text = source
          .replace("__VERSION__", hash.digest("hex").slice(0, 16))
          .replace(
            "__FILES__",
            JSON.stringify(["./", ...shipped, ...files.filter((it) => it !== "index.html" && !isSample(it))]),
          );
        this.emitFile({ type: "asset", fileName: "sw.js", source: text });
      },
    },
  };
}
