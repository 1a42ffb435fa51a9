// Plans away from the page, so that the page never stands still. One question at a time: what is asked while another is
// answered waits.

import {
  Cluster,
  InputError,
  type NamedContent,
  type Outcome,
  RequestError,
  describe,
  edit,
  explain,
  fetchRelease,
  fields,
  html,
  memoryBytes,
  redacted,
  releases,
  required,
  sarif,
} from "refit-planner";

import type { Answer, Calls, Method, NamedBlob, Overview, Problem, Question } from "../protocol.js";
import { overview, shortAction } from "./overview.js";

type Handlers = { [M in Method]: (id: number, ...args: Calls[M]["args"]) => Promise<Calls[M]["result"]> };

let cluster: Cluster | undefined;
/** Newer facts of releases than the module has, where they lie beside the page. */
let newer: string | undefined;
let shown: { outcome: Outcome; text: string } | undefined;

const handlers: Handlers = {
  releases: () => releases(newer),
  async useFacts(_, text) {
    const known = await releases(text);
    newer = text;
    cluster?.useFacts(text);
    return known;
  },
  required: (_, request) => required(request),
  explain: (_, code) => explain(code),
  edit: (_, text, edits) => edit(text, edits),
  fields: (_, version, path) => fields(version, path),
  memory: () => Promise.resolve(memoryBytes()),
  async read(id, files) {
    cluster?.close();
    cluster = undefined;
    cluster = await Cluster.read(files.map(named), { onProgress: (it) => progress(id, it) });
    if (newer !== undefined) {
      cluster.useFacts(newer);
    }
    return cluster.summary;
  },
  async addReleases(id, archives) {
    await open().addReleases(archives.map(named), { onProgress: (it) => progress(id, it) });
    return null;
  },
  async fetchRelease(id, address) {
    await open().addReleases(await fetchRelease(address), { onProgress: (it) => progress(id, it) });
    return null;
  },
  releasesFor: async (_, request) => open().releases(request),
  missing: async (_, request) => open().missing(request),
  recover: async (_, request) => open().recover(request),
  object: async (_, object, field) => cluster?.object(object, field) ?? null,
  compare: async (_, object, everything) => open().compare(object, everything),
  async plan(_, request) {
    return show(open().planText(request));
  },
  async open(_, text) {
    cluster?.close();
    cluster = undefined;
    return show(text);
  },
  subjects: async (_, list, finding, from) => now().outcome[list][finding]?.subjects.slice(from) ?? [],
  changeFields: async (_, change) => now().outcome.changes[change]?.fields ?? [],
  restarts: async (_, from, to) => now().outcome.restarts.slice(from, to),
  actions: async (_, step, from, to) => now().outcome.plan?.steps[step]?.actions.slice(from, to).map(shortAction) ?? [],
  redacted: async () => JSON.stringify(await redacted(now().outcome)),
  async keep(_, form, request, command) {
    const { outcome, text } = now();
    switch (form) {
      case "json":
        return new Blob([text], { type: "application/json" });
      case "plan": {
        const whole = request === undefined ? text : open().planText({ ...request, predicted: true });
        return new Blob([whole], { type: "application/json" });
      }
      case "markdown":
        return new Blob([(await describe(outcome)).markdown], { type: "text/markdown" });
      case "sarif":
        return new Blob([await sarif(outcome)], { type: "application/sarif+json" });
      case "html":
        return new Blob([await html(outcome, command)], { type: "text/html" });
    }
  },
};

let last: Promise<unknown> = Promise.resolve();

self.addEventListener("message", (event: MessageEvent<Question>) => {
  const { id, method, args } = event.data;
  const handler = handlers[method] as (id: number, ...args: unknown[]) => Promise<unknown>;
  last = last
    .then(() => handler(id, ...args))
    .then(
      (result) => answer({ id, kind: "result", result }),
      (error: unknown) => answer({ id, kind: "problem", problem: problem(error) }),
    );
});

async function show(text: string): Promise<Overview> {
  const outcome = JSON.parse(text) as Outcome;
  const words = await describe(outcome);
  shown = { outcome, text };
  return overview(outcome, words);
}

function open(): Cluster {
  if (cluster === undefined) {
    throw new Error("no export was read yet");
  }
  return cluster;
}

function now(): { outcome: Outcome; text: string } {
  if (shown === undefined) {
    throw new Error("nothing was planned yet");
  }
  return shown;
}

function named({ name, blob }: NamedBlob): NamedContent {
  return { name, content: blob };
}

let told = 0;

/** Tells how far reading has come, twenty times a second at most. */
function progress(id: number, it: { name: string; bytes: number; total?: number }): void {
  const time = performance.now();
  if (time - told > 50 || it.bytes === it.total) {
    told = time;
    answer({ id, kind: "progress", progress: it });
  }
}

function answer(message: Answer): void {
  self.postMessage(message);
}

function problem(error: unknown): Problem {
  if (error instanceof InputError || error instanceof RequestError) {
    return { name: error.name, message: error.message, file: error.file, line: error.line, column: error.column };
  }
  return error instanceof Error
    ? { name: error.name, message: error.message }
    : { name: "Error", message: String(error) };
}
