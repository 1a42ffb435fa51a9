// The request: where to, and with which settings. Makes a `Request`, nothing more.

import type { Choice, Fix, KnownField, PlanOptions, Release, RequestFile } from "refit-planner";

import { el } from "./dom.js";
import type { Remark } from "./editor.js";
import type { Overview } from "./protocol.js";
import { type RequestFiles, makeRequestFiles } from "./request-files.js";
import { type TargetPicker, makeTarget } from "./target.js";

/** Nothing typed. */
const EMPTY = JSON.stringify(["", "", "", "", ""]);

export interface Form {
  element: HTMLElement;
  /** What is asked for; undefined while no target is chosen. */
  request: () => PlanOptions | undefined;
  /** Empties everything that was typed. */
  clear: () => void;
  setReleases: (releases: readonly Release[]) => void;
  files: RequestFiles;
  setTarget: (version: string) => void;
  /** The version, as far as nobody chose one. */
  target: Pick<TargetPicker, "isChosen" | "known" | "preset">;
  /** Whether something was typed since the form was filled. */
  isTyped: () => boolean;
  /** Fills the form, by what somebody typed or by something else. */
  setRequest: (request: Partial<PlanOptions>, typed?: boolean) => void;
  /** Takes what settles a finding. */
  choose: (choice: Choice) => void;
  /** Takes an object off those that are deleted; without a name, all that are left behind. */
  unprune: (name?: string) => void;
  /** Offers to recover the settings, or not. */
  setRecoverable: (possible: boolean) => void;
  /** Shows findings at their lines. */
  mark: (overview: Overview | undefined) => void;
}

export interface FormHooks {
  changed: () => void;
  recover: () => void;
  apply: (fix: Fix, file: RequestFile) => void;
  undoable: (about: string, undo: () => void) => void;
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
  const prune = el("textarea", {
    id: "prune",
    rows: 2,
    spellcheck: "false",
    placeholder: "Service/istio-system/old-gateway",
    on: { input: changed },
  });
  const pruneOrphans = el("input", { id: "prune-orphans", type: "checkbox", on: { change: changed } });
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
  const files = makeRequestFiles({
    changed,
    apply: hooks.apply,
    undoable: hooks.undoable,
    fields: (path) => hooks.fields(target.value(), path).catch(() => []),
  });
  const more = el(
    "details",
    {},
    el("summary", {}, "More"),
    field("Version that runs now, where the export does not tell", from),
    field("Namespace of the control plane, where there are several", namespace),
    field("Objects to delete that the target leaves behind, one on a line", prune),
    el("label", { class: "check" }, pruneOrphans, "Delete all of them but gateways and definitions"),
    el("label", { class: "check" }, force, "Write the plan although a finding blocks"),
  );
  const element = el(
    "form",
    { class: "card", on: { submit: (event) => event.preventDefault() } },
    el("h2", {}, "Request"),
    target.element,
    el("div", { class: "field" }, el("span", { class: "label" }, "IstioOperator files", recoverButton), files.element),
    field("--set, one on a line", sets),
    more,
  );

  /** All that can be typed but the target. */
  const typed = (): string =>
    JSON.stringify(
      [files.all(), sets.value, from.value, namespace.value, prune.value].map((it) => (it.length === 0 ? "" : it)),
    );
  let filled = typed();

  return {
    element,
    files,
    target,
    isTyped: () => typed() !== filled && typed() !== EMPTY,
    request() {
      const to = target.value();
      if (to === "") {
        return undefined;
      }
      return {
        to,
        files: files.all(),
        sets: lines(sets.value),
        ...(from.value.trim() === "" ? {} : { from: from.value.trim() }),
        ...(namespace.value.trim() === "" ? {} : { namespace: namespace.value.trim() }),
        ...(prune.value.trim() === "" ? {} : { prune: lines(prune.value) }),
        ...(pruneOrphans.checked ? { pruneOrphans: true } : {}),
        force: force.checked,
      };
    },
    choose(choice) {
      if (choice.to !== undefined) {
        target.setValue(choice.to);
      }
      namespace.value = choice.namespace ?? namespace.value;
      if (choice.prune !== undefined) {
        prune.value = [...new Set([...lines(prune.value), choice.prune])].join("\n");
      }
      pruneOrphans.checked ||= choice.pruneOrphans === true;
      changed();
    },
    unprune(name) {
      if (name === undefined) {
        pruneOrphans.checked = false;
      } else {
        prune.value = lines(prune.value)
          .filter((it) => it !== name)
          .join("\n");
      }
      changed();
    },
    clear() {
      files.load([]);
      sets.value = from.value = namespace.value = prune.value = "";
      force.checked = pruneOrphans.checked = more.open = false;
      target.setValue("");
      filled = typed();
    },
    setReleases: target.setReleases,
    setTarget: target.setValue,
    setRequest(it, byHand = false) {
      if (it.to !== undefined && it.to !== "") {
        target.setValue(it.to);
      }
      files.load(it.files ?? []);
      sets.value = (it.sets ?? []).join("\n");
      from.value = it.from ?? "";
      namespace.value = it.namespace ?? "";
      prune.value = (it.prune ?? []).join("\n");
      pruneOrphans.checked = it.pruneOrphans ?? false;
      force.checked = it.force ?? false;
      filled = byHand ? EMPTY : typed();
    },
    setRecoverable(possible) {
      recoverButton.hidden = !possible;
    },
    mark(overview) {
      files.setRemarks(overview === undefined ? new Map() : remarks(overview));
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

/** What is said of the files, by their names. */
function remarks({ findings }: Overview): Map<string, Remark[]> {
  const severities = { block: "error", unknown: "warning", warn: "warning", info: "info" } as const;
  const found = new Map<string, Remark[]>();
  for (const finding of findings) {
    for (const { file, line, column } of finding.subjects) {
      if (file !== undefined && line !== undefined) {
        const own = found.get(file) ?? [];
        found.set(file, own);
        own.push({
          line,
          column,
          severity: severities[finding.level],
          message: [finding.title, finding.detail, finding.fix]
            .filter((part) => part !== null && part !== "")
            .join(". "),
          fixes: finding.fixes ?? [],
        });
      }
    }
  }
  return found;
}
