"""Effects: the measured changes of an edit are those of the generator."""

from __future__ import annotations

from pathlib import Path

import pytest

from strangers.errors import UsageError
from strangers.latent.directions import find_directions
from strangers.latent.effects import Effect, measure_effect

from .support import painter


@pytest.fixture(autouse=True)
def own_cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


@pytest.mark.usefixtures("eye")
def test_a_stronger_edit_changes_more_labels(tmp_path: Path) -> None:
    model = painter(tmp_path)
    directions = find_directions(model, count=500)
    weak, strong = (measure_effect(model, directions, "Bright", amount, count=200) for amount in (0.2, 3))
    assert weak.changed < 0.5 < strong.changed
    assert strong.strength == 3
    assert set(strong.others) == {"Red"}  # Striped has no direction
    assert measure_effect(model, directions, "Bright", -3, count=200) == strong  # always away from the label


@pytest.mark.usefixtures("eye")
def test_an_effect_needs_a_direction_a_face_and_a_strength(tmp_path: Path) -> None:
    model = painter(tmp_path)
    directions = find_directions(model, count=500)
    for attribute, strength, count in (("Striped", 1, 9), ("Red", 0, 9), ("Red", 1, 0)):
        with pytest.raises(UsageError):
            measure_effect(model, directions, attribute, strength, count=count)


def test_an_effect_is_one_sentence() -> None:
    alone = Effect("Smiling", 2, 1_000, 0.93, {})
    assert str(alone) == "Smiling at 2: changes in 93% of 1,000 faces."
    both = Effect("Smiling", 2, 1_000, 0.93, {"High_Cheekbones": 0.8, "Male": 0.2})
    assert str(both).endswith(
        "; other attributes change in 50.0% on average, at most High_Cheekbones in 80%."
    )
