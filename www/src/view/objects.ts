// The objects that change: a tree of them beside what changes of the one that is chosen. What is a real change and what only
// names the release is the planner's decision.

import type { FieldChange } from "refit-planner";

import { type Child, arriving, el, fill, folding } from "../dom.js";
import type { Overview, ShortChange } from "../protocol.js";
import { CLASSES, count, refName, valueText } from "../words.js";
import { chip } from "./findings.js";
import type { Hooks } from "./hooks.js";
import { waiting } from "./waiting.js";

type Numbered = ShortChange & { at: number };

/** Makes the panel; everything in it follows from the state that the page keeps. */
export function objects(overview: Overview, hooks: Hooks): HTMLElement {
  const { changes } = overview;
  if (changes.length === 0) {
    return waiting(
      "Which objects change, field by field, can be told once the target's release archive is given.",
      hooks,
    );
  }
  const { state } = hooks;
  const { agenda } = overview.words;
  const numbered = (places: readonly number[]): Numbered[] =>
    places.flatMap((at) => {
      const it = changes[at];
      return it === undefined ? [] : [{ ...it, at }];
    });
  const real = inOrder(numbered(agenda.real));
  const stamped = inOrder(numbered(agenda.stamped));
  const tree = el("nav", { class: "tree", "aria-label": "Objects that change" });
  const pane = el("section", { class: "pane", "aria-label": "What changes of it", tabindex: -1 });
  const told = el("span", { class: "hint", role: "status" });
  const search = el("input", {
    type: "search",
    placeholder: "Find an object",
    "aria-label": "Find an object",
    "data-focus": "objects-word",
    on: {
      input: () => {
        state.objectWord = search.value;
        showTree();
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
        showPane();
      },
    },
  });
  noise.checked = state.noise;
  const classes = [...new Set(real.map((it) => it.class))].sort();

  /** What the filters leave, in the order of the tree. */
  function kept(): Numbered[] {
    const word = state.objectWord.trim().toLowerCase();
    return real.filter(
      (it) =>
        (state.classes.size === 0 || state.classes.has(it.class)) &&
        (word === "" || `${it.component} ${refName(it.object)}`.toLowerCase().includes(word)),
    );
  }

  function shown(): Numbered | undefined {
    return [...real, ...stamped].find((it) => refName(it.object) === state.object);
  }

  function choose(it: Numbered, focus: "tree" | "pane" | "none" = "none"): void {
    state.object = refName(it.object);
    open(it);
    hooks.turned("replace");
    showTree();
    showPane();
    if (focus === "tree") {
      tree.querySelector<HTMLElement>('[aria-current="true"]')?.focus();
    } else if (focus === "pane" && pane.offsetTop > tree.offsetTop + tree.offsetHeight / 2) {
      // Where there is no room beside the tree, the pane is below it.
      pane.focus();
      pane.scrollIntoView({ block: "start" });
    }
  }

  /** Opens the branch of an object. */
  function open(it: Numbered): void {
    state.open.add(`component ${it.component}`).add(`seen component ${it.component}`);
  }

  /** Goes along the tree. */
  function step(by: 1 | -1): void {
    const all = kept();
    const at = all.findIndex((it) => refName(it.object) === state.object);
    const next = all[at === -1 && by === -1 ? all.length - 1 : at + by];
    if (next !== undefined) {
      choose(next, tree.contains(document.activeElement) ? "tree" : "none");
    }
  }

  function tick(): void {
    const it = shown();
    if (it !== undefined) {
      const name = refName(it.object);
      if (!state.viewed.delete(name)) {
        state.viewed.add(name);
      }
      showTree();
      showPane();
    }
  }

  function showTree(): void {
    const all = kept();
    const scrolled = tree.scrollTop;
    const focused = tree.contains(document.activeElement)
      ? (document.activeElement as HTMLElement).dataset["focus"]
      : undefined;
    const groups = by(all, (it) => it.component || "No component");
    fill(
      tree,
      groups.map(([component, own]) => {
        const key = `component ${own[0]?.component ?? ""}`;
        // Where there are few, all is open.
        if ((real.length <= 60 || groups.length === 1) && !state.open.has(`seen ${key}`)) {
          state.open.add(key).add(`seen ${key}`);
        }
        return folding(
          key,
          state.open,
          [el("span", { class: "name" }, component), el("span", { class: "number" }, own.length)],
          () =>
            el(
              "ul",
              {},
              own.map((it) => el("li", { class: "change" }, leaf(it))),
            ),
          { class: "branch component" },
        );
      }),
      all.length === 0 &&
        el("p", { class: "empty" }, real.length === 0 ? "Nothing else changes." : "No object matches."),
    );
    tree.scrollTop = scrolled;
    if (focused !== undefined) {
      tree.querySelector<HTMLElement>(`[data-focus="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
    }
    const viewed = real.filter((it) => state.viewed.has(refName(it.object))).length;
    told.textContent = `${viewed} of ${count(real.length, "object")} viewed`;
  }

  function leaf(it: Numbered): HTMLElement {
    const name = refName(it.object);
    const viewed = state.viewed.has(name);
    return el(
      "button",
      {
        type: "button",
        class: `leaf ${viewed ? "viewed" : ""}`,
        "aria-current": name === state.object ? "true" : undefined,
        "data-focus": `object ${name}`,
        title: name,
        on: { click: () => choose(it, "pane") },
      },
      el("span", { class: `badge class-${it.class}` }, CLASSES[it.class]),
      el("span", { class: "place" }, it.object.kind),
      el("span", { class: "object" }, it.object.name),
      it.object.namespace !== undefined && el("span", { class: "place" }, it.object.namespace),
      viewed && el("span", { class: "tick" }, el("span", { class: "hidden-text" }, "viewed"), "✓"),
    );
  }

  function showPane(): void {
    const it = shown();
    if (it === undefined) {
      fill(
        pane,
        el(
          "p",
          { class: "empty" },
          real.length === 0 ? "Choose an object." : "Choose an object on the left, or press j.",
        ),
      );
      return;
    }
    const all = kept();
    const at = all.findIndex((other) => other.at === it.at);
    const name = refName(it.object);
    const viewed = el("input", { type: "checkbox", "data-focus": "viewed", on: { change: tick } });
    viewed.checked = state.viewed.has(name);
    const go = (label: string, to: 1 | -1, there: boolean): HTMLElement =>
      el(
        "button",
        { type: "button", class: "small", disabled: !there, "data-focus": `go-${to}`, on: { click: () => step(to) } },
        label,
      );
    fill(
      pane,
      el(
        "header",
        { class: "pane-head" },
        el("h3", {}, name),
        el(
          "p",
          { class: "quick" },
          el("span", { class: `badge class-${it.class}` }, CLASSES[it.class]),
          it.count > 0 && el("span", { class: "place" }, count(it.count, "field")),
          it.owners.length > 0 && el("span", { class: "badge warn" }, `owned by ${it.owners.join(", ")}`),
        ),
        el(
          "p",
          { class: "quick pane-go" },
          go("Previous", -1, at > 0),
          go("Next", 1, at < all.length - 1),
          el("label", { class: "check" }, viewed, "Viewed"),
        ),
      ),
      detail(it, agenda.stamps[it.at] ?? [], hooks),
    );
  }

  const first = shown() ?? real[0];
  if (first !== undefined) {
    state.object = refName(first.object);
    open(first);
  }
  showTree();
  showPane();
  const same = changes.length - real.length - stamped.length;
  const element = el(
    "div",
    { class: "objects" },
    el("p", { class: "lead" }, agenda.tally === "" ? "Nothing changes." : `${agenda.tally}.`),
    el(
      "div",
      { class: "filters" },
      search,
      classes.length > 1 &&
        el(
          "div",
          { class: "chips", role: "group", "aria-label": "What happens" },
          classes.map((it) =>
            chip(
              `${CLASSES[it]} ${real.filter((of) => of.class === it).length}`,
              it,
              state.classes,
              showTree,
              `class-${it}`,
            ),
          ),
        ),
      el("label", { class: "check" }, noise, "Show noise"),
      told,
    ),
    el("p", { class: "hint keys" }, "Keys, here: j the next, k the one before, v ticks it as viewed."),
    el("div", { class: "beside" }, tree, pane),
    stamped.length > 0 &&
      folding(
        "stamped",
        state.open,
        [`${count(stamped.length, "object gets", "objects get")} new version labels only`],
        () =>
          el(
            "ul",
            { class: "stamped" },
            stamped.map((it) =>
              el(
                "li",
                {},
                el(
                  "button",
                  { type: "button", class: "follow object", on: { click: () => choose(it, "pane") } },
                  refName(it.object),
                ),
              ),
            ),
          ),
      ),
    same > 0 && el("p", { class: "lead" }, `${count(same, "object stays", "objects stay")} as they are.`),
  );
  element.addEventListener("keydown", (event) => {
    const keys: Record<string, () => void> = { j: () => step(1), k: () => step(-1), v: tick };
    const press = keys[event.key];
    const typing = event
      .composedPath()
      .some(
        (it) =>
          it instanceof HTMLElement && (it.isContentEditable || it.matches("textarea, input:not([type=checkbox])")),
      );
    if (press !== undefined && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      press();
    }
  });
  return element;
}

/** The fields first; beside them the whole text, unified or side by side. */
function detail(it: Numbered, stamps: readonly number[], hooks: Hooks): HTMLElement | null {
  const { state } = hooks;
  const body = el("div", {});
  const forms: [string, () => HTMLElement][] = [];
  if (it.count > 0) {
    forms.push([
      "Fields",
      () => arriving(hooks.changeFields(it.at).then((fields) => fieldList(fields, state.noise ? [] : stamps))),
    ]);
  }
  if (hooks.live) {
    const text = (form: "unified" | "split"): HTMLElement => arriving(difference(it, hooks, form));
    forms.push(["Unified", () => text("unified")], ["Side by side", () => text("split")]);
  }
  const first = forms.find(([label]) => label === state.form) ?? forms[0];
  if (first === undefined) {
    return null;
  }
  const buttons = forms.map(([label, make], at) =>
    el(
      "button",
      {
        type: "button",
        class: "segment",
        "data-focus": `form-${at}`,
        "aria-pressed": String(label === first[0]),
        on: {
          click: () => {
            state.form = label;
            buttons.forEach((button, other) => button.setAttribute("aria-pressed", String(other === at)));
            fill(body, make());
          },
        },
      },
      label,
    ),
  );
  fill(body, first[1]());
  return el(
    "div",
    { class: "detail" },
    forms.length > 1 &&
      el("div", { class: "segments", role: "group", "aria-label": `How to show ${it.object.name}` }, buttons),
    body,
  );
}

/** The fields but those at `hidden`. */
function fieldList(fields: readonly FieldChange[], hidden: readonly number[]): Child {
  const shown = fields.filter((_, at) => !hidden.includes(at));
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
    hidden.length > 0 &&
      el(
        "p",
        { class: "hint" },
        `${count(hidden.length, "field that only names the release is", "fields that only name the release are")} not shown.`,
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

/** By component, then in the order of the outcome. */
function inOrder(all: readonly Numbered[]): Numbered[] {
  return by(all, (it) => it.component).flatMap(([, own]) => own);
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
