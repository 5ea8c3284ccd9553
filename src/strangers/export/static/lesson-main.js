/** The page that `strangers export --to lesson` writes: a GAN that trains in the visitor's browser. */
import { start } from "./app.js";
import { byId, lightDismiss } from "./dom.js";
import { EmbeddedFiles, isEmbedded } from "./embedded-files.js";
import { FolderFiles } from "./folder-files.js";
import { LessonSource } from "./lesson-source.js";
import { keepForOffline } from "./offline.js";

/** @import {Source} from "./source.js" */

const about = byId("about");
lightDismiss(about, () => about.removeAttribute("open"));
const source = new LessonSource(isEmbedded() ? new EmbeddedFiles() : new FolderFiles("index.html"));
// Without a model, no view asks for what this source lacks.
start(/** @type {Source} */ (/** @type {unknown} */ (source))).then(() => {
  if (!isEmbedded()) keepForOffline();
});
