import type { Restart } from "refit-planner";

import { el, svg } from "../dom.js";
import type { Overview, Wave } from "../protocol.js";
import { HOW, count, refName } from "../words.js";
import { windowed } from "../windowed.js";
import type { Hooks } from "./hooks.js";
import { waiting } from "./waiting.js";

/** Namespaces that a lane tells apart; the rest is one piece. */
const PIECES = 8;
/** Lanes that can be told apart at a glance. */
const LANES = 15;
const LANE = 40;
const WIDTH = 1000;
/** How wide a letter of a label is, about. */
const LETTER = 11;

/** Which workloads are renewed when: waves as a timeline and as a table, then every workload. */
export function restarts(overview: Overview, hooks: Hooks): HTMLElement {
  const { waves, byHand } = overview;
  const total = overview.restarts;
  if (total === 0) {
    return overview.changes.length === 0 && hooks.missingReleases.length > 0
      ? waiting("Which workloads restart can be told once the target's release archive is given.", hooks)
      : el("p", { class: "empty" }, "No workload has to be restarted.");
  }
  const all = [...waves, ...(byHand === null ? [] : [byHand])];
  const pods = all.reduce((sum, it) => sum + it.pods, 0);
  const lanes = folded(all);
  return el(
    "div",
    {},
    el(
      "p",
      { class: "lead" },
      `${count(total, "workload")} with ${count(pods, "pod")} keep an old proxy until they are restarted.`,
    ),
    el(
      "figure",
      { class: "timeline" },
      timeline(lanes),
      el(
        "figcaption",
        { class: "hint" },
        lanes.length < all.length
          ? `${count(all.length, "wave")}, one after the other, folded to ${lanes.length} lanes; each as long as it has pods.`
          : "One lane for each wave, one after the other; as long as it has pods.",
      ),
    ),
    el(
      "div",
      { class: "scroll waves-box", tabindex: 0, role: "region", "aria-label": "Waves" },
      el(
        "table",
        { class: "waves" },
        el(
          "thead",
          {},
          el(
            "tr",
            {},
            ["Wave", "Workloads", "Pods", "Namespaces"].map((it) => el("th", { scope: "col" }, it)),
          ),
        ),
        el("tbody", {}, all.map(waveRow)),
      ),
    ),
    el("h2", {}, "Workloads", el("span", { class: "number" }, total)),
    windowed({
      label: "Workloads that restart",
      total,
      rowHeight: matchMedia("(max-width: 40rem)").matches ? 64 : 44,
      load: hooks.restarts,
      row: (it) => workload(it, overview.words.reasons, hooks),
    }),
  );
}

/** Lanes of neighbouring waves: first those of the same namespaces, then as many together as it takes. */
function folded(waves: readonly Wave[]): readonly Wave[] {
  if (waves.length <= LANES) {
    return waves;
  }
  const hand = waves.filter((it) => it.id === "by-hand");
  const lanes: Wave[] = [];
  for (const wave of waves.filter((it) => it.workloads > 0 && it.id !== "by-hand")) {
    const last = lanes.at(-1);
    if (last !== undefined && names(last) === names(wave)) {
      lanes[lanes.length - 1] = together(last, wave);
    } else {
      lanes.push(wave);
    }
  }
  const each = Math.ceil(lanes.length / (LANES - hand.length));
  const starts = [...lanes.keys()].filter((at) => at % each === 0);
  return [...starts.map((at) => lanes.slice(at, at + each).reduce(together)), ...hand];
}

function together(one: Wave, other: Wave): Wave {
  const namespaces = new Map(one.namespaces);
  for (const [name, pods] of other.namespaces) {
    namespaces.set(name, (namespaces.get(name) ?? 0) + pods);
  }
  const waves = (one.waves ?? 1) + (other.waves ?? 1);
  const all = [...namespaces];
  const title =
    all.length === 1 ? `${all[0]?.[0]}, ${waves} waves` : `${all[0]?.[0]} to ${all.at(-1)?.[0]}, ${waves} waves`;
  return {
    id: one.id,
    title,
    waves,
    workloads: one.workloads + other.workloads,
    pods: one.pods + other.pods,
    namespaces: all,
  };
}

