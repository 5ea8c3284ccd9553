/** Elements and what is done with them. */

/** @typedef {Node | string | null | undefined} Child */

/**
 * Create an element with attributes, listeners ("onclick") and children; empty children are left out.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {{[name: string]: any}} [attributes]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child != null));
  return element;
}

/**
 * Create an element of a drawing.
 *
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {{[name: string]: string | number}} attributes
 * @param {string} [text]
 * @returns {SVGElementTagNameMap[Tag]}
 */
export function s(tag, attributes, text) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  if (text !== undefined) element.textContent = text;
  return element;
}

/**
 * @param {string} text
 * @param {(event: MouseEvent) => void} onclick
 * @param {{[name: string]: any}} [attributes]
 */
export function button(text, onclick, attributes = {}) {
  return h("button", { type: "button", onclick, ...attributes }, text);
}

/**
 * The element of an id. Throws Error if the page has none.
 *
 * @param {string} id
 */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`The page has no #${id}.`);
  return element;
}

/**
 * The drawing context of a canvas.
 *
 * @param {HTMLCanvasElement} canvas
 */
export function context2d(canvas) {
  const context = canvas.getContext("2d");
  if (!context) throw new Error("This browser does not draw on canvases.");
  return context;
}

/**
 * Show a face on a canvas.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {ImageData} face
 */
export function paint(canvas, face) {
  if (canvas.width !== face.width) canvas.width = face.width;
  if (canvas.height !== face.height) canvas.height = face.height;
  context2d(canvas).putImageData(face, 0, 0);
}

/**
 * Close something that floats over the page when the visitor presses Escape or clicks outside.
 *
 * @param {HTMLElement} element
 * @param {() => void} close
 */
export function lightDismiss(element, close) {
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
  });
  document.addEventListener("pointerdown", (event) => {
    const box = element.getBoundingClientRect();
    const { clientX: x, clientY: y, target } = event;
    // A click on a dialog's backdrop has the dialog as its target.
    const inside = x >= box.left && x <= box.right && y >= box.top && y <= box.bottom;
    if (!inside && !(target instanceof Node && target !== element && element.contains(target))) close();
  });
}

/**
 * Scroll what the keyboard has reached into sight: browsers leave controls partly under an edge.
 *
 * @param {EventTarget | null} target
 */
export function reveal(target) {
  if (!(target instanceof Element) || target.id === "main" || !target.matches(":focus-visible")) return;
  target.scrollIntoView({ block: "nearest", inline: "nearest", behavior: "instant" });
}

/**
 * Download a file.
 *
 * @param {Blob} blob
 * @param {string} name
 */
export function download(blob, name) {
  const address = URL.createObjectURL(blob);
  h("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
