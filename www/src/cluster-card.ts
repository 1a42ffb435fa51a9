// What goes in: files, what was read of them, what they lack, and the releases that were found.

import type { Coverage, Progress, Summary } from "refit-planner";

import { copyButton, el, fill } from "./dom.js";
import { type PassedOver, type Taken, picked, versionOf } from "./intake.js";
import type { NamedBlob } from "./protocol.js";
import { releaseLink } from "./view/waiting.js";
import { count, size, speed } from "./words.js";

/** Files that are named one by one among those that are not read. */
const MOST_PASSED_OVER = 200;

/** Memory that is worth a word. */
const LARGE = 128e6;

export interface ClusterState {
  files: readonly NamedBlob[];
  releases: readonly NamedBlob[];
  /** Versions that lie beside the page. */
  beside: readonly string[];
  /** Files of these that cannot be read, which the plan leaves out. */
  refused: readonly NamedBlob[];
  /** Files that were handed over and are not read, by their names. */
  passedOver: readonly PassedOver[];
  summary: Summary | undefined;
  coverage: Coverage | undefined;
  /** Releases that the plan reads and that are nowhere. */
  missingReleases: readonly string[];
  memory: number;
}

export interface ClusterCard {
  element: HTMLElement;
  show: (state: ClusterState) => void;
  /** Shows that something is done, and how far it has come. */
  busy: (what: string) => void;
  progress: (it: Progress) => void;
  idle: () => void;
}

export interface ClusterHooks {
  take: (taken: Taken) => void;
  remove: (file: NamedBlob) => void;
  paste: () => void;
  cancel: () => void;
}

export function makeClusterCard({ take, remove, paste, cancel }: ClusterHooks): ClusterCard {
  const picker = el("input", { type: "file", id: "files", multiple: true, class: "hidden-input" });
  const folder = el("input", { type: "file", id: "folder", webkitdirectory: true, class: "hidden-input" });
  for (const input of [picker, folder]) {
    input.addEventListener("change", () => {
      take(picked(input.files ?? []));
      // The same file may be chosen again.
      input.value = "";
    });
  }
  const drop = el("p", {}, "Drop the export here");
  const bar = el("progress", { id: "progress", "aria-label": "Progress" });
  const doing = el("span", { class: "hint" });
  // What was told first of the file that is being read.
  let first: { name: string; bytes: number; at: number } | undefined;
  const work = el(
    "div",
    { class: "work", hidden: true },
    bar,
    doing,
    el("button", { type: "button", id: "cancel", class: "quiet small", on: { click: cancel } }, "Cancel"),
  );
  const body = el("div", { class: "read" });
  const element = el(
    "section",
    { class: "card", "aria-label": "Cluster" },
    el("h2", {}, "Cluster"),
    el(
      "div",
      { class: "drop" },
      drop,
      el("p", { class: "hint" }, "YAML, JSON, .tar.gz, folders, istioctl bug-report"),
      el(
        "p",
        {},
        el("label", { for: "files", class: "button" }, "Choose files"),
        el("label", { for: "folder", class: "button" }, "Folder"),
        el("button", { type: "button", on: { click: paste } }, "Paste"),
      ),
      picker,
      folder,
    ),
    work,
    body,
  );

  return {
    element,
    show(state) {
      drop.textContent = state.files.length === 0 ? "Drop the export here" : "Drop more here";
      fill(
        body,
        state.files.length + state.releases.length > 0 &&
          el(
            "ul",
            { class: "files" },
            [...state.files, ...state.releases].map((it) => file(it, state.refused.includes(it))),
          ),
        state.summary !== undefined && summaryView(state.summary, state.coverage),
        passedOverView([...state.passedOver, ...(state.summary?.passedOver ?? [])]),
        releasesView(state),
        state.memory > LARGE &&
          el(
            "p",
            { class: "hint", id: "memory" },
            `The planner holds ${size(state.memory)} of memory; “Forget everything” gives it back.`,
          ),
      );
    },
    busy(what) {
      work.hidden = false;
      doing.textContent = what;
      bar.removeAttribute("value");
    },
    progress({ name, bytes, total }) {
      work.hidden = false;
      if (first?.name !== name || bytes < first.bytes) {
        first = { name, bytes, at: performance.now() };
      }
      const all = total === undefined ? "" : ` of ${size(total)}`;
      doing.textContent = `${name}: ${size(bytes)}${all}${speed(bytes - first.bytes, performance.now() - first.at)}`;
      if (total === undefined) {
        bar.removeAttribute("value");
      } else {
        bar.max = total;
        bar.value = bytes;
      }
    },
    idle() {
      work.hidden = true;
    },
  };

  function file(it: NamedBlob, refused: boolean): HTMLElement {
    return el(
      "li",
      {},
      el("span", { class: "name" }, it.name, refused && el("span", { class: "badge block" }, "not read")),
      el("span", { class: "place" }, size(it.blob.size)),
      el(
        "button",
        {
          type: "button",
          class: "quiet remove",
          "aria-label": `Remove ${it.name}`,
          title: "Remove",
          on: { click: () => remove(it) },
        },
        "×",
      ),
    );
  }
}

