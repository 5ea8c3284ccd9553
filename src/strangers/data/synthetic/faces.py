"""Drawn faces: any number of them, from seeds, with exact labels.

The default data of everything that must run offline. A face is some eighty traits, thrown from its seed by
Philox4x64-10; `strangers.data.portrait` turns traits into pixels. Only operations that IEEE 754 rounds
exactly touch a pixel, each on its own, so a face does not depend on the batch that it is drawn in.
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
"""CelebA's names, in CelebA's order, of what a drawing shows beyond doubt.

Hair colors and forms are labeled where hair shows; red hair has no name there. `No_Beard` is +1 without
goatee, beard and stubble, mustache or not; a full beard comes with its mustache.
"""

SMALLEST_DRAWING = 64  # pixels; smaller faces are drawn at a multiple and averaged, so thin lines stay thin
CHUNK_PIXELS = 1 << 16  # pixels drawn together: their planes fit in a core's cache
THROWS = 192  # numbers in the stream of one face; a new trait takes the next ones

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


class Dice:
    """Throws for many faces at once: each call uses the next number of every face's own stream."""

    def __init__(self, seeds: Sequence[int]) -> None:
        streams = np.array([np.random.Philox(key=seed).random_raw(THROWS) for seed in seeds], np.uint64)
        self._throws = iter((streams.reshape(-1, THROWS).T >> np.uint64(11)) * 2.0**-53)

    def between(self, low: float | Field, high: float | Field) -> Field:
        """Evenly between `low` and `high`."""
        return self.throw() * (high - low) + low

    def around(self, middle: float | Field, reach: float) -> Field:
        """Within `reach` of `middle`, near it more often (the mean of two even throws)."""
        return middle + reach * (self.throw() + self.throw() - 1)

    def chance(self, probability: float | Field) -> NDArray[np.bool_]:
        """True with the given probability."""
        return self.throw() < probability

    def choice(self, weights: Field | Sequence[float]) -> NDArray[np.int64]:
        """The position of one weight, as often as its share; weights (k,) or one row a face (n, k)."""
        edges = np.cumsum(np.atleast_2d(weights), axis=1)
        return np.asarray((self.throw()[:, None] * edges[:, -1:] >= edges[:, :-1]).sum(axis=1))

    def throw(self) -> Field:
        """The next number of every face, float64 in [0, 1)."""
        return next(self._throws)


