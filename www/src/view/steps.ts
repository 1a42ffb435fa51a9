import type { Action, Plan, Wait } from "refit-planner";

import { copyButton, el, growing } from "../dom.js";
import { count, refName } from "../words.js";

/** What an executor does, in order, and the command that makes it do so. */
export function steps(plan: Plan | null, command: string): HTMLElement {
  if (plan === null) {
    return el("p", { class: "empty" }, "There is no plan while something blocks, or while the target's release is missing.");
  }
  const list = growing("ol", plan.steps, (step) => {
    const details = el(
      "details",
      {},
      el("summary", {}, el("strong", {}, step.title), el("span", { class: "place" }, count(step.actions.length, "write"))),
    );
    details.addEventListener(
      "toggle",
      () => details.append(growing("ul", step.actions, actionRow), el("ul", { class: "waits" }, step.waits.map(waitRow))),
      { once: true },
    );
    return el("li", {}, details);
  });
  list.classList.add("steps");
  return el("div", {}, el("div", { class: "command" }, el("code", {}, command), copyButton(command)), list);
}

function actionRow(action: Action): HTMLElement {
  const object = action.action === "ensure" ? "its namespace" : refName(action.object);
  return el("li", {}, el("span", { class: "badge" }, action.action), el("span", { class: "object" }, object));
}

function waitRow(wait: Wait): HTMLElement {
  return el("li", {}, el("span", { class: "badge wait" }, `wait: ${wait.wait}`), el("span", { class: "object" }, refName(wait.object)));
}
