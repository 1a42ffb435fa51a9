// What the page and its worker say to each other. The worker keeps the outcome; the page asks for what it shows.

import type {
  Action,
  Change,
  ChangeClass,
  Choice,
  Comparison,
  Coverage,
  DefaultChange,
  Description,
  Edit,
  FieldChange,
  Finding,
  Hop,
  KnownField,
  Level,
  Outcome,
  PlanOptions,
  Progress,
  Recovery,
  Ref,
  Release,
  Requirement,
  Restart,
  Reverted,
  ShownObject,
  Step,
  Subject,
  Summary,
} from "refit-planner";

/** What the worker can be asked, with its answer. */
export interface Calls {
  releases: { args: []; result: Release[] };
  /** Takes newer facts of releases than the module has. */
  useFacts: { args: [string]; result: Release[] };
  required: { args: [PlanOptions]; result: Requirement };
  read: { args: [NamedBlob[]]; result: Summary };
  addReleases: { args: [NamedBlob[]]; result: null };
  fetchRelease: { args: [string]; result: null };
  releasesFor: { args: [PlanOptions]; result: string[] };
  missing: { args: [PlanOptions]; result: Coverage };
  recover: { args: [Partial<PlanOptions>]; result: Recovery | null };
  plan: { args: [PlanOptions]; result: Overview };
  /** Shows an outcome that was made elsewhere. */
  open: { args: [string]; result: Overview };
  explain: { args: [string]; result: string | undefined };
  edit: { args: [string, readonly Edit[]]; result: string };
  fields: { args: [string, readonly string[]]; result: KnownField[] };
  object: { args: [Ref, string | undefined]; result: ShownObject | null };
  compare: { args: [Ref, boolean]; result: Comparison };
  /** Subjects of a finding, from one place on. */
  subjects: { args: ["findings" | "notes", number, number]; result: Subject[] };
  changeFields: { args: [number]; result: FieldChange[] };
  restarts: { args: [number, number]; result: Restart[] };
  actions: { args: [number, number, number]; result: ShortAction[] };
  keep: { args: [Keep, PlanOptions | undefined, string]; result: Blob };
  redacted: { args: []; result: string };
  memory: { args: []; result: number };
}

/** Forms in which an outcome can be kept. */
export type Keep = "json" | "markdown" | "html" | "sarif" | "plan";

/** An outcome, its long lists cut to their lengths. */
export interface Overview {
  words: Description;
  verdict: Outcome["verdict"];
  direction: Outcome["direction"];
  source: Outcome["source"];
  target: Outcome["target"];
  hops: string[];
  /** Each hop of a longer way; of a way of one minor the findings are all. */
  path: ShortHop[];
  installers: Outcome["installers"];
  inventory: Outcome["inventory"];
  findings: ShortFinding[];
  notes: ShortFinding[];
  levels: Record<Level, number>;
  defaults: DefaultChange[];
  reverted: Reverted[];
  changes: ShortChange[];
  restarts: number;
  waves: Wave[];
  /** Workloads that no step restarts. */
  byHand: Wave | null;
  /** The first of them, where there is a plan. */
  hand: Restart[];
  steps: ShortStep[] | null;
}

/** A hop, its findings with their first subjects. */
export interface ShortHop extends Omit<Hop, "findings" | "notes"> {
  findings: ShortFinding[];
  notes: ShortFinding[];
}

/** A finding with its first subjects. */
export interface ShortFinding extends Finding {
  /** How many subjects there are. */
  count: number;
  /** What in the request settles it, beside edits of its files. */
  choices: Choice[];
}

/** A change without its fields. */
export interface ShortChange extends Omit<Change, "fields" | "predicted"> {
  class: ChangeClass;
  /** How many fields change. */
  count: number;
  /** Who else owns some of them. */
  owners: string[];
}

/** A step without its actions. */
export interface ShortStep extends Omit<Step, "actions"> {
  /** How many actions there are. */
  count: number;
}

/** An action without what is written. */
export type ShortAction = Pick<Action, "action"> & { object: Ref | null };

/** Workloads that are restarted together. */
export interface Wave {
  id: string;
  title: string;
  /** How many waves these are, where they are shown as one. */
  waves?: number;
  workloads: number;
  pods: number;
  /** Pods by namespace, as people count. */
  namespaces: [string, number][];
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
