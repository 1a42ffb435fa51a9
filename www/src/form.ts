// The request: where to, and with which settings. Makes a `Request`, nothing more.

import type { Outcome, PlanOptions, Release } from "refit-planner";

import { el } from "./dom.js";
import type { Editor, Remark } from "./editor.js";

/** The name under which the editor's text goes into the request. */
export const FILE = "request.yaml";

const HINT = "# as you would give it with -f;\n# empty means the default profile";

export interface Form {
  element: HTMLElement;
  /** What is asked for; undefined while no target is chosen. */
  request: () => PlanOptions | undefined;
  setReleases: (releases: readonly Release[]) => void;
  setFile: (text: string) => void;
  setTarget: (version: string) => void;
  addSets: (lines: readonly string[]) => void;
  /** Offers to recover the settings, or not. */
  setRecoverable: (possible: boolean) => void;
  /** Shows findings at their lines. */
  mark: (outcome: Outcome) => void;
}

export function makeForm(changed: () => void, recover: () => void): Form {
  const target = el("input", {
    id: "target",
    list: "versions",
    autocomplete: "off",
    spellcheck: "false",
    placeholder: "1.30.3",
    on: { input: changed },
  });
  const versions = el("datalist", { id: "versions" });
  const support = el("p", { class: "hint", id: "support" });
  const sets = el("textarea", {
    id: "sets",
    rows: 2,
    spellcheck: "false",
    placeholder: "values.pilot.traceSampling=10",
    on: { input: changed },
  });
  const from = el("input", { id: "from", autocomplete: "off", spellcheck: "false", placeholder: "as the cluster shows", on: { input: changed } });
  const namespace = el("input", { id: "namespace", autocomplete: "off", spellcheck: "false", placeholder: "istio-system", on: { input: changed } });
  const force = el("input", { id: "force", type: "checkbox", on: { change: changed } });
  const recoverButton = el(
    "button",
    { type: "button", class: "quiet recover", title: "Fills the file with what the cluster was installed with", hidden: true, on: { click: recover } },
    "Recover my settings",
  );
  const host = el("div", { class: "editor" });
  let editor: Editor | undefined;
  let pending = "";
  let known: readonly Release[] = [];

  const start = async (): Promise<void> => {
    const { makeEditor } = await import("./editor.js");
    editor ??= makeEditor(host, "IstioOperator file", HINT, changed);
    if (pending !== "") {
      editor.setText(pending);
    }
  };
  void start();
  target.addEventListener("input", () => showSupport());

  const element = el(
    "form",
    { class: "card", on: { submit: (event) => event.preventDefault() } },
    el("h2", {}, "Request"),
    field("Upgrade to", target, support, versions),
    el(
      "div",
      { class: "field" },
      el("span", { class: "label" }, "IstioOperator file", recoverButton),
      host,
    ),
    field("--set, one on a line", sets),
    el(
      "details",
      {},
      el("summary", {}, "More"),
      field("Version that runs now, where the export does not tell", from),
      field("Namespace of the control plane, where there are several", namespace),
      el("label", { class: "check" }, force, "Write the plan although a finding blocks"),
    ),
  );

  function showSupport(): void {
    const minor = /^\d+\.\d+/.exec(target.value.trim())?.[0];
    const release = known.find((it) => it.minor === minor);
    const kubernetes = [release?.kubernetesMinimum, release?.kubernetesMaximum].filter((it) => it !== null && it !== undefined);
    support.textContent =
      release === undefined
        ? ""
        : [
            release.endOfLife === null ? "" : `Supported until ${release.endOfLife}.`,
            kubernetes.length === 0 ? "" : `For Kubernetes ${kubernetes.join(" to ")}.`,
          ].join(" ");
  }

  return {
    element,
    request() {
      const to = target.value.trim();
      if (to === "") {
        return undefined;
      }
      const text = editor?.text() ?? pending;
      return {
        to,
        files: text.trim() === "" ? [] : [{ name: FILE, text }],
        sets: lines(sets.value),
        ...(from.value.trim() === "" ? {} : { from: from.value.trim() }),
        ...(namespace.value.trim() === "" ? {} : { namespace: namespace.value.trim() }),
        force: force.checked,
      };
    },
    setReleases(releases) {
      known = releases;
      versions.replaceChildren(...[...releases].reverse().map((it) => el("option", { value: it.version })));
      if (target.value === "") {
        target.value = releases.filter((it) => !it.version.includes("-")).at(-1)?.version ?? "";
      }
      showSupport();
    },
    setFile(text) {
      pending = text;
      editor?.setText(text);
      changed();
    },
    setTarget(version) {
      target.value = version;
      showSupport();
    },
    addSets(added) {
      sets.value = [...new Set([...lines(sets.value), ...added])].join("\n");
      sets.rows = Math.min(10, Math.max(2, lines(sets.value).length));
      changed();
    },
    setRecoverable(possible) {
      recoverButton.hidden = !possible;
    },
    mark(outcome) {
      editor?.setRemarks(remarks(outcome));
    },
  };
}

function field(label: string, input: HTMLElement, ...more: HTMLElement[]): HTMLElement {
  return el("div", { class: "field" }, el("label", { for: input.id, class: "label" }, label), input, more);
}

function lines(text: string): string[] {
  return text
    .split("\n")
    .map((it) => it.trim())
    .filter((it) => it !== "");
}

function remarks({ findings }: Outcome): Remark[] {
  const severities = { block: "error", unknown: "warning", warn: "warning", info: "info" } as const;
  return findings.flatMap((finding) =>
    finding.subjects
      .filter((it) => it.file === FILE && it.line !== undefined)
      .map((it) => ({
        line: it.line ?? 1,
        column: it.column,
        severity: severities[finding.level],
        message: finding.fix === null ? finding.title : `${finding.title}. ${finding.fix}`,
      })),
  );
}