function names({ namespaces }: Wave): string {
  return namespaces.map(([name]) => name).join(" ");
}

function waveRow(it: Wave): HTMLElement {
  const shown = it.namespaces.slice(0, PIECES).map(([name, pods]) => `${name} ${pods}`);
  const rest = it.namespaces.length - shown.length;
  return el(
    "tr",
    {},
    el("th", { scope: "row" }, it.title),
    el("td", {}, it.workloads.toLocaleString("en")),
    el("td", {}, it.pods.toLocaleString("en")),
    el("td", {}, shown.join(", "), rest > 0 && ` and ${rest} more`),
  );
}

/** Lanes like stairs: a wave begins where the one before ends. */
function timeline(lanes: readonly Wave[]): SVGElement {
  const all = Math.max(
    1,
    lanes.reduce((sum, it) => sum + it.pods, 0),
  );
  let x = 0;
  const drawn = lanes.flatMap((lane, at) => {
    const y = at * LANE;
    const pieces = lane.namespaces.slice(0, PIECES);
    const rest = lane.pods - pieces.reduce((sum, [, pods]) => sum + pods, 0);
    const start = x;
    const bars = [...pieces, ...(rest > 0 ? [["other namespaces", rest] as [string, number]] : [])].map(
      ([name, pods], piece) => {
        const width = Math.max(3, (pods / all) * WIDTH);
        const bar = svg(
          "rect",
          {
            x,
            y: y + 8,
            width: Math.max(2, width - 1.5),
            height: LANE - 14,
            rx: 3,
            class: `bar ${lane.id === "by-hand" ? "hand" : `shade-${piece % 4}`}`,
          },
          svg("title", {}, `${name}: ${count(pods, "pod")}`),
        );
        x += width;
        return bar;
      },
    );
    const label = `${lane.title} · ${count(lane.pods, "pod")}`;
    // Before the bar where it does not fit behind it.
    const right = x + 8 + label.length * LETTER > WIDTH * 1.35 && start > WIDTH * 1.35 - x;
    const place = { x: right ? start - 8 : x + 8, y: y + LANE / 2 + 7, "text-anchor": right ? "end" : "start" };
    const pods = count(lane.pods, "pod");
    return [
      svg("line", { x1: 0, x2: WIDTH * 1.35, y1: y + LANE, y2: y + LANE, class: "rule" }),
      ...bars,
      svg("text", { ...place, class: "label wide" }, label),
      // The table below has the names where there is no room for them.
      svg("text", { ...place, class: "label narrow" }, pods),
    ];
  });
  const height = lanes.length * LANE + 2;
  const words = lanes
    .map((it) => `${it.title}: ${count(it.workloads, "workload")}, ${count(it.pods, "pod")}`)
    .join("; ");
  return svg(
    "svg",
    { viewBox: `0 0 ${WIDTH * 1.35} ${height}`, role: "img", "aria-label": words, class: "lanes" },
    ...drawn,
  );
}

function workload(it: Restart, reasons: Overview["words"]["reasons"], { follow }: Hooks): HTMLElement {
  const proxies = Object.entries(it.proxies)
    .map(([version, pods]) => `${version} × ${pods}`)
    .join(", ");
  const name = refName(it.object);
  return el(
    "div",
    { class: `workload how-${it.how}` },
    follow === undefined
      ? el("span", { class: "object" }, name)
      : el(
          "button",
          { type: "button", class: "follow object", title: name, on: { click: () => follow(it.object) } },
          name,
        ),
    el("span", { class: "pods" }, count(it.pods, "pod")),
    el("span", { class: "place proxies" }, `${proxies === "" ? "no proxy" : proxies} → ${it.to ?? "unknown"}`),
    el("span", { class: `badge ${it.how === "none" ? "warn" : ""}` }, HOW[it.how]),
    el("span", { class: "place reason" }, reasons[it.reason] ?? it.reason),
  );
}
