// What `cargo xtask dist` made (`DIST`), and how tests look at it. `cargo xtask test dist` sets the variables.

import { spawn, spawnSync } from "node:child_process";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";

/** The folder. */
export const DIST = process.env.DIST;
/** Where the release says that its sources lie. */
export const REPOSITORY = process.env.REPOSITORY;

const names = await readdir(DIST);

/** The one file whose name has this ending. */
export function file(ending) {
  const [name, ...more] = names.filter((it) => it.endsWith(ending));
  if (!name || more.length > 0) {
    throw new Error(`${[name, ...more].join(", ")}: one file that ends with ${ending} is expected`);
  }
  return join(DIST, name);
}

/** A folder that goes when the tests have ended. */
export async function folder() {
  const path = await mkdtemp(join(tmpdir(), "refit-dist-"));
  after(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** Runs a program that has to succeed; returns what it printed. */
export function run(program, args, options = {}) {
  const ended = spawnSync(program, args, { encoding: "utf8", maxBuffer: 1 << 26, ...options });
  if (ended.status !== 0) {
    throw new Error(`${program} ${args.join(" ")}: ${ended.error ?? ended.stdout + ended.stderr}`);
  }
  return ended.stdout;
}

/** The same while this process goes on, which serves files; returns exit code and everything that was said. */
export async function running(program, args, options = {}) {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], ...options });
  let said = "";
  child.stdout.on("data", (it) => (said += it));
  child.stderr.on("data", (it) => (said += it));
  const code = await new Promise((done) => child.on("close", done));
  return { code, said };
}

/** Serves the folder on loopback, each file changed as is said; returns its address. */
export async function serve(change = (_, bytes) => bytes) {
  const server = createServer(async (request, answer) => {
    try {
      const name = request.url.slice(1);
      answer.end(change(name, await readFile(join(DIST, name))));
    } catch {
      answer.writeHead(404).end();
    }
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  after(() => server.close());
  return `http://127.0.0.1:${server.address().port}`;
}
