/** The page that `strangers export --to page` writes: the views of `strangers serve`, with a source of their own. */
import { start } from "./app.js";
import { OnnxSource } from "./onnx-source.js";

start(new OnnxSource("faces.json"));
