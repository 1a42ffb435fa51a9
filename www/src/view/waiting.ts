import { el, link } from "../dom.js";
import type { Waiting } from "./hooks.js";

/** A panel that waits for releases: which, and where they are. */
export function waiting(what: string, { missingReleases, live }: Waiting): HTMLElement {
  if (!live) {
    return el("p", { class: "empty" }, "What was handed on does not hold this.");
  }
  return el(
    "div",
    { class: "empty" },
    el("p", {}, what),
    missingReleases.length > 0 && [
      el("p", {}, "Drop the archives as downloaded from Istio:"),
      el(
        "ul",
        { class: "links" },
        missingReleases.map((version) => el("li", {}, releaseLink(version))),
      ),
    ],
  );
}

/** The archive of a release, where Istio publishes it. */
export function releaseLink(version: string): Node {
  const [tag, name] = [encodeURIComponent(version), `istio-${version}-linux-amd64.tar.gz`];
  return link(`https://github.com/istio/istio/releases/download/${tag}/${encodeURIComponent(name)}`, name);
}
