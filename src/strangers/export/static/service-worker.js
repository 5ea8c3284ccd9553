/**
 * The service worker of an exported page: it keeps the page's files, so that the page opens without a network,
 * and isolates the page, so that the generator may use several threads.
 *
 * `strangers export` puts the list of the files, and a hash of their contents, in front of this.
 */

// @ts-ignore: they are put in front
const [KEPT, CACHE] = [FILES, `strangers ${HASH}`];
const HEADERS = {
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cross-Origin-Opener-Policy": "same-origin",
};

// The types of a service worker and of a page cannot be loaded together.
const worker = /** @type {any} */ (self);

worker.addEventListener("install", (/** @type {any} */ event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(KEPT)));
});

worker.addEventListener("activate", (/** @type {any} */ event) => event.waitUntil(removeOld()));

worker.addEventListener("fetch", (/** @type {any} */ event) => {
  if (event.request.method === "GET") event.respondWith(answer(event.request));
});

async function removeOld() {
  const names = (await caches.keys()).filter((name) => name.startsWith("strangers ") && name !== CACHE);
  await Promise.all(names.map((name) => caches.delete(name)));
}

/**
 * Files that are kept are all of one export. A newer one is fetched in the background, and shown once no page of
 * the older one is open.
 *
 * @param {Request} request
 */
async function answer(request) {
  const cache = await caches.open(CACHE);
  const response = (await cache.match(request, { ignoreSearch: true })) ?? (await fetch(request));
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(HEADERS)) headers.set(name, value);
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
}
