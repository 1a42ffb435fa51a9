// A question before something is lost. The answer that loses nothing is the first, and what Escape gives.

import { el } from "./dom.js";

/** Asks, and returns the index of the chosen answer; 0 where the question is dismissed. */
export function ask(question: string, about: string, answers: readonly [string, ...string[]]): Promise<number> {
  const before = document.activeElement;
  return new Promise((resolve) => {
    let chosen = 0;
    const dialog = el(
      "dialog",
      { class: "object-dialog ask", "aria-labelledby": "ask-title", "aria-describedby": "ask-about" },
      el("h2", { id: "ask-title" }, question),
      el("p", { id: "ask-about" }, about),
      el(
        "footer",
        {},
        answers.map((answer, at) =>
          el(
            "button",
            {
              type: "button",
              class: at === answers.length - 1 ? "primary" : undefined,
              autofocus: at === 0,
              on: { click: () => ((chosen = at), dialog.close()) },
            },
            answer,
          ),
        ),
      ),
    );
    dialog.addEventListener("close", () => {
      dialog.remove();
      (before as HTMLElement | null)?.focus();
      resolve(chosen);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
