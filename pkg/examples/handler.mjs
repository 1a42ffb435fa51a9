// An HTTP handler by web standards only: POST /plan?to=1.30.3 with the export's files as multipart form.
// `handle` fits Deno.serve, Bun.serve, edge workers and Hono as it is; run as a program, this file serves it in Node.

import { createServer } from "node:http";
import { Readable } from "node:stream";
import { pathToFileURL } from "node:url";

import { InputError, RequestError, plan } from "refit-planner";

/** Answers a request with the outcome; 400 with file, line and column where the export cannot be read. */
export async function handle(request) {
  const to = new URL(request.url).searchParams.get("to");
  if (request.method !== "POST" || to === null) {
    return Response.json({ message: "POST the export's files to /plan?to=VERSION" }, { status: 405 });
  }
  try {
    const form = await request.formData();
    const cluster = form.getAll("export").map((file) => ({ name: file.name, content: file }));
    return Response.json(await plan({ cluster, to, signal: request.signal }));
  } catch (error) {
    if (error instanceof InputError || error instanceof RequestError) {
      const { message, file, line, column } = error;
      return Response.json({ message, file, line, column }, { status: 400 });
    }
    throw error;
  }
}

/** Serves `handle` in Node. */
if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const server = createServer(async (incoming, outgoing) => {
    const hasBody = incoming.method !== "GET" && incoming.method !== "HEAD";
    const request = new Request(`http://${incoming.headers.host}${incoming.url}`, {
      method: incoming.method,
      headers: incoming.headers,
      ...(hasBody ? { body: Readable.toWeb(incoming), duplex: "half" } : {}),
    });
    const response = await handle(request);
    outgoing.writeHead(response.status, Object.fromEntries(response.headers));
    outgoing.end(await response.text());
  });
  server.listen(Number(process.env.PORT ?? 8080), "127.0.0.1", () =>
    console.log(`http://127.0.0.1:${server.address().port}/plan`),
  );
}
