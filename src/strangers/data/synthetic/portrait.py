"""A face, part by part and back to front: one function for each part of a portrait."""

from __future__ import annotations

import numpy as np

from strangers.data.synthetic.drawing import (
    Field,
    Patch,
    Scene,
    Traits,
    blank_scene,
    box,
    head_u,
    on_head,
    outline,
    tint,
)
from strangers.data.synthetic.hair import beard, brow, grow_hair, hair_before, hair_behind

WHITE = (247.0, 243.0, 240.0)
LASH = (40.0, 28.0, 26.0)


def portrait(traits: Traits, size: int) -> Field:
    """Draw the faces with these traits: float32 (n, 3, size, size), 0 to 255."""
    scene = blank_scene(traits, size)
    _backdrop(scene)
    hair = grow_hair(scene)
    hair_behind(hair, traits)
    _body(scene)
    scene.only(~(traits.flag("long") | traits.flag("full")), _ears)
    _head(scene)
    _nose(scene)
    _mouth(scene)
    scene.only(traits.kind("beard") > 0, beard)
    for side in (-1.0, 1.0):
        _eye(scene, side)
        brow(scene, side)
    scene.only(traits.flag("glasses"), _glasses)
    hair_before(hair, traits)
    scene.only(traits.flag("earrings"), _earrings)
    scene.only(traits.flag("hat"), _hat)
    return scene.pixels


def _backdrop(scene: Scene) -> None:
    face = scene.face
    place = (np.arange(scene.size, dtype=np.float32) + 0.5) / scene.size - 0.5
    across, down = place[None, None, :] - 0.5 * face.backdrop_x, place[None, :, None] + 0.15
    nearness = (1 - 0.9 * (across * across + down * down)).clip(0, 1)
    scene.pixels[...] = face.backdrop_far + (face.backdrop_near - face.backdrop_far) * nearness[:, None]


def _body(scene: Scene) -> None:
    """Draw neck and shoulders, upright under a tilted head, in skin and then in clothes."""
    face = scene.face
    patch = scene.window(-0.8, 0.16, 0.8, 0.8)
    u, v = patch.u - patch.v * face.tilt * 0.9 - 0.6 * head_u(face), patch.v
    upright = Patch(patch.pixels, u, v, patch.pixel)
    spread = (v - 0.31).clip(0, None)
    neck = abs(u) - face.neck - 2.6 * spread * spread
    shoulders = upright.ellipse(0.0, 0.80, face.shoulders, 0.375)
    body = patch.edge(np.minimum(neck, shoulders))
    shade = (0.86 + face.light_x * u * 1.3).clip(0.6, 1.15)
    under_chin = upright.glow(head_u(face) * 0.4 - face.light_x * 0.05, face.chin + 0.01, 0.24, 0.14)
    skin = face.skin * (shade * (1 - 0.42 * under_chin))[:, None]
    collar = v - face.neckline + np.sqrt(u * u + face.neckline_point**2) * 0.75
    seam = 1 - 0.2 * (1 - collar / 0.02).clip(0, 1)
    cloth = face.clothes * ((0.92 + face.light_x * u * 0.9).clip(0.55, 1.2) * seam)[:, None]
    patch.paint(body, skin + (cloth - skin) * patch.edge(-collar)[:, None])


def _ears(scene: Scene) -> None:
    face = scene.face
    for side in (-1.0, 1.0):
        u = head_u(face) + side * (face.face_width + 0.004) - 0.05 * face.turn
        patch = scene.window(u - 0.05, -0.05, u + 0.05, 0.16)
        shade = 0.84 + 0.14 * side * face.light_x
        patch.paint(patch.edge(patch.ellipse(u, 0.045, 0.03, 0.06)), face.skin * shade[:, None])
        inner = patch.glow(u + side * 0.004, 0.04, 0.02, 0.042)
        patch.paint(0.45 * inner, face.skin * 0.6)


def _earrings(scene: Scene) -> None:
    face = scene.face
    for side in (-1.0, 1.0):
        u = head_u(face) + side * (face.face_width + 0.008)
        v = 0.118 + face.earring_drop
        patch = scene.window(u - 0.04, 0.08, u + 0.04, 0.24)
        patch.paint(patch.edge(patch.ellipse(u, v, 0.013, 0.014 + face.earring_drop)), face.jewel * 0.9)
        patch.paint(patch.glow(u - 0.003, v - 0.004, 0.009, 0.01), WHITE)


