import type { Restart, RestartHow } from "refit-planner";

import { el, growing } from "../dom.js";
import { count, refName } from "../words.js";

const HOW: Record<RestartHow, string> = {
  rollout: "rollout restart",
  "delete-pods": "pods deleted one by one",
  evict: "pods evicted",
  auto: "rolls by itself",
  none: "not by a restart",
};

/** Workloads by namespace whose proxies have to be renewed, each with a bar as long as it has pods. */
export function restarts(all: readonly Restart[]): HTMLElement {
  if (all.length === 0) {
    return el("p", { class: "empty" }, "No workload has to be restarted, or the plan does not get that far.");
  }
  const pods = all.reduce((sum, it) => sum + it.pods, 0);
  const most = Math.max(...all.map((it) => it.pods), 1);
  const namespaces = [...new Set(all.map((it) => it.object.namespace ?? ""))];
  return el(
    "div",
    {},
    el("p", { class: "lead" }, `${count(all.length, "workload")} with ${count(pods, "pod")} keep an old proxy until they are renewed.`),
    namespaces.map((namespace) => {
      const own = all.filter((it) => (it.object.namespace ?? "") === namespace);
      const list = growing("ul", own, (it) => row(it, most));
      list.classList.add("restarts");
      return el("section", { class: "group" }, el("h2", {}, namespace, el("span", { class: "number" }, own.length)), list);
    }),
  );
}

function row(it: Restart, most: number): HTMLElement {
  const proxies = Object.entries(it.proxies)
    .map(([version, pods]) => `${version} × ${pods}`)
    .join(", ");
  return el(
    "li",
    { class: `how-${it.how}` },
    el("span", { class: "object" }, refName({ kind: it.object.kind, name: it.object.name })),
    el("meter", { class: "pods", min: 0, max: most, value: it.pods, title: count(it.pods, "pod") }, String(it.pods)),
    el("span", { class: "place" }, `${proxies === "" ? "no proxy" : proxies} → ${it.to ?? "unknown"}`),
    el("span", { class: "badge" }, HOW[it.how]),
    el("span", { class: "place" }, it.reason),
  );
}
