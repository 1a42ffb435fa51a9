// The version to go to where nobody chose one: the planner's own way from what the cluster runs.

import type { PlanOptions, Release } from "refit-planner";

import type { Client } from "./client.js";
import { versionOf } from "./intake.js";
import type { NamedBlob, Overview } from "./protocol.js";

/** What was found, and what was planned for it last. */
export interface Preset {
  to: string;
  /** The outcome for `to`; undefined where another was planned after it. */
  outcome: Overview | undefined;
}

/**
 * Returns the newest safe patch of the next minor (of the releases that were dropped, where one is of it), else the newest
 * patch of the minor that runs: the first that nothing blocks. `newest` is a request for the newest release, whose plan
 * tells where the cluster is and which minors lie between.
 */
export async function presetTarget(
  client: Client,
  newest: PlanOptions,
  known: readonly Release[],
  dropped: readonly NamedBlob[],
): Promise<Preset> {
  const first = await client.ask("plan", [newest]);
  let last = { to: newest.to, outcome: first };
  const all = candidates(first, newest.to, known, dropped);
  for (const to of all) {
    if (last.to !== to) {
      last = { to, outcome: await client.ask("plan", [{ ...newest, to }]) };
    }
    if (last.outcome.verdict !== "blocked") {
      return last;
    }
  }
  // What blocks every version is of the cluster: the next minor is still what is meant.
  const to = all[0] ?? newest.to;
  return last.to === to ? last : { to, outcome: undefined };
}

function candidates(
  { hops, source, direction }: Overview,
  newest: string,
  known: readonly Release[],
  dropped: readonly NamedBlob[],
): string[] {
  // Where a candidate runs, nobody means to go back by not choosing.
  if (source.version === null || direction === "downgrade") {
    return [source.version ?? newest];
  }
  const here = minorOf(source.version);
  // Of a way over several minors the planner names the patch itself; the end of the way is what was asked for.
  const next = hops.length > 2 ? hops[1] : newestOf(minorOf(hops.at(-1) ?? newest), known);
  const own = newestOf(here, known);
  return [next, own]
    .filter((it) => it !== undefined)
    .map((it) => droppedOf(minorOf(it), dropped) ?? it)
    .filter((it, at, all) => all.indexOf(it) === at && it !== source.version);
}

function minorOf(version: string): string {
  return /^\d+\.\d+/.exec(version)?.[0] ?? version;
}

function newestOf(minor: string, known: readonly Release[]): string | undefined {
  const release = known.find((it) => it.minor === minor && !it.candidate);
  return release?.newest ?? release?.version;
}

/** The release of a minor that was dropped, the last one where there are several. */
function droppedOf(minor: string, dropped: readonly NamedBlob[]): string | undefined {
  return dropped
    .map((it) => versionOf(it.name))
    .filter((it) => it !== undefined && minorOf(it) === minor)
    .at(-1);
}
