/** The page that `strangers export --to page` writes: views of `strangers serve`, drawn in the visitor's browser. */
import { start } from "./app.js";
import { OnnxSource } from "./onnx-source.js";

start(new OnnxSource("faces.json"));
