import { el } from "../dom.js";

/** An event that makes the panels that were not shown yet: what is printed is everything. */
export const ALL_PANELS = "all-panels";

export interface Tab {
  name: string;
  /** How much it holds; null where there is nothing to count. */
  number: number | null;
  make: () => HTMLElement;
}

/** Tabs that arrow keys move along; a panel is made when it is first shown. */
export function tabs(all: readonly Tab[], first: string, chosen: (name: string) => void): HTMLElement {
  const buttons = all.map((tab, at) =>
    el(
      "button",
      {
        type: "button",
        role: "tab",
        id: `tab-${at}`,
        "data-focus": `tab-${at}`,
        "aria-controls": `panel-${at}`,
        on: { click: () => select(at), keydown: (event) => move(event as KeyboardEvent, at) },
      },
      tab.name,
      tab.number !== null && el("span", { class: "number" }, tab.number),
    ),
  );
  const panels = all.map((_, at) =>
    el("div", { role: "tabpanel", id: `panel-${at}`, "aria-labelledby": `tab-${at}`, tabindex: 0, hidden: true }),
  );

  function make(tab: Tab, panel: HTMLElement): void {
    if (panel.childElementCount === 0) {
      panel.append(el("h2", { class: "hidden-text" }, tab.name), tab.make());
    }
  }

  function select(at: number): void {
    all.forEach((tab, other) => {
      const active = at === other;
      buttons[other]?.setAttribute("aria-selected", String(active));
      buttons[other]?.setAttribute("tabindex", active ? "0" : "-1");
      const panel = panels[other];
      if (panel !== undefined) {
        panel.hidden = !active;
        if (active) {
          make(tab, panel);
        }
      }
    });
    buttons[at]?.scrollIntoView({ block: "nearest", inline: "nearest" });
    chosen(all[at]?.name ?? "");
  }

  function move(event: KeyboardEvent, at: number): void {
    const places: Record<string, number> = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1 };
    const place = places[event.key];
    if (place !== undefined) {
      event.preventDefault();
      const next = (place + all.length) % all.length;
      select(next);
      buttons[next]?.focus();
    }
  }

  select(
    Math.max(
      0,
      all.findIndex((it) => it.name === first),
    ),
  );
  const element = el(
    "div",
    { class: "tabs" },
    el("div", { role: "tablist", "aria-label": "What the plan says" }, buttons),
    panels,
  );
  element.addEventListener(ALL_PANELS, () =>
    all.forEach((tab, at) => {
      const panel = panels[at];
      if (panel !== undefined) {
        make(tab, panel);
      }
    }),
  );
  return element;
}
