"""Tables of image folders: metadata.csv and metadata.jsonl, as the `datasets` library of the hub reads them.

A table lies beside the pictures that it describes, or above them; its column `file_name` has their paths
from there. Other columns may hold anything: those of yes and no are attributes.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from strangers.data.tables import Table, parse_table
from strangers.errors import DataError

METADATA = ("metadata.csv", "metadata.jsonl")

FILE_NAME = "file_name"
"""The column of paths."""


def is_metadata(name: str) -> bool:
    """Return whether a file has the name of such a table."""
    return PurePosixPath(name).name in METADATA


def parse(name: str, content: bytes) -> Table:
    """Parse a table of any form by its suffix, JSON lines included. Raises DataError."""
    if name.lower().endswith(".jsonl"):
        return _parse_json_lines(name, content)
    return parse_table(name, content, FILE_NAME if is_metadata(name) else None)


def read_metadata(tables: Mapping[str, bytes]) -> tuple[list[Table], list[str]]:
    """Return the metadata tables among `tables`, and the names of those without a column `file_name`.

    Pictures have paths within the source, where the tables name them from their own folders. All tables
    have the same columns: a cell that a table lacks is empty. Raises DataError for a broken table.
    """
    found: list[Table] = []
    unused: list[str] = []
    for name in sorted(filter(is_metadata, tables)):
        if not _has_file_names(name, tables[name]):
            unused.append(name)
            continue
        table = parse(name, tables[name])
        folder = posixpath.dirname(name)
        pictures = [posixpath.normpath(posixpath.join(folder, picture)) for picture in table.pictures]
        found.append(Table(name, pictures, table.columns, table.cells))
    columns = tuple(dict.fromkeys(column for table in found for column in table.columns))
    return [_with_columns(table, columns) for table in found], unused


def _has_file_names(name: str, content: bytes) -> bool:
    """Return whether the first line of a table names the column of paths."""
    if name.endswith(".jsonl"):
        return any(FILE_NAME in row for _, row in _objects(name, content))
    # Zeros are half of the bytes of UTF-16.
    return re.search(rb"\bfile_name\b", content.replace(b"\0", b"").partition(b"\n")[0]) is not None


def _with_columns(table: Table, columns: tuple[str, ...]) -> Table:
    places = [table.columns.index(column) if column in table.columns else None for column in columns]
    cells = [["" if place is None else row[place] for place in places] for row in table.cells]
    return Table(table.name, table.pictures, columns, cells)


def _parse_json_lines(name: str, content: bytes) -> Table:
    """Parse a JSON object per line: its `file_name`, and its other fields as cells. Raises DataError."""
    rows = list(_objects(name, content))
    columns = tuple(dict.fromkeys(field for _, row in rows for field in row if field != FILE_NAME))
    pictures, cells = [], []
    for number, row in rows:
        picture = row.get(FILE_NAME)
        if not isinstance(picture, str):
            raise DataError(f"The table {name} has no {FILE_NAME} in line {number}; correct it.")
        pictures.append(picture)
        cells.append([_cell(row.get(column)) for column in columns])
    if not rows:
        raise DataError(f"The table {name} is empty; fetch it again.")
    return Table(name, pictures, columns, cells)


def _objects(name: str, content: bytes) -> Iterator[tuple[int, dict[str, object]]]:
    """Yield the number and the object of each line. Raises DataError."""
    for number, line in enumerate(content.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        if not isinstance(row, dict):
            raise DataError(f"The table {name} has no JSON object in line {number}; correct it.")
        yield number, row


def _cell(value: object) -> str:
    """Return a JSON value as a cell of a table."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)
