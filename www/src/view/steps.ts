import type { Wait } from "refit-planner";

import { el, folding } from "../dom.js";
import type { Overview, ShortAction, ShortStep } from "../protocol.js";
import { count, refName } from "../words.js";
import { windowed } from "../windowed.js";
import type { Hooks } from "./hooks.js";
import { waiting } from "./waiting.js";

/** What an executor does, in order, and the commands that make it do so. */
export function steps({ steps: all, verdict }: Overview, hooks: Hooks): HTMLElement {
  if (all === null) {
    return verdict === "blocked"
      ? el("p", { class: "empty" }, "There is no plan while something blocks.")
      : waiting("Every step in order can be told once the target's release archive is given.", hooks);
  }
  return el(
    "div",
    {},
    el(
      "ol",
      { class: "steps" },
      all.map((step, at) =>
        el(
          "li",
          {},
          folding(
            `step ${step.id}`,
            hooks.state.open,
            [el("strong", {}, step.title), el("span", { class: "place" }, count(step.count, "write"))],
            () => inside(step, at, hooks),
          ),
        ),
      ),
    ),
  );
}

function inside(step: ShortStep, at: number, hooks: Hooks): HTMLElement {
  return el(
    "div",
    { class: "inside" },
    windowed({
      label: `Writes of ${step.title}`,
      total: step.count,
      rowHeight: 30,
      load: (from, to) => hooks.actions(at, from, to),
      row: actionRow,
    }),
    step.waits.length > 0 && el("ul", { class: "waits" }, step.waits.map(waitRow)),
  );
}

function actionRow({ action, object }: ShortAction): HTMLElement {
  return el(
    "div",
    { class: "action" },
    el("span", { class: "badge" }, action),
    el("span", { class: "object" }, object === null ? "its namespace" : refName(object)),
  );
}

function waitRow(wait: Wait): HTMLElement {
  return el(
    "li",
    {},
    el("span", { class: "badge unknown" }, `wait: ${wait.wait}`),
    el("span", { class: "object" }, refName(wait.object)),
  );
}
