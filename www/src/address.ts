// The part of the address behind `#`: which sample, which target, which tab. It reaches no server, and "Back" follows it.

/** What the address says; a link that holds an outcome (`share.ts`) and that of `refit serve` say none of it. */
export interface Address {
  /** The name of a sample of the gallery. */
  sample?: string;
  to?: string;
  tab?: string;
  /** The object whose change is shown: `Deployment istio-system/istiod`. */
  object?: string;
}

/** Reads what the address says; undefined where it says nothing. */
export function readAddress(): Address | undefined {
  const words = new URLSearchParams(location.hash.slice(1));
  const address: Address = {};
  for (const name of ["sample", "to", "tab", "object"] as const) {
    const value = words.get(name);
    if (value !== null && value !== "") {
      address[name] = value;
    }
  }
  return Object.keys(address).length === 0 ? undefined : address;
}

/** Writes it: as a place to come back to, or over the one that is there. */
export function writeAddress(address: Address, form: "push" | "replace"): void {
  const words = new URLSearchParams(Object.entries(address)).toString();
  const hash = words === "" ? "" : `#${words}`;
  if (hash === location.hash) {
    return;
  }
  const whole = `${location.pathname}${location.search}${hash}`;
  if (form === "push") {
    history.pushState(null, "", whole);
  } else {
    history.replaceState(null, "", whole);
  }
}
