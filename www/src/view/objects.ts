import type { FieldChange } from "refit-planner";

import { type Child, arriving, el, fill, folding } from "../dom.js";
import type { Overview, ShortChange } from "../protocol.js";
import { CLASSES, count, refName, valueText } from "../words.js";
import { chip } from "./findings.js";
import type { Hooks } from "./hooks.js";
import { waiting } from "./waiting.js";

type Numbered = ShortChange & { at: number };

/** Fields that every release writes anew. */
const NOISE = /(operator\.istio\.io\/version|helm\.sh\/chart|app\.kubernetes\.io\/version|managedFields|^status\b)/;

/** Objects by component, kind and namespace; of each what changes, as fields or as text. */
export function objects({ changes }: Overview, hooks: Hooks): HTMLElement {
  if (changes.length === 0) {
    return waiting("Which objects change, field by field, can be told once the target's release is at hand.", hooks);
  }
  const { state } = hooks;
  const touched = changes.map((it, at): Numbered => ({ ...it, at })).filter((it) => it.class !== "unchanged");
  const same = changes.length - touched.length;
  const tree = el("div", { class: "tree" });
  const search = el("input", {
    type: "search",
    placeholder: "Find an object",
    "aria-label": "Find an object",
    "data-focus": "objects-word",
    on: {
      input: () => {
        state.objectWord = search.value;
        show();
      },
    },
  });
  search.value = state.objectWord;
  const noise = el("input", {
    type: "checkbox",
    "data-focus": "noise",
    on: {
      change: () => {
        state.noise = noise.checked;
        show();
      },
    },
  });
  noise.checked = state.noise;
  const classes = [...new Set(touched.map((it) => it.class))].sort();

  function show(): void {
    const word = state.objectWord.trim().toLowerCase();
    const kept = touched.filter(
      (it) =>
        (state.classes.size === 0 || state.classes.has(it.class)) &&
        (word === "" || `${it.component} ${refName(it.object)}`.toLowerCase().includes(word)),
    );
    const all = word !== "" || state.classes.size > 0;
    fill(
      tree,
      by(kept, (it) => it.component || "No component").map(([component, own]) =>
        branch(`component ${component}`, "component", component, own, true, hooks, () =>
          by(own, (it) => it.object.kind).map(([kind, of]) =>
            branch(`kind ${component} ${kind}`, "kind", kind, of, all || of.length <= 12, hooks, () =>
              by(of, (it) => it.object.namespace ?? "the whole cluster").map(([namespace, leaves]) =>
                el(
                  "div",
                  { class: "namespace" },
                  el("p", { class: "place" }, namespace),
                  el(
                    "ul",
                    {},
                    leaves.map((it) => el("li", { class: "change" }, leaf(it, hooks))),
                  ),
                ),
              ),
            ),
          ),
        ),
      ),
      kept.length === 0 && el("p", { class: "empty" }, "No object matches."),
    );
  }
  show();
  return el(
    "div",
    {},
    el(
      "div",
      { class: "filters" },
      search,
      el(
        "div",
        { class: "chips", role: "group", "aria-label": "What happens" },
        classes.map((it) =>
          chip(
            `${CLASSES[it]} ${touched.filter((of) => of.class === it).length}`,
            it,
            state.classes,
            show,
            `class-${it}`,
          ),
        ),
      ),
      el("label", { class: "check" }, noise, "Show noise"),
    ),
    tree,
    same > 0 && el("p", { class: "lead" }, `${count(same, "object stays", "objects stay")} as they are.`),
  );
}

function branch(
  key: string,
  kind: string,
  name: string,
  own: readonly Numbered[],
  startsOpen: boolean,
  { state }: Hooks,
  make: () => Child,
): HTMLElement {
  const seen = `seen ${key}`;
  if (startsOpen && !state.open.has(seen)) {
    state.open.add(seen).add(key);
  }
  return folding(
    key,
    state.open,
    [el("span", { class: "name" }, name), el("span", { class: "number" }, own.length)],
    make,
    { class: `branch ${kind}` },
  );
}

