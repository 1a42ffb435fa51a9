// What the cluster was installed with: shown with its evidence before it replaces what stands in the editor.

import type { Recovery, RequestFile, Subject } from "refit-planner";

import { el } from "./dom.js";
import { evidence } from "./view/evidence.js";
import { count, refName, valueText } from "./words.js";

export function showRecovery(
  found: Recovery,
  files: readonly RequestFile[],
  hooks: { follow: (subject: Subject) => void; use: () => void },
): void {
  const before = document.activeElement;
  const host = el("div", { class: "code-view" });
  const current = files.map((it) => it.text).join("---\n");
  const replaces = current.trim() !== "" && current !== found.text;
  const dialog = el(
    "dialog",
    { class: "object-dialog", "aria-labelledby": "recovery-title" },
    el("header", {}, el("h2", { id: "recovery-title" }, "What the cluster was installed with")),
    el(
      "p",
      { class: "hint" },
      found.compared
        ? found.unexplained.length === 0
          ? "Rendered with the source's release, it reproduces everything that the export holds of the installation."
          : "Rendered with the source's release and compared with the export."
        : "It was not compared with the cluster: the source's release was not found.",
    ),
    host,
    found.evidence.length > 0 &&
      el(
        "details",
        {},
        el("summary", {}, `Where ${count(found.evidence.length, "setting was", "settings were")} read`),
        found.evidence.map((it) => el("div", {}, el("code", {}, it.path), evidence([it.subject], hooks.follow))),
      ),
    found.unexplained.length > 0 &&
      el(
        "details",
        { open: true },
        el(
          "summary",
          {},
          `${count(found.unexplained.length, "object holds", "objects hold")} what no request explains`,
        ),
        found.unexplained.map((it) =>
          el(
            "div",
            {},
            el("p", { class: "object" }, refName(it.object)),
            el(
              "ul",
              { class: "diff" },
              it.fields.map((field) =>
                el(
                  "li",
                  {},
                  el("code", { class: "path" }, field.path),
                  field.from !== undefined && el("pre", { class: "minus" }, valueText(field.from)),
                  field.to !== undefined && el("pre", { class: "plus" }, valueText(field.to)),
                ),
              ),
            ),
          ),
        ),
      ),
    el(
      "footer",
      {},
      el("button", { type: "button", on: { click: () => dialog.close() } }, "Leave the editor as it is"),
      el(
        "button",
        { type: "button", class: "primary", on: { click: () => (hooks.use(), dialog.close()) } },
        !replaces ? "Use it" : files.length === 1 ? "Replace what stands there" : `Replace all ${files.length} files`,
      ),
    ),
  );
  dialog.addEventListener("close", () => {
    dialog.remove();
    (before as HTMLElement | null)?.focus();
  });
  document.body.append(dialog);
  dialog.showModal();
  void import("./codemirror.js").then(({ showDifference, showText }) =>
    replaces
      ? showDifference(host, "Recovered settings", current, found.text, "unified")
      : showText(host, "Recovered settings", found.text, null),
  );
}
