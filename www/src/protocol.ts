// What the page and its worker say to each other.

import type { Description, PlanOptions, Progress, Recovery, Release, Requirement, Summary } from "refit-planner";

/** What the worker can be asked, with its answer. */
export interface Calls {
  releases: { args: []; result: Release[] };
  required: { args: [PlanOptions]; result: Requirement };
  read: { args: [NamedBlob[]]; result: Summary };
  addReleases: { args: [NamedBlob[]]; result: null };
  fetchRelease: { args: [string]; result: null };
  releasesFor: { args: [PlanOptions]; result: string[] };
  recover: { args: [Partial<PlanOptions>]; result: Recovery | null };
  plan: { args: [PlanOptions]; result: Planned };
  explain: { args: [string]; result: string | undefined };
}

/** An outcome, its text as the command line prints it, and the planner's words for it. */
export interface Planned {
  text: string;
  words: Description;
}

export type Method = keyof Calls;

/** A file, under the name by which the outcome calls it. */
export interface NamedBlob {
  name: string;
  blob: Blob;
}

export interface Question {
  id: number;
  method: Method;
  args: unknown[];
}

/** An error that survives the way between worker and page. */
export interface Problem {
  name: string;
  message: string;
  file?: string | undefined;
  line?: number | undefined;
  column?: number | undefined;
}

export type Answer =
  | { id: number; kind: "result"; result: unknown }
  | { id: number; kind: "problem"; problem: Problem }
  | { id: number; kind: "progress"; progress: Progress };
