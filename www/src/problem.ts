// What went wrong, with what can be done about it: in the place of the outcome, or above the one that stays.

import { PlannerProblem } from "./client.js";
import { el } from "./dom.js";
import { isIn } from "./intake.js";
import type { NamedBlob, Problem } from "./protocol.js";
import { placeName } from "./words.js";

export interface WaysOut {
  /** Takes the file out that cannot be read; undefined where no file is to blame. */
  leaveOut: (() => void) | undefined;
  /** Reads everything once more. */
  again: (() => void) | undefined;
  /** Goes on with the outcome that stays. */
  dismiss: (() => void) | undefined;
  startAgain: () => void;
}

/** An error as the page tells it. */
export function problemOf(error: unknown): Problem {
  return error instanceof PlannerProblem
    ? error.problem
    : { name: "Error", message: error instanceof Error ? error.message : String(error) };
}

/** Whether an error is only that something was cancelled. */
export function isCancelled(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

/** Whether the planner itself broke: what it had read is gone. */
export function isPanic({ name }: Problem): boolean {
  return name === "PlannerPanic";
}

/** The file that a problem is about, which may be in an archive among these. */
export function fileOf({ file, message }: Problem, all: readonly NamedBlob[]): NamedBlob | undefined {
  return all.find(
    ({ name, blob }) =>
      (file !== undefined && isIn(file, { name, blob })) || (file === undefined && message.startsWith(name)),
  );
}

/** Shows a problem and every way out of it; `stays` says what the outcome below is of. */
export function problemView(problem: Problem, stays: string | undefined, ways: WaysOut): HTMLElement {
  const place = placeName(problem);
  // The message may begin with the place, which is said once.
  const message =
    place !== "" && problem.message.startsWith(place) ? problem.message.slice(place.length) : problem.message;
  const button = (label: string, click: (() => void) | undefined, primary = false): HTMLElement | false =>
    click !== undefined &&
    el("button", { type: "button", class: primary ? "primary" : undefined, on: { click } }, label);
  const title = stays === undefined ? "h1" : "h2";
  return el(
    "div",
    { class: `verdict error ${stays === undefined ? "" : "above"}`, role: "alert" },
    el("span", { class: "verdict-icon", "aria-hidden": "true" }, "!"),
    el(
      "div",
      {},
      el(
        title,
        { tabindex: -1, id: stays === undefined ? "verdict" : undefined },
        place === "" ? "That did not work" : "This file cannot be read",
      ),
      place !== "" && el("p", {}, el("code", {}, place)),
      el("p", { class: "verdict-line" }, message.replace(/^[:\s]+/, "")),
      stays !== undefined && el("p", { class: "hint" }, stays),
      el(
        "p",
        { class: "quick" },
        button("Leave it out", ways.leaveOut, true),
        button("Read the files again", ways.again),
        button("Go on", ways.dismiss),
        button("Start again", ways.startAgain),
      ),
    ),
  );
}
