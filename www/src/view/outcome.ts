// The whole outcome: verdict first, then tabs.

import type { Description, Outcome } from "refit-planner";

import { el } from "../dom.js";
import { defaults } from "./defaults.js";
import { findings } from "./findings.js";
import { inventory } from "./inventory.js";
import { objects } from "./objects.js";
import { restarts } from "./restarts.js";
import { reverted } from "./reverted.js";
import { steps } from "./steps.js";
import { type Tab, tabs } from "./tabs.js";
import { verdict } from "./verdict.js";

/** What the view asks of the page. */
export interface Hooks {
  explain: (code: string) => Promise<string | undefined>;
  /** Adds `--set` lines to the request. */
  keep: (lines: string[]) => void;
  /** The command that performs the plan. */
  command: string;
  /** What can be downloaded. */
  downloads: HTMLElement;
  /** The tab that was open, and where the next choice is noted. */
  tab: string;
  onTab: (name: string) => void;
}

export function outcomeView(outcome: Outcome, words: Description, hooks: Hooks): HTMLElement {
  return el("div", {}, verdict(outcome, words), hooks.downloads, tabs(sections(outcome, hooks), hooks.tab, hooks.onTab));
}

/** The sections, for tabs here and for one long document in a download. */
export function sections(outcome: Outcome, hooks: Pick<Hooks, "explain" | "keep" | "command">): Tab[] {
  const touched = outcome.changes.filter((it) => it.class !== "unchanged").length;
  return [
    { name: "Findings", number: outcome.findings.length, make: () => findings(outcome.findings, outcome.notes, hooks.explain) },
    { name: "Defaults", number: outcome.defaults.length, make: () => defaults(outcome.defaults) },
    { name: "Reverted", number: outcome.reverted.length, make: () => reverted(outcome.reverted, hooks.keep) },
    { name: "Objects", number: touched, make: () => objects(outcome.changes) },
    { name: "Restarts", number: outcome.restarts.length, make: () => restarts(outcome.restarts) },
    { name: "Steps", number: outcome.plan?.steps.length ?? 0, make: () => steps(outcome.plan, hooks.command) },
    { name: "Inventory", number: null, make: () => inventory(outcome) },
  ];
}
