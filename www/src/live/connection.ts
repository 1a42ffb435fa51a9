// The way to `refit serve`: its session, the cluster as it is, proposals, and what is told of a run.

import type { Progress } from "refit-planner";

import type { NamedBlob } from "../protocol.js";
import { type About, type Message, type RestartWish, SCHEMA, type UpgradeWish } from "./messages.js";

const TOKEN = "#token=";
/** What stands in the address once the token was used, so that the page may be loaded again. */
export const LIVE = "#live";
/** Where the session's secret is kept: for this tab and this origin, its port included. A cookie would go to every port. */
const SECRET = "refit-live-secret";
/** How long after a loss the connection is tried again. */
const PAUSE = 2000;

/** Something that `refit serve` did not do, in its words. */
export class LiveProblem extends Error {
  override readonly name = "LiveProblem";
  readonly status: number;

  constructor(status: number, detail: string) {
    super(detail);
    this.status = status;
  }
}

/** Takes the token for a session, once, or goes on with the session that is there. */
export async function openSession(): Promise<About> {
  const { hash } = location;
  let response: Response;
  if (hash.startsWith(TOKEN)) {
    // Not in the history, not in a screenshot.
    history.replaceState(null, "", `${location.pathname}${location.search}${LIVE}`);
    sessionStorage.removeItem(SECRET);
    response = await post("session", { token: hash.slice(TOKEN.length) });
  } else {
    response = await ask("session");
  }
  const { secret, ...about } = (await response.json()) as About;
  if (secret !== undefined) {
    sessionStorage.setItem(SECRET, secret);
  }
  if (about.schema !== SCHEMA) {
    throw new LiveProblem(0, `This page speaks ${SCHEMA}, and this refit speaks ${about.schema}: build the page again`);
  }
  return about;
}

/** Reads the cluster, as `refit snapshot` does. */
export async function readCluster(progress: (it: Progress) => void): Promise<NamedBlob> {
  return fetched("export", "live-cluster.tar.gz", progress);
}

/** Takes the executor's release of a version. */
export async function takeRelease(version: string, progress: (it: Progress) => void): Promise<NamedBlob> {
  const name = `istio-${version}.tar.gz`;
  return fetched(`releases/${name}`, name, progress);
}

async function fetched(path: string, name: string, progress: (it: Progress) => void): Promise<NamedBlob> {
  const response = await ask(path);
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  for await (const piece of chunks(response)) {
    pieces.push(piece);
    bytes += piece.length;
    progress({ name, bytes });
  }
  return { name, blob: new Blob(pieces, { type: "application/gzip" }) };
}

/** Lays a request before the terminal. */
export async function proposeUpgrade(wish: UpgradeWish): Promise<void> {
  await post("proposal", wish);
}

/** Lays a renewal of workloads before the terminal. */
export async function proposeRestart(wish: RestartWish): Promise<void> {
  await post("restart", wish);
}

/** Hears everything that is told, from the beginning; after a loss of the connection, anew from the beginning. */
export async function listen(hooks: {
  begin: () => void;
  hear: (it: Message) => void;
  lose: (why: string) => void;
}): Promise<never> {
  for (;;) {
    try {
      const response = await ask("records");
      hooks.begin();
      for await (const line of lines(response)) {
        hooks.hear(JSON.parse(line) as Message);
      }
      hooks.lose("refit serve has ended the connection.");
    } catch (error) {
      const ended = error instanceof LiveProblem && error.status === 401;
      hooks.lose(
        ended ? "This session is over: another refit serves here now." : "refit serve is not reached: has it ended?",
      );
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
}

function address(path: string): string {
  return new URL(`./live/${path}`, location.href.replace(/[?#].*$/, "")).href;
}

function authorization(): Record<string, string> {
  const secret = sessionStorage.getItem(SECRET);
  return secret === null ? {} : { authorization: `Bearer ${secret}` };
}

async function ask(path: string): Promise<Response> {
  return checked(await fetch(address(path), { cache: "no-store", headers: authorization() }));
}

async function post(path: string, body: unknown): Promise<Response> {
  return checked(
    await fetch(address(path), {
      method: "POST",
      headers: { "content-type": "application/json", ...authorization() },
      body: JSON.stringify(body),
    }),
  );
}

async function checked(response: Response): Promise<Response> {
  if (response.ok) {
    return response;
  }
  const isProblem = response.headers.get("content-type") === "application/problem+json";
  const detail = isProblem
    ? ((await response.json()) as { detail: string }).detail
    : `${response.status}: refit serve is not here`;
  throw new LiveProblem(response.status, detail);
}

async function* chunks(response: Response): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const reader = response.body?.getReader();
  for (let step = await reader?.read(); step !== undefined && !step.done; step = await reader?.read()) {
    yield step.value;
  }
}

async function* lines(response: Response): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const piece of chunks(response)) {
    const parts = (rest + decoder.decode(piece, { stream: true })).split("\n");
    rest = parts.pop() ?? "";
    yield* parts.filter((it) => it !== "");
  }
}
