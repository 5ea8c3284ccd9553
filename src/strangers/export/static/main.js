/** The page that `strangers export --to page` writes: views of `strangers serve`, drawn in the visitor's browser. */
import { start } from "./app.js";
import { byId, lightDismiss } from "./dom.js";
import { FolderFiles } from "./folder-files.js";
import { LoadingNote } from "./loading-note.js";
import { keepForOffline } from "./offline.js";
import { OnnxSource } from "./onnx-source.js";
import { EmbeddedFiles, isEmbedded } from "./embedded-files.js";

const about = byId("about");
lightDismiss(about, () => about.removeAttribute("open"));
const note = new LoadingNote();
const files = isEmbedded() ? new EmbeddedFiles() : new FolderFiles("faces.json");
start(new OnnxSource(files, (loaded, total) => note.show(loaded, total))).then(() => {
  if (!isEmbedded()) keepForOffline();
});
