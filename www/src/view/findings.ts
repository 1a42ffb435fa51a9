import type { Level } from "refit-planner";

import { el, fill, folding, link, words } from "../dom.js";
import type { Overview, ShortFinding } from "../protocol.js";
import { LEVELS } from "../words.js";
import { guideLink, remedies } from "./remedies.js";
import { evidence } from "./evidence.js";
import type { Hooks } from "./hooks.js";

/** Findings by level, most severe first, filtered by level and word. */
export function findings(overview: Overview, hooks: Hooks): HTMLElement {
  const { state } = hooks;
  const groups = el("div", {});
  const told = el("p", { class: "hidden-text", role: "status" });
  const filter = el("input", {
    type: "search",
    placeholder: "Filter findings",
    "aria-label": "Filter findings",
    "data-focus": "findings-word",
    on: {
      input: () => {
        state.word = filter.value;
        show();
      },
    },
  });
  filter.value = state.word;
  const chips = LEVELS.filter(([level]) => overview.levels[level] > 0).map(([level, label]) =>
    chip(`${label} ${overview.levels[level]}`, level, state.levels, () => show()),
  );

  function show(): void {
    const word = state.word.trim().toLowerCase();
    const wanted = (it: ShortFinding): boolean =>
      (state.levels.size === 0 || state.levels.has(it.level)) && (word === "" || text(it).includes(word));
    const kept = overview.findings.map((it, at) => ({ it, at })).filter(({ it }) => wanted(it));
    fill(
      groups,
      LEVELS.map(([level, label]) => group(level, label, kept, hooks)),
      kept.length === 0 &&
        el(
          "p",
          { class: "empty" },
          overview.findings.length === 0 ? "Nothing was found that stands against it." : "No finding matches.",
        ),
    );
    told.textContent =
      word === "" && state.levels.size === 0 ? "" : `${kept.length} of ${overview.findings.length} findings`;
  }
  show();
  return el(
    "div",
    { class: "findings" },
    overview.findings.length > 1 &&
      el(
        "div",
        { class: "filters" },
        filter,
        el("div", { class: "chips", role: "group", "aria-label": "Levels" }, chips),
      ),
    told,
    groups,
    overview.notes.length > 0 &&
      el(
        "section",
        { class: "group" },
        el("h2", {}, "Good to know about these versions", el("span", { class: "number" }, overview.notes.length)),
        overview.notes.map((it, at) => card(it, hooks, { list: "notes", at })),
      ),
  );
}

/** A button that is pressed or not. */
export function chip(
  label: string,
  value: string,
  chosen: Set<string>,
  changed: () => void,
  tone = value,
): HTMLElement {
  const button = el(
    "button",
    {
      type: "button",
      class: `chip ${tone}`,
      "aria-pressed": String(chosen.has(value)),
      "data-focus": `chip-${value}`,
      on: {
        click: () => {
          if (!chosen.delete(value)) {
            chosen.add(value);
          }
          button.setAttribute("aria-pressed", String(chosen.has(value)));
          changed();
        },
      },
    },
    label,
  );
  return button;
}

function group(
  level: Level,
  label: string,
  all: readonly { it: ShortFinding; at: number }[],
  hooks: Hooks,
): HTMLElement | null {
  const own = all.filter(({ it }) => it.level === level);
  if (own.length === 0) {
    return null;
  }
  return el(
    "section",
    { class: "group" },
    el("h2", {}, label, el("span", { class: "number" }, own.length)),
    own.map(({ it, at }) => card(it, hooks, { list: "findings", at })),
  );
}

/** A finding; `place` is where it stands in the outcome, for what is loaded later. */
export function card(
  finding: ShortFinding,
  hooks: Hooks,
  place?: { list: "findings" | "notes"; at: number },
): HTMLElement {
  const key = `${finding.code}-${place?.list ?? "hop"}-${place?.at ?? finding.title}`;
  const meaning = el("pre", { class: "meaning", hidden: true, tabindex: 0 });
  const ask = el(
    "button",
    {
      type: "button",
      class: "code",
      "aria-expanded": "false",
      title: "What this code means",
      "data-focus": `code-${key}`,
      on: { click: () => void toggle() },
    },
    finding.code,
  );
  async function toggle(): Promise<void> {
    meaning.hidden = !meaning.hidden;
    ask.setAttribute("aria-expanded", String(!meaning.hidden));
    meaning.nextElementSibling?.toggleAttribute("hidden", meaning.hidden);
    if (!meaning.hidden && meaning.textContent === "") {
      meaning.textContent = (await hooks.explain(finding.code)) ?? "There is no more to say about this code.";
    }
  }
  const more = place && {
    count: finding.count,
    load: () => hooks.subjects(place.list, place.at, finding.subjects.length),
  };
  return el(
    "article",
    { class: `finding ${finding.level}`, id: place && `${place.list}-${place.at}` },
    el(
      "div",
      { class: "finding-head" },
      el("h3", { tabindex: -1, "data-focus": `title-${key}` }, words(finding.title)),
      ask,
    ),
    finding.accepted !== undefined && el("p", { class: "fix" }, el("strong", {}, "Accepted "), words(finding.accepted)),
    finding.detail !== "" && el("p", {}, words(finding.detail)),
    meaning,
    el("p", { class: "source guide-link", hidden: true }, guideLink(finding.code, "In the guide")),
    evidence(finding.subjects, hooks.follow, more),
    finding.fix !== null && finding.fix.length > 400
      ? folding(`fix-${key}`, hooks.state.open, ["How to settle it"], () =>
          el("p", { class: "fix" }, words(finding.fix ?? "")),
        )
      : finding.fix !== null && el("p", { class: "fix" }, el("strong", {}, "Fix "), words(finding.fix)),
    remedies(finding, hooks),
    finding.link !== null && el("p", { class: "source" }, link(finding.link, finding.link.replace(/^https:\/\//, ""))),
  );
}

function text(finding: ShortFinding): string {
  return [
    finding.code,
    finding.title,
    finding.detail,
    ...finding.subjects.map((it) => `${it.kind} ${it.namespace} ${it.name}`),
  ]
    .join(" ")
    .toLowerCase();
}
