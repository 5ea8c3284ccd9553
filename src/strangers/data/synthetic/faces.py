"""Drawn faces: any number of them, from seeds, with exact labels.

This is the default data of everything that must run offline. A face is about eighty traits, sampled from its
seed by Philox4x64-10; `portrait` turns traits into pixels. Pixels are computed with elementwise operations
that IEEE 754 rounds exactly, so a face does not depend on the batch that it is drawn in.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from strangers.data.synthetic.drawing import Field, Traits
from strangers.data.synthetic.portrait import portrait
from strangers.errors import UsageError

ATTRIBUTES: tuple[str, ...] = (
    "5_o_Clock_Shadow", "Arched_Eyebrows", "Bald", "Bangs", "Big_Lips", "Big_Nose", "Black_Hair",
    "Blond_Hair", "Brown_Hair", "Bushy_Eyebrows", "Eyeglasses", "Goatee", "Gray_Hair",
    "Mouth_Slightly_Open", "Mustache", "Narrow_Eyes", "No_Beard", "Pale_Skin", "Rosy_Cheeks", "Smiling",
    "Straight_Hair", "Wavy_Hair", "Wearing_Earrings", "Wearing_Hat", "Wearing_Lipstick",
)  # fmt: skip
"""The attributes that a drawing shows beyond doubt: CelebA's names, in CelebA's order.

Hair colors and shapes are labeled where hair shows; CelebA has no name for red hair. `No_Beard` is +1 without
a goatee, beard or stubble, whether there is a mustache or not; a full beard includes a mustache.
"""

# Pixels. Smaller faces are drawn at a multiple of their size and averaged, so that thin lines stay thin.
MIN_DRAWN_SIZE = 64

# Pixels drawn together: their planes fit in the cache of a core.
DRAW_CHUNK_PIXELS = 1 << 16

# Random numbers in the stream of one face; a new trait takes the next ones.
NUMBERS_PER_FACE = 192

SHORT, LONG, FULL, BALD = range(4)
BLACK, BROWN, BLOND, GRAY, RED = range(5)
SHAVEN, STUBBLE, MUSTACHE, GOATEE, BEARD = range(5)

SKIN = ((255, 228, 212), (246, 208, 182), (232, 184, 150), (208, 155, 116), (172, 118, 82), (128, 83, 58),
        (100, 66, 50), (78, 52, 42))  # fmt: skip
HAIR = ((38, 33, 36), (104, 68, 44), (222, 182, 112), (172, 172, 176), (150, 82, 52))
IRIS = ((74, 48, 32), (104, 72, 40), (112, 120, 62), (78, 128, 104), (86, 132, 176), (120, 140, 152))
CLOTHES = ((60, 72, 104), (150, 62, 66), (226, 222, 214), (56, 56, 62), (96, 128, 112), (196, 164, 120),
           (112, 92, 140), (88, 140, 172), (214, 150, 140))  # fmt: skip
BACKDROP = ((172, 190, 204), (206, 196, 182), (168, 184, 164), (198, 178, 184), (132, 146, 164),
            (222, 216, 206), (116, 122, 132), (186, 206, 202), (214, 190, 160))  # fmt: skip
LIPSTICK = ((184, 44, 60), (200, 76, 96), (150, 36, 62), (214, 96, 88))


class FaceRng:
    """Random numbers for many faces at once: each call takes the next number of every face's own stream."""

    def __init__(self, seeds: Sequence[int]) -> None:
        streams = np.array(
            [np.random.Philox(key=seed).random_raw(NUMBERS_PER_FACE) for seed in seeds], np.uint64
        )
        self._numbers = iter((streams.reshape(-1, NUMBERS_PER_FACE).T >> np.uint64(11)) * 2.0**-53)

    def uniform(self, low: float | Field, high: float | Field) -> Field:
        """Draw from the uniform distribution on [low, high)."""
        return self.random() * (high - low) + low

    def triangular(self, middle: float | Field, reach: float) -> Field:
        """Draw from the triangular distribution within `reach` of `middle`, the mean of two uniforms."""
        return middle + reach * (self.random() + self.random() - 1)

    def bernoulli(self, probability: float | Field) -> NDArray[np.bool_]:
        """Draw True with the given probability."""
        return self.random() < probability

    def categorical(self, weights: Field | Sequence[float]) -> NDArray[np.int64]:
        """Draw a position in proportion to its weight; weights are (k,), or (n, k) with one row a face."""
        edges = np.cumsum(np.atleast_2d(weights), axis=1)
        return np.asarray((self.random()[:, None] * edges[:, -1:] >= edges[:, :-1]).sum(axis=1))

    def random(self) -> Field:
        """Return the next number of every face, float64 in [0, 1)."""
        return next(self._numbers)


