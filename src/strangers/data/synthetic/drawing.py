"""The tools of drawing faces: traits, patches of pixels, signed distances, soft light and a turning head.

All faces of a batch are drawn at once: a field is float32 (n, h, w), a trait (n, 1, 1), a color
(n, 3, 1, 1). Coordinates are in face units: the origin is between the eyes, u points right, v points down,
and 1 is the height of the picture at scale 1.
Coverage is computed from the signed distance to an edge, so edges are antialiased at every size
(Quilez, "2D distance functions"). Pixels are computed with + - * / sqrt, min, max and floor alone, so no
pixel depends on how many are computed together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.floating[Any]]
Length = Field | float

HEAD_RADIUS = 0.25
"""Radius, in face units, of the cylinder that carries the features when a head turns."""


class Traits:
    """A table of the properties that vary from face to face, with one row per face.

    Set a column as an attribute, (n,) or (n, 3). A column read as an attribute broadcasts over fields:
    float32 (n, 1, 1), colors (n, 3, 1, 1).
    """

    columns: dict[str, NDArray[Any]]

    def __init__(self, columns: dict[str, NDArray[Any]] | None = None) -> None:
        self.__dict__["columns"] = columns or {}

    def __setattr__(self, name: str, value: NDArray[Any]) -> None:
        self.columns[name] = value

    def __getattr__(self, name: str) -> Field:
        try:
            return self.columns[name][..., None, None].astype(np.float32)
        except KeyError:
            raise AttributeError(name) from None

    def column(self, name: str) -> NDArray[Any]:
        """Return a column as it was set."""
        return self.columns[name]

    flag = kind = column

    def rows(self, chosen: NDArray[np.intp]) -> Traits:
        """Return the traits of the chosen faces."""
        return Traits({name: column[chosen] for name, column in self.columns.items()})


@dataclass(frozen=True)
class Patch:
    """A window on the pictures of a batch, with the face coordinates of its pixels."""

    # (n, 3, h, w), written in place
    pixels: Field
    # (n, h, w)
    u: Field
    # (n, h, w)
    v: Field
    # (n, 1, 1), the width of a pixel in face units
    pixel: Field

    def edge(self, distance: Field) -> Field:
        """Return the coverage of a shape from its signed distance, negative inside: 1 to 0 within a pixel."""
        coverage: Field = (0.5 - distance / self.pixel).clip(0, 1)
        return coverage

    def between(self, top: Field, bottom: Field) -> Field:
        """Return the coverage of the band between two heights, exact below a pixel too: 0 where they meet."""
        below = ((bottom - self.v) / self.pixel + 0.5).clip(0, 1)
        above = ((top - self.v) / self.pixel + 0.5).clip(0, 1)
        band: Field = (below - above).clip(0, 1)
        return band

    def ellipse(self, u: Length, v: Length, width: Length, height: Length) -> Field:
        """Return the signed distance to an ellipse, correct to first order at its edge."""
        across, down = (self.u - u) / width, (self.v - v) / height
        inside = across * across + down * down
        across /= width
        down /= height
        distance: Field = (inside - 1) / (2 * np.sqrt(across * across + down * down) + 1e-3)
        return distance

    def glow(self, u: Length, v: Length, width: Length, height: Length) -> Field:
        """Return a soft ellipse: 1 in the middle, falling smoothly to 0 at its edge."""
        across, down = (self.u - u) / width, (self.v - v) / height
        inside: Field = (1 - across * across - down * down).clip(0, None)
        return inside * inside

    def paint(self, coverage: Field, color: Field | tuple[float, float, float]) -> None:
        """Blend `color` over the pixels."""
        if isinstance(color, tuple):
            color = np.array(color, np.float32)[:, None, None]
        self.pixels[...] += (color - self.pixels) * coverage[:, None]


@dataclass(frozen=True)
class Scene(Patch):
    """Whole pictures: the patch that knows the positions of its faces."""

    face: Traits
    size: int

    def window(
        self, left: Field | float, top: Field | float, right: Field | float, bottom: Field | float
    ) -> Patch:
        """Return the smallest patch that holds this box, in face units, of every face."""
        face = self.face
        cosine, sine, scale = cosine_of(face.tilt), face.tilt, face.scale
        corners = [(u, v) for u in (left, right) for v in (top, bottom)]
        x = np.stack([face.center_x + scale * (u * cosine - v * sine) + 0 * scale for u, v in corners])
        y = np.stack([face.center_y + scale * (u * sine + v * cosine) + 0 * scale for u, v in corners])
        x0, x1 = (
            int(edge) for edge in np.clip([x.min() * self.size - 2, x.max() * self.size + 3], 0, self.size)
        )
        y0, y1 = (
            int(edge) for edge in np.clip([y.min() * self.size - 2, y.max() * self.size + 3], 0, self.size)
        )
        rows, columns = slice(y0, y1), slice(x0, x1)
        return Patch(
            self.pixels[:, :, rows, columns], self.u[:, rows, columns], self.v[:, rows, columns], self.pixel
        )

    def only(self, mask: NDArray[np.bool_], part: Callable[[Scene], None]) -> None:
        """Draw `part` only on the faces in the mask."""
        chosen = np.flatnonzero(mask)
        if len(chosen) == 0:
            return
        some = Scene(self.pixels[chosen], self.u[chosen], self.v[chosen], self.pixel[chosen],
                     self.face.rows(chosen), self.size)  # fmt: skip
        part(some)
        self.pixels[chosen] = some.pixels


def blank_scene(traits: Traits, size: int) -> Scene:
    """Return empty pictures with the coordinates of their pixels."""
    place = (np.arange(size, dtype=np.float32) + 0.5) / size
    right, down = place[None, None, :] - traits.center_x, place[None, :, None] - traits.center_y
    cosine, sine = cosine_of(traits.tilt) / traits.scale, traits.tilt / traits.scale
    pixels = np.empty((len(traits.scale), 3, size, size), np.float32)
    u, v = right * cosine + down * sine, down * cosine - right * sine
    return Scene(pixels, u, v, 1 / (size * traits.scale), traits, size)


def on_head(face: Traits, offset: Field | float, depth: float = 0.0) -> tuple[Field, Field]:
    """Return the position of a feature on the turned head, and how much it narrows.

    offset: from the middle of the face when the head looks straight ahead.
    """
    offset = offset + 0 * face.turn
    radius = HEAD_RADIUS + depth
    ahead = np.sqrt(radius * radius - offset * offset)
    cosine = cosine_of(face.turn)
    return offset * cosine + ahead * face.turn + head_u(face), cosine - offset / ahead * face.turn


def head_u(face: Traits) -> Field:
    """Return the position of the axis of a head: a turning face swings half out and its axis half back."""
    return -0.5 * HEAD_RADIUS * face.turn


def cosine_of(sine: Field) -> Field:
    """Return the cosine for a sine; angles are sines because a square root rounds alike everywhere."""
    return np.sqrt(1 - sine * sine)


def outline(patch: Patch, face: Traits) -> tuple[Field, Field, Field]:
    """Return the signed distance to the outline of the face, and its coordinates, -1 to 1 edge to edge."""
    above = 0.27
    height = (face.chin + above) / 2
    down = (patch.v - (height - above)) / height
    lower = down.clip(0, None)
    half = face.face_width * (1 - face.taper * lower * lower)
    across = (patch.u - head_u(face) - 0.07 * face.turn * lower) / half
    inside = across * across + down * down
    steep_u, steep_v = across / half, down / height
    distance = (inside - 1) / (2 * np.sqrt(steep_u * steep_u + steep_v * steep_v) + 1e-3)
    return distance, across, down


def box(u: Field, v: Field, width: Field, height: Field, corner: Field | float) -> Field:
    """Return the signed distance to a box of these half sizes around the origin, with rounded corners."""
    across, down = abs(u) - width + corner, abs(v) - height + corner
    outside = np.sqrt(across.clip(0, None) ** 2 + down.clip(0, None) ** 2)
    distance: Field = outside + np.maximum(across, down).clip(None, 0) - corner
    return distance


def triangle(phase: Field) -> Field:
    """Return a wave in [-1, 1] of period 2, made of parabolas: a sine that rounds alike everywhere."""
    folded = phase - 2 * np.floor(phase * 0.5) - 1
    wave: Field = 4 * folded * (1 - abs(folded))
    return wave


def tint(color: Field, red: float, green: float, blue: float) -> Field:
    """Return a color (n, 3, 1, 1) with its channels multiplied: a warm or a cool shade."""
    return color * np.array([red, green, blue], np.float32)[:, None, None]
