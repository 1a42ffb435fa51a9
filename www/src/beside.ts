// What the operator of this page may have put beside it.

/** Versions of the releases that lie in `releases/`; undefined where there is no list of them. */
export async function releasesBeside(): Promise<string[] | undefined> {
  const text = await json("./releases/index.json");
  return text === undefined ? undefined : (JSON.parse(text) as { versions: string[] }).versions;
}

/** Facts of releases (`refit facts -o json` of a newer build); undefined where nobody put any in the place of the empty ones. */
export async function factsBeside(): Promise<string | undefined> {
  const text = await json("./facts.json");
  return text?.trim() === "{}" ? undefined : text;
}

/** The text of a JSON file; a server that answers everything with a page has none. */
async function json(address: string): Promise<string | undefined> {
  const response = await fetch(address).catch(() => undefined);
  const found = response?.ok === true && response.headers.get("content-type")?.includes("json") === true;
  return found ? await response.text() : undefined;
}