def _head(scene: Scene) -> None:
    """Draw the head, lit like a ball, with a blush on its cheeks and shade around the eyes."""
    face = scene.face
    patch = scene.window(-0.34, -0.3, 0.34, 0.42)
    distance, across, down = outline(patch, face)
    facing = np.sqrt((1.05 - 0.9 * (across * across + down * down)).clip(0.04, None))
    light = 0.30 + 0.62 * facing + 0.26 * (face.light_x * across + face.light_y * down)
    warm = tint(face.skin, 0.70, 0.56, 0.52)
    bright = face.skin + (255 - face.skin) * 0.16
    patch.paint(patch.edge(distance), warm + (bright - warm) * light.clip(0, 1.05)[:, None])
    flush = tint(face.skin, 1.02, 0.62, 0.60)
    for side in (-1.0, 1.0):
        u, narrow = on_head(face, side * 0.12)
        near = scene.window(u - 0.11, -0.08, u + 0.11, 0.24)
        near.paint((0.14 + face.blush) * near.glow(u, 0.12 + face.nod, 0.095 * narrow, 0.08), flush)
        socket = near.glow(u - side * 0.02, -0.022 + face.nod, 0.08 * narrow, 0.06)
        near.paint(0.30 * socket, warm)


def _nose(scene: Scene) -> None:
    face = scene.face
    u, _ = on_head(face, 0.0, depth=0.045)
    root, _ = on_head(face, 0.0, depth=0.005)
    tip = face.nose_length + face.nod
    width = face.nose_width
    patch = scene.window(u - 0.12, -0.06, u + 0.12, 0.19)
    dark = tint(face.skin, 0.66, 0.50, 0.46)
    pale = face.skin + (255 - face.skin) * 0.45
    along = ((patch.v - tip) / (tip + 0.05)).clip(-1, 0)
    leaning = Patch(patch.pixels, patch.u - u - (u - root) * along, patch.v, patch.pixel)
    away = np.where(face.light_x > 0, -1.0, 1.0).astype(np.float32)
    leaning.paint(0.42 * leaning.glow(away * width * 0.62, tip * 0.45, 0.024, 0.115), dark)
    leaning.paint(0.36 * leaning.glow(-away * 0.003, tip * 0.5, 0.013, 0.085), pale)
    patch.paint(0.6 * patch.glow(u, tip + 0.012, width * 1.35, 0.024), dark)
    for side in (-1.0, 1.0):
        patch.paint(0.30 * patch.glow(u + side * width * 0.86, tip - 0.006, 0.014, 0.022), dark)
        nostril = patch.glow(u + side * width * 0.45, tip + 0.010, width * 0.36, 0.010)
        patch.paint(0.85 * nostril, tint(face.skin, 0.36, 0.22, 0.20))
    patch.paint(0.38 * patch.glow(u - away * 0.005, tip - 0.016, 0.022, 0.02), pale)


def _mouth(scene: Scene) -> None:
    """Draw two lips along one curved line; an open mouth shows teeth in front of the dark."""
    face = scene.face
    u, narrow = on_head(face, 0.0, depth=0.01)
    half = face.mouth_width * narrow
    height = face.mouth_height + face.nod
    patch = scene.window(u - 0.14, 0.13, u + 0.14, 0.34)
    along = (patch.u - u) / half
    square = along * along
    bow = (1 - square).clip(0, None)
    line = height - face.smile * (square.clip(0, 1.3) - 0.45)
    peak = bow * (0.72 + 0.28 * (1 - (2.2 * abs(along) - 0.75) ** 2).clip(0, None))
    top, opened = line - face.upper_lip * peak, line + face.mouth_gap * bow
    bottom = opened + face.lower_lip * bow * (2 - bow)
    shadow = tint(face.skin, 0.66, 0.50, 0.46)
    patch.paint(0.34 * patch.glow(u, height + face.mouth_gap + face.lower_lip + 0.026, 0.07, 0.022), shadow)
    patch.paint(patch.between(line, opened), (84.0, 30.0, 32.0))
    patch.paint(patch.between(line, line + 0.66 * (opened - line)), WHITE)
    patch.paint(patch.between(top, line), face.lips * 0.84)
    patch.paint(patch.between(opened, bottom), face.lips)
    patch.paint(0.28 * patch.glow(u - 0.01 * face.light_x, (height + 0.55 * face.smile + face.mouth_gap
                + 0.5 * face.lower_lip), half * 0.5, face.lower_lip * 0.45), WHITE)  # fmt: skip
    crease = 0.0035 * bow
    patch.paint(0.8 * patch.between(line - crease, line + crease * 0.4), face.lips * 0.42)
    for side in (-1.0, 1.0):
        corner = patch.glow(u + side * half, height - 0.55 * face.smile, 0.016, 0.014)
        patch.paint(0.5 * corner, shadow)


