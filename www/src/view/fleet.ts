// A fleet as `refit fleet plan` wrote it: the table, what is found across clusters, and the way into each one's outcome.

import type { FleetDocument, Subject } from "refit-planner";

import { el, fill, link, words } from "../dom.js";
import { count, placeName, refName, valueText } from "../words.js";

type Cluster = FleetDocument.Cluster;
type Finding = FleetDocument.Finding;

export interface FleetHooks {
  /** Opens a cluster's outcome; undefined where its file was not handed over. */
  opener: (cluster: Cluster) => (() => void) | undefined;
  /** The cluster whose outcome is shown below. */
  isOpen: (cluster: Cluster) => boolean;
  close: () => void;
}

const STATES = ["blocked", "unreadable", "unknown", "clear"] as const;
type State = (typeof STATES)[number];

export function fleetView(fleet: FleetDocument.Fleet, hooks: FleetHooks): HTMLElement {
  const rows = el("tbody");
  const shown = el("p", { class: "hint", role: "status" });
  const name = el("input", {
    type: "search",
    "aria-label": "Show clusters whose name holds",
    placeholder: "Name",
    on: { input: () => show() },
  });
  const state = el(
    "select",
    { "aria-label": "Show clusters of a verdict", on: { change: () => show() } },
    el("option", { value: "" }, "All verdicts"),
    STATES.map((it) => el("option", { value: it }, it)),
  );

  function show(): void {
    const word = name.value.toLowerCase();
    const found = fleet.clusters.filter(
      (it) => it.name.toLowerCase().includes(word) && (state.value === "" || stateOf(it) === state.value),
    );
    fill(
      rows,
      found.map((it) => row(it, hooks)),
    );
    fill(shown, `${found.length} of ${count(fleet.clusters.length, "cluster")}`);
  }

  show();
  return el(
    "section",
    { class: "fleet", "aria-label": "Fleet" },
    el(
      "header",
      { class: `verdict ${fleet.verdict}` },
      el("h1", { id: "fleet", tabindex: -1 }, `${count(fleet.clusters.length, "cluster")} → ${fleet.target}`),
      el("p", { class: "line" }, tally(fleet)),
    ),
    el(
      "div",
      { class: "filters" },
      name,
      state,
      shown,
      el("button", { type: "button", class: "small", on: { click: hooks.close } }, "Close the fleet"),
    ),
    el(
      "div",
      { class: "scroll", tabindex: 0, role: "region", "aria-label": "Clusters" },
      el(
        "table",
        {},
        el(
          "thead",
          {},
          el(
            "tr",
            {},
            HEAD.map((it) => el("th", { scope: "col" }, it)),
          ),
        ),
        rows,
      ),
    ),
    fleet.meshes.length > 0 && [
      el("h2", {}, "Meshes, in the order of upgrading"),
      el(
        "ul",
        {},
        fleet.meshes.map((it) =>
          el("li", {}, `${it.id ?? "A mesh without id"}: ${it.order.map((wave) => wave.join(", ")).join(", then ")}`),
        ),
      ),
    ],
    fleet.findings.length > 0 && [
      el("h2", {}, "Across clusters", el("span", { class: "number" }, fleet.findings.length)),
      fleet.findings.map(finding),
    ],
  );
}

const HEAD = ["Cluster", "From", "To", "Verdict", "Decide", "Lost", "By hand", "Changes", "Restart", "Exported"];

function stateOf(cluster: Cluster): State {
  return cluster.summary?.verdict ?? "unreadable";
}

function tally(fleet: FleetDocument.Fleet): string {
  const parts = STATES.map((it) => [fleet.clusters.filter((cluster) => stateOf(cluster) === it).length, it] as const);
  return parts
    .filter(([number]) => number > 0)
    .map(([number, it]) => `${number} ${it}`)
    .join(", ");
}

function row(cluster: Cluster, hooks: FleetHooks): HTMLElement {
  const { summary } = cluster;
  const open = hooks.opener(cluster);
  const state = stateOf(cluster);
  // What is unknown and hides nothing is not told of a clear one.
  const against = (state === "clear" ? [] : (summary?.findings ?? [])).filter(
    (it) => (it.level === "block" || it.level === "unknown") && it.accepted === undefined,
  );
  const cells = [
    summary?.source ?? "",
    summary?.target ?? "",
    el(
      "span",
      { class: "against" },
      el("b", { class: `level ${state}` }, state),
      cluster.error !== undefined && ` ${cluster.error}`,
      against.map((it) => [" ", el("code", { class: "word" }, it.code)]),
    ),
    summary?.decide ?? "",
    summary?.lost ?? "",
    summary?.byHand ?? "",
    summary?.changes ?? "",
    summary === undefined ? "" : `${summary.workloads} (${count(summary.pods, "pod")})`,
    cluster.exported?.replace("T", " ").replace(/:\d\dZ$/, " UTC") ?? "",
  ];
  return el(
    "tr",
    { "aria-current": hooks.isOpen(cluster) ? "true" : undefined },
    el(
      "th",
      { scope: "row" },
      open === undefined
        ? cluster.name
        : el("button", { type: "button", class: "as-link", on: { click: open } }, cluster.name),
    ),
    cells.map((it) => el("td", {}, it)),
  );
}

const LEVELS = { block: "Blocking", unknown: "Unknown", warn: "Warning", info: "Info" } as const;

function finding(it: Finding): HTMLElement {
  return el(
    "article",
    { class: `finding ${it.level}` },
    el("h3", {}, el("span", { class: "level" }, `${LEVELS[it.level]}: `), words(it.title)),
    el("p", { class: "code" }, el("code", {}, it.code)),
    el("p", {}, words(it.detail)),
    el(
      "ul",
      { class: "evidence" },
      it.subjects.map(({ cluster, subject }) => el("li", {}, el("b", {}, cluster), ` ${evidence(subject)}`)),
    ),
    el("p", { class: "fix" }, words(it.fix)),
    it.link !== null && el("p", {}, link(it.link, it.link)),
  );
}

/** `Deployment istio-system/istiod spec.replicas: 1 (cluster.yaml:12)`. */
function evidence(subject: Subject): string {
  const { field, value } = subject;
  const what = [refName(subject), field].filter(Boolean).join(" ");
  const place = placeName(subject);
  return `${what}${value === undefined ? "" : `: ${valueText(value)}`}${place === "" ? "" : ` (${place})`}`;
}
