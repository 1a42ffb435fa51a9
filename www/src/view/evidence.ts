import type { Subject } from "refit-planner";

import { el } from "../dom.js";
import { placeName, refName, valueText } from "../words.js";

/** What a statement rests on: objects, fields, values, places in files. */
export function evidence(subjects: readonly Subject[]): HTMLElement | null {
  if (subjects.length === 0) {
    return null;
  }
  const few = subjects.slice(0, 5);
  const rest = subjects.slice(5);
  const list = el("ul", { class: "evidence" }, few.map(item));
  if (rest.length > 0) {
    const more = el("details", {}, el("summary", {}, `${rest.length} more`), el("ul", { class: "evidence" }));
    more.addEventListener("toggle", () => more.querySelector("ul")?.replaceChildren(...rest.map(item)), { once: true });
    list.append(el("li", {}, more));
  }
  return list;
}

function item(subject: Subject): HTMLElement {
  const name = refName(subject);
  const place = placeName(subject);
  return el(
    "li",
    {},
    name !== "" && el("span", { class: "object" }, name),
    subject.field !== undefined && el("code", {}, subject.field),
    subject.value !== undefined && el("code", { class: "value" }, valueText(subject.value)),
    place !== "" && el("span", { class: "place" }, place),
  );
}
