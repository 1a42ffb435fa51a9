// Where a cursor stands in a YAML text that is still being written, told by indentation alone.

export interface Place {
  /** Keys above the cursor; elements of lists are `-`. */
  path: string[];
  /** What was typed of the word at the cursor. */
  word: string;
  /** The key whose value is being written. */
  key: string | undefined;
  /** Columns before the key at the cursor. */
  indent: number;
}

/** Tells the place at a line and column (from 0); `null` where nothing is to be completed. */
export function pathAt(lines: readonly string[], line: number, column: number): Place | null {
  const before = (lines[line] ?? "").slice(0, column);
  const typed = /^(\s*(?:- +)*)(?:([\w./-]+):\s+)?([\w.-]*)$/.exec(before);
  if (typed === null) {
    return null;
  }
  const [, lead = "", key, word = ""] = typed;
  const path: string[] = [];
  let indent = lead.length;
  if (lead.includes("-")) {
    path.unshift("-");
    indent = lead.indexOf("-");
    // A list may stand as far left as its key.
    indent += 0.5;
  }
  for (let at = line - 1; at >= 0 && indent > 0; at -= 1) {
    const text = lines[at] ?? "";
    const above = /^(\s*)(- +)?([\w./-]+|"[^"]+"):(.*)$/.exec(text);
    if (above === null) {
      continue;
    }
    const [, spaces = "", dash = "", name = "", rest = ""] = above;
    const own = spaces.length + dash.length;
    if (own < indent) {
      // A key with a value of its own has nothing below.
      if (rest.trim() === "" || rest.trim().startsWith("#")) {
        path.unshift(name.replaceAll('"', ""));
        indent = own;
      } else if (dash === "") {
        indent = own;
        continue;
      }
    }
    if (dash !== "" && spaces.length < indent) {
      path.unshift("-");
      indent = spaces.length + 0.5;
    }
  }
  return { path, word, key, indent: lead.length };
}
