import type { DefaultChange } from "refit-planner";

import { copyButton, el, fill, growing } from "../dom.js";
import { valueText } from "../words.js";

/** Defaults that differ between the two releases: what moves, what is pinned, and what keeps the old behaviour. */
export function defaults(all: readonly DefaultChange[]): HTMLElement {
  if (all.length === 0) {
    return el("p", { class: "empty" }, "No default changes between these releases for this profile.");
  }
  const pinned = all.filter((it) => it.pinned).length;
  const table = el("div", { class: "scroll" });
  const only = el("input", { type: "checkbox", on: { change: () => show() } });
  const show = (): void => fill(table, rows(only.checked ? all.filter((it) => !it.pinned) : all));
  show();
  return el(
    "div",
    {},
    el(
      "p",
      { class: "lead" },
      `${all.length} defaults differ. ${pinned} of them your settings pin, ${all.length - pinned} move.`,
      pinned > 0 && el("label", { class: "check" }, only, "Only what moves"),
    ),
    table,
  );
}

function rows(all: readonly DefaultChange[]): HTMLElement {
  const head = ["Component", "Setting", "Before", "After", "Keeps the old behaviour"];
  return el(
    "table",
    { class: "defaults" },
    el("thead", {}, el("tr", {}, head.map((it) => el("th", { scope: "col" }, it)))),
    growing("tbody", all, row),
  );
}

function row(it: DefaultChange): HTMLElement {
  return el(
    "tr",
    {},
    el("td", { "data-label": "Component" }, it.component),
    el("td", { "data-label": "Setting" }, el("code", {}, it.path), it.pinned && el("span", { class: "badge pinned" }, "pinned")),
    el("td", { "data-label": "Before" }, el("code", { class: it.from === undefined ? "unset" : "from" }, valueText(it.from))),
    el("td", { "data-label": "After" }, el("code", { class: it.to === undefined ? "unset" : "to" }, valueText(it.to))),
    el("td", { "data-label": "Keeps" }, it.keep !== null && [el("code", {}, it.keep), copyButton(it.keep)]),
  );
}
