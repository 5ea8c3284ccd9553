"""The named crop protocols: which part of a photograph a face is taken from.

Distances between sets of images depend on the crop more than on most models, so a crop has a name that
prepared sets, recipes and model files carry, and that comparisons check.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from strangers.errors import DataError, UsageError

Box = tuple[int, int, int, int]
"""(left, top, right, bottom) in pixels; right and bottom are the first column and row outside."""


@dataclass(frozen=True)
class Crop:
    """One way to choose the part of a photograph that becomes the image.

    Attributes:
        name: what sets and models call it.
        side: height and width of the square in pixels; 0 where it follows the photograph.
        center: (x, y) of the square's center in pixels; None for the photograph's own center.
        kind: "fixed" takes a square of `side`; "square" the largest centerd square; "squash" everything,
            whatever its shape; "whole" everything, which must be square already.
    """

    name: str
    side: int = 0
    center: tuple[int, int] | None = None
    kind: Literal["fixed", "square", "squash", "whole"] = "fixed"

    def box(self, width: int, height: int) -> Box:
        """The part of a photograph of `width` x `height` pixels that is used.

        An odd margin is split with the smaller half at the left and at the top. Raises DataError if the
        photograph does not contain it.
        """
        if self.kind == "squash":
            return 0, 0, width, height
        if self.kind == "whole" and width != height:
            raise DataError(
                f"{width}x{height} is not square, as images already cropped by {self.name} must be"
            )
        side = self.side if self.kind == "fixed" else min(width, height)
        left, top = (width - side) // 2, (height - side) // 2
        if self.center is not None:
            left, top = self.center[0] - side // 2, self.center[1] - side // 2
        if left < 0 or top < 0 or left + side > width or top + side > height:
            raise DataError(f"{width}x{height} is too small for crop {self.name}")
        return left, top, left + side, top + side


CROPS: dict[str, Crop] = {
    "c108": Crop("c108", 108),  # DCGAN-tensorflow
    "c128": Crop("c128", 128),
    "c128@89,121": Crop("c128@89,121", 128, (89, 121)),  # DDIM: the face's center in the aligned photographs
    "c140": Crop("c140", 140),  # score-SDE
    "c148": Crop("c148", 148),  # variational autoencoders
    "c160": Crop("c160", 160),  # compare_gan
    "c178": Crop("c178", 178),  # mimicry, the PyTorch tutorial: all of the aligned photographs' width
    "squash": Crop("squash", kind="squash"),  # ADM-IP
    "square": Crop("square", kind="square"),
}


def crop_named(name: str) -> Crop:
    """The crop called `name`: one of CROPS, or cN or cN@X,Y with numbers of pixels. Raises UsageError."""
    if name in CROPS:
        return CROPS[name]
    parts = re.fullmatch(r"c([1-9][0-9]{0,4})(?:@([0-9]{1,5}),([0-9]{1,5}))?", name)
    if parts is None:
        known = ", ".join(CROPS)
        raise UsageError(
            f"There is no crop {name!r}; use one of {known}, or cN or cN@X,Y with numbers of pixels."
        )
    center = (int(parts[2]), int(parts[3])) if parts[2] else None
    return Crop(name, int(parts[1]), center)


def whole(name: str) -> Crop:
    """The crop of images to which `name` was applied before: used whole, and must be square."""
    return Crop(crop_named(name).name, kind="squash" if name == "squash" else "whole")


def default_crop(width: int, height: int) -> str:
    """The name of the crop that photographs of `width` x `height` pixels get unless one is asked for.

    c178 for CelebA's aligned 178x218, otherwise the largest centerd square.
    """
    return "c178" if (width, height) == (178, 218) else "square"
