import type { Description, Outcome } from "refit-planner";

import { el, words as wordsOf } from "../dom.js";
import { LEVELS, VERDICTS } from "../words.js";

const ICONS = { clear: "✓", blocked: "✕", unknown: "?" } as const;

/** The verdict, the way from source to target, and how much was found. */
export function verdict(outcome: Outcome, words: Description): HTMLElement {
  const { source, target } = outcome;
  return el(
    "header",
    { class: `verdict ${outcome.verdict}` },
    el("span", { class: "verdict-icon", "aria-hidden": "true" }, ICONS[outcome.verdict]),
    el(
      "div",
      {},
      el("h1", {}, VERDICTS[outcome.verdict]),
      el("p", { class: "verdict-line" }, `${words.headline}: ${words.verdict}`),
      reason(outcome),
      path(outcome),
      el("p", { class: "counts" }, counts(outcome)),
    ),
    el(
      "dl",
      { class: "verdict-facts" },
      fact("from", source.version ?? "unknown"),
      fact("to", target.version ?? "unknown"),
      fact("profile", target.profile),
      fact("Kubernetes", outcome.inventory.kubernetes.server ?? "unknown"),
      fact("installed by", [...new Set(outcome.installers.map((it) => it.kind))].join(", ") || "unknown"),
    ),
  );
}

/** What decides the verdict, where something does. */
function reason({ verdict: it, findings }: Outcome): HTMLElement | null {
  const level = it === "blocked" ? "block" : "unknown";
  const first = it === "clear" ? undefined : findings.find((finding) => finding.level === level);
  return first === undefined ? null : el("p", { class: "verdict-line" }, wordsOf(`${first.title}.`));
}

/** The way, one minor at a time. */
function path({ hops }: Outcome): HTMLElement | null {
  if (hops.length < 2) {
    return null;
  }
  return el(
    "ol",
    { class: "hops", "aria-label": "Versions on the way" },
    hops.map((version, at) => el("li", { class: at === 0 || at === hops.length - 1 ? "end" : "" }, version)),
  );
}

function counts({ findings, changes, restarts }: Outcome): HTMLElement[] {
  const levels = LEVELS.map(([level, label]) => {
    const number = findings.filter((it) => it.level === level).length;
    return number > 0 && el("span", { class: `badge ${level}` }, `${number} ${label.toLowerCase()}`);
  });
  const touched = changes.filter((it) => it.class !== "unchanged" && it.class !== "orphan").length;
  return [
    ...levels.filter((it) => it !== false),
    ...(touched > 0 ? [el("span", { class: "badge" }, `${touched} objects change`)] : []),
    ...(restarts.length > 0 ? [el("span", { class: "badge" }, `${restarts.length} workloads restart`)] : []),
  ];
}

function fact(name: string, value: string): HTMLElement[] {
  return [el("dt", {}, name), el("dd", {}, value)];
}
