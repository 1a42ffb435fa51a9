import type { Subject } from "refit-planner";

import { type Child, arriving, el } from "../dom.js";
import { placeName, refName, valueText } from "../words.js";

type Follow = ((subject: Subject) => void) | undefined;

/** What a statement rests on: objects with their fields and values, places in files. Each leads to what it names. */
export function evidence(
  subjects: readonly Subject[],
  follow: Follow,
  more?: { count: number; load: () => Promise<Subject[]> },
): HTMLElement | null {
  if (subjects.length === 0) {
    return null;
  }
  const list = el("ul", { class: "evidence" }, items(subjects, follow));
  const rest = (more?.count ?? 0) - subjects.length;
  if (more !== undefined && rest > 0) {
    const details = el("details", {}, el("summary", {}, `${rest.toLocaleString("en")} more`));
    details.addEventListener(
      "toggle",
      () =>
        details.append(
          arriving(
            more
              .load()
              .then((all): Child =>
                el(
                  "ul",
                  { class: "evidence long", tabindex: 0, "aria-label": "More evidence" },
                  items(all.slice(0, 1000), follow),
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

/** An item for each object, its fields below it; subjects come sorted by object. */
function items(subjects: readonly Subject[], follow: Follow): HTMLElement[] {
  const groups: Subject[][] = [];
  for (const subject of subjects) {
    const last = groups.at(-1)?.[0];
    if (last !== undefined && refName(subject) !== "" && refName(subject) === refName(last)) {
      groups.at(-1)?.push(subject);
    } else {
      groups.push([subject]);
    }
  }
  return groups.map((group) => {
    const [first] = group;
    return first === undefined || group.length === 1 ? single(first ?? {}, follow) : several(first, group, follow);
  });
}

function single(subject: Subject, follow: Follow): HTMLElement {
  const name = refName(subject);
  const place = placeName(subject);
  const leads = follow !== undefined && (name !== "" || (subject.line !== undefined && place !== ""));
  const shown = name === "" ? place : name;
  return el(
    "li",
    {},
    leads
      ? leading(shown, name === "" ? "Go to this line" : "Show this object", subject, follow)
      : shown !== "" && el("span", { class: name === "" ? "place" : "object" }, shown),
    subject.field !== undefined && el("code", {}, subject.field),
    value(subject),
    name !== "" && place !== "" && el("span", { class: "place" }, place),
  );
}

/** Fields of one object: each leads to its line. */
function several(first: Subject, group: readonly Subject[], follow: Follow): HTMLElement {
  const name = refName(first);
  const { field: _, value: __, ...object } = first;
  const place = placeName(first);
  return el(
    "li",
    { class: "grouped" },
    follow === undefined ? el("span", { class: "object" }, name) : leading(name, "Show this object", object, follow),
    place !== "" && el("span", { class: "place" }, place),
    el(
      "ul",
      {},
      group.map((it) =>
        el(
          "li",
          {},
          it.field !== undefined &&
            (follow === undefined
              ? el("code", {}, it.field)
              : leading(it.field, "Show the object at this field", it, follow)),
          value(it),
        ),
      ),
    ),
  );
}

function leading(text: string, title: string, subject: Subject, follow: (subject: Subject) => void): HTMLElement {
  return el("button", { type: "button", class: "follow object", title, on: { click: () => follow(subject) } }, text);
}

function value(subject: Subject): Child {
  return subject.value !== undefined && el("code", { class: "value" }, valueText(subject.value));
}
