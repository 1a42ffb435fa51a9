import type { Finding, Level } from "refit-planner";

import { el, fill, link, words } from "../dom.js";
import { LEVELS } from "../words.js";
import { evidence } from "./evidence.js";

/** Findings by level, most severe first, with a filter where there are many. */
export function findings(
  all: readonly Finding[],
  notes: readonly Finding[],
  explain: (code: string) => Promise<string | undefined>,
): HTMLElement {
  const groups = el("div", {});
  const filter = el("input", {
    type: "search",
    placeholder: "Filter findings",
    "aria-label": "Filter findings",
    on: { input: () => show() },
  });
  const show = (): void => {
    const word = filter.value.trim().toLowerCase();
    const kept = all.filter((it) => word === "" || text(it).includes(word));
    fill(
      groups,
      LEVELS.map(([level, label]) => group(level, label, kept, explain)),
      kept.length === 0 && el("p", { class: "empty" }, word === "" ? "Nothing was found that stands against it." : "No finding matches."),
    );
  };
  show();
  return el(
    "div",
    { class: "findings" },
    all.length > 6 && filter,
    groups,
    notes.length > 0 && [el("h2", {}, "Good to know about these versions"), notes.map((it) => card(it, explain))],
  );
}

function group(
  level: Level,
  label: string,
  all: readonly Finding[],
  explain: (code: string) => Promise<string | undefined>,
): HTMLElement | null {
  const own = all.filter((it) => it.level === level);
  if (own.length === 0) {
    return null;
  }
  return el(
    "section",
    { class: "group" },
    el("h2", {}, label, el("span", { class: "number" }, own.length)),
    own.map((it) => card(it, explain)),
  );
}

function card(finding: Finding, explain: (code: string) => Promise<string | undefined>): HTMLElement {
  const meaning = el("pre", { class: "meaning", hidden: true });
  const ask = el(
    "button",
    { type: "button", class: "code", "aria-expanded": "false", title: "What this code means", on: { click: () => void toggle() } },
    finding.code,
  );
  async function toggle(): Promise<void> {
    meaning.hidden = !meaning.hidden;
    ask.setAttribute("aria-expanded", String(!meaning.hidden));
    if (!meaning.hidden && meaning.textContent === "") {
      meaning.textContent = (await explain(finding.code)) ?? "There is no more to say about this code.";
    }
  }
  return el(
    "article",
    { class: `finding ${finding.level}` },
    el("h3", {}, el("span", {}, words(finding.title)), ask),
    finding.detail !== "" && el("p", {}, words(finding.detail)),
    meaning,
    evidence(finding.subjects),
    finding.fix !== null && el("p", { class: "fix" }, el("strong", {}, "Fix "), words(finding.fix)),
    finding.link !== null && el("p", { class: "source" }, link(finding.link, finding.link)),
  );
}

function text(finding: Finding): string {
  return [finding.code, finding.title, finding.detail, ...finding.subjects.map((it) => `${it.kind} ${it.namespace} ${it.name}`)]
    .join(" ")
    .toLowerCase();
}
