// Markup as text, for a file that is downloaded: every text that goes in is escaped, nothing here reaches the page.

/** Markup, made by `tag` only. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type Part = Markup | string | number | null | undefined | false | readonly Part[];

const ESCAPES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
const VOID = new Set(["meta", "br"]);

/** Escapes a text. */
export function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (it) => ESCAPES[it] ?? it);
}

/** An element with attributes and parts. */
export function tag(
  name: string,
  attributes: Record<string, string | undefined> = {},
  ...parts: readonly Part[]
): Markup {
  const written = Object.entries(attributes).map(([key, value]) =>
    value === undefined ? "" : ` ${key}="${escaped(value)}"`,
  );
  const open = `<${name}${written.join("")}>`;
  return new Markup(VOID.has(name) ? open : `${open}${flat(parts)}</${name}>`);
}

/** A text of the planner, what stands between backticks as code. */
export function words(text: string): Part {
  return text.split("`").map((part, at) => (at % 2 === 1 ? tag("code", {}, part) : part));
}

function flat(parts: readonly Part[]): string {
  return parts
    .map((part) => {
      if (Array.isArray(part)) {
        return flat(part as readonly Part[]);
      }
      if (part instanceof Markup) {
        return part.text;
      }
      return part === null || part === undefined || part === false ? "" : escaped(String(part));
    })
    .join("");
}
