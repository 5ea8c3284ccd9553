"""Attributes and splits of pictures, from tables such as CelebA's.

    official (.txt)    202599                                  the number of rows,
                       5_o_Clock_Shadow Arched_Eyebrows ...    the names of the columns,
                       000001.jpg -1  1 ...                    a row for each image
    Kaggle's (.csv)    image_id,5_o_Clock_Shadow,...           one line of names
                       000001.jpg,-1,1,...

Other delimiters, encodings and spellings of yes and no are read as well: see `strangers.data.tables`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from strangers.data.metadata import is_metadata, parse, read_metadata
from strangers.data.tables import Table, match_rows
from strangers.errors import DataError

ATTRIBUTES = ("list_attr_celeba.txt", "list_attr_celeba.csv")
PARTITION = ("list_eval_partition.txt", "list_eval_partition.csv")
SPLITS = {"train": 0, "val": 1, "test": 2}
IDENTITY = ("identity_CelebA.txt", "identity_CelebA.csv")
OTHER_TABLES = ("list_bbox_celeba", "list_landmarks_align_celeba", "list_landmarks_celeba")

SPLIT_NAMES = SPLITS | {"training": 0, "valid": 1, "validation": 1, "dev": 1, "testing": 2}
"""Splits as tables and file names spell them, in lower case."""

SPLIT_COLUMNS = frozenset({"partition", "split"})
"""Names, in lower case, of a column of splits."""

PERSON_COLUMNS = frozenset({"identity", "identity_id", "person", "person_id", "subject", "subject_id"})
"""Names, in lower case, of a column that says who is in the picture."""

NO_SPLIT = -1
"""The split of a picture without a row."""

YES = frozenset(["1", "1.0", "+1", "true", "t", "yes", "y"])
NO = frozenset(["-1", "-1.0", "false", "f", "no", "n"])
ZERO = frozenset(["0", "0.0", "-0.0"])
UNKNOWN = frozenset(("", "na", "n/a", "nan", "none", "null", "?"))

_EMPTY = Table("", [], (), [])


@dataclass(frozen=True)
class Labels:
    """Attributes and splits of n pictures.

    Attributes:
        names: of the attributes.
        values: int8 (n, attributes): +1, -1, or 0 where not known.
        splits: int8 (n,): a value of SPLITS, or NO_SPLIT; None if no splits are known.
    """

    names: tuple[str, ...]
    values: NDArray[np.int8]
    splits: NDArray[np.int8] | None


@dataclass(frozen=True)
class Annotations:
    """Attributes and splits, each from a table of its own.

    Attributes:
        names: of the attributes.
        values: int8 (rows, attributes): +1, -1, or 0 where not known.
        splits: int8 (rows of the partition,): 0, 1 or 2, the values of SPLITS.
        attribute_table, partition_table: the tables, whose rows name pictures; empty if there was none.
        people_table: who is in each picture, in one column; empty if there was none.
        unused: names of tables that were found and hold nothing of this.
    """

    names: tuple[str, ...] = ()
    values: NDArray[np.int8] = field(default_factory=lambda: np.zeros((0, 0), np.int8))
    splits: NDArray[np.int8] = field(default_factory=lambda: np.zeros(0, np.int8))
    attribute_table: Table = _EMPTY
    partition_table: Table = _EMPTY
    people_table: Table = _EMPTY
    unused: tuple[str, ...] = ()

    def attributes_of(self, pictures: Sequence[str], place: str = "") -> NDArray[np.int8]:
        """Return the attributes of the named pictures, int8 (n, k); 0 for a picture without a row.

        place: path of the source that the names are relative to. Raises DataError as `match_rows` does.
        """
        rows = match_rows(self.attribute_table, pictures, place)
        padded = np.vstack([self.values, np.zeros((1, len(self.names)), np.int8)])
        return padded[rows]

    def splits_of(self, pictures: Sequence[str], place: str = "") -> NDArray[np.int8]:
        """Return the splits of the named pictures, int8 (n,); NO_SPLIT for a picture without a row."""
        rows = match_rows(self.partition_table, pictures, place)
        padded = np.append(self.splits, np.int8(NO_SPLIT))
        return padded[rows]

    def people_of(self, pictures: Sequence[str], place: str = "") -> dict[str, str]:
        """Return the person in each of the named pictures, of those that the table knows."""
        rows = match_rows(self.people_table, pictures, place)
        cells = self.people_table.cells
        return {
            picture: person
            for picture, row in zip(pictures, rows.tolist(), strict=True)
            if row >= 0 and (person := cells[row][0].strip())
        }

    def or_else(self, other: Annotations) -> Annotations:
        """Return these annotations, with the table that is missing here from `other`."""
        attributes, partition = (self if self.names else other), (self if len(self.splits) else other)
        return Annotations(
            attributes.names,
            attributes.values,
            partition.splits,
            attributes.attribute_table,
            partition.partition_table,
            self.people_table if self.people_table.pictures else other.people_table,
            (*self.unused, *other.unused),
        )


def is_table(name: str) -> bool:
    """Return whether a file of this name is one of CelebA's tables."""
    path = PurePosixPath(name)
    return is_annotation(name) or (path.suffix in {".txt", ".csv"} and path.stem in OTHER_TABLES)


