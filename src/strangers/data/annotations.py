"""CelebA's tables: which image has which attributes, and which split it belongs to.

Two forms are read, whatever their line ends:

    official (.txt)    202599                                  for attributes: the number of rows,
                       5_o_Clock_Shadow Arched_Eyebrows ...    the names of the columns,
                       000001.jpg -1  1 ...                    a row for each image
    Kaggle's (.csv)    image_id,5_o_Clock_Shadow,...           one line of names
                       000001.jpg,-1,1,...
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from strangers.errors import DataError

ATTRIBUTES = ("list_attr_celeba.txt", "list_attr_celeba.csv")
PARTITION = ("list_eval_partition.txt", "list_eval_partition.csv")
SPLITS = {"train": 0, "val": 1, "test": 2}
OTHER_TABLES = ("identity_CelebA", "list_bbox_celeba", "list_landmarks_align_celeba", "list_landmarks_celeba")


@dataclass(frozen=True)
class Annotations:
    """What tables say about images, which are known by the stems of their names.

    Attributes:
        names: of the attributes.
        rows: from stem to row of `values`.
        values: int8 (rows, attributes), +1 or -1.
        splits: from stem to 0, 1 or 2, the values of SPLITS; empty where no partition table was found.
    """

    names: tuple[str, ...] = ()
    rows: Mapping[str, int] = field(default_factory=dict)
    values: NDArray[np.int8] = field(default_factory=lambda: np.zeros((0, 0), np.int8))
    splits: Mapping[str, int] = field(default_factory=dict)

    def of(self, images: Iterable[str]) -> NDArray[np.int8]:
        """The attributes of the named images, int8 (n, k); 0 where the table has no row."""
        padded = np.vstack([self.values, np.zeros((1, len(self.names)), np.int8)])
        return padded[[self.rows.get(stem(name), -1) for name in images]]

    def otherwise(self, other: Annotations) -> Annotations:
        """These tables, and those of `other` where one is missing here."""
        attributes = self if self.names else other
        return Annotations(attributes.names, attributes.rows, attributes.values, self.splits or other.splits)


def is_table(name: str) -> bool:
    """Whether a file of this name is one of CelebA's tables rather than a photograph."""
    path = PurePosixPath(name)
    return path.name in ATTRIBUTES + PARTITION or (
        path.suffix in {".txt", ".csv"} and path.stem in OTHER_TABLES
    )


def stem(name: str) -> str:
    """What an image and its row have in common: `000001` of `img_align_celeba/000001.webp`."""
    return PurePosixPath(name.replace("\\", "/")).stem


def read_annotations(tables: Mapping[str, bytes]) -> Annotations:
    """The annotations in the tables found, by their names in ATTRIBUTES and PARTITION. Raises DataError."""
    attributes = Annotations()
    splits: dict[str, int] = {}
    for name, content in tables.items():
        if name in ATTRIBUTES:
            columns, rows, values = _read_table(name, content)
            if not np.isin(values, (-1, 1)).all():
                raise DataError(f"The table {name} has attributes other than 1 and -1; fetch it again.")
            attributes = Annotations(columns, rows, values)
        elif name in PARTITION:
            _, rows, values = _read_table(name, content)
            if values.shape[1] != 1 or not np.isin(values, tuple(SPLITS.values())).all():
                raise DataError(f"The table {name} has splits other than 0, 1 and 2; fetch it again.")
            splits = {image: int(values[row, 0]) for image, row in rows.items()}
    return Annotations(attributes.names, attributes.rows, attributes.values, splits)


def _read_table(name: str, content: bytes) -> tuple[tuple[str, ...], dict[str, int], NDArray[np.int8]]:
    """(names of the columns, row of each stem, values int8 (rows, columns)) of a table in either form."""
    try:
        lines = content.decode("utf-8-sig").replace(",", " ").splitlines()
        lines = [line for line in lines if line.strip()]
        columns: tuple[str, ...] = ()
        if name.endswith(".csv"):
            columns, lines = tuple(lines[0].split()[1:]), lines[1:]
        elif name in ATTRIBUTES:
            columns, lines = tuple(lines[1].split()), lines[2:]
        pairs = [line.split(None, 1) for line in lines]
        widths = {len(pair[1].split()) for pair in pairs}
        if len(widths) > 1:
            raise ValueError(f"its rows have {min(widths)} to {max(widths)} values")
        values = np.array(" ".join(pair[1] for pair in pairs).split(), dtype=np.int8).reshape(len(pairs), -1)
    except IndexError:
        raise DataError(f"The table {name} is cut short; fetch it again.") from None
    except (ValueError, OverflowError) as error:
        raise DataError(f"The table {name} cannot be read ({error}); fetch it again.") from None
    has_columns = name.endswith(".csv") or name in ATTRIBUTES
    if has_columns and values.shape[1] != len(columns):
        raise DataError(
            f"The table {name} has {values.shape[1]} values a row for {len(columns)} columns; fetch it again."
        )
    return columns, {stem(pair[0]): row for row, pair in enumerate(pairs)}, values
