// What a caller hands over, looked at before the planner sees it: a mistake is a TypeError that names the argument, and
// no cluster that is held is lost by it.

/** A text. */
export function text(value: unknown, what: string): string {
  if (typeof value !== "string") {
    throw new TypeError(`${what} must be a string, not ${kind(value)}`);
  }
  return value;
}

/** A text, or nothing. */
export function optionalText(value: unknown, what: string): string | undefined {
  return value === undefined ? undefined : text(value, what);
}

/** A true or false, or nothing. */
export function optionalFlag(value: unknown, what: string): boolean | undefined {
  if (value !== undefined && typeof value !== "boolean") {
    throw new TypeError(`${what} must be true or false, not ${kind(value)}`);
  }
  return value;
}

/** An object with fields. */
export function object<T>(value: T, what: string): T & object {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new TypeError(`${what} must be an object, not ${kind(value)}`);
  }
  return value;
}

/** A list of texts. */
export function texts(value: unknown, what: string): readonly string[] {
  return list(value, what).map((it, at) => text(it, `${what}[${at}]`));
}

/** A list. */
export function list(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) {
    throw new TypeError(`${what} must be an array, not ${kind(value)}`);
  }
  return value;
}

/** A day. */
export function day(value: unknown, what: string): void {
  if (value !== undefined && value !== null && !/^\d{4}-\d{2}-\d{2}$/.test(text(value, what))) {
    throw new TypeError(`${what} must be a day like 2026-11-29, not ${JSON.stringify(value)}`);
  }
}

/** The fields of a request that has one of each type that it should; what fields mean is for the planner to judge. */
export function request<T>(options: T, needsTarget: boolean): T & object {
  const fields = { ...object(options, "the options") } as Record<string, unknown>;
  if (needsTarget || fields["to"] !== undefined) {
    text(fields["to"], "`to`");
  }
  for (const name of ["from", "namespace", "revision"]) {
    optionalText(fields[name], `\`${name}\``);
  }
  for (const name of ["force", "predicted", "pruneOrphans"]) {
    optionalFlag(fields[name], `\`${name}\``);
  }
  for (const name of ["sets", "prune"]) {
    if (fields[name] !== undefined) {
      texts(fields[name], `\`${name}\``);
    }
  }
  if (fields["files"] !== undefined) {
    files(fields["files"]);
  }
  day(fields["asOf"], "`asOf`");
  return options as T & object;
}

/** IstioOperator files, each with its name and text. */
export function files(value: unknown): void {
  for (const [at, file] of list(value, "`files`").entries()) {
    const { name, text: content } = object(file, `\`files[${at}]\``) as Record<string, unknown>;
    text(name, `\`files[${at}].name\``);
    text(content, `\`files[${at}].text\``);
  }
}

/** A value as JSON; what has no such form is the caller's mistake. */
export function json(value: unknown, what: string): string {
  const written: string | undefined = JSON.stringify(value);
  if (written === undefined) {
    throw new TypeError(`${what} must be a value that JSON can hold, not ${kind(value)}`);
  }
  return written;
}

/** What something is, in a word. */
export function kind(value: unknown): string {
  if (value === null || value === undefined) {
    return String(value);
  }
  if (Array.isArray(value)) {
    return "an array";
  }
  return typeof value === "object" ? `an object of ${value.constructor?.name ?? "no class"}` : `a ${typeof value}`;
}
