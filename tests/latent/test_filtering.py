"""Choosing: exactly the faces that the network labels so, in the order of their seeds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from strangers.errors import StrangersError, UsageError
from strangers.latent import filtering as choosing
from strangers.latent.filtering import find_seeds

from .support import Eye, painter


def test_all_that_are_so_are_kept_and_no_others(tmp_path: Path, eye: Eye) -> None:
    model = painter(tmp_path)
    found = find_seeds(model, {"Bright": True, "Red": False}, seeds=range(200))
    seen = eye.read(model.sample(range(200))).probabilities > 0.5
    assert found.seeds == np.flatnonzero(seen[:, 0] & ~seen[:, 1]).tolist()
    assert found.looked_at == 200
    assert str(found).startswith(f"{len(found.seeds)} of 200 faces")


@pytest.mark.usefixtures("eye")
def test_without_seeds_the_first_that_are_so_are_found(tmp_path: Path) -> None:
    model = painter(tmp_path)
    everything = find_seeds(model, {"Red": True}, seeds=range(300)).seeds
    found = find_seeds(model, {"Red": True}, enough=70)
    assert found.seeds == everything[:70]
    assert found.looked_at == everything[69] + 1


@pytest.mark.usefixtures("eye")
def test_what_is_too_rare_ends_with_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = painter(tmp_path)
    monkeypatch.setattr(choosing, "MOST_LOOKED_AT", 128)
    with pytest.raises(StrangersError, match=r"Only 0 of 128 faces have Striped=1; ask for less"):
        find_seeds(model, {"Striped": True}, enough=1)
    with pytest.raises(StrangersError, match=r"Only \d+ of 128 faces have Bright=1; ask for fewer"):
        find_seeds(model, {"Bright": True}, enough=1_000)
    with pytest.raises(StrangersError, match="Only 0 of 10 faces"):
        find_seeds(model, {"Striped": True}, seeds=range(10))


@pytest.mark.usefixtures("eye")
def test_an_unknown_attribute_is_told_with_the_known(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no attribute 'Dotted'\. There are Bright, Red, Striped"):
        find_seeds(painter(tmp_path), {"Dotted": True}, enough=1)
