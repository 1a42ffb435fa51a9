// Lines for a shell.

import type { PlanOptions } from "refit-planner";

/** A word as a shell takes it, in quotes where it has to be. */
export function quoted(word: string): string {
  return /^[\w.,:=/@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** What performs the request in a terminal. */
export function upgradeLine({
  to,
  files = [],
  sets = [],
  namespace,
  revision,
  force,
  prune = [],
  pruneOrphans,
}: PlanOptions): string {
  const words = ["refit", "upgrade", "--to", to];
  for (const { name } of files) {
    words.push("-f", name);
  }
  for (const set of sets) {
    words.push("--set", set);
  }
  if (revision !== undefined) {
    words.push("--revision", revision);
  }
  if (namespace !== undefined) {
    words.push("--istio-namespace", namespace);
  }
  for (const name of prune) {
    words.push("--prune", name);
  }
  if (pruneOrphans === true) {
    words.push("--prune-orphans");
  }
  if (force === true) {
    words.push("--force");
  }
  return words.map(quoted).join(" ");
}
