import { el } from "../dom.js";

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

  function select(at: number): void {
    all.forEach((tab, other) => {
      const active = at === other;
      buttons[other]?.setAttribute("aria-selected", String(active));
      buttons[other]?.setAttribute("tabindex", active ? "0" : "-1");
      const panel = panels[other];
      if (panel !== undefined) {
        panel.hidden = !active;
        if (active && panel.childElementCount === 0) {
          panel.append(tab.make());
        }
      }
    });
    chosen(all[at]?.name ?? "");
  }

  function move(event: KeyboardEvent, at: number): void {
    const steps: Record<string, number> = { ArrowRight: 1, ArrowLeft: -1 };
    const step = steps[event.key];
    if (step !== undefined) {
      event.preventDefault();
      const next = (at + step + all.length) % all.length;
      select(next);
      buttons[next]?.focus();
    }
  }

  select(Math.max(0, all.findIndex((it) => it.name === first)));
  return el("div", { class: "tabs" }, el("div", { role: "tablist", "aria-label": "What the plan says" }, buttons), panels);
}
