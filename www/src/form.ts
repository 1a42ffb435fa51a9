// The request: where to, and with which settings. Makes a `Request`, nothing more.

import type { Fix, KnownField, PlanOptions, Release } from "refit-planner";

import { el } from "./dom.js";
import type { Editor, Remark } from "./editor.js";
import type { Overview } from "./protocol.js";
import { makeTarget } from "./target.js";

/** The name under which the editor's text goes into the request. */
export const FILE = "request.yaml";

const HINT = "# as you would give it with -f;\n# empty means the default profile";

export interface Form {
  element: HTMLElement;
  /** What is asked for; undefined while no target is chosen. */
  request: () => PlanOptions | undefined;
  /** Empties everything that was typed. */
  clear: () => void;
  setReleases: (releases: readonly Release[]) => void;
  text: () => string;
  setFile: (text: string) => void;
  setTarget: (version: string) => void;
  setRequest: (request: Partial<PlanOptions>) => void;
  /** Offers to recover the settings, or not. */
  setRecoverable: (possible: boolean) => void;
  /** Shows findings at their lines. */
  mark: (overview: Overview | undefined) => void;
  /** Puts the cursor on a line of the file. */
  goTo: (line: number, column: number | undefined) => void;
}

export interface FormHooks {
  changed: () => void;
  recover: () => void;
  apply: (fix: Fix) => void;
  fields: (version: string, path: readonly string[]) => Promise<readonly KnownField[]>;
}

export function makeForm(hooks: FormHooks): Form {
  const { changed } = hooks;
  const target = makeTarget(changed);
  const line = (id: string, hint: string): HTMLInputElement =>
    el("input", { id, autocomplete: "off", spellcheck: "false", placeholder: hint, on: { input: changed } });
  const sets = el("textarea", {
    id: "sets",
    rows: 2,
    spellcheck: "false",
    placeholder: "values.pilot.traceSampling=10",
    on: { input: changed },
  });
  const from = line("from", "as the cluster shows");
  const namespace = line("namespace", "istio-system");
  const force = el("input", { id: "force", type: "checkbox", on: { change: changed } });
  const recoverButton = el(
    "button",
    {
      type: "button",
      class: "quiet recover",
      title: "Reads from the cluster what it was installed with",
      hidden: true,
      on: { click: hooks.recover },
    },
    "Recover my settings",
  );
  const host = el("div", { class: "editor" });
  let editor: Editor | undefined;
  let pending = "";

  const start = async (): Promise<void> => {
    const { makeEditor } = await import("./editor.js");
    editor ??= makeEditor(host, "IstioOperator file", HINT, {
      changed,
      apply: hooks.apply,
      fields: (path) => hooks.fields(target.value(), path).catch(() => []),
    });
    if (pending !== "") {
      editor.setText(pending);
    }
  };
  // The editor is large, and the page is of use before it is there.
  requestIdleCallback(() => void start(), { timeout: 500 });

  const more = el(
    "details",
    {},
    el("summary", {}, "More"),
    field("Version that runs now, where the export does not tell", from),
    field("Namespace of the control plane, where there are several", namespace),
    el("label", { class: "check" }, force, "Write the plan although a finding blocks"),
  );
  const element = el(
    "form",
    { class: "card", on: { submit: (event) => event.preventDefault() } },
    el("h2", {}, "Request"),
    target.element,
    el("div", { class: "field" }, el("span", { class: "label" }, "IstioOperator file", recoverButton), host),
    field("--set, one on a line", sets),
    more,
  );
  const text = (): string => editor?.text() ?? pending;
  const setText = (it: string): void => {
    pending = it;
    editor?.setText(it);
  };

  return {
    element,
    text,
    request() {
      const to = target.value();
      if (to === "") {
        return undefined;
      }
      return {
        to,
        files: text().trim() === "" ? [] : [{ name: FILE, text: text() }],
        sets: lines(sets.value),
        ...(from.value.trim() === "" ? {} : { from: from.value.trim() }),
        ...(namespace.value.trim() === "" ? {} : { namespace: namespace.value.trim() }),
        force: force.checked,
      };
    },
    clear() {
      setText("");
      sets.value = from.value = namespace.value = "";
      force.checked = more.open = false;
      target.setValue("");
      editor?.setRemarks([]);
    },
    setReleases: target.setReleases,
    setFile(it) {
      setText(it);
      changed();
    },
    setTarget: target.setValue,
    setRequest(it) {
      target.setValue(it.to ?? "");
      setText(it.files?.[0]?.text ?? "");
      sets.value = (it.sets ?? []).join("\n");
      from.value = it.from ?? "";
      namespace.value = it.namespace ?? "";
      force.checked = it.force ?? false;
    },
    setRecoverable(possible) {
      recoverButton.hidden = !possible;
    },
    mark(overview) {
      editor?.setRemarks(overview === undefined ? [] : remarks(overview));
    },
    goTo(number, column) {
      editor?.goTo(number, column);
    },
  };
}

function field(label: string, input: HTMLElement): HTMLElement {
  return el("div", { class: "field" }, el("label", { for: input.id, class: "label" }, label), input);
}

function lines(text: string): string[] {
  return text
    .split("\n")
    .map((it) => it.trim())
    .filter((it) => it !== "");
}

function remarks({ findings }: Overview): Remark[] {
  const severities = { block: "error", unknown: "warning", warn: "warning", info: "info" } as const;
  return findings.flatMap((finding) =>
    finding.subjects
      .filter((it) => it.file === FILE && it.line !== undefined)
      .map((it) => ({
        line: it.line ?? 1,
        column: it.column,
        severity: severities[finding.level],
        message: [finding.title, finding.detail, finding.fix].filter((part) => part !== null && part !== "").join(". "),
        fixes: finding.fixes ?? [],
      })),
  );
}
