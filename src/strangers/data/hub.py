"""Data sets of the Hugging Face Hub: downloaded into the cache of the hub, then read like other files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from strangers.data.annotations import (
    ATTRIBUTES,
    IDENTITY,
    NO_SPLIT,
    PARTITION,
    SPLIT_COLUMNS,
    SPLIT_NAMES,
    Labels,
    split_of_path,
)
from strangers.data.containers import (
    ARCHIVE_SUFFIXES,
    Container,
    File,
    Wanted,
    nearest_tables,
    tables_around,
)
from strangers.data.metadata import METADATA
from strangers.data.tables import PICTURE_SUFFIXES
from strangers.errors import DataError, UsageError

if TYPE_CHECKING:
    import pyarrow

ROWS_AT_ONCE = 64
"""Rows of a parquet file in memory at once."""

BINARY = ({-1, 1}, {0, 1}, {-1, 0, 1})
"""Sets of integers that make a column one of attributes."""


def fetch(name: str) -> Path:
    """Return the folder of the hub data set OWNER/NAME, downloaded if it is new or changed.

    Raises UsageError for an invalid name, and DataError if the data set is not available.
    """
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", name):
        raise UsageError(
            f"Invalid hub data set 'hf:{name}'; write it as hf:OWNER/NAME, such as hf:nielsr/CelebA-faces."
        )
    # A network client that only this source needs.
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, repo_type="dataset", allow_patterns=_patterns()))
    # Errors of the hub's client, its network library or the disk.
    except Exception as error:
        raise DataError(
            f"Cannot download the data set hf:{name} ({type(error).__name__}: {_first_line(error)}); check "
            "the name, the network, and for private data sets `hf auth login`."
        ) from None


def is_parquet(name: str) -> bool:
    """Return whether a file's name ends as those of parquet files do."""
    return name.lower().endswith(".parquet")


def _patterns() -> list[str]:
    """Return patterns of the files to download."""
    suffixes = [*PICTURE_SUFFIXES, *ARCHIVE_SUFFIXES, ".parquet"]
    names = [
        *suffixes,
        *(suffix.upper() for suffix in suffixes),
        *ATTRIBUTES,
        *PARTITION,
        *IDENTITY,
        *METADATA,
    ]
    return [f"*{name}" for name in names]


class Parquet(Container):
    """The pictures in a folder's parquet files, in the order of files and rows."""

    def __init__(self, folder: Path, names: Iterable[str], omitted: Mapping[str, str] | None = None) -> None:
        """Open the parquet files of these names in the folder."""
        self.folder = folder
        self._omitted = omitted or {}
        self._shards = sorted(folder / name for name in names)

    @property
    def place(self) -> str:
        """Absolute path of the folder."""
        return str(self.folder.absolute())

    def names(self) -> list[str]:
        """Return the names of the rows, without reading the pictures, which are large."""
        return [path or place for path, place in self._rows(only="path")]

    def files(self, wanted: Wanted) -> Iterator[File]:
        """Yield the wanted rows; each is named by its own path where it has one."""
        for position, (value, place) in enumerate(self._rows()):
            path = value.get("path") if isinstance(value, dict) else None
            data = value.get("bytes") if isinstance(value, dict) else value
            if wanted(position, path or place):
                yield File(path or place, data or b"", "" if data else "the row has no picture")

    def omitted(self) -> Mapping[str, str]:
        """Return what lies beside the parquet files and is left out."""
        return self._omitted

    def tables(self) -> dict[str, bytes]:
        """Return CelebA's tables around the parquet files."""
        return nearest_tables({}, tables_around(self.folder))

    def labels(self) -> Labels | None:
        """Return attributes from columns of booleans, or of -1, 0 and 1; splits from columns and file names.

        None if there is neither. Raises DataError.
        """
        columns: dict[str, list[Any]] = {}
        splits: list[NDArray[np.int8]] = []
        rows = 0
        for number, shard in enumerate(self._shards):
            found, count = self._columns(shard)
            if number and found.keys() != columns.keys():
                raise DataError(
                    f"The files {self._shards[0]} and {shard} have different columns; prepare one at a time."
                )
            for name, column in found.items():
                columns.setdefault(name, []).extend(column)
            splits.append(np.full(count, split_of_path(shard.relative_to(self.folder).as_posix()), np.int8))
            rows += count
        split = np.concatenate(splits) if splits else np.zeros(0, np.int8)
        for name in [name for name in columns if name.lower() in SPLIT_COLUMNS]:
            split = np.array([_split_value(value) for value in columns.pop(name)], np.int8)
        attributes = {name: code for name, column in columns.items() if (code := _codes(column)) is not None}
        values = np.stack([*attributes.values()], axis=1) if attributes else np.zeros((rows, 0), np.int8)
        known = bool((split != NO_SPLIT).any())
        return Labels(tuple(attributes), values, split if known else None) if attributes or known else None

    def _columns(self, shard: Path) -> tuple[dict[str, list[Any]], int]:
        """Return the columns of one file that may be labels, and its number of rows."""
        import pyarrow
        import pyarrow.parquet

        try:
            with pyarrow.parquet.ParquetFile(shard) as file:
                names = [column.name for column in file.schema_arrow if _may_be_labels(column)]
                return file.read(columns=names).to_pydict() if names else {}, file.metadata.num_rows
        except (pyarrow.ArrowException, OSError) as error:
            raise _unreadable(shard, error) from None

    def _rows(self, only: str | None = None) -> Iterator[tuple[Any, str]]:
        """Yield each row's picture, or only that field of it, None where it has none; and the row's place.

        Raises DataError.
        """
        # Imported here: it is large.
        import pyarrow.parquet

        for shard in self._shards:
            place = shard.relative_to(self.folder).with_suffix("").as_posix()
            try:
                with pyarrow.parquet.ParquetFile(shard) as file:
                    yield from (
                        (value, f"{place}/{row:06d}") for row, value in enumerate(_values(file, shard, only))
                    )
            except (pyarrow.ArrowException, OSError) as error:
                raise _unreadable(shard, error) from None


