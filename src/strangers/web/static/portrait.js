/** The current face, large, with its name and what can be done with it. */
import { h, paint, save } from "./elements.js";
import { Live } from "./live.js";
import { Refusal } from "./source.js";

export function portrait(page, { actions = [] } = {}) {
  const { source, current } = page;
  const { size } = page.model;
  const canvas = h("canvas", { class: "portrait-face", role: "img", width: size, height: size });
  const label = h("p", { class: "portrait-label" });
  const download = h("button", { type: "button", onclick: () => page.attempt(saved) }, "Download PNG");
  const copy = h("button", { type: "button", onclick: () => page.attempt(copied) }, "Copy link");
  const buttons = h("div", { class: "buttons" }, ...actions, download, copy);
  const element = h("figure", { class: "portrait" }, canvas, h("figcaption", {}, label, buttons));
  const live = new Live(
    (latent) => source.faces({ latents: [latent] }),
    ([face]) => {
      paint(canvas, face);
      element.dataset.drawn = Number(element.dataset.drawn ?? 0) + 1;
    },
    page.fail,
  );

  async function saved() {
    const { face, isNamed, latent } = current;
    const blob = await source.png(isNamed ? { seed: face.seed, truncation: face.truncation } : { latent });
    save(blob, isNamed ? `face-${face.seed}.png` : "face-edited.png");
    page.say("The picture was saved.");
  }

  async function copied() {
    if (!navigator.clipboard) throw new Refusal(0, "Copy the address of this page: it names the face.");
    await navigator.clipboard.writeText(page.link());
    page.say("The link was copied.");
  }

  function update() {
    if (!current.face) return;
    label.textContent = current.label;
    canvas.setAttribute("aria-label", current.label);
    copy.disabled = !current.isNamed;
    copy.title = current.isNamed ? "" : "Only faces that a seed names have a link.";
    live.want(current.latent);
  }

  current.addEventListener("change", update);
  update();
  return { element, canvas, show: (face) => paint(canvas, face) };
}
