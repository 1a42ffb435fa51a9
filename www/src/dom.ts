// Makes elements. Text is always text: nothing here parses markup.

export type Child = Node | string | number | null | undefined | false | readonly Child[];

export interface Props {
  class?: string | undefined;
  on?: Partial<Record<keyof HTMLElementEventMap, (event: Event) => void>>;
  [attribute: string]: unknown;
}

/** Makes an element with attributes, listeners and children. */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  props: Props = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name === "on") {
      for (const [event, listener] of Object.entries(value as NonNullable<Props["on"]>)) {
        element.addEventListener(event, listener as EventListener);
      }
    } else if (value === true) {
      element.setAttribute(name, "");
    } else if (value !== false && value !== undefined && value !== null) {
      element.setAttribute(name, String(value));
    }
  }
  append(element, children);
  return element;
}

/** Makes an element of a drawing. */
export function svg(
  tag: string,
  props: Record<string, string | number>,
  ...children: readonly (Node | string)[]
): SVGElement {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(props)) {
    element.setAttribute(name, String(value));
  }
  element.append(...children);
  return element;
}

/** Replaces what an element holds. */
export function fill(element: Element, ...children: readonly Child[]): void {
  element.replaceChildren();
  append(element, children);
}

/** Finds an element of the page that has to be there. */
export function byId(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (element === null) {
    throw new Error(`the page has no #${id}`);
  }
  return element;
}

/** A text of the planner, what stands between backticks as code. */
export function words(text: string): Node[] {
  return text
    .split("`")
    .map((part, at) => (at % 2 === 1 ? el("code", { class: "word" }, part) : document.createTextNode(part)));
}

/** A link to an address of the web; anything else stays text. */
export function link(address: string, text: string): Node {
  if (!address.startsWith("https://")) {
    return document.createTextNode(text);
  }
  return el("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, text);
}

/** Saves a file to this machine. */
export function save(name: string, blob: Blob): void {
  const address = URL.createObjectURL(blob);
  el("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

/** A button that copies a text. */
export function copyButton(text: string | (() => string), label = "Copy"): HTMLButtonElement {
  const button = el("button", { type: "button", class: "copy", on: { click: () => void copy() } }, label);
  async function copy(): Promise<void> {
    const value = typeof text === "string" ? text : text();
    try {
      await navigator.clipboard.writeText(value);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Press Ctrl+C";
    }
    setTimeout(() => (button.textContent = label), 1500);
  }
  return button;
}

/** A details element whose content is made when it is first opened, and that stays open when the page plans again. */
export function folding(
  key: string,
  open: Set<string>,
  summary: readonly Child[],
  make: () => Child,
  props: Props = {},
): HTMLDetailsElement {
  const details = el("details", { ...props, "data-key": key }, el("summary", { "data-focus": key }, summary));
  let made = false;
  const fillOnce = (): void => {
    if (!made) {
      made = true;
      append(details, [make()]);
    }
  };
  details.addEventListener("toggle", () => {
    if (details.open) {
      open.add(key);
      fillOnce();
    } else {
      open.delete(key);
    }
  });
  if (open.has(key)) {
    fillOnce();
    details.open = true;
  }
  return details;
}

/** Content that arrives: shown when it is there, or why it is not. */
export function arriving(content: Promise<Child>): HTMLElement {
  const place = el("div", { class: "arriving", "aria-busy": "true" });
  void content
    .then(
      (it) => fill(place, it),
      (error: unknown) =>
        fill(place, el("p", { class: "hint warn" }, error instanceof Error ? error.message : String(error))),
    )
    .finally(() => place.removeAttribute("aria-busy"));
  return place;
}

function append(element: Element, children: readonly Child[]): void {
  for (const child of children) {
    if (Array.isArray(child)) {
      append(element, child as readonly Child[]);
    } else if (child !== null && child !== undefined && child !== false) {
      element.append(typeof child === "number" ? String(child) : (child as Node | string));
    }
  }
}
