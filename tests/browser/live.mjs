// A double of `refit serve` for tests of the page alone: the same routes, told what to answer by the test.

import { execFileSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { dirname, extname } from "node:path";

import { DIST, golden } from "./page.mjs";
import { TYPES } from "./serve.mjs";

/** Serves the page and `/live` until `close`. What is asked of it stands in `asked`. */
export async function serveLive({ about = {} } = {}) {
  const it = { asked: [], told: [], refuses: undefined, cookies: false };
  const listeners = new Set();
  let taken = false;
  const server = createServer(async (request, response) => {
    const path = new URL(request.url, "http://localhost").pathname;
    if (!path.startsWith("/live/")) {
      const name = path === "/" ? "/index.html" : path;
      const body = await readFile(new URL(`.${name}`, DIST)).catch(() => undefined);
      response
        .writeHead(body === undefined ? 404 : 200, {
          "content-type": TYPES[extname(name)] ?? "application/octet-stream",
        })
        .end(body);
      return;
    }
    const route = `${request.method} ${path.slice("/live/".length)}`;
    const body = await text(request);
    it.asked.push({ route, body: body === "" ? undefined : JSON.parse(body) });
    it.cookies ||= request.headers.cookie !== undefined;
    const problem = (status, detail) =>
      response
        .writeHead(status, { "content-type": "application/problem+json" })
        .end(JSON.stringify({ status, detail }));
    if (route === "POST session" && !taken && body === '{"token":"good-once"}') {
      taken = true;
    } else if (route === "POST session") {
      return problem(403, "this link was used already");
    } else if (request.headers.authorization !== "Bearer of-the-session") {
      return problem(401, "open the link that refit serve printed in its terminal");
    }
    switch (route) {
      case "POST session":
      case "GET session":
        return response.end(
          JSON.stringify({
            schema: "refit.live/v1",
            version: "0",
            cluster: "kind-test (https://127.0.0.1:6443)",
            terminal: true,
            request: { to: "1.30.3", files: [], sets: [] },
            ...(route === "POST session" && { secret: "of-the-session" }),
            ...about,
          }),
        );
      case "GET export":
        return response.writeHead(200, { "content-type": "application/gzip" }).end(archive());
      case "GET records":
        response.writeHead(200, { "content-type": "application/x-ndjson" });
        response.write(it.told.map(line).join(""));
        response.flushHeaders();
        listeners.add(response);
        response.on("close", () => listeners.delete(response));
        return;
      case "POST proposal":
      case "POST restart":
        return it.refuses === undefined
          ? response.writeHead(202, { "content-type": "application/json" }).end('{"id":1}')
          : problem(it.refuses.status, it.refuses.detail);
      default:
        return problem(404, "there is nothing here");
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  it.origin = `http://127.0.0.1:${server.address().port}`;
  it.link = `${it.origin}/#token=good-once`;
  it.tell = (...messages) => {
    it.told.push(...messages);
    listeners.forEach((listener) => listener.write(messages.map(line).join("")));
  };
  it.close = () => {
    server.closeAllConnections();
    // A test may have closed it.
    return new Promise((resolve) => server.close(() => resolve()));
  };
  return it;
}

const line = (message) => `${JSON.stringify(message)}\n`;

/** A golden case's export as `refit snapshot` packs it. */
function archive() {
  const folder = dirname(golden("clear-upgrade/export/cluster.yaml"));
  return execFileSync("tar", ["-czf", "-", "-C", dirname(folder), "export"]);
}

async function text(request) {
  let text = "";
  for await (const piece of request) {
    text += piece;
  }
  return text;
}