def draw(seeds: Sequence[int], size: int) -> tuple[NDArray[np.uint8], NDArray[np.int8]]:
    """Draw the faces of `seeds` (each in [0, 2**64)) at `size` x `size` pixels, composed like crop c178.

    Returns pixels, uint8 (n, size, size, 3), and labels, int8 (n, len(ATTRIBUTES)), +1 or -1.
    A seed gives the same face in every batch. Raises UsageError for a seed or size out of range.
    """
    if not 8 <= size <= 1024:
        raise UsageError(f"A drawn face must be 8 to 1024 pixels wide (got {size}).")
    for seed in seeds:
        if not 0 <= seed < 2**64:
            raise UsageError(f"A seed must be a whole number from 0 to 2**64 - 1 (got {seed}).")
    factor = -(-MIN_DRAWN_SIZE // size)
    chunk = max(1, DRAW_CHUNK_PIXELS // (size * factor) ** 2)
    pixels = np.empty((len(seeds), size, size, 3), np.uint8)
    traits = sample_traits(seeds)
    for start in range(0, len(seeds), chunk):
        few = np.arange(start, min(start + chunk, len(seeds)))
        drawn = portrait(traits.rows(few), size * factor)
        if factor > 1:
            drawn = drawn.reshape(len(few), 3, size, factor, size, factor).mean(axis=(3, 5))
        pixels[few] = (drawn.clip(0, 255) + 0.5).astype(np.uint8).transpose(0, 2, 3, 1)
    return pixels, label(traits)


def sample_traits(seeds: Sequence[int]) -> Traits:
    """Sample the traits of the faces of `seeds`: lengths in face units (see `drawing`), angles as sines."""
    rng = FaceRng(seeds)
    traits = Traits()
    _sample_pose(rng, traits)
    _sample_head(rng, traits)
    _sample_hair(rng, traits)
    _sample_features(rng, traits)
    _sample_mouth(rng, traits)
    _sample_wear(rng, traits)
    return traits


def label(traits: Traits) -> NDArray[np.int8]:
    """Return the labels, int8 (n, len(ATTRIBUTES)): +1 where a face has the attribute, -1 where not."""
    hair = ~traits.flag("bald")
    beard = traits.kind("beard")
    color = traits.kind("hair_kind")
    has = {
        "5_o_Clock_Shadow": beard == STUBBLE,
        "Arched_Eyebrows": traits.flag("arched"),
        "Bald": traits.flag("bald"),
        "Bangs": traits.flag("bangs"),
        "Big_Lips": traits.flag("big_lips"),
        "Big_Nose": traits.flag("big_nose"),
        "Black_Hair": hair & (color == BLACK),
        "Blond_Hair": hair & (color == BLOND),
        "Brown_Hair": hair & (color == BROWN),
        "Bushy_Eyebrows": traits.flag("bushy"),
        "Eyeglasses": traits.flag("glasses"),
        "Goatee": beard == GOATEE,
        "Gray_Hair": hair & (color == GRAY),
        "Mouth_Slightly_Open": traits.flag("open_mouth"),
        "Mustache": (beard == MUSTACHE) | (beard == BEARD),
        "Narrow_Eyes": traits.flag("narrow_eyes"),
        "No_Beard": (beard == SHAVEN) | (beard == MUSTACHE),
        "Pale_Skin": traits.flag("pale"),
        "Rosy_Cheeks": traits.flag("rosy"),
        "Smiling": traits.flag("smiling"),
        "Straight_Hair": hair & ~traits.flag("wavy"),
        "Wavy_Hair": hair & traits.flag("wavy"),
        "Wearing_Earrings": traits.flag("earrings"),
        "Wearing_Hat": traits.flag("hat"),
        "Wearing_Lipstick": traits.flag("lipstick"),
    }
    return np.stack([np.where(has[name], 1, -1) for name in ATTRIBUTES], axis=1).astype(np.int8)


def _sample_pose(rng: FaceRng, traits: Traits) -> None:
    traits.center_x = rng.triangular(0.5, 0.025)
    traits.center_y = rng.triangular(0.465, 0.02)
    traits.scale = rng.triangular(1.06, 0.07)
    traits.tilt = rng.triangular(0.0, 0.16)
    traits.turn = rng.triangular(0.0, 0.34)
    traits.nod = rng.triangular(0.0, 0.015)
    traits.light_x = rng.triangular(0.0, 0.75)
    traits.light_y = rng.uniform(-0.55, -0.2)
    first = rng.categorical(np.ones(len(BACKDROP)))
    traits.backdrop_near = _color(rng, BACKDROP, first, 0.10)
    second = np.where(rng.bernoulli(0.6), first, rng.categorical(np.ones(len(BACKDROP))))
    traits.backdrop_far = _color(rng, BACKDROP, second, 0.10) * 0.78
    traits.backdrop_x = rng.uniform(-0.8, 0.8)


def _sample_head(rng: FaceRng, traits: Traits) -> None:
    pale = rng.bernoulli(0.12)
    depth = np.where(pale, rng.uniform(0.0, 0.03), rng.uniform(0.12, 1.0))
    palette = np.array(SKIN, float)
    place = depth * (len(palette) - 1)
    below = np.minimum(place.astype(int), len(palette) - 2)
    skin = palette[below] + (palette[below + 1] - palette[below]) * (place - below)[:, None]
    skin = skin * (
        1 + np.stack([rng.triangular(0, 0.02), rng.triangular(0, 0.015), rng.triangular(0, 0.04)], axis=1)
    )
    traits.pale = pale
    traits.skin_depth = depth
    traits.skin = skin
    # Features that occur together; not a label, because a drawing cannot decide it.
    traits.soft = rng.bernoulli(0.5)
    soft = traits.flag("soft")
    traits.face_width = rng.triangular(np.where(soft, 0.212, 0.222), 0.018)
    traits.chin = rng.triangular(np.where(soft, 0.352, 0.368), 0.02)
    traits.taper = rng.triangular(np.where(soft, 0.21, 0.14), 0.08)
    traits.neck = rng.triangular(np.where(soft, 0.105, 0.132), 0.012)
    traits.shoulders = rng.triangular(np.where(soft, 0.43, 0.50), 0.03)


def _sample_hair(rng: FaceRng, traits: Traits) -> None:
    soft, depth = traits.flag("soft"), traits.column("skin_depth")
    hat = rng.bernoulli(0.07)
    style = rng.categorical(np.where(soft[:, None], [0.2, 0.68, 0.12, 0.0], [0.74, 0.08, 0.06, 0.12]))
    style = np.where(hat & (style == BALD), SHORT, style)
    dark = np.clip(depth * 1.6 - 0.2, 0, 1)[:, None]
    weights = (1 - dark) * [0.2, 0.32, 0.25, 0.11, 0.12] + dark * [0.68, 0.19, 0.03, 0.1, 0.0]
    kind = rng.categorical(weights)
    traits.hat = hat
    traits.bald = style == BALD
    traits.long = style == LONG
    traits.full = style == FULL
    traits.hair_kind = kind
    traits.hair = _color(rng, HAIR, kind, 0.10)
    traits.wavy = (rng.bernoulli(0.45) & (style == LONG)) | (style == FULL)
    traits.bangs = rng.bernoulli(0.26) & (style != BALD) & (style != FULL) & ~hat
    form = [style == LONG, style == FULL]
    volume = np.select(form, [rng.uniform(0.03, 0.055), rng.uniform(0.07, 0.1)], rng.uniform(0.014, 0.034))
    traits.volume = np.where(hat, np.minimum(volume, 0.045), volume)
    traits.length = np.select(
        form, [rng.uniform(0.3, 0.62), rng.uniform(0.16, 0.26)], rng.uniform(0.03, 0.075)
    )
    traits.flare = np.where(style == LONG, rng.uniform(-0.02, 0.22), 0.0)
    traits.part = rng.triangular(0.0, 0.10)
    traits.hairline = rng.triangular(np.where(style == FULL, -0.175, -0.165), 0.022)
    traits.fringe = rng.uniform(-0.105, -0.085)
    traits.wave_phase = rng.uniform(0, 2)
    traits.wave_rate = rng.uniform(11, 15)
    traits.wave = np.where(traits.flag("wavy"), rng.uniform(0.013, 0.02), 0.0)


def _sample_features(rng: FaceRng, traits: Traits) -> None:
    soft, depth = traits.flag("soft"), traits.column("skin_depth")
    narrow = rng.bernoulli(0.12)
    traits.narrow_eyes = narrow
    traits.eye_apart = rng.triangular(0.099, 0.008)
    traits.eye_width = rng.triangular(0.055, 0.005)
    traits.eye_height = np.where(
        narrow, rng.uniform(0.011, 0.0135), rng.triangular(np.where(soft, 0.029, 0.026), 0.003)
    )
    traits.eye_slant = rng.triangular(0.004, 0.006)
    traits.gaze_x = rng.triangular(0.0, 0.014)
    traits.gaze_y = rng.triangular(0.0, 0.005)
    dark = np.clip(depth * 2 - 0.3, 0, 1)[:, None]
    traits.iris = _color(
        rng, IRIS, rng.categorical((1 - dark) * [2, 2, 1, 1, 3, 1] + dark * [9, 2, 0, 0, 0, 0]), 0.1
    )
    bushy = traits.bushy = rng.bernoulli(np.where(soft, 0.04, 0.3))
    arched = traits.arched = rng.bernoulli(np.where(soft, 0.45, 0.08))
    traits.brow_height = rng.triangular(-0.066, 0.006)
    traits.brow_thick = np.where(bushy, rng.uniform(0.0135, 0.0165), rng.uniform(0.006, 0.0095))
    traits.brow_arch = np.where(arched, rng.uniform(0.022, 0.028), rng.uniform(0.004, 0.011))
    traits.brow_slant = rng.triangular(0.0, 0.006)
    big = rng.bernoulli(0.2)
    traits.big_nose = big
    traits.nose_width = np.where(big, rng.uniform(0.054, 0.062), rng.uniform(0.034, 0.044))
    traits.nose_length = rng.triangular(0.122, 0.01) + np.where(big, 0.008, 0.0)
    rosy = traits.rosy = rng.bernoulli(np.where(soft, 0.2, 0.06))
    traits.blush = np.where(rosy, rng.uniform(0.36, 0.46) - 0.1 * depth, rng.uniform(0.0, 0.06))


def _sample_mouth(rng: FaceRng, traits: Traits) -> None:
    soft = traits.flag("soft")
    smiling = traits.smiling = rng.bernoulli(0.48)
    opened = traits.open_mouth = rng.bernoulli(np.where(smiling, 0.7, 0.22))
    big = rng.bernoulli(np.where(soft, 0.28, 0.14))
    traits.big_lips = big
    traits.smile = np.where(smiling, rng.uniform(0.024, 0.036), rng.uniform(-0.003, 0.009))
    traits.mouth_width = rng.triangular(np.where(smiling, 0.091, 0.07), 0.006)
    traits.mouth_gap = np.where(
        opened, np.where(smiling, rng.uniform(0.026, 0.04), rng.uniform(0.016, 0.026)), 0.0
    )
    traits.mouth_height = rng.triangular(0.218, 0.008)
    traits.upper_lip = np.where(big, rng.uniform(0.021, 0.025), rng.uniform(0.009, 0.014))
    traits.lower_lip = np.where(big, rng.uniform(0.029, 0.035), rng.uniform(0.014, 0.02))
    traits.lipstick = rng.bernoulli(np.where(soft, 0.5, 0.0))
    paint = _color(rng, LIPSTICK, rng.categorical(np.ones(len(LIPSTICK))), 0.1)
    bare = traits.column("skin") * [0.80, 0.60, 0.60] + [18.0, 8.0, 12.0]
    traits.lips = np.where(traits.flag("lipstick")[:, None], paint, bare)
    traits.beard = np.where(soft, SHAVEN, rng.categorical([0.52, 0.12, 0.08, 0.1, 0.18]))


def _sample_wear(rng: FaceRng, traits: Traits) -> None:
    traits.glasses = rng.bernoulli(0.16)
    traits.rim = _color(rng, ((34, 30, 32), (92, 54, 34), (150, 120, 70), (120, 40, 48), (52, 68, 96)),
                         rng.categorical([4, 2, 1, 1, 1]), 0.1)  # fmt: skip
    traits.lens = rng.uniform(0.034, 0.042)
    traits.lens_round = rng.uniform(0.35, 1.0)
    traits.rim_thick = rng.uniform(0.0045, 0.008)
    traits.earrings = rng.bernoulli(np.where(traits.flag("soft") & ~traits.flag("full"), 0.36, 0.0))
    traits.earring_drop = rng.uniform(0.0, 0.035)
    traits.jewel = _color(rng, ((240, 204, 110), (238, 240, 246)), rng.categorical([1, 1]), 0.04)
    traits.brim = rng.bernoulli(0.4)
    traits.hat_color = _color(rng, CLOTHES, rng.categorical(np.ones(len(CLOTHES))), 0.1)
    traits.clothes = _color(rng, CLOTHES, rng.categorical(np.ones(len(CLOTHES))), 0.1)
    traits.neckline = rng.uniform(0.44, 0.56)
    traits.neckline_point = rng.uniform(0.002, 0.12)


def _color(
    rng: FaceRng, palette: Sequence[tuple[int, int, int]], kind: NDArray[np.int64], reach: float
) -> Field:
    """Return colors (n, 3) of the palette, each randomly brighter or darker by up to `reach`."""
    return np.array(palette, float)[kind] * (1 + rng.triangular(0.0, reach))[:, None]
