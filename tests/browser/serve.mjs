// Static files on loopback, below a sub-path.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname } from "node:path";

export const TYPES = {
  ".css": "text/css",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
  ".gz": "application/gzip",
  ".yaml": "application/yaml",
};

/**
 * Serves folders (`{ "/page/": URL }`) until `close`; `replace` serves a text in the place of a file. `asked` is what was
 * asked for: each name with its bytes and the moment.
 */
export async function serve(folders) {
  const replaced = new Map();
  const asked = [];
  const server = createServer(async (request, response) => {
    const path = new URL(request.url, "http://localhost").pathname;
    const mount = Object.keys(folders).find((it) => path.startsWith(it));
    const name = path.endsWith("/") ? `${path}index.html` : path;
    const type = TYPES[extname(name)] ?? "application/octet-stream";
    try {
      if (mount === undefined || name.includes("..")) {
        throw new Error("not served");
      }
      const body =
        replaced.get(name) ?? (await readFile(new URL(decodeURIComponent(name.slice(mount.length)), folders[mount])));
      asked.push({ name, bytes: body.length, at: Date.now() });
      response.writeHead(200, { "content-type": type }).end(body);
    } catch {
      response.writeHead(404, { "content-type": "text/plain" }).end("not found");
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${server.address().port}`;
  const replace = (name, text) => replaced.set(name, text);
  return { origin, asked, replace, close: () => new Promise((resolve) => server.close(resolve)) };
}
