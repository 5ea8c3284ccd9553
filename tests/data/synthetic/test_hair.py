"""Hair grows on all heads but bald ones, and leaves the face open."""

from __future__ import annotations

import numpy as np

from strangers.data.synthetic.drawing import blank_scene
from strangers.data.synthetic.faces import sample_traits
from strangers.data.synthetic.hair import grow_hair, hair_before

TRAITS = sample_traits(range(60))
BALD = TRAITS.flag("bald")


def test_bald_heads_alone_have_no_hair() -> None:
    hair = grow_hair(blank_scene(TRAITS, 24))
    covered = (hair.mass < 0).any(axis=(1, 2))
    np.testing.assert_array_equal(covered, ~BALD)
    assert BALD.any()


def test_hair_leaves_the_nose_and_the_mouth_open() -> None:
    traits = TRAITS.rows(np.flatnonzero(~BALD))
    scene = blank_scene(traits, 48)
    scene.pixels[...] = 0
    hair_before(grow_hair(scene), traits)
    middle = (abs(scene.u) < 0.04) & (scene.v > 0.08) & (scene.v < 0.2)
    assert middle.any(axis=(1, 2)).all()
    painted = scene.pixels.max(axis=1) > 150  # lighter than any shadow
    assert not (painted & middle).any()
