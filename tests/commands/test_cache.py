"""`strangers cache` lists what can be made again, and removes it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from strangers.system.folders import new_folder

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


def test_what_another_process_removes_is_not_listed(strangers: Strangers, cache: Path) -> None:
    (cache / "sets").rename(cache / ".partial-sets-1-abcd1234")
    assert [entry["name"] for entry in json.loads(strangers("cache", "--json").out)["entries"]] == ["ood"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no locks of folders.")
def test_a_set_that_another_process_is_preparing_stays(strangers: Strangers, cache: Path) -> None:
    with new_folder(cache / "sets/new") as partial:
        (partial / "images.npy").write_bytes(b"0")
        code, out, _ = strangers("cache", "--clear")
        assert (code, out.splitlines()) == (
            0,
            [
                f"Removed 1 file, 0.5 MB, from {cache}.",
                "Of sets, what another process is writing remains.",
            ],
        )
        assert not (cache / "sets/drawn").exists()
    assert (cache / "sets/new/images.npy").read_bytes() == b"0"
    assert strangers("cache", "--clear").code == 0
    assert list(cache.iterdir()) == []


def test_a_folder_that_is_no_part_of_the_cache_is_removed_by_name_only(
    strangers: Strangers, cache: Path
) -> None:
    (cache / ".git").mkdir()
    assert ".git" in strangers("cache").out
    assert strangers("cache", "--clear").code == 0
    assert [path.name for path in cache.iterdir()] == [".git"]
    assert strangers("cache", ".git", "--clear").code == 0
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize("name", ["set", "..", ""])
def test_a_part_that_does_not_exist_is_a_wrong_call(strangers: Strangers, cache: Path, name: str) -> None:
    code, _, err = strangers("cache", name, "--clear")
    assert code == 2
    assert "it holds ood, sets" in err
    assert len(list(cache.iterdir())) == 2
