"""Tables of text with one row per picture, and the match of pictures and rows.

Read are comma-, semicolon-, tab- and space-separated files, with or without quotes and header, in UTF-8 or
UTF-16. The column of pictures may be any; columns without a name, such as pandas' index, are dropped.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from strangers.errors import DataError

PICTURE_SUFFIXES = (
    ".avif", ".bmp", ".gif", ".heic", ".heif", ".jfif", ".jpe", ".jpeg", ".jpg", ".pgm", ".png", ".pnm",
    ".ppm", ".tif", ".tiff", ".webp",
)  # fmt: skip

PICTURE_COLUMNS = (
    "file", "file_name", "filename", "id", "image", "image_id", "img", "name", "path", "photo", "picture",
)  # fmt: skip
"""Names, in lower case, of a column of pictures whose cells have no suffix that would tell."""

DELIMITERS = "\t;,|"

INSPECTED_ROWS = 50
"""Rows by which the column of pictures is found."""

Key = tuple[str, ...]
"""Parts of a path without the picture's suffix."""


@dataclass(frozen=True)
class Table:
    """A table of text.

    Attributes:
        name: of its file, for messages.
        pictures: path or file name of each row's picture.
        columns: names of the other columns; empty if the table has no header.
        cells: the other cells, row by row.
    """

    name: str
    pictures: list[str]
    columns: tuple[str, ...]
    cells: list[list[str]]


def parse_table(name: str, content: bytes, picture_column: str | None = None) -> Table:
    """Parse a table. Raises DataError that names it and the row that is wrong.

    picture_column: name of the column of pictures, if it is known.
    """
    rows = list(_rows(name, _decode(name, content)))
    # CelebA's official tables begin with the number of rows, and name all columns but the first.
    official = bool(rows) and len(rows[0]) == 1 and rows[0][0].isdigit()
    if official:
        del rows[0]
    if not rows:
        raise DataError(f"The table {name} is empty; download it again.")
    header = None if _is_data(rows[0]) else rows.pop(0)
    if not rows:
        raise DataError(f"The table {name} has a header and no rows; download it again.")
    if header and (len(rows[0]) == len(header) + 1 or (official and not _is_key(header[0]))):
        header = ["", *header]
    width = len(header or rows[0])
    for number, row in enumerate(rows, start=1):
        if len(row) != width:
            raise DataError(
                f"The table {name} has {len(row)} cells in row {number} ({_short(row[0])}) and {width} "
                f"{'columns' if header else 'in its first row'}; correct it, or download it again."
            )
    if header and picture_column in header:
        column = header.index(picture_column)
    else:
        column = _picture_column(header, rows)
    kept = [i for i in range(width) if i != column and (header is None or _is_named(header[i]))]
    columns = tuple(header[i] for i in kept) if header else ()
    twice = [text for text, count in Counter(columns).items() if count > 1]
    if twice:
        raise DataError(f"The table {name} has two columns {_short(twice[0])!r}; rename one of them.")
    pictures = [row[column] for row in rows]
    if kept == list(range(1, width)):
        return Table(name, pictures, columns, [row[1:] for row in rows])
    return Table(name, pictures, columns, [[row[i] for i in kept] for row in rows])


def _decode(name: str, content: bytes) -> str:
    """Decode UTF-8 or UTF-16, with or without a byte order mark. Raises DataError."""
    encoding = "utf-8-sig"
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    elif b"\0" in content[:64]:
        encoding = "utf-16-be" if content[:1] == b"\0" else "utf-16-le"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise DataError(
            f"The table {name} is neither UTF-8 nor UTF-16 ({error.reason} at byte {error.start}); save it "
            "as UTF-8, or download it again."
        ) from None


def _rows(name: str, text: str) -> Iterator[list[str]]:
    """Yield the rows that are not blank. Equal cells share one string. Raises DataError."""
    delimiter, text = _delimiter(text)
    seen: dict[str, str] = {}
    lines: Iterable[str] = io.StringIO(text, newline=None)
    if delimiter == " ":
        lines = (line.strip() + "\n" for line in lines)
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)
    width = 0
    try:
        for row in reader:
            if not any(row):
                continue
            if delimiter == " " and width and len(row) > width + 1:
                # A file name with spaces.
                row = [" ".join(row[: len(row) - width]), *row[len(row) - width :]]
            elif delimiter == " " and '"' not in text and not (len(row) == 1 and row[0].isdigit()):
                width = width or len(row) - (_is_data(row) or _is_key(row[0]))
            yield [seen.setdefault(cell, cell) for cell in row]
    except csv.Error as error:
        raise DataError(
            f"The table {name} cannot be read in line {reader.line_num} ({error}); correct it, or fetch it "
            "again."
        ) from None


def _delimiter(text: str) -> tuple[str, str]:
    """Return the delimiter that the first line with one uses, and the text without Excel's `sep=` line."""
    first, _, rest = text.partition("\n")
    if first.lower().startswith("sep=") and len(first.rstrip("\r")) == 5:
        return first[4], rest
    for line in io.StringIO(text[: 2**20]):
        if line.strip() and not line.strip().isdigit():
            outside = "".join(line.split('"')[::2])
            found = max(DELIMITERS, key=outside.count)
            return (found if outside.count(found) else " "), text
    return " ", text


