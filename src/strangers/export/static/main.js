/** The page that `strangers export --to page` writes: views of `strangers serve`, drawn in the visitor's browser. */
import { start } from "./app.js";
import { byId, lightDismiss } from "./dom.js";
import { OnnxSource } from "./onnx-source.js";

const about = byId("about");
lightDismiss(about, () => about.removeAttribute("open"));
start(new OnnxSource("faces.json"));
