/** Walks as MP4 files, which the browser records while it shows them to itself. */
import { context2d, h } from "./dom.js";
import { PACKET } from "./png.js";

const TYPE = "video/mp4;codecs=avc1";
const SIDE = 512; // px
const BITS_PER_SECOND = 4_000_000;
const XMP_BOX = "be7acfcb97a942e89c71999491e3afac"; // XMP specification part 3, 2.2.2: MPEG-4

/** True where this browser writes MP4 files. */
export const writesMovies = globalThis.MediaRecorder?.isTypeSupported(TYPE) ?? false;

/**
 * A movie of faces, marked as generated. It takes as long as it lasts.
 *
 * @param {ImageData[]} faces
 * @param {number} framesPerSecond
 */
export async function movie(faces, framesPerSecond) {
  const canvas = h("canvas", { width: SIDE, height: SIDE });
  const context = context2d(canvas);
  context.imageSmoothingQuality = "high";
  const stream = canvas.captureStream(0); // a frame when one is asked for
  const [track] = /** @type {CanvasCaptureMediaStreamTrack[]} */ (stream.getVideoTracks());
  const recorder = new MediaRecorder(stream, { mimeType: TYPE, videoBitsPerSecond: BITS_PER_SECOND });
  /** @type {BlobPart[]} */
  const parts = [];
  recorder.ondataavailable = ({ data }) => parts.push(data);
  const stopped = new Promise((resolve) => (recorder.onstop = resolve));
  recorder.start();
  for (const face of faces) {
    const picture = await createImageBitmap(face);
    context.drawImage(picture, 0, 0, SIDE, SIDE);
    picture.close();
    track.requestFrame();
    await new Promise((resolve) => setTimeout(resolve, 1000 / framesPerSecond));
  }
  recorder.stop();
  await stopped;
  track.stop();
  return new Blob([...parts, mark()], { type: "video/mp4" });
}

/** The box that marks a movie as generated, as XMP. */
function mark() {
  const body = new TextEncoder().encode(PACKET);
  const box = new Uint8Array(8 + XMP_BOX.length / 2 + body.length);
  new DataView(box.buffer).setUint32(0, box.length);
  box.set(new TextEncoder().encode("uuid"), 4);
  box.set(
    (XMP_BOX.match(/../g) ?? []).map((byte) => parseInt(byte, 16)),
    8,
  );
  box.set(body, box.length - body.length);
  return box;
}
