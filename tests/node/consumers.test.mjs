// Who uses the package: TypeScript without the DOM library, bundlers as npm brings them, and runtimes that bring the
// module themselves.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, symlink, mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

import { assertGolden } from "../golden.mjs";

const PACKAGE = fileURLToPath(new URL("../../pkg/", import.meta.url));
const MODULE = join(PACKAGE, "dist/wasm/planner_bg.wasm");
const TSC = join(PACKAGE, "node_modules/typescript/bin/tsc");
/** What a program of somebody else's does, in a bundle of its own. */
const PROGRAM = `
import { readFileSync } from "node:fs";
import { explain, init } from "refit-planner";
export async function main() {
  await init(readFileSync(process.env.MODULE));
  process.stdout.write(await explain("version-skew"));
}
`;
let folder;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "refit-consumers-"));
  await mkdir(join(folder, "node_modules"));
  await symlink(PACKAGE, join(folder, "node_modules/refit-planner"));
  await writeFile(join(folder, "package.json"), '{ "type": "module" }');
  await writeFile(join(folder, "program.mjs"), PROGRAM);
});
after(() => rm(folder, { recursive: true, force: true }));

for (const [module, moduleResolution] of [
  ["nodenext", "nodenext"],
  ["node16", "node16"],
  ["esnext", "bundler"],
]) {
  test(`the types stand without DOM and Node under ${moduleResolution}, all of them checked`, async () => {
    const name = `consumer-${moduleResolution}`;
    await writeFile(
      join(folder, `${name}.ts`),
      `import { Cluster, type Outcome, init, plan, memoryBytes } from "refit-planner";
       export async function verdict(text: string, bytes: Uint8Array): Promise<Outcome["verdict"]> {
         await init(bytes);
         const cluster = await Cluster.read([{ name: "a.yaml", content: text }, { name: "b.yaml", content: bytes }]);
         cluster.close();
         return memoryBytes() === 0 ? "clear" : (await plan({ cluster: { name: "a", content: text }, to: "1.30.3" })).verdict;
       }`,
    );
    await writeFile(
      join(folder, `${name}.json`),
      JSON.stringify({
        compilerOptions: {
          module,
          moduleResolution,
          target: "es2022",
          lib: ["es2022"],
          types: [],
          strict: true,
          exactOptionalPropertyTypes: true,
          skipLibCheck: false,
          noEmit: true,
        },
        files: [`${name}.ts`],
      }),
    );
    const run = spawnSync(process.execPath, [TSC, "-p", `${name}.json`], { cwd: folder, encoding: "utf8" });
    assert.equal(run.status, 0, run.stdout);
  });
}

test("the platform's own Blobs, streams and signals have the types that are asked for", async () => {
  await writeFile(
    join(folder, "dom.ts"),
    `import { plan } from "refit-planner";
     export const ask = (file: File, signal: AbortSignal) =>
       plan({ cluster: [{ name: "a", content: file }, { name: "b", content: file.stream() }], to: "1.30.3", signal });`,
  );
  const args = [TSC, "--noEmit", "--strict", "--module", "nodenext", "--lib", "es2022,dom", "dom.ts"];
  const run = spawnSync(process.execPath, args, { cwd: folder, encoding: "utf8" });
  assert.equal(run.status, 0, run.stdout);
});

for (const format of ["esm", "cjs"]) {
  test(`esbuild makes one file of it that runs (${format})`, async () => {
    const { build } = await import("esbuild");
    const outfile = join(folder, `esbuild-${format}.${format === "esm" ? "mjs" : "cjs"}`);
    await build({
      entryPoints: [join(folder, "program.mjs")],
      bundle: true,
      platform: "node",
      format,
      outfile,
      logLevel: "error",
      logOverride: { "empty-import-meta": "silent" },
    });
    runs(outfile);
  });
}

test("esbuild takes the browser's half for browsers", async () => {
  const { build } = await import("esbuild");
  await writeFile(join(folder, "page.mjs"), 'import { explain } from "refit-planner";\nexport default explain;\n');
  const { outputFiles } = await build({
    entryPoints: [join(folder, "page.mjs")],
    bundle: true,
    platform: "browser",
    format: "esm",
    write: false,
    logLevel: "error",
  });
  assert.doesNotMatch(outputFiles[0].text, /node:fs/);
});

test("rollup makes files of it that run", async () => {
  const { rollup } = await import("rollup");
  const { nodeResolve } = await import("@rollup/plugin-node-resolve");
  const bundle = await rollup({
    input: join(folder, "program.mjs"),
    plugins: [nodeResolve()],
    external: /^node:/,
    onwarn: (it) => assert.fail(it.message),
  });
  await bundle.write({ dir: join(folder, "rollup"), format: "es", entryFileNames: "[name].mjs" });
  await bundle.close();
  runs(join(folder, "rollup/program.mjs"));
});

