// The guide: one page of it at a time, by the address; the search goes through all of them. Without this, all are there.

import { byId, el, fill } from "./dom.js";

const topics = [...document.querySelectorAll<HTMLElement>(".topic")];
const links = [...document.querySelectorAll<HTMLAnchorElement>(".guide-nav a")];
const search = byId("guide-search") as HTMLInputElement;
const found = byId("guide-found");
const results = el("article", { class: "results", hidden: true, "aria-label": "Found" });

/** What can be found: each page, and each code on its own. */
const entries = [...document.querySelectorAll<HTMLElement>(".topic:not(#settle), .topic > section, .code-entry")].map(
  (it) => ({
    id: it.id || (it.closest<HTMLElement>(".topic")?.id ?? ""),
    title: it.querySelector("h1, h2, h3")?.textContent ?? "",
    text: (it.textContent ?? "").toLowerCase(),
  }),
);

byId("topics").append(results);
search.addEventListener("input", show);
addEventListener("hashchange", () => {
  search.value = "";
  show();
  if (location.hash === "#topics") {
    byId("topics").focus();
  }
});
show();

function show(): void {
  const asked = search.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
  results.hidden = asked.length === 0;
  if (asked.length > 0) {
    const hits = entries.filter((it) => asked.every((word) => it.text.includes(word)));
    // What is called so comes first.
    hits.sort((a, b) => Number(named(b.title, asked)) - Number(named(a.title, asked)));
    fill(
      results,
      el("h1", {}, "Found"),
      el(
        "ul",
        { class: "guide-list" },
        hits.map((it) => el("li", {}, el("a", { href: `#${it.id}` }, it.title))),
      ),
    );
    found.textContent = hits.length === 1 ? "1 place" : `${hits.length} places`;
    topics.forEach((it) => (it.hidden = true));
    return;
  }
  found.textContent = "";
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const topic = target?.closest<HTMLElement>(".topic") ?? topics[0];
  for (const it of topics) {
    it.hidden = it !== topic;
  }
  for (const it of links) {
    if (it.hash === `#${topic?.id}`) {
      it.setAttribute("aria-current", "page");
    } else {
      it.removeAttribute("aria-current");
    }
  }
  target?.scrollIntoView();
}

function named(title: string, words: readonly string[]): boolean {
  return words.every((word) => title.toLowerCase().includes(word));
}
