/** Let a service worker keep the page, once it has what it needs, so that it opens without a network. */
export function keepForOffline() {
  if (!("serviceWorker" in navigator) || !isSecureContext) return;
  navigator.serviceWorker.register("service-worker.js").catch(() => {}); // the page works without one
}
