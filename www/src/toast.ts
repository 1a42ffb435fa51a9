// What is said in passing, at the edge of the page.

import { byId, el, fill } from "./dom.js";

let later: ReturnType<typeof setTimeout> | undefined;

/** Says something in passing; what waits for an answer stays until it is dismissed. */
export function say(content: readonly (Node | string)[], stays = false): void {
  const toast = byId("toast");
  const close = el(
    "button",
    { type: "button", class: "quiet", "aria-label": "Dismiss", on: { click: hideToast } },
    "×",
  );
  clearTimeout(later);
  fill(toast, el("span", {}, content), close);
  toast.hidden = false;
  if (!stays) {
    later = setTimeout(hideToast, 6000);
  }
}

/** Says what was done, and brings back what was there before. */
export function offerUndo(about: string, undo: () => void): void {
  const click = (): void => {
    hideToast();
    undo();
  };
  say([about, el("button", { type: "button", on: { click } }, "Undo")], true);
}

export function hideToast(): void {
  byId("toast").hidden = true;
}
