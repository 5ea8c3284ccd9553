"""`strangers cache` lists what can be made again, and removes it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ..support import Strangers


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache with two parts."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for name, size in (("sets/drawn/images.npy", 2_000_000), ("ood/1.safetensors", 500_000)):
        path = tmp_path / "strangers" / name
        path.parent.mkdir(parents=True)
        path.write_bytes(b"0" * size)
    return tmp_path / "strangers"


def test_parts_are_listed_with_their_sizes(strangers: Strangers, cache: Path) -> None:
    code, out, _ = strangers("cache")
    assert code == 0
    assert [line.split()[:3] for line in out.splitlines()] == [
        ["ood", "0.5", "MB"], ["sets", "2.0", "MB"], ["total", "2.5", "MB"],
    ]  # fmt: skip
    assert str(cache) in out
    assert json.loads(strangers("cache", "sets", "--json").out)["bytes"] == 2_000_000


def test_named_parts_are_removed_and_others_kept(strangers: Strangers, cache: Path) -> None:
    code, out, _ = strangers("cache", "sets", "--clear")
    assert (code, out) == (0, f"Removed 1 file, 2.0 MB, from {cache}.\n")
    assert [path.name for path in cache.iterdir()] == ["ood"]
    assert strangers("cache", "--clear").code == 0
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize("name", ["set", "..", ""])
def test_a_part_that_does_not_exist_is_a_wrong_call(strangers: Strangers, cache: Path, name: str) -> None:
    code, _, err = strangers("cache", name, "--clear")
    assert code == 2
    assert "it holds ood, sets" in err
    assert len(list(cache.iterdir())) == 2
