"""Rows of an array that another program changes."""

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest

from strangers.data.array_file import ArrayFile
from strangers.errors import DataError

NUMBERS = np.arange(40 * 1000, dtype=np.uint32).reshape(40, 1000)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    np.save(tmp_path / "numbers.npy", NUMBERS)
    return tmp_path / "numbers.npy"


@pytest.mark.parametrize("positions", [[], [7], [3, 3, 39, 0], [4, 5, 6, 2, 3], list(range(40))], ids=str)
def test_rows_are_those_of_the_array_in_the_order_of_their_positions(
    positions: list[int], path: Path
) -> None:
    file = ArrayFile(path)
    file.read_ahead(np.array(positions, np.int64))
    found = file.rows(np.array(positions, np.int64))
    np.testing.assert_array_equal(found, NUMBERS[np.array(positions, np.int64)])
    assert found.flags.writeable
    assert (file.shape, file.dtype) == (NUMBERS.shape, NUMBERS.dtype)


@pytest.mark.parametrize("position", [-1, 40])
def test_a_position_outside_is_an_error(position: int, path: Path) -> None:
    with pytest.raises(IndexError):
        ArrayFile(path).rows(np.array([0, position]))


@pytest.mark.skipif(not hasattr(os, "preadv"), reason="Windows lets nobody cut a mapped file.")
def test_a_file_that_is_cut_short_while_it_is_read_is_an_error_in_a_sentence(path: Path) -> None:
    file = ArrayFile(path)
    os.truncate(path, path.stat().st_size // 2)
    np.testing.assert_array_equal(file.rows(np.arange(10)), NUMBERS[:10])
    with pytest.raises(DataError, match=r"numbers\.npy was cut short while it was read"):
        file.rows(np.arange(10, 40))


@pytest.mark.skipif(not hasattr(os, "preadv"), reason="Windows lets nobody replace a mapped file.")
def test_a_file_that_another_replaces_is_read_to_its_end(path: Path) -> None:
    file, opened = ArrayFile(path), hashlib.sha256(path.read_bytes()).hexdigest()
    np.save(path.with_name("other.npy"), np.zeros(3))
    os.replace(path.with_name("other.npy"), path)
    np.testing.assert_array_equal(file.rows(np.arange(40)), NUMBERS)
    assert file.sha256() == opened


def test_a_file_of_another_layout_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "numbers.npy"
    np.save(path, np.asfortranarray(NUMBERS))
    with pytest.raises(ValueError, match="C order"):
        ArrayFile(path)
    np.save(path, np.array([None]), allow_pickle=True)
    with pytest.raises(ValueError, match="C order"):
        ArrayFile(path)
    np.save(path, NUMBERS)
    path.write_bytes(path.read_bytes() + b"?")
    with pytest.raises(ValueError, match="1 B longer than its header"):
        ArrayFile(path)
