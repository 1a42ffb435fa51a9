// The whole outcome as one HTML file: everything is in it, nothing in it runs, and it asks for nothing.

import type { Action, Change, Description, Finding, Outcome, Restart, Step, Subject } from "refit-planner";

import { CLASSES, HOW, LEVELS, VERDICTS, count, placeName, refName, valueText } from "../words.js";
import { type Markup, type Part, tag, words } from "./markup.js";
import css from "./report.css?inline";

/** Writes the file. */
export function report(outcome: Outcome, said: Description, command: string): string {
  const sections = [
    section("findings", "Findings", outcome.findings.length, outcome.findings.map(finding)),
    section("notes", "Behaviour that changes", outcome.notes.length, outcome.notes.map(finding)),
    section("defaults", "Changed defaults", outcome.defaults.length, defaults(outcome)),
    section("reverted", "Settings that the request would revert", outcome.reverted.length, reverted(outcome)),
    section(
      "objects",
      "Objects",
      outcome.changes.filter((it) => it.class !== "unchanged").length,
      objects(outcome.changes),
    ),
    section("restarts", "Restarts", outcome.restarts.length, restarts(outcome.restarts)),
    section("steps", "Steps", outcome.plan?.steps.length ?? 0, steps(outcome.plan?.steps ?? [], command)),
  ];
  const shown = sections.filter((it) => it !== null);
  const head = tag(
    "head",
    {},
    tag("meta", { charset: "utf-8" }),
    tag("meta", { "http-equiv": "Content-Security-Policy", content: "default-src 'none'; style-src 'unsafe-inline'" }),
    tag("meta", { name: "viewport", content: "width=device-width, initial-scale=1" }),
    tag("meta", { name: "color-scheme", content: "light dark" }),
    tag("title", {}, `Refit: ${said.headline}`),
  );
  const style = `<style>${css.replaceAll("</", "<\\/")}</style>`;
  const body = tag(
    "body",
    {},
    tag(
      "main",
      {},
      tag(
        "header",
        { class: `verdict ${outcome.verdict}` },
        tag("h1", {}, VERDICTS[outcome.verdict]),
        tag("p", { class: "line" }, `${said.headline}: ${said.verdict}`),
        outcome.hops.length > 1 && tag("p", { class: "hops" }, outcome.hops.join(" → ")),
        tag(
          "ul",
          {},
          said.situation.map((it) => tag("li", {}, words(it))),
        ),
      ),
      tag(
        "nav",
        { "aria-label": "Sections" },
        shown.map(([link]) => link),
      ),
      shown.map(([, it]) => it),
    ),
  );
  return `<!doctype html>\n<html lang="en">\n${head.text.replace("</head>", `${style}</head>`)}\n${body.text}\n</html>\n`;
}

function section(id: string, title: string, number: number, ...parts: readonly Part[]): [Markup, Markup] | null {
  if (number === 0) {
    return null;
  }
  const total = number.toLocaleString("en");
  return [
    tag("a", { href: `#${id}` }, `${title} ${total}`),
    tag("section", { id, "data-count": String(number) }, tag("h2", {}, title, " ", tag("small", {}, total)), parts),
  ];
}

function finding(it: Finding): Markup {
  const label = LEVELS.find(([level]) => level === it.level)?.[1] ?? it.level;
  return tag(
    "article",
    { class: it.level },
    tag("h3", {}, tag("b", {}, `${label}: `), words(it.title), " ", tag("code", {}, it.code)),
    it.detail !== "" && tag("p", {}, words(it.detail)),
    evidence(it.subjects),
    it.fix !== null && tag("p", { class: "fix" }, tag("b", {}, "Fix: "), words(it.fix)),
    it.link !== null && tag("p", { class: "soft" }, it.link),
  );
}

function evidence(subjects: readonly Subject[]): Part {
  if (subjects.length === 0) {
    return null;
  }
  const list = tag("ul", { class: "evidence" }, subjects.map(subject));
  return subjects.length > 12 ? tag("details", {}, tag("summary", {}, count(subjects.length, "subject")), list) : list;
}