def _unreadable(shard: Path, error: Exception) -> DataError:
    return DataError(f"The file {shard} cannot be read ({_first_line(error)}); download it again.")


def _values(file: pyarrow.parquet.ParquetFile, shard: Path, only: str | None) -> Iterator[Any]:
    column = _picture_column(file.schema_arrow, shard)
    kind = file.schema_arrow.field(column).type
    if only is None:
        for batch in file.iter_batches(ROWS_AT_ONCE, columns=[column]):
            yield from batch.column(0).to_pylist()
    elif hasattr(kind, "get_field_index") and kind.get_field_index(only) >= 0:
        for batch in file.iter_batches(columns=[f"{column}.{only}"]):
            yield from (value and value[only] for value in batch.column(0).to_pylist())
    else:
        yield from (None for _ in range(file.metadata.num_rows))


def _picture_column(schema: pyarrow.Schema, path: Path) -> str:
    """Return the name of the first column that holds pictures' bytes, alone or in a struct {bytes, path}."""
    import pyarrow

    for column in schema:
        kind = column.type
        if pyarrow.types.is_binary(kind) or pyarrow.types.is_large_binary(kind):
            return str(column.name)
        if pyarrow.types.is_struct(kind) and kind.get_field_index("bytes") >= 0:
            return str(column.name)
    raise DataError(f"The file {path} has no column of pictures; its columns are {', '.join(schema.names)}.")


def _may_be_labels(column: pyarrow.Field) -> bool:
    import pyarrow

    kind = column.type
    return (
        pyarrow.types.is_boolean(kind)
        or pyarrow.types.is_integer(kind)
        or (column.name.lower() in SPLIT_COLUMNS and pyarrow.types.is_string(kind))
    )


def _codes(column: list[Any]) -> NDArray[np.int8] | None:
    """Return +1, -1, or 0 for not known; None for a column that holds other numbers, or one and the same."""
    found = set(column) - {None}
    if any(isinstance(value, bool) for value in found):
        return np.array([0 if value is None else 1 if value else -1 for value in column], np.int8)
    if not any(found <= binary for binary in BINARY) or found in ({0}, {1}, set()):
        return None
    no = 0 if -1 in found else -1
    return np.array([0 if value is None else value or no for value in column], np.int8)


def _split_value(value: Any) -> int:
    """Return the split that a cell names, as a number or in words; NO_SPLIT for what is none."""
    if isinstance(value, int) and value in (0, 1, 2):
        return value
    return SPLIT_NAMES.get(str(value).strip().lower(), NO_SPLIT)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [""])[0]
