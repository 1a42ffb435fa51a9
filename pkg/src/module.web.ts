// Where the WebAssembly module comes from in browsers and bundlers: an asset beside this script.

/** Compiles the module, while it arrives where the server names its type. */
export async function loadModule(): Promise<WebAssembly.Module> {
  const response = await fetch(new URL("./wasm/planner_bg.wasm", import.meta.url));
  if (!response.ok) {
    throw new Error(`cannot load the planner: ${response.status} ${response.statusText}`);
  }
  if (response.headers.get("content-type") === "application/wasm") {
    return WebAssembly.compileStreaming(response);
  }
  return WebAssembly.compile(await response.arrayBuffer());
}