def draw(seeds: Sequence[int], size: int) -> tuple[NDArray[np.uint8], NDArray[np.int8]]:
    """The faces of `seeds` (each in [0, 2**64)), `size` x `size` pixels: crop c178's composition.

    Returns pixels, uint8 (n, size, size, 3), and labels, int8 (n, len(ATTRIBUTES)), +1 or -1.
    The same seed gives the same face in any company. Raises UsageError for an impossible seed or size.
    """
    if not 8 <= size <= 1024:
        raise UsageError(f"A drawn face is 8 to 1024 pixels wide, not {size}.")
    for seed in seeds:
        if not 0 <= seed < 2**64:
            raise UsageError(f"A seed is a whole number from 0 to 2**64 - 1, not {seed}.")
    factor = -(-SMALLEST_DRAWING // size)
    chunk = max(1, CHUNK_PIXELS // (size * factor) ** 2)
    pixels = np.empty((len(seeds), size, size, 3), np.uint8)
    traits = throw_traits(seeds)
    for start in range(0, len(seeds), chunk):
        few = np.arange(start, min(start + chunk, len(seeds)))
        drawn = portrait(traits.rows(few), size * factor)
        if factor > 1:
            drawn = drawn.reshape(len(few), 3, size, factor, size, factor).mean(axis=(3, 5))
        pixels[few] = (drawn.clip(0, 255) + 0.5).astype(np.uint8).transpose(0, 2, 3, 1)
    return pixels, label(traits)


def throw_traits(seeds: Sequence[int]) -> Traits:
    """What the faces of `seeds` look like. Lengths are in face units (see `drawing`), angles sines."""
    dice = Dice(seeds)
    traits = Traits()
    _throw_pose(dice, traits)
    _throw_head(dice, traits)
    _throw_hair(dice, traits)
    _throw_features(dice, traits)
    _throw_mouth(dice, traits)
    _throw_wear(dice, traits)
    return traits


def label(traits: Traits) -> NDArray[np.int8]:
    """+1 where a face has the attribute, -1 where not: int8 (n, len(ATTRIBUTES))."""
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


def _throw_pose(dice: Dice, traits: Traits) -> None:
    traits.center_x = dice.around(0.5, 0.025)
    traits.center_y = dice.around(0.465, 0.02)
    traits.scale = dice.around(1.06, 0.07)
    traits.tilt = dice.around(0.0, 0.16)
    traits.turn = dice.around(0.0, 0.34)
    traits.nod = dice.around(0.0, 0.015)
    traits.light_x = dice.around(0.0, 0.75)
    traits.light_y = dice.between(-0.55, -0.2)
    first = dice.choice(np.ones(len(BACKDROP)))
    traits.backdrop_near = _color(dice, BACKDROP, first, 0.10)
    second = np.where(dice.chance(0.6), first, dice.choice(np.ones(len(BACKDROP))))
    traits.backdrop_far = _color(dice, BACKDROP, second, 0.10) * 0.78
    traits.backdrop_x = dice.between(-0.8, 0.8)


def _throw_head(dice: Dice, traits: Traits) -> None:
    pale = dice.chance(0.12)
    depth = np.where(pale, dice.between(0.0, 0.03), dice.between(0.12, 1.0))
    palette = np.array(SKIN, float)
    place = depth * (len(palette) - 1)
    below = np.minimum(place.astype(int), len(palette) - 2)
    skin = palette[below] + (palette[below + 1] - palette[below]) * (place - below)[:, None]
    skin = skin * (1 + np.stack([dice.around(0, 0.02), dice.around(0, 0.015), dice.around(0, 0.04)], axis=1))
    traits.pale = pale
    traits.skin_depth = depth
    traits.skin = skin
    traits.soft = dice.chance(0.5)  # which features go together; not a label, for a drawing cannot decide it
    soft = traits.flag("soft")
    traits.face_width = dice.around(np.where(soft, 0.212, 0.222), 0.018)
    traits.chin = dice.around(np.where(soft, 0.352, 0.368), 0.02)
    traits.taper = dice.around(np.where(soft, 0.21, 0.14), 0.08)
    traits.neck = dice.around(np.where(soft, 0.105, 0.132), 0.012)
    traits.shoulders = dice.around(np.where(soft, 0.43, 0.50), 0.03)


def _throw_hair(dice: Dice, traits: Traits) -> None:
    soft, depth = traits.flag("soft"), traits.column("skin_depth")
    hat = dice.chance(0.07)
    style = dice.choice(np.where(soft[:, None], [0.2, 0.68, 0.12, 0.0], [0.74, 0.08, 0.06, 0.12]))
    style = np.where(hat & (style == BALD), SHORT, style)
    dark = np.clip(depth * 1.6 - 0.2, 0, 1)[:, None]
    weights = (1 - dark) * [0.2, 0.32, 0.25, 0.11, 0.12] + dark * [0.68, 0.19, 0.03, 0.1, 0.0]
    kind = dice.choice(weights)
    traits.hat = hat
    traits.bald = style == BALD
    traits.long = style == LONG
    traits.full = style == FULL
    traits.hair_kind = kind
    traits.hair = _color(dice, HAIR, kind, 0.10)
    traits.wavy = (dice.chance(0.45) & (style == LONG)) | (style == FULL)
    traits.bangs = dice.chance(0.26) & (style != BALD) & (style != FULL) & ~hat
    form = [style == LONG, style == FULL]
    volume = np.select(form, [dice.between(0.03, 0.055), dice.between(0.07, 0.1)], dice.between(0.014, 0.034))
    traits.volume = np.where(hat, np.minimum(volume, 0.045), volume)
    traits.length = np.select(
        form, [dice.between(0.3, 0.62), dice.between(0.16, 0.26)], dice.between(0.03, 0.075)
    )
    traits.flare = np.where(style == LONG, dice.between(-0.02, 0.22), 0.0)
    traits.part = dice.around(0.0, 0.10)
    traits.hairline = dice.around(np.where(style == FULL, -0.175, -0.165), 0.022)
    traits.fringe = dice.between(-0.105, -0.085)
    traits.wave_phase = dice.between(0, 2)
    traits.wave_rate = dice.between(11, 15)
    traits.wave = np.where(traits.flag("wavy"), dice.between(0.013, 0.02), 0.0)


def _throw_features(dice: Dice, traits: Traits) -> None:
    soft, depth = traits.flag("soft"), traits.column("skin_depth")
    narrow = dice.chance(0.12)
    traits.narrow_eyes = narrow
    traits.eye_apart = dice.around(0.099, 0.008)
    traits.eye_width = dice.around(0.055, 0.005)
    traits.eye_height = np.where(
        narrow, dice.between(0.011, 0.0135), dice.around(np.where(soft, 0.029, 0.026), 0.003)
    )
    traits.eye_slant = dice.around(0.004, 0.006)
    traits.gaze_x = dice.around(0.0, 0.014)
    traits.gaze_y = dice.around(0.0, 0.005)
    dark = np.clip(depth * 2 - 0.3, 0, 1)[:, None]
    traits.iris = _color(
        dice, IRIS, dice.choice((1 - dark) * [2, 2, 1, 1, 3, 1] + dark * [9, 2, 0, 0, 0, 0]), 0.1
    )
    bushy = dice.chance(np.where(soft, 0.04, 0.3))
    arched = dice.chance(np.where(soft, 0.45, 0.08))
    traits.bushy = bushy
    traits.arched = arched
    traits.brow_height = dice.around(-0.066, 0.006)
    traits.brow_thick = np.where(bushy, dice.between(0.0135, 0.0165), dice.between(0.006, 0.0095))
    traits.brow_arch = np.where(arched, dice.between(0.022, 0.028), dice.between(0.004, 0.011))
    traits.brow_slant = dice.around(0.0, 0.006)
    big = dice.chance(0.2)
    traits.big_nose = big
    traits.nose_width = np.where(big, dice.between(0.054, 0.062), dice.between(0.034, 0.044))
    traits.nose_length = dice.around(0.122, 0.01) + np.where(big, 0.008, 0.0)
    rosy = dice.chance(np.where(soft, 0.2, 0.06))
    traits.rosy = rosy
    traits.blush = np.where(rosy, dice.between(0.36, 0.46) - 0.1 * depth, dice.between(0.0, 0.06))


def _throw_mouth(dice: Dice, traits: Traits) -> None:
    soft = traits.flag("soft")
    smiling = dice.chance(0.48)
    opened = dice.chance(np.where(smiling, 0.7, 0.22))
    big = dice.chance(np.where(soft, 0.28, 0.14))
    traits.smiling = smiling
    traits.open_mouth = opened
    traits.big_lips = big
    traits.smile = np.where(smiling, dice.between(0.024, 0.036), dice.between(-0.003, 0.009))
    traits.mouth_width = dice.around(np.where(smiling, 0.091, 0.07), 0.006)
    traits.mouth_gap = np.where(
        opened, np.where(smiling, dice.between(0.026, 0.04), dice.between(0.016, 0.026)), 0.0
    )
    traits.mouth_height = dice.around(0.218, 0.008)
    traits.upper_lip = np.where(big, dice.between(0.021, 0.025), dice.between(0.009, 0.014))
    traits.lower_lip = np.where(big, dice.between(0.029, 0.035), dice.between(0.014, 0.02))
    traits.lipstick = dice.chance(np.where(soft, 0.5, 0.0))
    paint = _color(dice, LIPSTICK, dice.choice(np.ones(len(LIPSTICK))), 0.1)
    bare = traits.column("skin") * [0.80, 0.60, 0.60] + [18.0, 8.0, 12.0]
    traits.lips = np.where(traits.flag("lipstick")[:, None], paint, bare)
    traits.beard = np.where(soft, SHAVEN, dice.choice([0.52, 0.12, 0.08, 0.1, 0.18]))


def _throw_wear(dice: Dice, traits: Traits) -> None:
    traits.glasses = dice.chance(0.16)
    traits.rim = _color(dice, ((34, 30, 32), (92, 54, 34), (150, 120, 70), (120, 40, 48), (52, 68, 96)),
                         dice.choice([4, 2, 1, 1, 1]), 0.1)  # fmt: skip
    traits.lens = dice.between(0.034, 0.042)
    traits.lens_round = dice.between(0.35, 1.0)
    traits.rim_thick = dice.between(0.0045, 0.008)
    traits.earrings = dice.chance(np.where(traits.flag("soft") & ~traits.flag("full"), 0.36, 0.0))
    traits.earring_drop = dice.between(0.0, 0.035)
    traits.jewel = _color(dice, ((240, 204, 110), (238, 240, 246)), dice.choice([1, 1]), 0.04)
    traits.brim = dice.chance(0.4)
    traits.hat_color = _color(dice, CLOTHES, dice.choice(np.ones(len(CLOTHES))), 0.1)
    traits.clothes = _color(dice, CLOTHES, dice.choice(np.ones(len(CLOTHES))), 0.1)
    traits.neckline = dice.between(0.44, 0.56)
    traits.neckline_point = dice.between(0.002, 0.12)


def _color(
    dice: Dice, palette: Sequence[tuple[int, int, int]], kind: NDArray[np.int64], reach: float
) -> Field:
    """Colors (n, 3) of the palette, each a little brighter or darker."""
    return np.array(palette, float)[kind] * (1 + dice.around(0.0, reach))[:, None]
