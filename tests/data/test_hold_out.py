"""A held-out part: its share, its people, and that pictures added later change no other picture's part."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from strangers.data.hold_out import HoldOut, hold_out
from strangers.data.prepare import prepare
from strangers.data.prepared import PreparedSet, open_prepared
from strangers.data.skipped import read_skipped
from strangers.errors import DataError, UsageError

NAMES = [f"photos/IMG_{number:04d}.jpg" for number in range(2_000)]


def held_out(names: list[str], share: float = 0.1, people: Mapping[str, str] | None = None) -> set[str]:
    rule = hold_out(share, names, people or {})
    return {name for name, held in zip(names, rule.chosen(names), strict=True) if held}


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5])
def test_about_that_share_is_held_out(share: float) -> None:
    assert len(held_out(NAMES, share)) / len(NAMES) == pytest.approx(share, abs=0.02)


def test_pictures_added_later_change_no_part() -> None:
    assert held_out(NAMES[:1_000]) == held_out(NAMES) & set(NAMES[:1_000])


def test_a_larger_share_holds_out_the_same_pictures_and_more() -> None:
    assert held_out(NAMES, 0.1) < held_out(NAMES, 0.2)


def test_a_repacked_source_with_converted_pictures_is_divided_alike() -> None:
    repacked = [name.removeprefix("photos/").replace(".jpg", ".png") for name in NAMES]
    expected = {name.removeprefix("photos/").replace(".jpg", ".png") for name in held_out(NAMES)}
    assert held_out(repacked) == expected


def test_further_faces_of_a_photograph_are_in_its_part() -> None:
    first, second, third = ([f"{name}{number}" for name in NAMES] for number in ("", "#2", "#10"))
    rule = HoldOut(0.1)
    np.testing.assert_array_equal(rule.chosen(first), rule.chosen(second))
    np.testing.assert_array_equal(rule.chosen(first), rule.chosen(third))


def test_folders_are_people_where_there_are_many() -> None:
    names = [f"lfw/person {number % 200}/{number}.jpg" for number in range(2_000)]
    rule = hold_out(0.1, names, {})
    chosen = rule.chosen(names)
    assert str(rule) == "0.1 by folder"
    by_person = chosen.reshape(10, 200)
    assert (by_person == by_person[0]).all()
    assert 5 < by_person[0].sum() < 40
    few = [f"year {number % 3}/{number}.jpg" for number in range(2_000)]
    assert str(hold_out(0.1, few, {})) == "0.1 by picture"


@pytest.mark.parametrize("share", [0, -0.1, 0.6, float("nan")])
def test_impossible_shares_are_refused(share: float) -> None:
    with pytest.raises(UsageError, match="--hold-out must be above 0%"):
        hold_out(share, NAMES, {})


@pytest.fixture
def portraits(tmp_path: Path) -> Path:
    """Sixty pictures of twenty people, whom a table names, and a broken one."""
    folder = tmp_path / "portraits"
    folder.mkdir()
    rows = []
    for number in range(60):
        Image.new("RGB", (20, 20), (4 * number, 90, 90)).save(folder / f"{number}.png")
        rows.append(f"{number}.png,{number % 20},{number % 2}\n")
    (folder / "broken.png").write_bytes(b"")
    (folder / "metadata.csv").write_text("file_name,person,Smiling\n" + "".join(rows))
    return folder


def test_people_of_a_table_are_held_out_as_a_whole(portraits: Path, tmp_path: Path) -> None:
    prepared = prepare(portraits, tmp_path / "set", size=16, workers=1, progress=False, hold_out=0.25)
    part = prepared.held_out
    assert part is not None
    assert prepared.manifest.hold_out == part.manifest.hold_out == "0.25 by person"
    assert part.manifest.split == "held-out"
    assert len(prepared) + len(part) == 60
    people = [{int(name.removesuffix(".png")) % 20 for name in one.names} for one in (prepared, part)]
    assert not people[0] & people[1]
    assert prepared.manifest.originals == {"20x20": len(prepared)}
    assert part.manifest.originals == {"20x20": len(part)}
    assert [name for name, _ in read_skipped(prepared.path)] == ["broken.png"]
    assert part.manifest.skipped == 0
    for one in (prepared, open_prepared(part.path)):
        check(one)


def check(prepared: PreparedSet) -> None:
    """Check that each picture has its own pixels and its own label."""
    assert prepared.attributes is not None
    for position, name in enumerate(prepared.names):
        number = int(name.removesuffix(".png"))
        assert (prepared.batch(np.array([position])) == (4 * number, 90, 90)).all()
        assert prepared.attributes[position].tolist() == [1 if number % 2 else -1]


def test_drawn_faces_are_held_out_one_by_one(tmp_path: Path) -> None:
    whole = prepare("synthetic:80", tmp_path / "whole", size=16, workers=1, progress=False)
    divided = prepare("synthetic:80", tmp_path / "set", size=16, workers=1, progress=False, hold_out=0.2)
    assert divided.held_out is not None
    both = dict(zip(divided.names + divided.held_out.names, [*divided.images, *divided.held_out.images],
                    strict=True))  # fmt: skip
    assert sorted(both) == whole.names
    np.testing.assert_array_equal([both[name] for name in whole.names], whole.images)
    assert whole.held_out is None


def test_a_limit_counts_both_parts(tmp_path: Path) -> None:
    prepared = prepare(
        "synthetic:200", tmp_path / "set", size=16, workers=1, progress=False, hold_out=0.2, limit=90
    )
    assert prepared.held_out is not None
    assert len(prepared) + len(prepared.held_out) == 90


def test_an_empty_part_is_an_error_that_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="--hold-out holds out no picture of 3"):
        prepare("synthetic:3", tmp_path / "set", size=16, workers=1, progress=False, hold_out=0.01)
    with pytest.raises(UsageError, match="--hold-out and --part exclude each other"):
        prepare("synthetic:9", tmp_path / "set", size=16, hold_out=0.1, part=(1, 2))
    assert list(tmp_path.iterdir()) == []
