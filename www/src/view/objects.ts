import type { Change, ChangeClass } from "refit-planner";

import { el, growing } from "../dom.js";
import { count, refName, valueText } from "../words.js";

const CLASSES: Record<ChangeClass, string> = {
  create: "created",
  change: "changed",
  replace: "deleted and made anew",
  "take-over": "taken over",
  delete: "deleted",
  orphan: "left behind",
  unchanged: "unchanged",
};

/** Objects by component; of each only what changes, and who owns it. */
export function objects(all: readonly Change[]): HTMLElement {
  const touched = all.filter((it) => it.class !== "unchanged");
  const same = all.length - touched.length;
  const components = [...new Set(touched.map((it) => it.component))];
  return el(
    "div",
    {},
    all.length === 0 &&
      el("p", { class: "empty" }, "Which objects change can be told once the target's release is at hand: drop its archive."),
    components.map((component) => {
      const own = touched.filter((it) => it.component === component);
      return el(
        "section",
        { class: "group" },
        el("h2", {}, component === "" ? "No component" : component, el("span", { class: "number" }, own.length)),
        growing("ul", own, (it) => el("li", { class: "change" }, change(it))),
      );
    }),
    same > 0 && el("p", { class: "lead" }, `${count(same, "object stays", "objects stay")} as they are.`),
  );
}

function change(it: Change): HTMLElement {
  const summary = el(
    "summary",
    {},
    el("span", { class: `badge class-${it.class}` }, CLASSES[it.class]),
    el("span", { class: "object" }, refName(it.object)),
    it.fields.length > 0 && el("span", { class: "place" }, count(it.fields.length, "field")),
  );
  if (it.fields.length === 0) {
    return el("div", { class: "plain" }, [...summary.childNodes]);
  }
  const details = el("details", {}, summary);
  details.addEventListener("toggle", () => details.append(diff(it)), { once: true });
  return details;
}

/** The fields, old above new. */
function diff({ fields }: Change): HTMLElement {
  const list = growing("ul", fields, (field) =>
    el(
      "li",
      {},
      el("code", { class: "path" }, field.path),
      field.owner !== undefined && el("span", { class: "place" }, `owned by ${field.owner}`),
      field.from !== undefined && el("pre", { class: "minus" }, valueText(field.from)),
      field.to !== undefined && el("pre", { class: "plus" }, valueText(field.to)),
    ),
  );
  list.classList.add("diff");
  return list;
}
