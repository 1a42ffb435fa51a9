// Where the WebAssembly module comes from in Node and Deno: the file beside this one.

import { readFile } from "node:fs/promises";

/** Compiles the module. */
export async function loadModule(): Promise<WebAssembly.Module> {
  const bytes = await readFile(new URL("./wasm/planner_bg.wasm", import.meta.url));
  return WebAssembly.compile(new Uint8Array(bytes));
}