function leaf(it: Numbered, hooks: Hooks): HTMLElement {
  const title = [
    el("span", { class: `badge class-${it.class}` }, CLASSES[it.class]),
    el("span", { class: "object" }, it.object.name),
    it.count > 0 && el("span", { class: "place" }, count(it.count, "field")),
    it.owners.length > 0 && el("span", { class: "badge warn" }, `owned by ${it.owners.join(", ")}`),
  ];
  const key = `object ${refName(it.object)}`;
  if (!hooks.live && it.count === 0) {
    return el("div", { class: "plain" }, title);
  }
  return folding(key, hooks.state.open, title, () => detail(it, hooks));
}

/** The fields first; beside them the whole text, unified or side by side. */
function detail(it: Numbered, hooks: Hooks): HTMLElement {
  const { state } = hooks;
  const body = el("div", {});
  const forms: [string, () => HTMLElement][] = [];
  if (it.count > 0) {
    forms.push(["Fields", () => arriving(hooks.changeFields(it.at).then((fields) => fieldList(fields, state.noise)))]);
  }
  if (hooks.live) {
    const text = (form: "unified" | "split"): HTMLElement => arriving(difference(it, hooks, form));
    forms.push(["Unified", () => text("unified")], ["Side by side", () => text("split")]);
  }
  const buttons = forms.map(([label, make], at) =>
    el(
      "button",
      {
        type: "button",
        class: "segment",
        "aria-pressed": String(at === 0),
        on: {
          click: () => {
            buttons.forEach((button, other) => button.setAttribute("aria-pressed", String(other === at)));
            fill(body, make());
          },
        },
      },
      label,
    ),
  );
  const first = forms[0];
  if (first !== undefined) {
    fill(body, first[1]());
  }
  return el(
    "div",
    { class: "detail" },
    forms.length > 1 &&
      el("div", { class: "segments", role: "group", "aria-label": `How to show ${it.object.name}` }, buttons),
    body,
  );
}

function fieldList(fields: readonly FieldChange[], noise: boolean): Child {
  const shown = fields.filter((it) => noise || !NOISE.test(it.path));
  const hidden = fields.length - shown.length;
  return [
    el(
      "ul",
      { class: "diff" },
      shown.map((field) =>
        el(
          "li",
          {},
          el("code", { class: "path" }, field.path),
          field.owner !== undefined && el("span", { class: "badge warn" }, `owned by ${field.owner}`),
          field.from !== undefined && field.from !== null && el("pre", { class: "minus" }, valueText(field.from)),
          field.to !== undefined && field.to !== null && el("pre", { class: "plus" }, valueText(field.to)),
        ),
      ),
    ),
    hidden > 0 &&
      el(
        "p",
        { class: "hint" },
        `${count(hidden, "field that every release writes anew is", "fields that every release writes anew are")} not shown.`,
      ),
  ];
}

async function difference(
  { object }: Numbered,
  { compare, state }: Hooks,
  form: "unified" | "split",
): Promise<HTMLElement> {
  const [{ live, predicted }, { showDifference, showText }] = await Promise.all([
    compare(object, state.noise),
    import("../codemirror.js"),
  ]);
  const host = el("div", { class: "code-view" });
  const label = refName(object);
  if (live === null || predicted === null) {
    showText(host, label, live ?? predicted ?? "", null);
  } else {
    showDifference(host, label, live, predicted, form);
  }
  return host;
}

function by<T>(all: readonly T[], key: (it: T) => string): [string, T[]][] {
  const groups = new Map<string, T[]>();
  for (const it of all) {
    const own = groups.get(key(it));
    if (own === undefined) {
      groups.set(key(it), [it]);
    } else {
      own.push(it);
    }
  }
  return [...groups];
}
