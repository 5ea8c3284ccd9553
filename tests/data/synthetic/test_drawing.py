"""Shapes cover their area at every size, and a part is drawn on its faces only."""

from __future__ import annotations

import numpy as np
import pytest

from strangers.data.synthetic.drawing import Scene, Traits, blank_scene, box, triangle


def scene(size: int, faces: int = 1) -> Scene:
    """Return black pictures of upright heads in the middle."""
    traits = Traits()
    for name, value in {"center_x": 0.5, "center_y": 0.5, "scale": 1.0, "tilt": 0.0}.items():
        setattr(traits, name, np.full(faces, value))
    made = blank_scene(traits, size)
    made.pixels[...] = 0
    return made


@pytest.mark.parametrize("size", [16, 33, 128])
def test_an_ellipse_and_a_box_cover_their_area_at_every_size(size: int) -> None:
    made = scene(size)
    ellipse = made.edge(made.ellipse(0.01, -0.02, 0.3, 0.2)).mean()
    assert ellipse == pytest.approx(np.pi * 0.3 * 0.2, rel=0.02)
    width, height = np.full((1, 1, 1), 0.25), np.full((1, 1, 1), 0.125)
    square = made.edge(box(made.u - 0.01, made.v, width, height, 0.0)).mean()
    assert square == pytest.approx(0.5 * 0.25, rel=0.03)


@pytest.mark.parametrize("thickness", [0.001, 0.01, 0.2])
def test_a_band_has_its_height_even_below_a_pixel(thickness: float) -> None:
    made = scene(32)
    top = np.float32(-0.013) + 0 * made.v
    assert made.between(top, top + thickness).mean() == pytest.approx(thickness, rel=0.01)


def test_paint_blends_by_coverage() -> None:
    made = scene(8)
    coverage = np.zeros_like(made.u)
    coverage[:, :, 4:] = 0.5
    made.paint(coverage, (200.0, 100.0, 0.0))
    assert made.pixels[0, :, 0, 0].tolist() == [0, 0, 0]
    assert made.pixels[0, :, 0, 7].tolist() == [100, 50, 0]


def test_a_part_is_drawn_on_the_faces_in_the_mask_only() -> None:
    made = scene(8, faces=3)
    made.only(np.array([True, False, True]), lambda some: some.paint(some.u * 0 + 1, (9.0, 9.0, 9.0)))
    assert made.pixels.max(axis=(1, 2, 3)).tolist() == [9, 0, 9]


def test_a_window_holds_its_box() -> None:
    made = scene(40)
    patch = made.window(-0.1, 0.0, 0.2, 0.3)
    assert patch.u.min() <= -0.1
    assert patch.u.max() >= 0.2
    assert patch.v.min() <= 0.0
    assert patch.v.max() >= 0.3
    assert patch.pixels.size < made.pixels.size / 3
    patch.paint(patch.u * 0 + 1, (5.0, 5.0, 5.0))
    assert made.pixels.max() == 5  # a patch is a view of its pictures


def test_a_triangle_wave_is_odd_bounded_and_of_period_2() -> None:
    phase = np.linspace(-4, 4, 801)
    wave = triangle(phase)
    assert np.abs(wave).max() == pytest.approx(1)
    np.testing.assert_allclose(wave, triangle(phase + 2), atol=1e-12)
    np.testing.assert_allclose(wave, -triangle(-phase), atol=1e-12)


def test_an_unknown_trait_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nose"):
        _ = Traits().nose
