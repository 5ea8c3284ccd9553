"""The cache: a value is made once, and again after damage."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from strangers.errors import StrangersError
from strangers.system.cache import Cached, cache_folder, cached, to_bytes

KEY = {"format": 1, "of": "numbers"}


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


class Maker:
    """Makes numbered values."""

    def __init__(self) -> None:
        self.made = 0

    def __call__(self) -> Cached:
        self.made += 1
        return Cached({"numbers": np.arange(6.0).reshape(2, 3)}, {"made": self.made})


def test_a_value_is_made_once_per_key() -> None:
    make = Maker()
    first, again = cached("numbers", KEY, make), cached("numbers", KEY, make)
    assert first.facts == again.facts == {"made": 1}
    np.testing.assert_array_equal(first.arrays["numbers"], again.arrays["numbers"])
    assert cached("numbers", KEY | {"format": 2}, make).facts == {"made": 2}
    assert len(list((cache_folder() / "numbers").iterdir())) == 2


@pytest.mark.parametrize("damage", ["flipped", "truncated", "edited"])
def test_a_damaged_file_is_made_again(damage: str) -> None:
    make = Maker()
    cached("numbers", KEY, make)
    [path] = (cache_folder() / "numbers").iterdir()
    data = bytearray(path.read_bytes())
    if damage == "flipped":
        data[-3] ^= 1
    elif damage == "truncated":
        data = data[:40]
    else:
        data = data.replace(b'made\\":1', b'made\\":9').replace(b'made\\": 1', b'made\\": 9')
        assert data != path.read_bytes()
    path.write_bytes(data)
    assert cached("numbers", KEY, make).facts == {"made": 2}
    assert cached("numbers", KEY, make).facts == {"made": 2}


def test_a_bundled_file_is_read_and_not_copied(tmp_path: Path) -> None:
    make = Maker()
    cached("numbers", KEY, make)
    [path] = (cache_folder() / "numbers").iterdir()
    bundled = tmp_path / "bundled"
    bundled.mkdir()
    (bundled / path.name).write_bytes(to_bytes(make()))
    path.unlink()
    assert cached("numbers", KEY, make, bundled=bundled).facts == {"made": 2}
    assert not path.exists()


def test_without_a_writable_cache_values_are_made_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    make = Maker()
    assert cached("numbers", KEY, make).facts == {"made": 1}
    assert cached("numbers", KEY, make).facts == {"made": 2}


def test_a_user_without_a_home_is_asked_for_a_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    def home() -> Path:
        raise RuntimeError

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", home)
    with pytest.raises(StrangersError, match="XDG_CACHE_HOME"):
        cache_folder()
