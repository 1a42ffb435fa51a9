import type { Diagnostic, Failure } from "./border.js";

/** Input that cannot be read: which file, where in it, and what was expected. */
export class InputError extends Error {
  override readonly name = "InputError";
  /** As it was named by the caller; a member of an archive as `archive!member`. */
  readonly file: string | undefined;
  /** From 1. */
  readonly line: number | undefined;
  /** From 1, in characters. */
  readonly column: number | undefined;

  constructor(failure: Failure) {
    super(failure.message);
    this.file = failure.file;
    this.line = failure.line;
    this.column = failure.column;
  }
}

/** A request that a release's own validation, or its charts, refuse. */
export class RequestError extends Error {
  override readonly name = "RequestError";
  /** One entry for each thing that is wrong. */
  readonly diagnostics: readonly Diagnostic[];
  /** Where the first of them stands, where that is a file. */
  readonly file: string | undefined;
  /** From 1. */
  readonly line: number | undefined;
  /** From 1, in characters. */
  readonly column: number | undefined;

  constructor(failure: Failure) {
    super(failure.message);
    this.diagnostics = failure.diagnostics ?? [];
    this.file = failure.file;
    this.line = failure.line;
    this.column = failure.column;
  }
}

/**
 * A defect of the planner. Its instance was thrown away and replaced: what was read is gone, the next call starts
 * afresh.
 */
export class PlannerPanic extends Error {
  override readonly name = "PlannerPanic";

  constructor(cause: unknown) {
    const what = cause instanceof Error ? cause.message : String(cause);
    super(`the planner failed and was replaced; this is a defect, please report it: ${what}`, { cause });
  }
}

/** Whether the bindings threw this on purpose. */
export function isFailure(thrown: unknown): thrown is Failure {
  return typeof thrown === "object" && thrown !== null && !(thrown instanceof Error) && "kind" in thrown;
}
