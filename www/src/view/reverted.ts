import type { Reverted } from "refit-planner";

import { el } from "../dom.js";
import { valueText } from "../words.js";
import { evidence } from "./evidence.js";

/** Settings of the cluster that the request would take back, each kept by one click. */
export function reverted(all: readonly Reverted[], keep: (lines: string[]) => void): HTMLElement {
  if (all.length === 0) {
    return el("p", { class: "empty" }, "The request reverts no setting of the installation.");
  }
  const button = (label: string, items: readonly Reverted[]): HTMLElement =>
    el("button", { type: "button", on: { click: () => keep(items.map(setLine)) } }, label);
  return el(
    "div",
    {},
    el("p", { class: "lead" }, `${all.length} settings are set in the cluster but not in the request.`, button("Keep all", all)),
    all.map((it) =>
      el(
        "article",
        { class: "finding warn" },
        el("h3", {}, el("code", {}, it.path), button("Keep", [it])),
        el(
          "div",
          { class: "diff" },
          el("pre", { class: "minus" }, valueText(it.live)),
          el("pre", { class: "plus" }, it.request === undefined ? "the default" : valueText(it.request)),
        ),
        evidence(it.evidence),
      ),
    ),
  );
}

/** The line that `--set` takes. */
function setLine({ path, live }: Reverted): string {
  const value = typeof live === "string" ? live : JSON.stringify(live);
  return `${path}=${value.replaceAll(",", "\\,")}`;
}
