/**
 * The interface of a source of faces: all that the views know of the outside world. Types alone, never loaded.
 *
 * @module
 */

/** @import {Game} from "./game.js" */
/** @import {Distribution, Latent} from "./latent-math.js" */

/**
 * @typedef {object} Model
 * @property {string} name
 * @property {string} hash
 * @property {number} size Height and width of its faces, in pixels.
 * @property {Distribution} latent
 * @property {number} latent_size
 * @property {number} images_seen
 * @property {string} recipe
 * @property {number} first_seed Of the face to show first.
 * @property {number} rejected Share of the faces that a wall of the best ones leaves out.
 * @property {boolean} shows_best Whether the wall does so unless the visitor wants all faces.
 */

/** @typedef {{name: string, hash: string, size: number}} ServedModel One of the models to choose from. */

/**
 * @typedef {object} Directions Attribute directions, the most certain first.
 * @property {"searching" | "ready" | "unavailable"} state
 * @property {string} reason The reason if they are unavailable.
 * @property {number} [progress] Fraction of the search that is done.
 * @property {string[]} names
 * @property {number[]} accuracies
 * @property {Latent[]} vectors
 */

/**
 * @typedef {object} FacesRequest Faces of seeds, or of latents.
 * @property {string[]} [seeds]
 * @property {Latent[]} [latents]
 * @property {number} [truncation] Factor of the latents.
 */

/** @typedef {{seed: string, truncation?: number} | {latent: Latent}} OneFace */

/**
 * @typedef {object} GameFacts What there is to play "Photograph or stranger?" with.
 * @property {string} photographs Name of the set of photographs, or its terms; empty without one.
 * @property {string} reason Why there is none for this model, if there is one for others.
 * @property {boolean} keeps_answers The host keeps answers of players who consent.
 */

/**
 * @typedef {object} Source
 * @property {ViewName[]} views The views that it can feed.
 * @property {() => Promise<ServedModel[]>} models All that it has, the default one first.
 * @property {(hash?: string) => Promise<Model>} model Chooses the model of all later faces.
 * @property {(seeds: string[]) => Promise<Latent[]>} latents Latents of seeds, before truncation.
 * @property {(request: FacesRequest, signal?: AbortSignal) => Promise<ImageData[]>} faces
 * @property {(seeds: string[], truncation: number) => Promise<(ImageData | null)[]>} best The faces of seeds, and
 *   null for those that a wall of the best ones leaves out: of these, the face detector is least certain.
 * @property {(face: OneFace) => Promise<Blob>} png A PNG that records that it was generated, and how.
 * @property {(latents: Latent[], framesPerSecond: number) => Promise<Blob>} walk An endless animation as WebP.
 * @property {() => Promise<Directions>} directions
 * @property {() => Promise<GameFacts>} games
 * @property {(consent: boolean) => Promise<Game>} beginGame With the source's own photographs.
 * @property {() => Promise<Blob>} drawnFaces A sheet of drawn faces of 32x32 pixels, for the view Learn.
 * @property {() => Worker | Promise<Worker>} trainer A worker that trains on them.
 */

/** @typedef {"faces" | "explore" | "photograph" | "game" | "learn" | "sets" | "training"} ViewName */

/**
 * @typedef {SeenPhotograph
 *   | {kind: "ood_score", ood_score: number, out_of_distribution: boolean}
 *   | InversionStep} InversionEvent
 */

/**
 * @typedef {object} SeenPhotograph The part of a photograph that the model sees.
 * @property {"photograph"} kind
 * @property {ImageData} face
 * @property {number} width Of the upright photograph, in pixels.
 * @property {number} height
 * @property {Square} square
 * @property {boolean} missed A face was looked for, and none was found.
 */

/** @typedef {[number, number, number, number]} Square x and y of its upper left and its upper right corner. */

/**
 * @typedef {object} InversionStep The best latent so far.
 * @property {"step"} kind
 * @property {number} step
 * @property {number} steps
 * @property {Latent} latent
 * @property {ImageData} face
 * @property {number} image_error
 */

/**
 * @typedef {object} Run
 * @property {string} id
 * @property {string} title
 * @property {"pending" | "training" | "idle" | "finished"} state
 * @property {string} revision Changes when the log does.
 * @property {number} images_seen
 * @property {number} budget
 * @property {number | null} images_per_second
 * @property {number | null} seconds
 * @property {number | null} seconds_left
 * @property {{[metric: string]: number}} metrics
 * @property {{images_seen: number, message: string}[]} warnings
 * @property {string[]} samples Names of the image grids, oldest first.
 * @property {{[option: string]: string | number | boolean}} recipe
 */

/**
 * @typedef {object} Curves The log in columns.
 * @property {{[column: string]: (number | null)[]}} columns
 * @property {{[metric: string]: {images_seen: number[], values: number[]}}} metrics
 */

/**
 * @typedef {object} PreparedSet
 * @property {string} id
 * @property {string} title
 * @property {number} count
 * @property {number} size
 * @property {string} crop
 * @property {string} filter
 * @property {string | null} split
 * @property {number} skipped
 * @property {string[]} notes
 * @property {{[attribute: string]: number}} attributes Fraction of the images that have each.
 */

/**
 * @typedef {object} ServerAnswers What only `strangers serve` can answer.
 * @property {(file: File, signal: AbortSignal, square?: Square) => AsyncIterable<InversionEvent>} invert
 * @property {() => Promise<{runs: Run[]}>} runs
 * @property {(run: string) => Promise<Curves>} log
 * @property {(run: string, sample: string) => Promise<Blob>} grid
 * @property {() => Promise<{sets: PreparedSet[]}>} sets
 * @property {(set: string, first: number, count: number) => Promise<ImageData[]>} images Of a set, by position.
 */

/** @typedef {Source & ServerAnswers} ServerSource */

export {};