def _eye(scene: Scene, side: float) -> None:
    face = scene.face
    u, narrow = on_head(face, side * face.eye_apart)
    half, tall = face.eye_width * narrow, face.eye_height
    v = face.nod
    patch = scene.window(u - 0.075, v - 0.06, u + 0.075, v + 0.05)
    along = (patch.u - u) / half
    bow = (1 - along * along).clip(0, None)
    middle = v - side * face.eye_slant * along
    upper, lower = middle - tall * bow, middle + 0.72 * tall * bow - 0.08 * face.smile * bow
    white = patch.between(upper, lower)
    patch.paint(white, (236.0, 230.0, 226.0))
    center, level = u + face.gaze_x, v + face.gaze_y - 0.10 * tall
    radius = 0.0255
    ring = patch.edge(patch.ellipse(center, level, radius, radius)) * white
    patch.paint(ring, face.iris * 0.62)
    patch.paint(patch.glow(center, level + 0.008, 0.024, 0.020) * ring, face.iris * 1.25)
    patch.paint(patch.edge(patch.ellipse(center, level, 0.012, 0.012)) * white, (18.0, 14.0, 16.0))
    patch.paint(0.35 * patch.between(upper, upper + 0.012) * white, LASH)
    lash = 0.0095 * (bow * (2 - bow))
    patch.paint(0.92 * patch.between(upper - lash, upper + 0.12 * lash), LASH)
    patch.paint(0.30 * patch.between(lower, lower + 0.004 * bow), LASH)
    fold = upper - 0.017 * (0.35 + 0.65 * bow)
    patch.paint(0.34 * patch.between(fold - 0.005 * bow, fold), face.skin * 0.45)
    patch.paint(
        patch.glow(center + 0.010 * face.light_x, level - 0.008, 0.010, 0.010) * ring, (255.0, 255.0, 255.0)
    )


def _glasses(scene: Scene) -> None:
    face = scene.face
    v = 0.004 + face.nod
    middle, _ = on_head(face, 0.0, depth=0.03)
    for side in (-1.0, 1.0):
        u, narrow = on_head(face, side * 0.099, depth=0.015)
        patch = scene.window(u - 0.2, -0.09, u + 0.2, 0.1)
        wide, tall = 0.066 * narrow, face.lens
        lens = box(patch.u - u, patch.v - v, wide, tall, face.lens_round * tall)
        patch.paint(0.10 * patch.edge(lens), WHITE)
        temple = head_u(face) + side * face.face_width
        outer = u + side * wide
        arm = np.maximum(abs(patch.v - v + 0.012) - 0.6 * face.rim_thick,
                         np.maximum(side * (outer - patch.u), side * (patch.u - temple)))  # fmt: skip
        bridge = np.maximum(abs(patch.v - v + 0.008) - 0.6 * face.rim_thick,
                            np.maximum(side * (patch.u - u) + wide, side * (middle - patch.u)))  # fmt: skip
        rim = abs(lens) - face.rim_thick
        patch.paint(patch.edge(np.minimum(np.minimum(rim, arm), bridge)), face.rim)


def _hat(scene: Scene) -> None:
    """Draw a knitted cap with a turned-up band, or a hat with a brim."""
    face = scene.face
    middle = head_u(face)
    half = face.face_width + 0.012 + 0.9 * face.volume
    patch = scene.window(-0.5, -0.5, 0.5, 0.05)
    u, v = patch.u - middle, patch.v
    hem = -0.115 + 0.15 * u * u
    dome = np.maximum(
        (np.sqrt((u / half) ** 2 + ((v + 0.10) / (0.24 + face.volume)) ** 2) - 1) * half, v - hem
    )
    shade = 0.9 + 0.7 * face.light_x * u - 0.5 * (v + 0.2)
    patch.paint(patch.edge(dome), face.hat_color * shade.clip(0.5, 1.2)[:, None])
    brim = face.brim
    wide = half + 0.012 + 0.09 * brim
    band = box(u, v - hem + 0.024, wide, 0.034 - 0.014 * brim, 0.018)
    patch.paint(patch.edge(band), face.hat_color * (0.76 * shade.clip(0.5, 1.2))[:, None])
