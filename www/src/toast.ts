// What is said in passing, at the edge of the page: one below the other, so that none takes the place of another's button.

import { byId, el } from "./dom.js";

/** As many as are read. */
const MOST = 3;

/** Says something in passing; what waits for an answer stays until it is dismissed. */
export function say(content: readonly (Node | string)[], stays = false): void {
  add(content, stays);
}

/** Says what was done, and brings back what was there before. */
export function offerUndo(about: string, undo: () => void): void {
  const item = add(
    [
      about,
      el(
        "button",
        {
          type: "button",
          on: {
            click: () => {
              remove(item);
              undo();
            },
          },
        },
        "Undo",
      ),
    ],
    true,
  );
}

/** Takes all of them away. */
export function hideToast(): void {
  byId("toast").replaceChildren();
  byId("toast").hidden = true;
}

function add(content: readonly (Node | string)[], stays: boolean): HTMLElement {
  const toast = byId("toast");
  const item = el(
    "div",
    {},
    el("span", {}, content),
    el("button", { type: "button", class: "quiet", "aria-label": "Dismiss", on: { click: () => remove(item) } }, "×"),
  );
  toast.append(item);
  while (toast.childElementCount > MOST) {
    toast.firstElementChild?.remove();
  }
  toast.hidden = false;
  if (!stays) {
    setTimeout(() => remove(item), 6000);
  }
  return item;
}

function remove(item: HTMLElement): void {
  item.remove();
  byId("toast").hidden = byId("toast").childElementCount === 0;
}
