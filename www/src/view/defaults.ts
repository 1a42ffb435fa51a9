import type { DefaultChange } from "refit-planner";

import { copyButton, el, fill } from "../dom.js";
import type { Overview } from "../protocol.js";
import { count, valueText } from "../words.js";
import type { Hooks } from "./hooks.js";

const PINNED = "set by the installation or the request";

/** Defaults that differ between the two releases: what moves, what is pinned, and what keeps the old behaviour. */
export function defaults({ defaults: all }: Overview, hooks: Hooks): HTMLElement {
  if (all.length === 0) {
    return el("p", { class: "empty" }, "No default changes between these releases for this profile.");
  }
  const { state } = hooks;
  const pinned = all.filter((it) => it.pinned).length;
  const body = el("tbody", {});
  const only = el("input", {
    type: "checkbox",
    "data-focus": "only-moving",
    on: {
      change: () => {
        state.onlyMoving = only.checked;
        show();
      },
    },
  });
  only.checked = state.onlyMoving;
  const show = (): void =>
    fill(
      body,
      all.filter((it) => !state.onlyMoving || !it.pinned).map((it) => row(it, hooks)),
    );
  show();
  const head = ["Component", "Setting", "Before", "After", "Keeps the old behaviour"];
  return el(
    "div",
    {},
    el(
      "p",
      { class: "lead" },
      `${count(all.length, "default differs", "defaults differ")}. ${pinned} of them your settings pin, ${all.length - pinned} move.`,
      pinned > 0 && el("label", { class: "check" }, only, "Only what moves"),
    ),
    el(
      "div",
      { class: "scroll", tabindex: 0, role: "region", "aria-label": "Changed defaults" },
      el(
        "table",
        { class: "defaults" },
        el(
          "thead",
          {},
          el(
            "tr",
            {},
            head.map((it) => el("th", { scope: "col" }, it)),
          ),
        ),
        body,
      ),
    ),
  );
}

function row(it: DefaultChange, { apply }: Hooks): HTMLElement {
  const { edit } = it;
  return el(
    "tr",
    {},
    el("td", { "data-label": "Component" }, it.component),
    el(
      "td",
      { "data-label": "Setting" },
      el("code", {}, it.path),
      it.pinned && el("span", { class: "badge pinned" }, "pinned"),
      it.about !== undefined && el("p", { class: "hint about" }, it.about),
    ),
    el(
      "td",
      { "data-label": "Before" },
      el("code", { class: it.from === undefined ? "unset" : "from" }, valueText(it.from)),
    ),
    el("td", { "data-label": "After" }, el("code", { class: it.to === undefined ? "unset" : "to" }, valueText(it.to))),
    el(
      "td",
      { "data-label": "Keeps" },
      it.keep === null && el("span", { class: "hint" }, it.pinned ? PINNED : (it.unkept ?? "")),
      it.keep !== null && [
        el("code", {}, it.keep),
        el(
          "span",
          { class: "row-actions" },
          edit !== undefined &&
            apply !== undefined &&
            !it.pinned &&
            el(
              "button",
              { type: "button", class: "copy", "aria-label": `Keep ${it.path}`, on: { click: () => apply([edit]) } },
              "Keep",
            ),
          copyButton(it.keep),
        ),
      ],
    ),
  );
}
