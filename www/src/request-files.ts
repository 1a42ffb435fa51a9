// The IstioOperator files of the request, in the order of several `-f`: later ones win. What is taken out or replaced
// comes back with one click, its history with it.

import type { Fix, KnownField, RequestFile } from "refit-planner";

import { ask } from "./ask.js";
import { type Child, el, fill } from "./dom.js";
import type { Editor, Remark } from "./editor.js";
import { afterPaint } from "./paint.js";
import { sizeOfText } from "./words.js";

/** The name of a file that was typed here. */
export const FILE = "request.yaml";

const HINT = "# as you would give it with -f;\n# empty means the default profile";

export interface RequestFiles {
  element: HTMLElement;
  /** Those that hold something, in their order. */
  all: () => RequestFile[];
  /** The file of this name; without one that is there, the last, which wins. */
  named: (name: string | undefined) => RequestFile;
  has: (name: string) => boolean;
  /** Puts files in the place of all, whose histories end. */
  load: (files: readonly RequestFile[]) => void;
  /** Puts files behind the others; asks where a name is taken by another text. */
  take: (files: readonly RequestFile[]) => Promise<void>;
  /** Replaces the text of one file. */
  replace: (file: RequestFile, text: string) => void;
  /** Replaces everything by one text, and offers to undo it. */
  replaceAll: (text: string, about: string) => void;
  /** Shows remarks at the lines of the files that they name. */
  setRemarks: (remarks: ReadonlyMap<string, readonly Remark[]>) => void;
  /** Shows a line of a file. */
  goTo: (name: string, line: number, column: number | undefined) => void;
}

export interface RequestFilesHooks {
  changed: () => void;
  apply: (fix: Fix, file: RequestFile) => void;
  fields: (path: readonly string[]) => Promise<readonly KnownField[]>;
  /** Says what was done, and offers to undo it. */
  undoable: (about: string, undo: () => void) => void;
}