test("webpack makes a file of it that runs", async () => {
  const { default: webpack } = await import("webpack");
  const stats = await new Promise((done, fail) => {
    const said = (error, stats) => (error ? fail(error) : done(stats));
    webpack(
      {
        context: folder,
        entry: "./program.mjs",
        mode: "production",
        target: "node18",
        experiments: { outputModule: true },
        output: { path: join(folder, "webpack"), filename: "program.mjs", library: { type: "module" } },
      },
      said,
    );
  });
  assert.deepEqual(stats.toJson({ all: false, errors: true, warnings: true }).errors, []);
  runs(join(folder, "webpack/program.mjs"));
});

test("webpack takes the browser's half for browsers, and the module as a file beside", async () => {
  const { default: webpack } = await import("webpack");
  await writeFile(join(folder, "web.mjs"), 'import { explain } from "refit-planner";\nexplain("version-skew");\n');
  const stats = await new Promise((done, fail) => {
    const said = (error, stats) => (error ? fail(error) : done(stats));
    const output = { path: join(folder, "webpack-web"), filename: "web.js", assetModuleFilename: "[name][ext]" };
    webpack({ context: folder, entry: "./web.mjs", mode: "production", performance: false, output }, said);
  });
  const { assets, errors, warnings } = stats.toJson({ all: false, assets: true, errors: true, warnings: true });
  assert.deepEqual([...errors, ...warnings], []);
  const names = assets.map((it) => it.name);
  assert.ok(names.includes("planner_bg.wasm"), names.join());
  for (const name of names.filter((it) => it.endsWith(".js"))) {
    const text = await readFile(join(folder, "webpack-web", name), "utf8");
    assert.ok(!text.includes("node:fs"), name);
  }
});

test("Vite makes a page of it, with the module as a file beside", async () => {
  const { build } = await import("vite");
  const root = join(folder, "vite");
  await mkdir(root);
  await writeFile(join(root, "index.html"), '<script type="module" src="./main.js"></script>');
  await writeFile(join(root, "main.js"), 'import { explain } from "refit-planner";\nexplain("version-skew");\n');
  const [built] = [await build({ root, configFile: false, logLevel: "error", build: { write: false } })].flat();
  const names = built.output.map((it) => it.fileName);
  assert.ok(
    names.some((it) => /planner_bg.*\.wasm$/.test(it)),
    names.join(),
  );
  const code = built.output.filter((it) => it.type === "chunk").map((it) => it.code);
  assert.ok(!code.join("\n").includes("node:fs"));
});

/** Programs that run JavaScript, as npm brings them. */
const RUNTIMES = ["node-18", "node-22", "node-24", "node-26", "bun"];
for (const name of RUNTIMES) {
  const program = fileURLToPath(new URL(`../node_modules/${name}/bin/${name.split("-")[0]}`, import.meta.url));
  test(
    `${name} plans every golden case as natively`,
    { skip: !existsSync(program) && "npm has none for it" },
    async () => {
      const script = fileURLToPath(new URL("./deno.mjs", import.meta.url));
      const run = spawnSync(program, [script], { encoding: "utf8", maxBuffer: 1 << 26, timeout: 120_000 });
      assert.equal(run.status, 0, run.stderr);
      await assertGolden(run.stdout);
    },
  );
}

test("the module is taken as bytes, compiled, or from an address", async () => {
  const bytes = await readFile(MODULE);
  const server = createServer((_, answer) => answer.setHeader("content-type", "application/wasm").end(bytes));
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const address = `http://127.0.0.1:${server.address().port}/planner.wasm`;
  const sources = {
    bytes: `new Uint8Array(await (await import("node:fs/promises")).readFile(process.env.MODULE))`,
    compiled: `await WebAssembly.compile(await (await import("node:fs/promises")).readFile(process.env.MODULE))`,
    url: `new URL("${address}")`,
    text: `"${address}"`,
  };
  // The server must go on answering meanwhile.
  const { spawn } = await import("node:child_process");
  for (const [name, source] of Object.entries(sources)) {
    const program = `import { init, memoryBytes } from "refit-planner"; await init(${source}); console.log(memoryBytes() > 0);`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
      cwd: folder,
      env: { ...process.env, MODULE },
    });
    let said = "";
    child.stdout.on("data", (it) => (said += it));
    child.stderr.on("data", (it) => (said += it));
    await new Promise((done) => child.on("close", done));
    assert.equal(said, "true\n", name);
  }
  server.close();
});

function runs(file) {
  const program = `import(process.argv[1]).then((it) => it.main())`;
  const run = spawnSync(process.execPath, ["-e", program, file], { encoding: "utf8", env: { ...process.env, MODULE } });
  assert.equal(run.status, 0, run.stderr);
  assert.match(run.stdout, /minor/);
}
