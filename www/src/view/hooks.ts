// What views ask of the page, and what they keep when the page plans again.

import type { Choice, Edit, FieldChange, Ref, ShownObject, Subject } from "refit-planner";

import type { Keep, Overview, ShortAction } from "../protocol.js";
import type { Comparison, Restart } from "refit-planner";

/** What was opened, filtered and chosen: kept while the request changes. */
export interface ViewState {
  tab: string;
  open: Set<string>;
  levels: Set<string>;
  word: string;
  onlyMoving: boolean;
  classes: Set<string>;
  objectWord: string;
  noise: boolean;
  /** How an object's change is shown. */
  form: string;
  /** The object whose change is shown, by its name (`refName`). */
  object: string | undefined;
  /** Objects that somebody has looked at and ticked. */
  viewed: Set<string>;
}

export function freshState(): ViewState {
  return {
    tab: "Findings",
    open: new Set(),
    levels: new Set(),
    word: "",
    onlyMoving: false,
    classes: new Set(),
    objectWord: "",
    noise: false,
    object: undefined,
    viewed: new Set(),
    form: "Fields",
  };
}

export interface Hooks {
  state: ViewState;
  /** Plans for another version; undefined where the export is not here. */
  planFor: ((version: string) => void) | undefined;
  /** Turns to a tab. */
  turnTo: (tab: string) => void;
  /** The user turned to another tab or object, which `state` names: a place to come back to, or not. */
  turned: (form: "push" | "replace") => void;
  /** Takes what settles a finding into the request; undefined where the request is not there. */
  choose: ((choice: Choice) => void) | undefined;
  /** Takes an object off those that the request deletes. */
  unprune: ((name?: string) => void) | undefined;
  /** What the request deletes: names, and whether all that is left behind. */
  pruned: { names: readonly string[]; orphans: boolean };
  /** Goes to a finding's card. */
  toFinding: (at: number) => void;
  /** The cluster itself is there, not only an outcome that was handed on. */
  live: boolean;
  explain: (code: string) => Promise<string | undefined>;
  /** Edits a file of the request, the last one where none is named; undefined where the request is not there. */
  apply: ((edits: readonly Edit[], file?: string) => void) | undefined;
  /** Opens what a subject names: the object at its field, or the line of the request. */
  follow: ((subject: Subject) => void) | undefined;
  object: (ref: Ref, field: string | undefined) => Promise<ShownObject | null>;
  compare: (ref: Ref, everything: boolean) => Promise<Comparison>;
  subjects: (list: "findings" | "notes", finding: number, from: number) => Promise<Subject[]>;
  changeFields: (change: number) => Promise<FieldChange[]>;
  restarts: (from: number, to: number) => Promise<Restart[]>;
  actions: (step: number, from: number, to: number) => Promise<ShortAction[]>;
  keep: (form: Keep) => Promise<void>;
  /** Names of the request's files, in their order. */
  requestFiles: readonly string[];
  /** Saves a file of the request under the name that the command uses. */
  saveRequest: (name: string) => void;
  /** Makes a link that hands the outcome on; undefined where a link of this page leads nobody here. */
  share: (() => Promise<string>) | undefined;
  /** The line that performs the plan; empty where the request is not there. */
  command: string;
  /** Releases that were not found: their versions. */
  missingReleases: readonly string[];
}

/** Says which releases a panel waits for. */
export type Waiting = Pick<Hooks, "missingReleases" | "live">;

export type Section = (overview: Overview, hooks: Hooks) => HTMLElement;
