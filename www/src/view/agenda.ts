// What is to do, under the verdict: what people decide, what they do by hand, and the commands that do the rest. The planner
// says what stands where.

import type { Restart } from "refit-planner";

import { type Child, copyButton, el, folding, words } from "../dom.js";
import type { Overview } from "../protocol.js";
import { count, refName } from "../words.js";
import type { Hooks } from "./hooks.js";
import { guideLink, remedies } from "./remedies.js";

/** Findings that are seen without opening anything. */
const SEEN = 5;

/** The parts of it that hold something. */
export function agenda(overview: Overview, hooks: Hooks): HTMLElement {
  const { decide, lost, byHand } = overview.words.agenda;
  const workloads = byHandWorkloads(overview, hooks);
  return el(
    "section",
    { class: "agenda", "aria-label": "What is to do" },
    part("Decide", "decide", [
      list("decide", decide, overview, hooks),
      lost.length > 0 && [el("h3", {}, "Would be lost"), list("lost", lost, overview, hooks)],
      pruned(hooks),
    ]),
    part("By hand", "by-hand", [list("by-hand", byHand, overview, hooks), workloads]),
    run(overview, hooks),
  );
}

function part(title: string, name: string, content: readonly Child[]): HTMLElement | null {
  const holds = content.some((it) => it !== null && it !== false && it !== undefined);
  return holds ? el("section", { class: `agenda-part ${name}` }, el("h2", {}, title), content) : null;
}

/** Findings in a line each, which leads to the card; what settles one is beside it. */
function list(name: string, places: readonly number[], overview: Overview, hooks: Hooks): Child {
  if (places.length === 0) {
    return null;
  }
  const lines = (some: readonly number[]): HTMLElement =>
    el(
      "ul",
      {},
      some.map((at) => line(at, overview, hooks)),
    );
  const rest = places.slice(SEEN);
  return [
    lines(places.slice(0, SEEN)),
    rest.length > 0 && folding(`agenda ${name}`, hooks.state.open, [`${rest.length} more`], () => lines(rest)),
  ];
}

function line(at: number, { findings }: Overview, hooks: Hooks): Child {
  const finding = findings[at];
  return (
    finding !== undefined &&
    el(
      "li",
      { class: finding.level },
      el(
        "button",
        {
          type: "button",
          class: "follow agenda-line",
          title: "Show the finding",
          "data-focus": `agenda-${finding.code}-${at}`,
          on: { click: () => hooks.toFinding(at) },
        },
        words(finding.title),
      ),
      remedies(finding, hooks),
    )
  );
}

/** What the request deletes because somebody decided so, each to be taken back. */
function pruned({ pruned: { names, orphans }, unprune }: Hooks): Child {
  if (unprune === undefined || (names.length === 0 && !orphans)) {
    return null;
  }
  const item = (what: string, name?: string): HTMLElement =>
    el(
      "li",
      { class: "pruned" },
      el("span", {}, words(what)),
      el("button", { type: "button", class: "small", on: { click: () => unprune(name) } }, "Keep it"),
    );
  return [
    el("h3", {}, "Deleted by the plan"),
    el(
      "ul",
      {},
      orphans && item("All that is left behind but gateways and definitions"),
      names.map((it) => item(`\`${it}\``, it)),
    ),
  ];
}

/** Workloads that no step restarts, with the reason. */
function byHandWorkloads({ hand, byHand, steps, words: { reasons } }: Overview, { follow, state }: Hooks): Child {
  if (steps === null || byHand === null) {
    return null;
  }
  const item = (it: Restart): HTMLElement => {
    const name = refName(it.object);
    return el(
      "li",
      {},
      follow === undefined
        ? el("span", { class: "object" }, name)
        : el("button", { type: "button", class: "follow object", on: { click: () => follow(it.object) } }, name),
      el("span", { class: "place" }, reasons[it.reason] ?? it.reason),
    );
  };
  return folding(
    "agenda workloads",
    state.open,
    [`${count(byHand.workloads, "workload")} with ${count(byHand.pods, "pod")} to restart by hand`],
    () => [
      el("ul", { class: "by-hand-workloads" }, hand.map(item)),
      byHand.workloads > hand.length &&
        el("p", { class: "hint" }, `and ${byHand.workloads - hand.length} more among the restarts`),
    ],
  );
}

/** The commands, where there is something to perform; else why there are none. */
function run({ steps, verdict, words: { agenda } }: Overview, hooks: Hooks): HTMLElement | null {
  const { command, requestFiles, saveRequest, keep } = hooks;
  if (command === "") {
    return null;
  }
  const where = guideLink("install", "Where refit comes from");
  if (steps === null) {
    const why =
      verdict === "blocked"
        ? "There is no plan while something blocks."
        : "There is no plan without the releases that it is made from.";
    return part("Run", "run", [el("p", { class: "hint" }, why)]);
  }
  return part("Run", "run", [
    el(
      "p",
      { class: "hint" },
      agenda.state === "decide" ? "Once that is decided: " : "",
      "in a terminal that reaches the cluster. ",
      where,
    ),
    el(
      "div",
      { class: "commands" },
      commandLine(
        command,
        "Plans again against the live cluster, asks, and performs it.",
        requestFiles.map((it) =>
          el("button", { type: "button", class: "copy", on: { click: () => saveRequest(it) } }, `Save ${it}`),
        ),
      ),
      commandLine(
        "refit apply plan.json",
        "Performs exactly this plan, and stops where the cluster differs from this export.",
        el("button", { type: "button", class: "copy", on: { click: () => void keep("plan") } }, "Save plan.json"),
      ),
    ),
  ]);
}

function commandLine(command: string, about: string, buttons: Child): HTMLElement {
  return el(
    "div",
    { class: "command" },
    el("p", { class: "hint" }, about),
    el("div", {}, el("code", {}, command), copyButton(command), buttons),
  );
}
