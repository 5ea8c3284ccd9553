"""Data sets of the Hugging Face hub: fetched into the hub's own cache, then read like any files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from strangers.data.annotations import ATTRIBUTES, PARTITION
from strangers.data.archives import Container, File, Wanted, tables_beside
from strangers.errors import DataError, UsageError

if TYPE_CHECKING:
    import pyarrow

PICTURES = ("*.jpg", "*.jpeg", "*.png", "*.webp", "*.bmp", "*.zip", "*.tar", "*.tar.gz", "*.tgz", "*.parquet")
ROWS = 64  # of a parquet file in memory at once


def fetch(name: str) -> Path:
    """The folder that holds the data set OWNER/NAME of the hub, fetched unless it was before.

    Raises UsageError for a name of another form, DataError if it cannot be had.
    """
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", name):
        raise UsageError(
            f"A data set of the hub is named hf:OWNER/NAME, like hf:nielsr/CelebA-faces, not 'hf:{name}'."
        )
    from huggingface_hub import snapshot_download  # a network client that only this source needs

    patterns = [*PICTURES, *(f"*{table}" for table in ATTRIBUTES + PARTITION)]
    try:
        return Path(snapshot_download(name, repo_type="dataset", allow_patterns=patterns))
    except Exception as error:  # of the hub's client, its network library or the disk
        raise DataError(
            f"The data set hf:{name} could not be fetched ({type(error).__name__}: {_first_line(error)}); "
            "check the name, the network, and `hf auth login` for data sets behind a login."
        ) from None


class Parquet(Container):
    """The pictures in a folder's parquet files, in the order of files and rows."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._shards = sorted(folder.rglob("*.parquet"))

    def names(self) -> list[str]:
        """The names of the rows; of the pictures, which are large, nothing is read."""
        return [path or place for path, place in self._rows(only="path")]

    def files(self, wanted: Wanted) -> Iterator[File]:
        """The wanted rows; each is named by its own path where it has one."""
        for position, (value, place) in enumerate(self._rows()):
            path = value.get("path") if isinstance(value, dict) else None
            data = value.get("bytes") if isinstance(value, dict) else value
            if wanted(position, path or place):
                yield File(path or place, data or b"", "" if data else "the row has no picture")

    def tables(self) -> dict[str, bytes]:
        """CelebA's tables that lie beside the parquet files."""
        return tables_beside(self.folder)

    def _rows(self, only: str | None = None) -> Iterator[tuple[Any, str]]:
        """Each row's picture, or only that field of it, None where it has none; and the row's place.

        Raises DataError.
        """
        import pyarrow.parquet  # loaded where it is needed: it is large

        for shard in self._shards:
            place = shard.relative_to(self.folder).with_suffix("").as_posix()
            try:
                with pyarrow.parquet.ParquetFile(shard) as file:
                    yield from (
                        (value, f"{place}/{row:06d}") for row, value in enumerate(_values(file, shard, only))
                    )
            except (pyarrow.ArrowException, OSError) as error:
                raise DataError(
                    f"The file {shard} cannot be read ({_first_line(error)}); fetch it again."
                ) from None


def _values(file: pyarrow.parquet.ParquetFile, shard: Path, only: str | None) -> Iterator[Any]:
    column = _picture_column(file.schema_arrow, shard)
    kind = file.schema_arrow.field(column).type
    if only is None:
        for batch in file.iter_batches(ROWS, columns=[column]):
            yield from batch.column(0).to_pylist()
    elif hasattr(kind, "get_field_index") and kind.get_field_index(only) >= 0:
        for batch in file.iter_batches(columns=[f"{column}.{only}"]):
            yield from (value and value[only] for value in batch.column(0).to_pylist())
    else:
        yield from (None for _ in range(file.metadata.num_rows))


def _picture_column(schema: pyarrow.Schema, path: Path) -> str:
    """The name of the first column that holds pictures' bytes, alone or in a struct {bytes, path}."""
    import pyarrow

    for column in schema:
        kind = column.type
        if pyarrow.types.is_binary(kind) or pyarrow.types.is_large_binary(kind):
            return str(column.name)
        if pyarrow.types.is_struct(kind) and kind.get_field_index("bytes") >= 0:
            return str(column.name)
    raise DataError(f"The file {path} has no column of pictures; its columns are {', '.join(schema.names)}.")


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [""])[0]
