// Keeps the page for use without a network, and offers a new version when there is one.

import { ownScript } from "./client.js";
import { el } from "./dom.js";

export async function keepOffline(offer: (...content: (Node | string)[]) => void): Promise<void> {
  if (!("serviceWorker" in navigator) || import.meta.env.DEV) {
    return;
  }
  const registration = await navigator.serviceWorker.register(ownScript("./sw.js")).catch(() => undefined);
  const look = (): void => {
    const waiting = registration?.waiting;
    if (waiting !== null && waiting !== undefined && navigator.serviceWorker.controller !== null) {
      const update = (): void => {
        navigator.serviceWorker.addEventListener("controllerchange", () => location.reload(), { once: true });
        waiting.postMessage("update");
      };
      offer("A new version of this page is ready.", el("button", { type: "button", on: { click: update } }, "Reload"));
    }
  };
  look();
  registration?.addEventListener("updatefound", () => registration.installing?.addEventListener("statechange", look));
}
