"""Named crop protocols: the part of a photograph that becomes the image.

Distances between sets of images depend more on the crop than on most models. So every crop has a name, which
prepared sets, recipes and model files record and comparisons check.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from strangers.errors import DataError, UsageError, did_you_mean
from strangers.plugins import load_plugins

Size = tuple[int, int]
"""(width, height) in pixels."""

Box = tuple[int, int, int, int]
"""(left, top, right, bottom) in pixels; right and bottom are exclusive."""


ALIGNED: Size = (178, 218)
"""The size of CelebA's aligned photographs, for which the published crops are defined."""

WRONG_SIZE = "the size that crop"
"""Words of the reason why a crop does not apply to a photograph of another size."""

NO_FACE = "no face was found"
"""The reason why the crop `aligned` does not apply to a photograph."""

MIN_SHARE = 0.5
"""Share of a photograph's shorter side below which a crop in pixels was meant for smaller photographs."""


@dataclass(frozen=True)
class Crop:
    """A rule that selects the part of a photograph that becomes the image.

    Attributes:
        name: its name in sets and models.
        side: height and width of the square in pixels; 0 if it depends on the photograph.
        center: (x, y) of the center of the square in pixels; None for the center of the photograph.
        kind: "fixed" takes a square of `side`, "square" the largest centered square, "squash" the whole
            photograph of any shape, "whole" the whole photograph, which must be square, and "aligned" a
            square around a face, wherever it is and however it is turned: see `alignment`. The box of
            "aligned" is the largest square, for photographs without a face.
        every_face: "aligned" takes all faces of a photograph, not only the largest.
        photograph: the only size of photographs that it applies to; None for any size.
    """

    name: str
    side: int = 0
    center: tuple[int, int] | None = None
    kind: Literal["fixed", "square", "squash", "whole", "aligned"] = "fixed"
    photograph: Size | None = None
    every_face: bool = False

    def box(self, width: int, height: int) -> Box:
        """Return the box that this crop takes from a photograph of `width` x `height` pixels.

        An odd margin is split with the smaller half at the left and at the top. Raises DataError if the
        photograph has another size than the crop is for, or does not contain the box.
        """
        if self.photograph not in (None, (width, height)):
            expected = "x".join(map(str, self.photograph))
            raise DataError(f"{width}x{height} is not {expected}, {WRONG_SIZE} {self.name} is for")
        if self.kind == "squash":
            return 0, 0, width, height
        if self.kind == "whole" and width != height:
            raise DataError(
                f"{width}x{height} is not square, but images that are already cropped by {self.name} must be"
            )
        side = self.side if self.kind == "fixed" else min(width, height)
        left, top = (width - side) // 2, (height - side) // 2
        if self.center is not None:
            left, top = self.center[0] - side // 2, self.center[1] - side // 2
        if left < 0 or top < 0 or left + side > width or top + side > height:
            raise DataError(f"{width}x{height} is too small for crop {self.name}")
        return left, top, left + side, top + side


CROPS: dict[str, Crop] = {
    # DCGAN-tensorflow
    "c108": Crop("c108", 108, photograph=ALIGNED),
    "c128": Crop("c128", 128, photograph=ALIGNED),
    # DDIM: centered on the face in the aligned photographs
    "c128@89,121": Crop("c128@89,121", 128, (89, 121), photograph=ALIGNED),
    # score-SDE
    "c140": Crop("c140", 140, photograph=ALIGNED),
    # variational autoencoders
    "c148": Crop("c148", 148, photograph=ALIGNED),
    # compare_gan
    "c160": Crop("c160", 160, photograph=ALIGNED),
    # mimicry, the PyTorch tutorial: the full width of the aligned photographs
    "c178": Crop("c178", 178, photograph=ALIGNED),
    # ADM-IP
    "squash": Crop("squash", kind="squash"),
    # c178 of any photograph, after its face was laid where CelebA's aligned photographs have theirs
    "aligned": Crop("aligned", kind="aligned"),
    "square": Crop("square", kind="square"),
}


SHORT_FORMS = {
    "center": ("square",),
    "centre": ("square",),
    "center_crop": ("square",),
    "align": ("aligned",),
    "face": ("aligned",),
    "resize": ("squash",),
    "celeba": ("c178",),
    "178": ("c178",),
    "148": ("c148",),
    "108": ("c108",),
}
"""Crops by what people call them."""


def crop_named(name: str) -> Crop:
    """Return the crop called `name`: one of CROPS, or cN or cN@X,Y in pixels. Raises UsageError."""
    if name not in CROPS and not re.match(r"c[0-9]", name):
        load_plugins()
    if name in CROPS:
        return CROPS[name]
    parts = re.fullmatch(r"c([1-9][0-9]{0,4})(?:@([0-9]{1,5}),([0-9]{1,5}))?", name)
    if parts is None:
        advice = did_you_mean(
            name, CROPS, short_forms=SHORT_FORMS, listing="Use one of docs/explanation/crops.md."
        )
        raise UsageError(f"There is no crop {name!r}. {advice} cN or cN@X,Y are squares in pixels.")
    center = (int(parts[2]), int(parts[3])) if parts[2] else None
    return Crop(name, int(parts[1]), center)


def comparable(first: str, second: str) -> bool:
    """Return whether pictures of these two crops show the same part of a face, and may be mixed.

    Each crop only equals itself, except that `aligned` shows of any photograph what `c178` shows of one that
    was aligned as CelebA's are. Faces of either lie within a few pixels of each other: see
    docs/explanation/crops.md.
    """
    return first == second or {first, second} == {"aligned", "c178"}


def already_cropped(name: str) -> Crop:
    """Return the crop for images that were cropped by `name` before: they are used whole."""
    return Crop(crop_named(name).name, kind="squash" if name == "squash" else "whole")


def default_crop(sizes: Iterable[Size]) -> str:
    """Return the name of the default crop for a set of photographs of these sizes.

    It is c178 if all are CelebA's aligned photographs, otherwise square. Both take the same pixels of an
    aligned photograph, so the sizes may be counted while the set is prepared by `square`.
    """
    return "c178" if set(sizes) == {ALIGNED} else "square"


def crop_for(name: str, width: int, height: int) -> Crop:
    """Return the crop that shows one photograph of this size to a model whose crop is `name`.

    It is the model's own crop if that is for photographs of this size; `aligned` if that shows the same part
    of a face; and otherwise the largest square. A crop in pixels that is not published is for photographs of
    which it takes at least MIN_SHARE.
    """
    crop = CROPS["square"] if name == "auto" else crop_named(name)
    if crop.kind != "fixed" or (width, height) == ALIGNED:
        return crop
    if comparable(name, "aligned"):
        return CROPS["aligned"]
    fits = crop.photograph is None and crop.side >= MIN_SHARE * min(width, height)
    return crop if fits else CROPS["square"]