function subject(it: Subject): Markup {
  const parts = [refName(it), it.field, it.value === undefined ? undefined : valueText(it.value)];
  const place = placeName(it);
  return tag(
    "li",
    {},
    parts.filter((part) => part !== undefined && part !== "").map((part) => [tag("code", {}, part), " "]),
    place !== "" && tag("span", { class: "soft" }, place),
  );
}

function table(head: readonly string[], rows: readonly (readonly Part[])[]): Markup {
  return tag(
    "div",
    { class: "scroll" },
    tag(
      "table",
      {},
      tag(
        "thead",
        {},
        tag(
          "tr",
          {},
          head.map((it) => tag("th", { scope: "col" }, it)),
        ),
      ),
      tag(
        "tbody",
        {},
        rows.map((row) =>
          tag(
            "tr",
            {},
            row.map((it) => tag("td", {}, it)),
          ),
        ),
      ),
    ),
  );
}

function code(value: unknown): Markup {
  return tag("code", {}, valueText(value));
}

function defaults({ defaults: all }: Outcome): Part {
  return table(
    ["Component", "Setting", "Before", "After", "Keeps the old behaviour"],
    all.map((it) => [
      it.component,
      [tag("code", {}, it.path), it.pinned && " (pinned)"],
      code(it.from),
      code(it.to),
      it.keep !== null && tag("code", {}, it.keep),
    ]),
  );
}

function reverted({ reverted: all }: Outcome): Part {
  return table(
    ["Setting", "In the cluster", "In the request", "Read from"],
    all.map((it) => [
      tag("code", {}, it.path),
      code(it.live),
      code(it.request),
      it.evidence.map((at) => [refName(at), " ", placeName(at)]),
    ]),
  );
}

function objects(all: readonly Change[]): Part {
  const touched = all.filter((it) => it.class !== "unchanged");
  const components = [...new Set(touched.map((it) => it.component))];
  return components.map((component) => [
    tag("h3", {}, component === "" ? "No component" : component),
    touched
      .filter((it) => it.component === component)
      .map((it) =>
        tag(
          "details",
          { class: "object" },
          tag(
            "summary",
            {},
            tag("b", {}, CLASSES[it.class]),
            " ",
            tag("code", {}, refName(it.object)),
            it.fields.length > 0 && ` ${count(it.fields.length, "field")}`,
          ),
          it.fields.map((field) =>
            tag(
              "div",
              { class: "field" },
              tag("code", {}, field.path),
              field.owner !== undefined && tag("span", { class: "soft" }, ` owned by ${field.owner}`),
              field.from !== undefined && tag("pre", { class: "minus" }, valueText(field.from)),
              field.to !== undefined && tag("pre", { class: "plus" }, valueText(field.to)),
            ),
          ),
        ),
      ),
  ]);
}

function restarts(all: readonly Restart[]): Part {
  const proxies = (it: Restart): string =>
    Object.entries(it.proxies)
      .map(([version, pods]) => `${version} × ${pods}`)
      .join(", ");
  return table(
    ["Workload", "Pods", "Proxies", "To", "How", "Why"],
    all.map((it) => [
      tag("code", {}, refName(it.object)),
      it.pods,
      proxies(it),
      it.to ?? "unknown",
      HOW[it.how],
      it.reason,
    ]),
  );
}

function steps(all: readonly Step[], command: string): Part {
  const object = (it: Action): string => (it.action === "ensure" ? "its namespace" : refName(it.object));
  return [
    command !== "" && tag("pre", {}, command),
    tag(
      "ol",
      {},
      all.map((step) =>
        tag(
          "li",
          {},
          tag(
            "details",
            {},
            tag("summary", {}, tag("b", {}, step.title), ` ${count(step.actions.length, "write")}`),
            tag(
              "ul",
              {},
              step.actions.map((it) => tag("li", {}, it.action, " ", tag("code", {}, object(it)))),
              step.waits.map((it) =>
                tag("li", { class: "soft" }, `wait: ${it.wait} `, tag("code", {}, refName(it.object))),
              ),
            ),
          ),
        ),
      ),
    ),
  ];
}
