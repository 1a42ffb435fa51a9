// The one WebAssembly instance: started when it is first needed, replaced when it is poisoned or has grown large.

import { kind } from "./check.js";
import { InputError, PlannerPanic, RequestError, isFailure } from "./errors.js";
import * as bindings from "./wasm/planner.js";

/** An instance never gives memory back by itself; above this it is replaced as soon as nothing uses it. */
const LARGE = 64 * 1024 * 1024;

let ready: Promise<void> | undefined;
let generation = 0;
let users = 0;
let running = false;

/** The planner's own functions. Call them inside `call` only. */
export type Bindings = typeof bindings;

/** Where the WebAssembly module may come from: compiled, as bytes, or an address that `fetch` knows. */
export type ModuleSource = object | string;

/** Starts the planner; `plan` and its like do so by themselves. Once it runs, another source is not looked at. */
export function start(source?: ModuleSource): Promise<void> {
  ready ??= load(source);
  return ready;
}

/** Calls the planner and makes its errors ours. A panic poisons the instance: it is replaced, and the error says so. */
export function call<T>(work: (planner: Bindings) => T): T {
  try {
    return work(bindings);
  } catch (thrown) {
    if (isFailure(thrown)) {
      throw thrown.kind === "input" ? new InputError(thrown) : new RequestError(thrown);
    }
    replace();
    throw new PlannerPanic(thrown);
  }
}

/** Bytes of memory that the planner has taken; 0 before it was started. */
export function memoryBytes(): number {
  return running ? bindings.memoryBytes() : 0;
}

/** Which instance runs; what an earlier one read is gone. */
export function instance(): number {
  return generation;
}

/** Counts a user of the instance's memory. */
export function enter(): void {
  users += 1;
}

/** Uncounts a user; the last one gives a large memory back. */
export function leave(from: number): void {
  if (from !== generation) {
    return;
  }
  users -= 1;
  if (users === 0 && bindings.memoryBytes() > LARGE) {
    replace();
  }
}

async function load(source: ModuleSource | undefined): Promise<void> {
  try {
    bindings.initSync({ module: await (source === undefined ? own() : given(source)) });
    running = true;
  } catch (error) {
    ready = undefined;
    throw error;
  }
}

/** The module that lies beside this script. */
async function own(): Promise<WebAssembly.Module> {
  // Bundlers for browsers put the second in the place of the first (`browser` in package.json).
  const { loadModule } = onDisk() ? await import("./module.node.js") : await import("./module.web.js");
  return loadModule();
}

async function given(source: ModuleSource): Promise<WebAssembly.Module> {
  if (source instanceof WebAssembly.Module) {
    return source;
  }
  if (source instanceof ArrayBuffer || ArrayBuffer.isView(source)) {
    return WebAssembly.compile(source as BufferSource);
  }
  if (typeof source === "string" || source instanceof URL) {
    const { fetchModule } = await import("./module.web.js");
    return fetchModule(source);
  }
  throw new TypeError(`the module must be bytes, an address or a WebAssembly.Module, not ${kind(source)}`);
}

function replace(): void {
  generation += 1;
  users = 0;
  bindings.__wbg_reset_state();
}

/** Whether files can be read: Node, Deno, Bun. */
function onDisk(): boolean {
  return typeof process === "object" && process.versions?.node !== undefined;
}
