import type { Wait } from "refit-planner";

import { type Child, copyButton, el, folding } from "../dom.js";
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
      : waiting("Every step in order can be told once the target's release is at hand.", hooks);
  }
  return el(
    "div",
    {},
    hooks.command !== "" && commands(hooks),
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

function commands({ command, requestFiles, saveRequest, keep }: Hooks): HTMLElement {
  return el(
    "div",
    { class: "commands" },
    line(
      command,
      "Plans again against the live cluster, asks, and performs it.",
      requestFiles.map((it) =>
        el("button", { type: "button", class: "copy", on: { click: () => saveRequest(it) } }, `Save ${it}`),
      ),
    ),
    line(
      "refit apply plan.json",
      "Performs exactly this plan, and stops where the cluster differs from this export.",
      el("button", { type: "button", class: "copy", on: { click: () => void keep("plan") } }, "Save plan.json"),
    ),
  );
}

function line(command: string, about: string, buttons: Child): HTMLElement {
  return el(
    "div",
    { class: "command" },
    el("p", { class: "hint" }, about),
    el("div", {}, el("code", {}, command), copyButton(command), buttons),
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