def _is_data(row: Sequence[str]) -> bool:
    """Return whether a first row is data rather than a header: it names a picture, or has numbers only."""
    return any(map(_is_picture, row)) or (len(row) > 1 and all(_is_number(cell) for cell in row[1:]))


def _is_picture(cell: str) -> bool:
    return _split_suffix(cell)[1] != ""


def _is_number(cell: str) -> bool:
    return cell.removeprefix("-").isdigit()


def _is_key(column: str) -> bool:
    return column.lower() in PICTURE_COLUMNS


def _is_named(column: str) -> bool:
    return bool(column) and not column.startswith("Unnamed:")


def _picture_column(header: Sequence[str] | None, rows: Sequence[Sequence[str]]) -> int:
    """Return the column whose cells are pictures: by suffix, by name, else the first. Paths come first."""
    first = rows[:INSPECTED_ROWS]
    by_suffix = [i for i in range(len(first[0])) if all(_is_picture(row[i]) for row in first)]
    for column in by_suffix:
        if any("/" in row[column] or "\\" in row[column] for row in first):
            return column
    if by_suffix:
        return by_suffix[0]
    by_name = [i for i, text in enumerate(header or ()) if _is_key(text)]
    return by_name[0] if by_name else 0


def match_rows(table: Table, pictures: Sequence[str], place: str = "") -> NDArray[np.int64]:
    """Return the row of each picture, int64 (n,); -1 for a picture without one.

    A row matches a picture if one of the two paths ends in the other; suffixes of pictures may differ, as in
    converted copies. The row that agrees in most folders, then in suffix, is taken.

    pictures: paths within a source. place: path of the source, whose folders rows may name too.

    Raises DataError that names both if two different rows match one picture, or two pictures one row.
    """
    index = _Index(table)
    around = _split(place)[0]
    found = np.full(len(pictures), -1, np.int64)
    claims: dict[int, tuple[bool, int]] = {}
    for position, picture in enumerate(pictures):
        key, suffix = _split(picture)
        row = index.find(picture, around, key, suffix)
        if row is None:
            continue
        exact = suffix == index.suffixes[row]
        before = claims.get(row)
        if before is not None and before[0] == exact:
            raise DataError(
                f"The pictures {_short(pictures[before[1]])!r} and {_short(picture)!r} both match the row "
                f"{_short(table.pictures[row])!r} of the table {table.name}; name pictures by their relative "
                "paths in the table, or name one folder as the source."
            )
        if before is not None and before[0]:
            continue
        if before is not None:
            found[before[1]] = -1
        claims[row] = exact, position
        found[position] = row
    return found


class _Index:
    """Rows by the ends of their paths."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._rows: dict[Key, list[int]] = {}
        self._by_end: dict[Key, list[int]] = {}
        self.suffixes: list[str] = []
        for row, picture in enumerate(table.pictures):
            key, suffix = _split(picture)
            self.suffixes.append(suffix)
            self._rows.setdefault(key, []).append(row)
            for start in range(1, len(key)):
                self._by_end.setdefault(key[start:], []).append(row)
        self._depth = max(map(len, self._rows), default=0)

    def find(self, picture: str, around: Key, key: Key, suffix: str) -> int | None:
        """Return the row that agrees with the picture in most folders, or None."""
        whole = (*around, *key)
        for length in range(min(len(whole), self._depth), 0, -1):
            end = whole[len(whole) - length :]
            rows = self._rows.get(end, [])
            if not rows and length >= len(key):
                rows = self._by_end.get(end, [])
            if rows:
                return self._only(picture, rows, suffix)
        return None

    def _only(self, picture: str, rows: list[int], suffix: str) -> int:
        """Return the one row among those that match equally well. Raises DataError if they differ."""
        rows = [row for row in rows if self.suffixes[row] == suffix] or rows
        cells, names = self._table.cells, self._table.pictures
        for row in rows[1:]:
            if cells[row] != cells[rows[0]]:
                raise DataError(
                    f"The rows {rows[0] + 1} ({_short(names[rows[0]])}) and {row + 1} ({_short(names[row])}) "
                    f"of the table {self._table.name} both match the picture {_short(picture)!r}; correct "
                    "the table."
                )
        return rows[0]


def _split(path: str) -> tuple[Key, str]:
    """Return the parts of a path without the picture's suffix, and the suffix in lower case."""
    if not path.isascii():
        # macOS decomposes accented letters.
        path = unicodedata.normalize("NFC", path)
    path, suffix = _split_suffix(path.strip())
    return tuple(part for part in path.replace("\\", "/").split("/") if part not in ("", ".")), suffix


def _split_suffix(path: str) -> tuple[str, str]:
    stem, dot, suffix = path.rpartition(".")
    suffix = dot + suffix.lower()
    return (stem, suffix) if stem and suffix in PICTURE_SUFFIXES else (path, "")


def _short(text: str, length: int = 120) -> str:
    """Return text for a message, cut in its middle."""
    return text if len(text) <= length else f"{text[: length // 2]}...{text[-length // 2 :]}"
