import type { Edit, Reverted } from "refit-planner";

import { el } from "../dom.js";
import type { Overview } from "../protocol.js";
import { count, valueText } from "../words.js";
import { evidence } from "./evidence.js";
import type { Hooks } from "./hooks.js";

/** Settings of the cluster that the request would take back, each kept by one click: written into the file, with their types. */
export function reverted({ reverted: all, target }: Overview, hooks: Hooks): HTMLElement {
  if (all.length === 0) {
    return el("p", { class: "empty" }, "The request reverts no setting of the installation.");
  }
  const { apply } = hooks;
  const button = (label: string, items: readonly Reverted[], name: string): HTMLElement | null =>
    apply === undefined
      ? null
      : el(
          "button",
          { type: "button", class: "small", "aria-label": name, on: { click: () => apply(items.map(kept)) } },
          label,
        );
  return el(
    "div",
    {},
    el(
      "p",
      { class: "lead" },
      `${count(all.length, "setting is", "settings are")} set in the cluster but not in the request.`,
      button("Keep all", all, "Keep all"),
    ),
    all.map((it) =>
      el(
        "article",
        { class: "finding warn" },
        el(
          "div",
          { class: "finding-head" },
          el("h3", {}, el("code", {}, it.path)),
          button("Keep", [it], `Keep ${it.path}`),
        ),
        el(
          "dl",
          { class: "sides" },
          el("dt", {}, "in the cluster"),
          el("dd", {}, el("pre", { class: "minus" }, valueText(it.live))),
          el(
            "dt",
            {},
            it.request === undefined ? `the default of ${target.version ?? "the target"}` : "with this request",
          ),
          el("dd", {}, el("pre", { class: "plus" }, after(it))),
        ),
        evidence(it.evidence, hooks.follow),
      ),
    ),
  );
}

/** What the setting would be. */
function after({ request, default: fallback }: Reverted): string {
  return request === undefined && fallback === undefined ? "not set" : valueText(request ?? fallback);
}

function kept({ path, live }: Reverted): Edit {
  return { edit: "set", path, value: live };
}
