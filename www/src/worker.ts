// Plans away from the page, so that the page never stands still.

import { Cluster, InputError, type NamedContent, type Outcome, describe, explain, fetchRelease, releases, required } from "refit-planner";

import type { Answer, Calls, Method, NamedBlob, Problem, Question } from "./protocol.js";

type Handlers = { [M in Method]: (id: number, ...args: Calls[M]["args"]) => Promise<Calls[M]["result"]> };

let cluster: Cluster | undefined;

const handlers: Handlers = {
  releases: () => releases(),
  required: (_, request) => required(request),
  explain: (_, code) => explain(code),
  async read(id, files) {
    cluster?.close();
    cluster = undefined;
    cluster = await Cluster.read(files.map(named), { onProgress: (it) => report(id, it) });
    return cluster.summary;
  },
  async addReleases(id, archives) {
    await open().addReleases(archives.map(named), { onProgress: (it) => report(id, it) });
    return null;
  },
  async fetchRelease(id, address) {
    await open().addReleases(await fetchRelease(address), { onProgress: (it) => report(id, it) });
    return null;
  },
  releasesFor: (_, request) => Promise.resolve(open().releases(request)),
  recover: (_, request) => Promise.resolve(open().recover(request)),
  async plan(_, request) {
    const text = open().planText(request);
    return { text, words: await describe(JSON.parse(text) as Outcome) };
  },
};

self.addEventListener("message", (event: MessageEvent<Question>) => {
  const { id, method, args } = event.data;
  const handler = handlers[method] as (id: number, ...args: unknown[]) => Promise<unknown>;
  handler(id, ...args).then(
    (result) => answer({ id, kind: "result", result }),
    (error: unknown) => answer({ id, kind: "problem", problem: problem(error) }),
  );
});

function open(): Cluster {
  if (cluster === undefined) {
    throw new Error("no export was read yet");
  }
  return cluster;
}

function named({ name, blob }: NamedBlob): NamedContent {
  return { name, content: blob };
}

function report(id: number, progress: { name: string; bytes: number; total?: number }): void {
  answer({ id, kind: "progress", progress });
}

function answer(message: Answer): void {
  self.postMessage(message);
}

function problem(error: unknown): Problem {
  if (error instanceof InputError) {
    return { name: error.name, message: error.message, file: error.file, line: error.line, column: error.column };
  }
  return error instanceof Error ? { name: error.name, message: error.message } : { name: "Error", message: String(error) };
}
