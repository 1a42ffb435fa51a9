import type { Overview, ShortHop } from "../protocol.js";
import { el } from "../dom.js";
import { count } from "../words.js";
import { card } from "./findings.js";
import type { Hooks } from "./hooks.js";

/** The way over several minors: what each hop meets, what restarts before the next, and a button for the one that can be planned now. */
export function way({ path }: Overview, hooks: Hooks): HTMLElement {
  return el(
    "div",
    {},
    el(
      "p",
      { class: "lead" },
      `${count(path.length, "hop")}, one minor at a time. Each is looked at in the cluster as it is now; plan the next one after the one before was performed.`,
    ),
    el(
      "ol",
      { class: "way" },
      path.map((hop, at) => stop(hop, at, hooks)),
    ),
  );
}

function stop(hop: ShortHop, at: number, hooks: Hooks): HTMLElement {
  const { from, to, kubernetes, restart, findings, notes } = hop;
  const restarts = Object.entries(restart).map(([version, pods]) => `${count(pods, "pod")} of ${version}`);
  const { planFor } = hooks;
  return el(
    "li",
    {},
    el(
      "div",
      { class: "finding-head" },
      el("h3", {}, `${from} → ${to}`),
      at === 0 && planFor !== undefined && planButton(hop, planFor),
    ),
    el(
      "dl",
      { class: "hop-facts" },
      kubernetes !== null && [
        el("dt", {}, "Kubernetes"),
        el("dd", {}, `${kubernetes.minimum} to ${kubernetes.maximum}`),
      ],
      restarts.length > 0 && [el("dt", {}, "Restart before the next"), el("dd", {}, restarts.join(", "))],
      at > 0 && [el("dt", {}, "Planned"), el("dd", {}, `once the cluster runs ${from}`)],
    ),
    [...findings, ...notes].map((it) => card(it, hooks)),
    findings.length + notes.length === 0 &&
      el("p", { class: "hint" }, "Nothing was found that stands against this hop."),
  );
}

/** A button that plans a hop. */
export function planButton(
  { from, to }: Pick<ShortHop, "from" | "to">,
  planFor: (version: string) => void,
): HTMLElement {
  return el(
    "button",
    { type: "button", class: "primary small", on: { click: () => planFor(to) } },
    `Plan ${from} → ${to}`,
  );
}
