// The object that a piece of evidence names, at its field.

import type { ShownObject, Subject } from "refit-planner";

import { el } from "./dom.js";
import { placeName, refName } from "./words.js";

/** Opens the object over the page; the focus returns to where it was. */
export async function openObject(subject: Subject, shown: ShownObject | null): Promise<void> {
  const before = document.activeElement;
  const name = refName(subject);
  const close = el(
    "button",
    { type: "button", class: "quiet", "aria-label": "Close", on: { click: () => dialog.close() } },
    "×",
  );
  const host = el("div", { class: "code-view" });
  const place =
    shown === null
      ? placeName(subject)
      : shown.origin.line > 0
        ? `${shown.origin.file}:${shown.origin.line}`
        : shown.origin.file;
  const dialog = el(
    "dialog",
    { class: "object-dialog", "aria-labelledby": "object-title" },
    el("header", {}, el("h2", { id: "object-title" }, name), close),
    el(
      "p",
      { class: "hint" },
      place !== "" && el("span", { class: "place" }, place),
      subject.field !== undefined && el("code", { class: "word" }, subject.field),
    ),
    shown === null
      ? el(
          "p",
          { class: "empty" },
          "The export does not hold this object: it is one that the target makes, or was only counted.",
        )
      : [!shown.whole && el("p", { class: "hint" }, "Only what rules read of it was kept."), host],
  );
  dialog.addEventListener("close", () => {
    dialog.remove();
    (before as HTMLElement | null)?.focus();
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) {
      dialog.close();
    }
  });
  document.body.append(dialog);
  dialog.showModal();
  close.focus();
  if (shown !== null) {
    const { showText } = await import("./codemirror.js");
    showText(host, name, shown.yaml, shown.line);
  }
}
