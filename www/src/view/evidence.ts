import type { Subject } from "refit-planner";

import { type Child, arriving, el } from "../dom.js";
import { placeName, refName, valueText } from "../words.js";

/** What a statement rests on: objects, fields, values, places in files. Each leads to what it names. */
export function evidence(
  subjects: readonly Subject[],
  follow: ((subject: Subject) => void) | undefined,
  more?: { count: number; load: () => Promise<Subject[]> },
): HTMLElement | null {
  if (subjects.length === 0) {
    return null;
  }
  const list = el(
    "ul",
    { class: "evidence" },
    subjects.map((it) => item(it, follow)),
  );
  const rest = (more?.count ?? 0) - subjects.length;
  if (more !== undefined && rest > 0) {
    const details = el("details", {}, el("summary", {}, `${rest.toLocaleString("en")} more`));
    details.addEventListener(
      "toggle",
      () =>
        details.append(
          arriving(
            more.load().then((all): Child =>
              el(
                "ul",
                { class: "evidence long", tabindex: 0, "aria-label": "More evidence" },
                all.slice(0, 1000).map((it) => item(it, follow)),
                all.length > 1000 &&
                  el("li", {}, `and ${(all.length - 1000).toLocaleString("en")} more in the downloads`),
              ),
            ),
          ),
        ),
      { once: true },
    );
    list.append(el("li", {}, details));
  }
  return list;
}

function item(subject: Subject, follow: ((subject: Subject) => void) | undefined): HTMLElement {
  const name = refName(subject);
  const place = placeName(subject);
  const leads = follow !== undefined && (name !== "" || (subject.line !== undefined && place !== ""));
  const shown = name === "" ? place : name;
  return el(
    "li",
    {},
    leads
      ? el(
          "button",
          {
            type: "button",
            class: "follow object",
            title: name === "" ? "Go to this line" : "Show this object",
            on: { click: () => follow(subject) },
          },
          shown,
        )
      : shown !== "" && el("span", { class: name === "" ? "place" : "object" }, shown),
    subject.field !== undefined && el("code", {}, subject.field),
    subject.value !== undefined && el("code", { class: "value" }, valueText(subject.value)),
    name !== "" && place !== "" && el("span", { class: "place" }, place),
  );
}