def is_annotation(name: str) -> bool:
    """Return whether a file of this name holds labels: a table of CelebA or of an image folder."""
    return PurePosixPath(name).name in ATTRIBUTES + PARTITION + IDENTITY or is_metadata(name)


def read_annotations(tables: Mapping[str, bytes]) -> Annotations:
    """Read CelebA's tables and those of image folders, given by their paths.

    What CelebA's lack is taken from the others. Raises DataError for a table that cannot be read, and where
    two of CelebA's tables of one kind differ.
    """
    attributes = _only(tables, ATTRIBUTES)
    partition = _only(tables, PARTITION)
    found = Annotations()
    if attributes is not None:
        found = _with_attributes(found, attributes)
    if partition is not None:
        found = _with_splits(found, partition)
    people = _only(tables, IDENTITY)
    if people is not None:
        found = replace(found, people_table=_columns(people, [0]))
    return found.or_else(_of_image_folders(tables))


def _of_image_folders(tables: Mapping[str, bytes]) -> Annotations:
    """Read metadata tables: their columns of yes and no, and splits by a column or by the table's folder."""
    parts, unused = read_metadata(tables)
    if not parts:
        return Annotations(unused=tuple(unused))
    name = parts[0].name if len(parts) == 1 else f"{parts[0].name} and {len(parts) - 1} others"
    cells = [row for part in parts for row in part.cells]
    table = Table(name, [picture for part in parts for picture in part.pictures], parts[0].columns, cells)
    found = Annotations(unused=tuple(unused), people_table=_people(table))
    attributes = [i for i in range(len(table.columns)) if _is_binary({row[i] for row in cells})]
    if attributes:
        found = _with_attributes(found, _columns(table, attributes))
    by_column = [i for i, column in enumerate(table.columns) if column.lower() in SPLIT_COLUMNS]
    splits = [
        _split_code(row[by_column[0]].strip().lower()) if by_column else split_of_path(part.name)
        for part in parts
        for row in part.cells
    ]
    if set(splits) == {NO_SPLIT}:
        return found
    return replace(found, splits=np.array(splits, np.int8), partition_table=_columns(table, by_column[:1]))


def _people(table: Table) -> Table:
    """Return the column that says who is in the pictures, or an empty table."""
    found = [i for i, column in enumerate(table.columns) if column.lower() in PERSON_COLUMNS]
    return _columns(table, found[:1]) if found else _EMPTY


def _is_binary(cells: Iterable[str]) -> bool:
    """Return whether the cells of a column are yes and no; a number that is always the same is neither."""
    known = {cell.strip().lower() for cell in cells} - UNKNOWN
    return known <= YES | NO | ZERO and len(known) > (known <= {"0", "1"})


def split_of_path(path: str) -> int:
    """Return the split that a file's name begins with, or that its folder is named for; else NO_SPLIT."""
    for part in reversed(PurePosixPath(path).with_suffix("").parts):
        split = SPLIT_NAMES.get(re.split(r"[-_.]", part.lower())[0])
        if split is not None:
            return split
    return NO_SPLIT


