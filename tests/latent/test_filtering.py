"""Filtering: exactly the faces that the network labels as wanted, in the order of their seeds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from strangers.errors import StrangersError, UsageError
from strangers.latent import filtering
from strangers.latent.filtering import find_seeds

from .support import Eye, painter


def test_all_matching_faces_are_kept_and_no_others(tmp_path: Path, eye: Eye) -> None:
    model = painter(tmp_path)
    found = find_seeds(model, {"Bright": True, "Red": False}, seeds=range(200))
    seen = eye.read(model.sample(range(200))).probabilities > 0.5
    assert found.seeds == np.flatnonzero(seen[:, 0] & ~seen[:, 1]).tolist()
    assert found.examined == 200
    assert str(found).startswith(f"{len(found.seeds)} of 200 faces (")


@pytest.mark.usefixtures("eye")
def test_without_seeds_the_first_matches_are_found(tmp_path: Path) -> None:
    model = painter(tmp_path)
    everything = find_seeds(model, {"Red": True}, seeds=range(300)).seeds
    found = find_seeds(model, {"Red": True}, count=70)
    assert found.seeds == everything[:70]
    assert found.examined == everything[69] + 1


@pytest.mark.usefixtures("eye")
def test_a_search_for_rare_faces_ends_with_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = painter(tmp_path)
    monkeypatch.setattr(filtering, "MAX_EXAMINED", 128)
    with pytest.raises(StrangersError, match=r"Only 0 of 128 faces have Striped=1; relax"):
        find_seeds(model, {"Striped": True}, count=1)
    with pytest.raises(StrangersError, match=r"Only \d+ of 128 faces have Bright=1; ask for fewer"):
        find_seeds(model, {"Bright": True}, count=1_000)
    with pytest.raises(StrangersError, match="Only 0 of 10 faces"):
        find_seeds(model, {"Striped": True}, seeds=range(10))


@pytest.mark.usefixtures("eye")
def test_an_unknown_attribute_is_refused_with_a_list(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"Unknown attribute 'Dotted'\. Choose from Bright, Red, Striped"):
        find_seeds(painter(tmp_path), {"Dotted": True}, count=1)
