"""The hair of a portrait: on the head, over the eyes, around the mouth."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from strangers.data.synthetic.drawing import (
    Field,
    Patch,
    Scene,
    Traits,
    head_u,
    on_head,
    outline,
    tint,
    triangle,
)


class Hair(NamedTuple):
    """The hair of a head, measured once and painted twice: behind the neck and before the face."""

    patch: Patch
    # Signed distance to all of the hair.
    mass: Field
    # Signed distance to the opening that shows the face.
    opening: Field
    # Coordinate across the strands, which fan out from the parting.
    strand: Field


def grow_hair(scene: Scene) -> Hair:
    """Return the hair that the traits of a face describe; a bald head has none."""
    face = scene.face
    reach = face.face_width + face.volume + 0.14 * face.flare + 0.04
    patch = scene.window(-reach, -0.4, reach, face.length + 0.04)
    u, v = patch.u - head_u(face), patch.v
    right = (u > 0).astype(np.float32)
    wave = face.wave * triangle(v * face.wave_rate + face.wave_phase + 0.55 * right) * (2 * right - 1)
    hanging = np.maximum(face.long, face.full)
    crown = -0.03
    body = np.maximum(hanging, ((0.01 - v) / 0.13).clip(0, 1))
    half = face.face_width + 0.004 + face.volume * body + 0.2 * face.flare * (v - crown).clip(0, None)
    across, rise = (u + wave) / half, (v - crown).clip(None, 0) / (0.245 + face.volume)
    rounded = (np.sqrt(across * across + rise * rise) - 1) * half
    ends = face.length - (1.3 * hanging - 0.3) * u * u + 0.5 * face.wave * triangle(u * 16 + face.wave_phase)
    mass = np.maximum(rounded, v - ends) + 9 * face.bald
    strand = (u + wave - face.part) / (0.16 + abs(v + 0.30))
    return Hair(patch, mass, _opening(patch, face, hanging), strand)


def _opening(patch: Patch, face: Traits, hanging: Field) -> Field:
    """Return the signed distance to an arch over the face, closed by a fringe, open at bare ears."""
    ahead, _ = on_head(face, 0.0)
    u, v = patch.u - 0.75 * ahead - face.part * 0.35, patch.v
    sideburn = (v + 0.05).clip(0, 0.1) * (1 - hanging)
    across = u / (face.face_width * (0.90 + 0.8 * sideburn))
    rise = (v - face.hairline - 0.16).clip(None, 0) / 0.16
    arch = (np.sqrt(across * across + rise * rise) - 1) * 0.16
    middle = patch.u - head_u(face)
    fringe = face.fringe + 0.25 * middle * middle + 0.006 * triangle(middle * 26 + face.wave_phase)
    opening: Field = np.maximum(arch, np.where(face.bangs > 0, fringe, -9) - v)
    return opening


def hair_behind(hair: Hair, face: Traits) -> None:
    """Draw the shaded hair behind the neck."""
    hair.patch.paint(hair.patch.edge(hair.mass + hair.patch.pixel), face.hair * 0.58)


def hair_before(hair: Hair, face: Traits) -> None:
    """Draw the hair that frames the face, and the shadow that it casts on the skin."""
    patch = hair.patch
    distance = np.maximum(hair.mass, -hair.opening)
    head, _, _ = outline(patch, face)
    near = (1 - distance.clip(0, None) / 0.035).clip(0, 1)
    patch.paint(0.36 * near * near * patch.edge(head), tint(face.skin, 0.5, 0.36, 0.34))
    patch.paint(patch.edge(distance), _hair_color(patch, face, hair.strand))


def _hair_color(patch: Patch, face: Traits, strand: Field) -> Field:
    """Return hair with a band of light over the crown and a little grain along the strands."""
    u, v = patch.u - head_u(face) - 0.16 * face.light_x, patch.v + 0.17
    ring = np.sqrt(u * u * 0.6 + (v + 0.02) * (v + 0.02))
    band = (1 - ((ring - 0.09) / 0.07) ** 2).clip(0, None)
    grain = triangle(strand * 8 + face.wave_phase) + 0.5 * triangle(strand * 19)
    shade = 0.86 + 0.04 * grain + 0.5 * face.light_x * patch.u - 0.35 * (patch.v.clip(0, 0.5))
    gleam = (band * (0.25 + 0.05 * grain))[:, None]
    color: Field = face.hair * shade.clip(0.4, 1.2)[:, None]
    color += (face.hair * 0.6 + 110 - color) * gleam
    return color


def beard(scene: Scene) -> None:
    """Draw hair on the lower face: 1 stubble, 2 mustache, 3 goatee, 4 full beard."""
    face = scene.face
    patch = scene.window(-0.34, 0.0, 0.34, 0.45)
    distance, across, _ = outline(patch, face)
    u, narrow = on_head(face, 0.0, depth=0.01)
    kind = face.beard
    mouth = face.mouth_height + face.nod
    out = abs(patch.u - u) / (0.12 * narrow)
    cheek_line = mouth - 0.035 - 0.20 * (abs(across) - 0.35).clip(0, None)
    lips = patch.ellipse(u, mouth + 0.012 + face.mouth_gap * 0.5, face.mouth_width * narrow + 0.006,
                         0.036 + face.mouth_gap * 0.6)  # fmt: skip
    jaw = np.maximum(distance - 0.012 * (kind > 3).astype(np.float32), cheek_line - patch.v)
    jaw = np.maximum(jaw, -lips)
    tuft = np.maximum(patch.ellipse(u, mouth + 0.075, 0.058 * narrow, 0.08), distance - 0.01)
    tuft = np.maximum(tuft, -lips)
    curve = mouth - 0.033 + 0.03 * out * out
    mustache = abs(patch.v - curve) - 0.019 * (1.05 - out * out).clip(0, None)
    soft = 0.012
    full = (0.5 - jaw / (soft + patch.pixel)).clip(0, 1)
    chin = (0.5 - tuft / (soft + patch.pixel)).clip(0, 1)
    upper = (0.5 - mustache / (0.5 * soft + patch.pixel)).clip(0, 1) * (out < 1)
    whole = np.maximum(full, upper)
    strength = np.select([kind == 1, kind == 2, kind == 3], [0.35 * whole, upper, chin], whole) * 0.92
    shade = 0.66 + 0.2 * (1 - across * across) + 0.15 * face.light_x * across
    patch.paint(strength, face.hair * shade[:, None])


def brow(scene: Scene, side: float) -> None:
    face = scene.face
    u, narrow = on_head(face, side * (face.eye_apart + 0.006))
    patch = scene.window(u - 0.1, -0.14, u + 0.1, -0.01)
    along = (patch.u - u) / (0.066 * narrow)
    outward = side * along
    bow = (1 - along * along).clip(0, None)
    lift = (outward - 0.25) / 1.2
    middle = face.brow_height + face.nod - face.brow_arch * (0.6 - lift * lift) + face.brow_slant * outward
    thick = face.brow_thick * np.sqrt(bow) * (1.0 - 0.32 * outward)
    patch.paint(0.86 * patch.between(middle - thick, middle + thick), face.hair * 0.62)