export function makeRequestFiles(hooks: RequestFilesHooks): RequestFiles {
  let files: RequestFile[] = [blank(FILE)];
  let shown = first();
  let remarks: ReadonlyMap<string, readonly Remark[]> = new Map();
  let editor: Editor | undefined;
  const host = el("div", { class: "editor", id: "request-panel" });
  const list = el("div", { role: "tablist", "aria-label": "IstioOperator files: later ones win" });
  const bar = el("div", { class: "request-bar" });
  const element = el(
    "div",
    { class: "request-files" },
    list,
    host,
    bar,
    el("p", { class: "hint", id: "editor-keys" }, "Ctrl+] and Ctrl+[ indent; Tab leaves the editor."),
  );

  const start = async (): Promise<void> => {
    const { makeEditor } = await import("./editor.js");
    editor ??= makeEditor(host, shown, HINT, {
      changed(file, text) {
        file.text = text;
        hooks.changed();
      },
      apply: hooks.apply,
      fields: hooks.fields,
    });
    showRemarks();
  };
  // The editor is large, and the page is of use before it is there; the planner is asked for first.
  afterPaint(() => setTimeout(() => void start()));

  function first(): RequestFile {
    return files[0] ?? blank(FILE);
  }

  /** Puts files in an order, one of them in sight. */
  function put(all: readonly RequestFile[], active: RequestFile | undefined): void {
    files = all.length === 0 ? [blank(FILE)] : [...all];
    shown = active !== undefined && files.includes(active) ? active : first();
    editor?.show(shown);
    render();
    hooks.changed();
  }

  function show(file: RequestFile): void {
    shown = file;
    editor?.show(file);
    render();
  }

  function replace(file: RequestFile, text: string): void {
    if (editor === undefined) {
      file.text = text;
      hooks.changed();
    } else {
      editor.replace(file, text);
    }
  }

  function takeOut(file: RequestFile): void {
    const at = files.indexOf(file);
    const rest = files.filter((it) => it !== file);
    put(rest, rest[Math.min(at, rest.length - 1)]);
    focusTab();
    if (file.text.trim() !== "") {
      hooks.undoable(`${file.name} was taken out.`, () => {
        const now = files.filter((it) => !isUntouched(it));
        put([...now.slice(0, at), file, ...now.slice(at)], file);
      });
    }
  }

  function move(file: RequestFile, by: -1 | 1): void {
    const at = files.indexOf(file);
    const other = files[at + by];
    if (other !== undefined) {
      const moved = [...files];
      moved[at] = other;
      moved[at + by] = file;
      put(moved, file);
      list.querySelector<HTMLElement>('[aria-selected="true"]')?.focus();
    }
  }

  function focusTab(): void {
    (list.querySelector<HTMLElement>('[aria-selected="true"]') ?? bar.querySelector<HTMLElement>("button"))?.focus();
  }

  function freeName(name: string): string {
    const [, stem = name, ending = ""] = /^(.*?)(\.[a-z]+)?$/.exec(name) ?? [];
    for (let at = 2; ; at += 1) {
      const free = `${stem}-${at}${ending}`;
      if (!files.some((it) => it.name === free)) {
        return free;
      }
    }
  }

  async function takeOne({ name, text }: RequestFile): Promise<void> {
    const own = files.find((it) => it.name === name);
    if (own === undefined || own.text.trim() === "") {
      const added = { name, text };
      put([...files.filter((it) => it.text.trim() !== ""), added], added);
      return;
    }
    if (own.text === text) {
      show(own);
      return;
    }
    const chosen = await ask(
      `${name} is open, with another text`,
      `The one that came holds ${sizeOfText(text)}, the open one ${sizeOfText(own.text)}.`,
      ["Leave it as it is", "Keep both", "Replace it"],
    );
    if (chosen === 1) {
      const added = { name: freeName(name), text };
      put([...files, added], added);
    } else if (chosen === 2) {
      const before = own.text;
      show(own);
      replace(own, text);
      hooks.undoable(`${name} was replaced.`, () => {
        replace(own, before);
        if (files.includes(own)) {
          show(own);
        }
      });
    }
  }

  function key(event: KeyboardEvent, file: RequestFile): void {
    const at = files.indexOf(file);
    const places: Record<string, number> = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: files.length - 1 };
    const place = places[event.key];
    if (event.key === "Delete") {
      takeOut(file);
    } else if (place !== undefined && event.altKey) {
      move(file, place > at ? 1 : -1);
    } else if (place !== undefined) {
      show(files[(place + files.length) % files.length] ?? file);
      focusTab();
    } else {
      return;
    }
    event.preventDefault();
  }

  function tab(file: RequestFile, at: number): HTMLElement {
    const active = file === shown;
    const bad = remarks.get(file.name)?.filter((it) => it.severity === "error").length ?? 0;
    return el(
      "button",
      {
        type: "button",
        role: "tab",
        id: `request-tab-${at}`,
        "aria-selected": String(active),
        "aria-controls": "request-panel",
        tabindex: active ? 0 : -1,
        on: { click: () => show(file), keydown: (event) => key(event as KeyboardEvent, file) },
      },
      `${at + 1} `,
      el("span", { class: "name" }, file.name),
      bad > 0 && el("span", { class: "badge block" }, `${bad}`, el("span", { class: "hidden-text" }, " errors")),
    );
  }

  function button(label: string, name: string, disabled: boolean, click: () => void): Child {
    return el("button", { type: "button", class: "quiet small", "aria-label": name, disabled, on: { click } }, label);
  }

  function render(): void {
    const several = files.length > 1 || first().name !== FILE;
    list.hidden = !several;
    fill(list, several && files.map(tab));
    if (several) {
      host.setAttribute("role", "tabpanel");
      host.setAttribute("aria-labelledby", `request-tab-${files.indexOf(shown)}`);
    } else {
      host.removeAttribute("role");
      host.removeAttribute("aria-labelledby");
    }
    const at = files.indexOf(shown);
    fill(
      bar,
      button("Add a file", "Add a file", false, () => {
        const added = blank(files.some((it) => it.name === FILE) ? freeName(FILE) : FILE);
        put([...files, added], added);
        editor?.goTo(1, 1);
      }),
      files.length > 1 && [
        button("← Earlier", `Move ${shown.name} earlier`, at === 0, () => move(shown, -1)),
        button("Later →", `Move ${shown.name} later`, at === files.length - 1, () => move(shown, 1)),
      ],
      several && button("Take out", `Take ${shown.name} out`, false, () => takeOut(shown)),
      files.length > 1 && el("span", { class: "hint" }, "Later files win, as with several -f."),
    );
  }

  function showRemarks(): void {
    files.forEach((it) => editor?.setRemarks(it, remarks.get(it.name) ?? []));
  }

  render();
  return {
    element,
    all: () => files.filter((it) => it.text.trim() !== "").map(({ name, text }) => ({ name, text })),
    named: (name) => files.find((it) => it.name === name) ?? files.at(-1) ?? first(),
    has: (name) => files.some((it) => it.name === name),
    load(all) {
      remarks = new Map();
      files = all.length === 0 ? [blank(FILE)] : all.map(({ name, text }) => ({ name, text }));
      show(first());
    },
    async take(all) {
      for (const file of all) {
        await takeOne(file);
      }
    },
    replace,
    replaceAll(text, about) {
      const [before, kept, old] = [files, first(), first().text];
      put([kept], kept);
      replace(kept, text);
      if (before.some((it) => it.text.trim() !== "")) {
        hooks.undoable(about, () => {
          put(before, kept);
          replace(kept, old);
        });
      }
    },
    setRemarks(all) {
      remarks = all;
      showRemarks();
      render();
    },
    goTo(name, line, column) {
      const file = files.find((it) => it.name === name);
      if (file !== undefined) {
        show(file);
        editor?.goTo(line, column);
      }
    },
  };
}

function blank(name: string): RequestFile {
  return { name, text: "" };
}

function isUntouched(file: RequestFile): boolean {
  return file.name === FILE && file.text.trim() === "";
}
