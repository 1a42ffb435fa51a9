// Keeps the page's own files, so that it opens without a network; releases and samples beside it once they were used.

const SCOPE = `refit:${self.registration.scope}:`;
const CACHE = `${SCOPE}__VERSION__`;
const FILES = __FILES__;
/** Data that does not change with the page: kept from one version to the next. */
const DATA = `${SCOPE}data`;
const IS_DATA = /\/(releases|samples|assets)\/[^/]+\.(gz|ya?ml|json)$/;

self.addEventListener("install", (event) => {
  // What is named by its content is taken as the page has just loaded it; the rest is asked for as it is today.
  const files = FILES.map((it) => new Request(it, { cache: it.startsWith("assets/") ? "force-cache" : "no-cache" }));
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(files)));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    caches
      .keys()
      // Only this copy's: another may lie below another path of the same origin.
      .then((names) =>
        Promise.all(
          names.filter((it) => it.startsWith(SCOPE) && it !== CACHE && it !== DATA).map((it) => caches.delete(it)),
        ),
      )
      .then(() => self.clients.claim()),
  );
});

self.addEventListener("message", (event) => {
  if (event.data === "update") {
    self.skipWaiting();
  }
});

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method === "GET" && url.href.startsWith(self.registration.scope)) {
    event.respondWith(answer(event.request, url));
  }
});

async function answer(request, url) {
  const path = url.pathname.slice(new URL(self.registration.scope).pathname.length);
  const own = await caches.open(CACHE);
  const kept = await own.match(path === "" || path === "index.html" ? "./" : request, { ignoreSearch: true });
  if (kept !== undefined) {
    return kept;
  }
  // Lists tell what lies beside the page today; without a network, what lay there.
  const isList = /^(releases|samples)\/index\.json$/.test(path);
  if (!isList && !IS_DATA.test(`/${path}`)) {
    return fetch(request);
  }
  const data = await caches.open(DATA);
  const before = await data.match(request);
  if (before !== undefined && !isList) {
    return before;
  }
  try {
    const fresh = await fetch(request);
    if (fresh.ok) {
      await data.put(request, fresh.clone());
    }
    return fresh;
  } catch (error) {
    if (before !== undefined) {
      return before;
    }
    throw error;
  }
}