def read_table(name: str, content: bytes) -> Annotations:
    """Read one table of any name, by its columns: attributes, splits (`partition` or `split`), or both."""
    if is_annotation(name):
        return read_annotations({name: content})
    table = parse(name, content)
    of_splits = [i for i, column in enumerate(table.columns) if column.lower() in SPLIT_COLUMNS]
    found = Annotations(people_table=_people(table))
    if of_splits:
        found = _with_splits(found, _columns(table, of_splits))
    known = SPLIT_COLUMNS | PERSON_COLUMNS
    others = [i for i, column in enumerate(table.columns) if column.lower() not in known]
    if not others and found.people_table.pictures:
        return found
    return _with_attributes(found, _columns(table, others)) if others or not of_splits else found


def _only(tables: Mapping[str, bytes], names: tuple[str, ...]) -> Table | None:
    """Return the one table with one of these file names, or None. Raises DataError if there are two."""
    found = [
        parse(name, content) for name, content in sorted(tables.items()) if PurePosixPath(name).name in names
    ]
    for other in found[1:]:
        if (other.pictures, other.cells) != (found[0].pictures, found[0].cells):
            raise DataError(
                f"The tables {found[0].name} and {other.name} differ; remove one of them, or name the one to "
                "use with --annotations."
            )
    return found[0] if found else None


def _columns(table: Table, chosen: Sequence[int]) -> Table:
    """Return some columns of a table, whose names are empty if it has no header."""
    names = tuple(table.columns[i] for i in chosen) if table.columns else ()
    cells = [[row[i] for i in chosen] for row in table.cells]
    return Table(table.name, table.pictures, names, cells)


def _with_attributes(found: Annotations, table: Table) -> Annotations:
    """Add attributes. Raises DataError if the table has no header, or other cells than yes and no."""
    if not table.columns:
        raise DataError(f"The table {table.name} has no header that names the attributes; download it again.")
    cells = {cell for row in table.cells for cell in row}
    for cell in cells:
        if cell.strip().lower() not in YES | NO | ZERO | UNKNOWN:
            raise DataError(
                f"The table {table.name} has {cell[:40]!r} in {_place(table, cell)}; attributes are 1 and "
                "-1, 1 and 0, or True and False. Correct it, or download it again."
            )
    # Zero means no where nothing else does, as in 0 and 1; beside -1 and 1 it means not known.
    zero = 0 if {"-1", "-1.0"} & cells else -1
    codes = {cell: _code(cell.strip().lower(), zero) for cell in cells}
    values = np.array([[codes[cell] for cell in row] for row in table.cells], np.int8)
    return replace(found, names=table.columns, values=values, attribute_table=table)


def _code(cell: str, zero: int) -> int:
    """Return +1, -1, or 0 for not known."""
    if cell in YES:
        return 1
    if cell in NO:
        return -1
    return zero if cell in ZERO else 0


def _with_splits(found: Annotations, table: Table) -> Annotations:
    """Add splits. Raises DataError for other than one column of 0, 1 and 2, or names of splits."""
    width = len(table.cells[0])
    if width != 1:
        raise DataError(
            f"The table {table.name} has {width} columns of splits instead of one; download it again."
        )
    codes = {cell: _split_code(cell.strip().lower()) for row in table.cells for cell in row}
    for cell, code in codes.items():
        if code == NO_SPLIT:
            raise DataError(
                f"The table {table.name} has {cell[:40]!r} in {_place(table, cell)}; splits are 0, 1 and 2, "
                "or train, val and test. Correct it, or download it again."
            )
    splits = np.array([codes[row[0]] for row in table.cells], np.int8)
    return replace(found, splits=splits, partition_table=table)


def _split_code(cell: str) -> int:
    """Return 0, 1 or 2; NO_SPLIT for what is no split."""
    number = cell.removesuffix(".0")
    return int(number) if number in {"0", "1", "2"} else SPLIT_NAMES.get(cell, NO_SPLIT)


def _place(table: Table, cell: str) -> str:
    """Return where a cell is, for messages."""
    number, row = next((i, row) for i, row in enumerate(table.cells, start=1) if cell in row)
    column = table.columns[row.index(cell)] if table.columns else "its second column"
    return f"row {number}, column {column[:40]}"
