"""Answers of people who were shown photographs and generated faces, and how often they were wrong.

An answer is one line of JSON, which `serve --answers` writes and `evaluate --human` reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from strangers.config import Configuration
from strangers.errors import DataError, UsageError

Kind = Literal["real", "fake"]

MAX_ANSWER_BYTES = 100_000
"""Length of a line of an answers file; a longer one is none of ours."""

CONDITIONS = ("model", "model_hash", "photographs", "photographs_hash", "size", "shown_ms")
"""Fields of answers that are reported together."""

NORMAL_QUANTILE = 1.959963984540054
"""The normal quantile of a two-sided interval of 95%."""


class Answer(Configuration):
    """One answer of a player.

    Attributes:
        time: when, ISO 8601 in UTC.
        game: names the game; the answers of one game are of one player.
        position: of the face in the game, from 0.
        kind: "real" for a photograph, "fake" for a generated face.
        answer: the player's word.
        shown_ms: how long the face was shown, in milliseconds.
        model, photographs: names of the model and of the prepared set.
        model_hash, photographs_hash: their hashes.
        size: of the pictures, in pixels.
        picture: position of the photograph in the set, or seed of the generated face.
    """

    time: str
    game: str
    position: int = Field(ge=0)
    kind: Kind
    answer: Kind
    shown_ms: int = Field(ge=1)
    model: str
    model_hash: str
    photographs: str
    photographs_hash: str
    size: int = Field(ge=1)
    picture: int = Field(ge=0)


@dataclass(frozen=True)
class ErrorRate:
    """Share of wrong answers with its 95% interval (Wilson 1927).

    Attributes:
        wrong, count: number of wrong answers, and of all.
    """

    wrong: int
    count: int

    @property
    def rate(self) -> float:
        """Return the share of wrong answers; NaN without answers."""
        return self.wrong / self.count if self.count else float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        """Return the ends of the interval; (0, 1) without answers."""
        if not self.count:
            return 0.0, 1.0
        n, z = self.count, NORMAL_QUANTILE
        middle = (self.rate + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * sqrt(self.rate * (1 - self.rate) / n + z * z / (4 * n * n))
        return max(0.0, middle - half), min(1.0, middle + half)

    def __str__(self) -> str:
        if not self.count:
            return "no answers"
        low, high = self.interval
        return f"{self.rate:.1%} [{low:.1%}, {high:.1%}], {self.wrong:,} of {self.count:,}"

    def as_json(self) -> dict[str, Any]:
        """Return the numbers for a program; null for a rate without answers."""
        low, high = self.interval
        rate = self.rate if self.count else None
        return {"rate": rate, "low": low, "high": high, "wrong": self.wrong, "count": self.count}


@dataclass(frozen=True)
class HumanResult:
    """The answers about the faces of one model and one set of photographs, shown for the same time."""

    answers: Sequence[Answer]

    @property
    def conditions(self) -> dict[str, Any]:
        """Return what all answers share."""
        return {name: getattr(self.answers[0], name) for name in CONDITIONS}

    @property
    def games(self) -> int:
        """Return the number of games."""
        return len({answer.game for answer in self.answers})

    def error(self, kind: Kind | None = None) -> ErrorRate:
        """Return the error rate on photographs ("real"), on generated faces ("fake"), or on all."""
        judged = [answer for answer in self.answers if kind in (None, answer.kind)]
        return ErrorRate(sum(answer.answer != answer.kind for answer in judged), len(judged))

    def __str__(self) -> str:
        first = self.answers[0]
        shown = f"{first.size} px, each shown for {first.shown_ms / 1000:g} s"
        title = f"{first.model} against {first.photographs}, {shown}"
        games = f"{self.games:,} game{'' if self.games == 1 else 's'}"
        lines = [
            f"{title}: {len(self.answers):,} answers of {games}",
            f"  error rate           {self.error()}",
            f"  on photographs       {self.error('real')}",
            f"  on generated faces   {self.error('fake')}",
        ]
        return "\n".join(lines)

    def as_json(self) -> dict[str, Any]:
        """Return the result for a program."""
        errors = {"error": None, "error_real": "real", "error_fake": "fake"}
        rates = {name: self.error(kind).as_json() for name, kind in errors.items()}  # type: ignore[arg-type]
        return self.conditions | {"games": self.games} | rates


INTERVALS = (
    "Intervals: 95%, Wilson, as if all answers were independent; those of one person are not. 50% is chance."
)


def human_results(answers: Iterable[Answer]) -> list[HumanResult]:
    """Group answers by model, photographs, size and time, in the order of their first answers."""
    groups: dict[tuple[Any, ...], list[Answer]] = {}
    for answer in answers:
        groups.setdefault(tuple(getattr(answer, name) for name in CONDITIONS), []).append(answer)
    return [HumanResult(group) for group in groups.values()]


def read_answers(path: Path) -> list[Answer]:
    """Read a file of answers. Raises UsageError without a file, and DataError for lines that are none."""
    try:
        answers = list(_answers(path))
    except FileNotFoundError:
        raise UsageError(f"There is no file {path}; `strangers serve --answers` writes one.") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from error
    if not answers:
        raise DataError(f"{path} has no answers yet; `strangers serve --answers` writes them.")
    return answers


def check_answers(path: Path) -> None:
    """Raise DataError unless answers can be added to `path`: it has answers only, is empty, or is new."""
    if path.exists() and not path.is_file():
        raise DataError(f"{path} is not a regular file; choose another file for answers.")
    if path.exists() and path.stat().st_size:
        read_answers(path)
    try:
        with path.open("ab"):
            pass
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror}.") from error


def _answers(path: Path) -> Iterator[Answer]:
    with path.open("rb") as file:
        number = 0
        while line := file.readline(MAX_ANSWER_BYTES):
            number += 1
            if not line.strip():
                continue
            try:
                yield Answer.model_validate_json(line)
            except ValidationError:
                raise DataError(
                    f"{path}, line {number}, is not an answer of `strangers serve --answers`; "
                    "remove that line, or choose another file."
                ) from None
