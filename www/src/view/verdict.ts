import { el, words as wordsOf } from "../dom.js";
import type { Overview } from "../protocol.js";
import { LEVELS, count } from "../words.js";
import type { Hooks } from "./hooks.js";
import { planButton } from "./way.js";

const ICONS = { clear: "✓", blocked: "✕", unknown: "?" } as const;

/** The verdict, the way from source to target, and how much was found. */
export function verdict(outcome: Overview, hooks: Hooks): HTMLElement {
  const { source, target, words } = outcome;
  return el(
    "header",
    { class: `verdict ${outcome.verdict} ${words.agenda.state === "decide" ? "decide" : ""}`.trim() },
    el("span", { class: "verdict-icon", "aria-hidden": "true" }, ICONS[outcome.verdict]),
    el(
      "div",
      {},
      el("h1", { tabindex: -1, id: "verdict", "data-focus": "verdict" }, words.agenda.title),
      el("p", { class: "verdict-line" }, `${words.headline}: ${words.verdict}`),
      reason(outcome),
      path(outcome),
      wayOn(outcome, hooks),
      el("p", { class: "counts" }, counts(outcome)),
    ),
    el(
      "dl",
      { class: "verdict-facts" },
      fact("from", source.version ?? "unknown"),
      fact("to", target.version ?? "unknown"),
      fact("profile", target.profile),
      fact("Kubernetes", outcome.inventory.kubernetes.server ?? "unknown"),
      fact("installed by", [...new Set(outcome.installers.map((it) => it.name ?? it.kind))].join(", ") || "unknown"),
    ),
  );
}

/** What decides the verdict, where something does. */
function reason({ verdict: it, findings }: Overview): HTMLElement | null {
  const level = it === "blocked" ? "block" : "unknown";
  const first = it === "clear" ? undefined : findings.find((finding) => finding.level === level);
  return first === undefined ? null : el("p", { class: "verdict-line" }, wordsOf(`${first.title}.`));
}

/** The next thing to do where the target is several minors away. */
function wayOn({ path: [first] }: Overview, { planFor, turnTo }: Hooks): HTMLElement | null {
  return first === undefined
    ? null
    : el(
        "p",
        { class: "quick" },
        planFor !== undefined && planButton(first, planFor),
        el("button", { type: "button", class: "small", on: { click: () => turnTo("Way") } }, "The way, hop by hop"),
      );
}

/** The way, drawn: a stop for each minor, the first one being where the cluster is. */
function path({ hops, verdict: it }: Overview): HTMLElement | null {
  if (hops.length < 2) {
    return null;
  }
  const last = hops.length - 1;
  const stop = (at: number): string => (at === 0 ? "here" : at === last ? "end" : "between");
  return el(
    "ol",
    { class: `hops ${hops.length > 2 ? "long" : ""} ${it}`, "aria-label": "Versions on the way" },
    hops.map((version, at) =>
      el("li", { class: stop(at) }, el("span", { class: "dot", "aria-hidden": "true" }), el("span", {}, version)),
    ),
  );
}

function counts({ levels, words, restarts }: Overview): HTMLElement[] {
  const badges = LEVELS.filter(([level]) => levels[level] > 0).map(([level, label]) => {
    const text = level === "warn" ? count(levels.warn, "warning") : `${levels[level]} ${label.toLowerCase()}`;
    return el("span", { class: `badge ${level}` }, text);
  });
  const touched = words.agenda.real.length;
  return [
    ...badges,
    ...(touched > 0 ? [el("span", { class: "badge" }, count(touched, "change"))] : []),
    ...(restarts > 0
      ? [el("span", { class: "badge" }, count(restarts, "workload restarts", "workloads restart"))]
      : []),
  ];
}

function fact(name: string, value: string): HTMLElement[] {
  return [el("dt", {}, name), el("dd", {}, value)];
}