function summaryView(it: Summary, coverage: Coverage | undefined): HTMLElement {
  const total = Object.values(it.kinds).reduce((sum, number) => sum + number, 0);
  const rows = Object.entries(it.kinds).map(([kind, number]) =>
    el("li", {}, kind.replace(/^.*\//, ""), el("span", { class: "number" }, number.toLocaleString("en"))),
  );
  const gaps = coverage?.gaps ?? [];
  return el(
    "div",
    { class: "summary" },
    el("p", {}, `${count(total, "object")} of ${count(rows.length, "kind")}, Kubernetes ${it.kubernetes ?? "unknown"}`),
    el(
      "details",
      {},
      el("summary", {}, "What was read"),
      el("ul", { class: "kinds" }, rows),
      coverage !== undefined &&
        coverage.none.length > 0 &&
        el("p", { class: "hint" }, `None of: ${coverage.none.join(", ")}.`),
    ),
    gaps.length > 0 &&
      el(
        "details",
        { class: "gaps", open: gaps.length < 4 },
        el("summary", {}, `${count(gaps.length, "thing is", "things are")} missing`),
        el(
          "ul",
          {},
          gaps.map((gap) =>
            el(
              "li",
              {},
              el("strong", {}, gap.what),
              el("span", { class: "hint" }, `${gap.unknown}. `, el("code", { class: "word" }, gap.code)),
              copyButton(gap.command, "Copy the line that exports it"),
            ),
          ),
        ),
      ),
  );
}

/** Files that hold no objects of a cluster, and what each is. */
function passedOverView(all: readonly PassedOver[]): HTMLElement | false {
  return (
    all.length > 0 &&
    el(
      "details",
      { class: "passed-over" },
      el("summary", {}, `${count(all.length, "file was", "files were")} not read`),
      el(
        "ul",
        {},
        all
          .slice(0, MOST_PASSED_OVER)
          .map(({ file, what }) =>
            el("li", {}, el("span", { class: "name" }, file), el("span", { class: "hint" }, what)),
          ),
        all.length > MOST_PASSED_OVER &&
          el("li", { class: "hint" }, `and ${count(all.length - MOST_PASSED_OVER, "more file")}`),
      ),
    )
  );
}

function releasesView({ releases, beside, missingReleases }: ClusterState): HTMLElement {
  const names = [...releases.map((it) => versionOf(it.name) ?? it.name), ...beside];
  if (missingReleases.length > 0) {
    return el(
      "div",
      { class: "hint releases" },
      el("p", {}, "For the objects that change, also drop, as downloaded from Istio:"),
      el(
        "ul",
        { class: "links" },
        missingReleases.map((it) => el("li", {}, releaseLink(it))),
      ),
    );
  }
  return el(
    "p",
    { class: "hint" },
    names.length > 0
      ? `Releases found: ${[...new Set(names)].join(", ")}.`
      : "For the objects that change, also drop the release archives of both versions, as downloaded from Istio (istio-VERSION….tar.gz).",
  );
}
