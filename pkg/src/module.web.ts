// Where the WebAssembly module comes from in browsers and bundlers: an asset beside this script.

/** Compiles the module. */
export function loadModule(): Promise<WebAssembly.Module> {
  return fetchModule(new URL("./wasm/planner_bg.wasm", import.meta.url));
}

/** Compiles the module at an address, while it arrives where the server names its type. */
export async function fetchModule(address: URL | string): Promise<WebAssembly.Module> {
  const response = await fetch(address);
  if (!response.ok) {
    throw new Error(`cannot load the planner: ${response.status} ${response.statusText}`);
  }
  if (response.headers.get("content-type") === "application/wasm") {
    return WebAssembly.compileStreaming(response);
  }
  return WebAssembly.compile(await response.arrayBuffer());
}
