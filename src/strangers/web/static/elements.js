/** An element with attributes, listeners ("onclick") and children; null children are left out. */
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

/** Show a face, ImageData, on a canvas. */
export function paint(canvas, face) {
  if (canvas.width !== face.width) canvas.width = face.width;
  if (canvas.height !== face.height) canvas.height = face.height;
  canvas.getContext("2d").putImageData(face, 0, 0);
}

/** A slider with its name and its value beside it; `changed(value, done)` while and after it is moved. */
export function slider({ name, min, max, step, value, show = String, changed }) {
  const output = h("output", {}, show(value));
  const input = h("input", { type: "range", min, max, step, value, "aria-label": name });
  const tell = (done) => {
    output.textContent = show(input.valueAsNumber);
    input.setAttribute("aria-valuetext", output.textContent);
    changed(input.valueAsNumber, done);
  };
  input.addEventListener("input", () => tell(false));
  input.addEventListener("change", () => tell(true));
  const element = h("label", { class: "slider" }, h("span", {}, name), input, output);
  const set = (next) => {
    input.value = next;
    output.textContent = show(next);
    input.setAttribute("aria-valuetext", output.textContent);
  };
  set(value);
  return { element, input, set };
}

/** Let a browser save `blob` under a name. */
export function save(blob, name) {
  const address = URL.createObjectURL(blob);
  h("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
