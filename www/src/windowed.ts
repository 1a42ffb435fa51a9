// A list of any length: only the rows in sight exist, and they are asked for when they come into sight.

import { el } from "./dom.js";

export interface WindowedOptions<T> {
  label: string;
  total: number;
  /** Height of a row in pixels; all rows are alike. */
  rowHeight: number;
  /** Returns rows of the list, from one to before another. */
  load: (from: number, to: number) => Promise<readonly T[]>;
  row: (item: T, at: number) => HTMLElement;
}

/** Rows beyond the edges that exist too. */
const MARGIN = 8;
/** Lists up to this long are not scrolled by themselves. */
const SHORT = 14;
/** How much of the window a longer one gets. */
const SHARE = 0.7;

/** Makes the list. Its rows tell screen readers their place in the whole. */
export function windowed<T>({ label, total, rowHeight, load, row }: WindowedOptions<T>): HTMLElement {
  const most = Math.max(SHORT, Math.floor((innerHeight * SHARE) / rowHeight));
  const rows = el("div", { class: "rows" });
  const space = el("div", { class: "space", role: "list", "aria-label": label }, rows);
  const frame = el(
    "div",
    { class: "windowed", tabindex: total > most ? 0 : undefined, role: "group", "aria-label": label },
    space,
  );
  space.style.height = `${total * rowHeight}px`;
  frame.style.maxHeight = `${most * rowHeight + rowHeight / 2}px`;
  let turn = 0;
  let shown = "";

  async function show(): Promise<void> {
    const height = frame.clientHeight || most * rowHeight;
    const from = Math.max(0, Math.floor(frame.scrollTop / rowHeight) - MARGIN);
    const to = Math.min(total, Math.ceil((frame.scrollTop + height) / rowHeight) + MARGIN);
    if (shown === `${from}-${to}`) {
      return;
    }
    turn += 1;
    const mine = turn;
    const items = await load(from, to);
    if (mine !== turn) {
      return;
    }
    shown = `${from}-${to}`;
    rows.style.transform = `translateY(${from * rowHeight}px)`;
    rows.replaceChildren(
      ...items.map((item, at) => {
        const element = row(item, from + at);
        element.setAttribute("role", "listitem");
        element.setAttribute("aria-setsize", String(total));
        element.setAttribute("aria-posinset", String(from + at + 1));
        element.style.height = `${rowHeight}px`;
        return element;
      }),
    );
  }

  let waiting = false;
  frame.addEventListener("scroll", () => {
    if (!waiting) {
      waiting = true;
      requestAnimationFrame(() => {
        waiting = false;
        void show();
      });
    }
  });
  void show();
  return frame;
}
