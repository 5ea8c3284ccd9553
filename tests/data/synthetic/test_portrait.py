"""A portrait shows each trait where it belongs, and depends on nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from strangers.data.synthetic.drawing import Traits
from strangers.data.synthetic.faces import sample_traits
from strangers.data.synthetic.portrait import portrait


def with_trait(traits: Traits, name: str, value: bool) -> Traits:
    """Return the traits with one flag set for all faces."""
    return Traits({**traits.columns, name: np.full_like(traits.column(name), value)})


def test_a_portrait_depends_on_its_own_traits_only() -> None:
    traits = sample_traits(range(6))
    drawn = portrait(traits, 32)
    assert drawn.shape == (6, 3, 32, 32)
    assert np.isfinite(drawn).all()
    np.testing.assert_array_equal(portrait(traits.rows(np.array([4])), 32)[0], drawn[4])


@pytest.mark.parametrize(("name", "upper"), [("glasses", True), ("hat", True)])
def test_what_a_face_wears_changes_its_part_of_the_picture(name: str, upper: bool) -> None:
    traits = sample_traits(range(8))
    bare, worn = (portrait(with_trait(traits, name, value), 48) for value in (False, True))
    changed = np.abs(worn - bare).max(axis=1) > 10
    assert changed.any(axis=(1, 2)).all()
    rows = np.arange(48)[None, :, None] * changed
    assert rows.max() < 36  # nothing below the mouth
