// Keeps the page for use without a network, and offers a new version when there is one.

import { ownScript } from "./client.js";
import { el } from "./dom.js";

/** `agree` asks before the page is loaded again where something would be lost. */
export async function keepOffline(
  offer: (...content: (Node | string)[]) => void,
  agree: () => Promise<boolean>,
): Promise<void> {
  if (!("serviceWorker" in navigator) || import.meta.env.DEV) {
    return;
  }
  const registration = await navigator.serviceWorker.register(ownScript("./sw.js")).catch(() => undefined);
  const look = (): void => {
    const waiting = registration?.waiting;
    if (waiting !== null && waiting !== undefined && navigator.serviceWorker.controller !== null) {
      const update = async (): Promise<void> => {
        if (!(await agree())) {
          return;
        }
        navigator.serviceWorker.addEventListener("controllerchange", () => location.reload(), { once: true });
        waiting.postMessage("update");
      };
      offer(
        "A new version of this page is ready.",
        el("button", { type: "button", on: { click: () => void update() } }, "Reload"),
      );
    }
  };
  look();
  registration?.addEventListener("updatefound", () => registration.installing?.addEventListener("statechange", look));
}
