// What the page listens for wherever it happens: drops, pastes, and the wish for another theme.

import { byId } from "./dom.js";
import { type Taken, dropped, pasted } from "./intake.js";

export interface Listeners {
  take: (taken: Taken) => void;
  failed: (error: unknown) => void;
  /** Names that files have already. */
  taken: () => string[];
}

/** Takes what is dropped and pasted anywhere on the page. */
export function listenForFiles({ take, failed, taken }: Listeners): void {
  const veil = byId("drop-veil");
  addEventListener("dragenter", (event) => {
    event.preventDefault();
    veil.hidden = false;
  });
  addEventListener("dragover", (event) => event.preventDefault());
  veil.addEventListener("dragleave", () => (veil.hidden = true));
  addEventListener("drop", (event) => {
    event.preventDefault();
    veil.hidden = true;
    if (event.dataTransfer !== null) {
      void dropped(event.dataTransfer).then(take, failed);
    }
  });
  addEventListener("paste", (event) => {
    const inField = event
      .composedPath()
      .some((it) => it instanceof HTMLElement && (it.isContentEditable || /^(INPUT|TEXTAREA)$/.test(it.tagName)));
    if (inField || event.clipboardData === null) {
      return;
    }
    if (event.clipboardData.files.length > 0) {
      void dropped(event.clipboardData).then(take, failed);
    } else if (event.clipboardData.getData("text/plain").trim() !== "") {
      takeText(event.clipboardData.getData("text/plain"), { take, taken });
    }
  });
}

/** Takes a text that was pasted, under a name that no file has; an empty one is nothing. */
export function takeText(text: string, { take, taken }: Pick<Listeners, "take" | "taken">): void {
  if (text.trim() !== "") {
    take({ files: [pasted(text, taken())], passedOver: [] });
  }
}

/** Lets the button change between light and dark. */
export function listenForTheme(): void {
  const root = document.documentElement;
  byId("theme").addEventListener("click", () => {
    const dark =
      root.dataset["theme"] === undefined
        ? matchMedia("(prefers-color-scheme: dark)").matches
        : root.dataset["theme"] === "dark";
    root.dataset["theme"] = dark ? "light" : "dark";
  });
}
