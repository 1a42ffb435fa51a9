// What the page knows between two events: one object, made afresh when it loads.

import type { PlanOptions } from "refit-planner";

import type { ClusterState } from "./cluster-card.js";
import type { Live } from "./live/live.js";
import type { Overview, Problem } from "./protocol.js";
import type { Sample } from "./samples.js";
import { type ViewState, freshState } from "./view/hooks.js";

/** All that changes while the page is open. */
export interface PageState {
  /** Versions of releases that lie beside the page. */
  beside: readonly string[];
  /** Clusters of the gallery. */
  samples: readonly Sample[];
  /** What was handed over, and what was read of it. */
  cluster: ClusterState;
  /** What is open and chosen in the outcome. */
  view: ViewState;
  /** The outcome that is shown. */
  overview: Overview | undefined;
  /** The sample that is open; undefined for files of one's own. */
  sample: string | undefined;
  /** What is told of an outcome whose export is not here: one's own of before, or one that was handed on. */
  note: string | undefined;
  /** The request that `overview` answers; undefined for an outcome whose export is not here. */
  planned: PlanOptions | undefined;
  /** Counts plans, so that an answer that comes too late is known. */
  turn: number;
  /** The plan that is made a moment after the last change. */
  timer: ReturnType<typeof setTimeout> | undefined;
  /** A plan is made of what was asked for last, or is to be made again after it. */
  planning: boolean;
  again: boolean;
  /** How much is being done. */
  doing: number;
  /** Releases that were fetched from beside the page, or from `refit serve`. */
  fetched: Set<string>;
  /** Where `refit serve` serves this page: it has the cluster, and releases. */
  live: Live | undefined;
  /** What stands above the outcome that stays. */
  problem: Problem | undefined;
  /** The planner broke, and its files are read once more. */
  recovering: boolean;
}

/** A page into which nothing was put yet. */
export function freshPage(): PageState {
  return {
    beside: [],
    samples: [],
    cluster: noCluster([]),
    view: freshState(),
    overview: undefined,
    sample: undefined,
    note: undefined,
    planned: undefined,
    turn: 0,
    timer: undefined,
    planning: false,
    again: false,
    doing: 0,
    fetched: new Set(),
    live: undefined,
    problem: undefined,
    recovering: false,
  };
}

/** No cluster, before any file or after all are forgotten; `beside` are the releases that lie beside the page. */
export function noCluster(beside: readonly string[]): ClusterState {
  return {
    files: [],
    refused: [],
    releases: [],
    beside,
    passedOver: [],
    summary: undefined,
    coverage: undefined,
    missingReleases: [],
    memory: 0,
  };
}
