import { el } from "../dom.js";
import type { Overview } from "../protocol.js";
import { evidence } from "./evidence.js";
import type { Hooks } from "./hooks.js";

/** What runs in the cluster. */
export function inventory(outcome: Overview, { follow }: Hooks): HTMLElement {
  const it = outcome.inventory;
  return el(
    "div",
    { class: "inventory" },
    table(
      "Control planes",
      ["Namespace", "Revision", "Version", "Pods", "Tags"],
      it.controlPlanes.map((plane) => [
        plane.namespace,
        plane.revision,
        plane.version,
        plane.replicas,
        plane.tags.join(", "),
      ]),
    ),
    table(
      "Components",
      ["Component", "Name", "Version", "Pods"],
      it.components.map((part) => [part.component, `${part.namespace}/${part.name}`, part.version, part.pods]),
    ),
    table(
      "Sidecars",
      ["Version", "Revision", "Pods"],
      it.proxies.map((proxy) => [proxy.version, proxy.revision, proxy.pods]),
    ),
    table(
      "Gateways",
      ["Version", "Revision", "Pods"],
      it.gatewayProxies.map((proxy) => [proxy.version, proxy.revision, proxy.pods]),
    ),
    table(
      "Nodes",
      ["Kubelet", "Nodes"],
      Object.entries(it.kubernetes.nodes).map(([version, nodes]) => [version, nodes]),
    ),
    outcome.installers.length > 0 && [
      el("h2", {}, "Installed by"),
      outcome.installers.map((installer) =>
        el(
          "article",
          { class: "finding info" },
          el("h3", {}, `${installer.name ?? installer.kind}: ${installer.covers.join(", ")}`),
          evidence(installer.evidence, follow),
        ),
      ),
    ],
  );
}

function table(title: string, head: string[], rows: (string | number | null | undefined)[][]): HTMLElement | null {
  if (rows.length === 0) {
    return null;
  }
  return el(
    "section",
    {},
    el("h2", {}, title),
    el(
      "div",
      { class: "scroll", tabindex: 0, role: "region", "aria-label": title },
      el(
        "table",
        {},
        el(
          "thead",
          {},
          el(
            "tr",
            {},
            head.map((it) => el("th", { scope: "col" }, it)),
          ),
        ),
        el(
          "tbody",
          {},
          rows.map((row) =>
            el(
              "tr",
              {},
              row.map((it) => el("td", {}, it ?? "unknown")),
            ),
          ),
        ),
      ),
    ),
  );
}
