// What `refit serve` says to the page, and takes from it. The words are those of the executor (`output/stream.rs`).

import type { PlanOptions, Ref } from "refit-planner";

/** Whom the page talks to. */
export interface About {
  schema: string;
  version: string;
  /** The cluster, in words. */
  cluster: string;
  /** Whether somebody can confirm a proposal. */
  terminal: boolean;
  /** What the command line gave. */
  request: Pick<PlanOptions, "to" | "files" | "sets" | "namespace">;
}

/** What this page understands. */
export const SCHEMA = "refit.live/v1";

export type Verb = "upgrade" | "restart";
export type ProposalState = "planning" | "asking" | "running" | "refused" | "done" | "failed";

export interface ProposalMessage {
  id: number;
  verb: Verb;
  to: string | null;
  state: ProposalState;
  reason: string | null;
}

export interface StepOutline {
  id: string;
  title: string;
  actions: number;
  restarts: number;
  isRestart: boolean;
}

export interface Outline {
  plan: string;
  source: string | null;
  target: string;
  steps: StepOutline[];
}

/** A record of the journal: fields that not every event has may be missing. */
export interface JournalRecord {
  at: string;
  plan: string;
  event: string;
  step?: string;
  action?: number;
  object?: Ref;
  reason?: string;
  changed?: boolean;
  restarts?: boolean;
}

export type Message =
  | ({ kind: "proposal" } & ProposalMessage)
  | ({ kind: "plan" } & Outline)
  | { kind: "record"; record: JournalRecord }
  | { kind: "waiting"; object: string; reason: string }
  | { kind: "said"; text: string };

/** What the page proposes: a request, never a plan. */
export interface UpgradeWish extends Pick<
  PlanOptions,
  "to" | "files" | "sets" | "namespace" | "force" | "prune" | "pruneOrphans"
> {
  restart: boolean;
}

export interface RestartWish {
  wave?: string;
  pause?: string;
  namespace?: string;
}
