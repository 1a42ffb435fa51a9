// Choosing a version: free text with a list of what is known, each with its support and the Kubernetes it is for.

import type { Release } from "refit-planner";

import { el, fill } from "./dom.js";

export interface TargetPicker {
  element: HTMLElement;
  /** Whether somebody chose it: what nobody chose follows from the cluster. */
  isChosen: () => boolean;
  /** The releases that are known, oldest first. */
  known: () => readonly Release[];
  /** Sets a version that nobody chose. */
  preset: (version: string) => void;
  value: () => string;
  setValue: (version: string) => void;
  setReleases: (releases: readonly Release[]) => void;
}

export function makeTarget(changed: () => void): TargetPicker {
  const input = el("input", {
    id: "target",
    role: "combobox",
    "aria-expanded": "false",
    "aria-controls": "versions",
    "aria-autocomplete": "list",
    "aria-describedby": "support",
    autocomplete: "off",
    spellcheck: "false",
    placeholder: "1.30.3",
    on: {
      input: () => typed(),
      keydown: (event) => move(event as KeyboardEvent),
      blur: () => close(),
      click: () => open(""),
    },
  });
  const list = el("ul", {
    id: "versions",
    role: "listbox",
    "aria-label": "Versions of Istio",
    class: "versions",
    hidden: true,
  });
  const support = el("p", { class: "hint", id: "support" });
  const today = new Date().toISOString().slice(0, 10);
  let known: readonly Release[] = [];
  let active = -1;
  let chosen = false;

  function typed(): void {
    chosen = true;
    open(input.value.trim());
    showSupport();
    changed();
  }

  function open(filter: string): void {
    // Releases before candidates, the newest first.
    const newestFirst = [...known].reverse();
    const offered = [...newestFirst.filter((it) => !it.candidate), ...newestFirst.filter((it) => it.candidate)].filter(
      (it) => it.version.startsWith(filter),
    );
    fill(list, offered.map(option));
    active = -1;
    list.hidden = offered.length === 0;
    place();
    input.setAttribute("aria-expanded", String(!list.hidden));
    input.removeAttribute("aria-activedescendant");
  }

  /** Lays the list over the page, below the field or above it: the column that holds both would cut it. */
  function place(): void {
    const { left, top, bottom, width } = input.getBoundingClientRect();
    Object.assign(list.style, {
      left: `${left}px`,
      minWidth: `${width}px`,
      maxWidth: `${innerWidth - left - 8}px`,
    });
    const below = innerHeight - bottom > Math.min(304, top);
    list.style.top = below ? `${bottom + 4}px` : "auto";
    list.style.bottom = below ? "auto" : `${innerHeight - top + 4}px`;
  }
  // It goes along with the field.
  addEventListener("scroll", () => (list.hidden ? undefined : place()), { capture: true, passive: true });

  function close(): void {
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }

  function choose(version: string): void {
    chosen = true;
    input.value = version;
    close();
    showSupport();
    changed();
  }

  function option(it: Release, at: number): HTMLElement {
    return el(
      "li",
      {
        id: `version-${at}`,
        role: "option",
        "aria-selected": String(it.version === input.value.trim()),
        "data-version": it.version,
        // Before `blur`, which closes the list.
        on: {
          mousedown: (event) => {
            event.preventDefault();
            choose(it.version);
          },
        },
      },
      el("strong", {}, it.version),
      el(
        "span",
        { class: `state ${state(it)}` },
        it.endOfLife === null ? "no date known" : `${state(it) === "ended" ? "ended" : "until"} ${it.endOfLife}`,
      ),
      el("span", { class: "place" }, kubernetes(it)),
    );
  }

  function move(event: KeyboardEvent): void {
    const options = [...list.children] as HTMLElement[];
    if (event.key === "Escape") {
      close();
      return;
    }
    if (event.key === "Enter" && !list.hidden && active >= 0) {
      event.preventDefault();
      choose(options[active]?.dataset["version"] ?? input.value);
      return;
    }
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") {
      return;
    }
    event.preventDefault();
    if (list.hidden) {
      open("");
      return move(event);
    }
    const step = event.key === "ArrowDown" ? 1 : -1;
    active = (active + step + options.length) % options.length;
    options.forEach((it, at) => it.classList.toggle("active", at === active));
    options[active]?.scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", `version-${active}`);
  }

  function state(it: Release): "ended" | "supported" | "undated" {
    if (it.endOfLife === null) {
      return "undated";
    }
    return it.endOfLife < today ? "ended" : "supported";
  }

  /** The newest release that is no candidate. */
  function newest(): string | undefined {
    return known.filter((it) => !it.version.includes("-")).at(-1)?.version;
  }

  function showSupport(): void {
    const minor = /^\d+\.\d+/.exec(input.value.trim())?.[0];
    const release = known.find((it) => it.minor === minor);
    support.classList.toggle("warn", release !== undefined && state(release) === "ended");
    support.textContent =
      release === undefined
        ? ""
        : [
            release.endOfLife === null
              ? ""
              : state(release) === "ended"
                ? `Support ended ${release.endOfLife}.`
                : `Supported until ${release.endOfLife}.`,
            kubernetes(release) === "" ? "" : `For ${kubernetes(release)}.`,
            input.value.trim() === newest() ? "The newest stable release that this page knows." : "",
          ].join(" ");
  }

  return {
    element: el(
      "div",
      { class: "field target" },
      el("label", { for: "target", class: "label" }, "Upgrade to"),
      input,
      list,
      support,
    ),
    value: () => input.value.trim(),
    isChosen: () => chosen,
    known: () => known,
    preset(version) {
      input.value = version;
      showSupport();
    },
    setValue(version) {
      chosen = version !== "";
      input.value = version;
      showSupport();
    },
    setReleases(releases) {
      known = releases;
      if (input.value === "") {
        input.value = newest() ?? "";
      }
      showSupport();
    },
  };
}

function kubernetes({ kubernetesMinimum: from, kubernetesMaximum: to }: Release): string {
  return from === null ? "" : `Kubernetes ${from}${to === null ? " on" : `–${to}`}`;
}
