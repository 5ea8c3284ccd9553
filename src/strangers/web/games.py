"""Games of "Photograph or stranger?": which faces they show, and what their players answered."""

from __future__ import annotations

import random
import secrets
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from strangers.data.prepared import PreparedSet
from strangers.errors import UsageError
from strangers.evaluation.facts import check_protocols, facts_of_model, facts_of_set
from strangers.evaluation.human import Answer, Kind, check_answers
from strangers.images import Pixels
from strangers.sampling.model import Model
from strangers.system.files import append_whole
from strangers.web.errors import RequestError

FACES_PER_GAME = 20

SHOWN_MS = 1000
"""Time for which the page shows a face, in milliseconds."""

MAX_GAMES = 1000
"""Games in memory; the oldest is forgotten for a new one."""


@dataclass
class Game:
    """One game. Each face is a photograph with probability 1/2, so that counting them does not help.

    Attributes:
        id: a secret of its player.
        model, model_hash: the model of its generated faces.
        kinds: of its faces, in order.
        pictures: positions of photographs in their set, and seeds of generated faces, in order.
        consent: True if the player allows the host to keep the answers.
        answered: positions that have an answer.
    """

    id: str
    model: str
    model_hash: str
    kinds: Sequence[Kind]
    pictures: Sequence[int]
    consent: bool
    answered: set[int] = field(default_factory=set)


class Games:
    """The games of a server with photographs of a prepared set."""

    def __init__(self, photographs: PreparedSet, answers: Path | None = None) -> None:
        """Play with `photographs`, and keep answers in the file `answers`, if any. Raises DataError."""
        if answers is not None:
            check_answers(answers)
        self.photographs, self.answers = photographs, answers
        self.title = photographs.path.resolve().name
        self._games: OrderedDict[str, Game] = OrderedDict()
        self._lock = threading.Lock()

    def reason(self, model: Model) -> str:
        """Return why there is no fair game with a model: other sizes, crops or filters. Empty if there is."""
        try:
            check_protocols(facts_of_model("the model", model), facts_of_set(self.photographs), allow=False)
        except UsageError:
            ours, theirs = model.header, self.photographs.manifest
            return (
                f"{self.title} has photographs of {theirs.size} px, crop {theirs.crop}, filter "
                f"{theirs.filter}; this model's faces have {ours.size} px, crop {ours.crop}, filter "
                f"{ours.filter}, so that their making would tell them apart."
            )
        return ""

    def begin(self, model: Model, name: str, *, consent: bool) -> Game:
        """Begin a game. Raises RequestError if it would not be fair."""
        if reason := self.reason(model):
            raise RequestError(409, reason)
        chance = random.SystemRandom()
        kinds: list[Kind] = [chance.choice(("real", "fake")) for _ in range(FACES_PER_GAME)]
        photographs = iter(_distinct(chance, len(self.photographs), kinds.count("real")))
        pictures = [next(photographs) if kind == "real" else chance.randrange(2**32) for kind in kinds]
        kept = consent and self.answers is not None
        game = Game(secrets.token_urlsafe(16), name, model.hash, kinds, pictures, kept)
        with self._lock:
            self._games[game.id] = game
            while len(self._games) > MAX_GAMES:
                self._games.popitem(last=False)
        return game

    def game(self, id: str) -> Game:
        """Return a game. Raises RequestError if there is none of that id."""
        with self._lock:
            if id not in self._games:
                raise RequestError(404, "This game is over; start a new one.")
            return self._games[id]

    def photographs_of(self, game: Game) -> Pixels:
        """Return the photographs of a game in order, uint8 (n, size, size, 3)."""
        positions = [at for at, kind in zip(game.pictures, game.kinds, strict=True) if kind == "real"]
        return self.photographs.batch(np.array(positions, np.int64))

    def answer(self, game: Game, position: int, answer: Kind) -> tuple[Kind, bool]:
        """Take an answer, once per face. Return what the face is, and whether the answer was kept.

        Raises RequestError for a position without a face, and for a second answer.
        """
        if not 0 <= position < len(game.kinds):
            raise RequestError(422, f"A game has {len(game.kinds)} faces, from 0 on.")
        with self._lock:
            if position in game.answered:
                raise RequestError(409, "This face has an answer already.")
            game.answered.add(position)
            return game.kinds[position], game.consent and self._keep(game, position, answer)

    def _keep(self, game: Game, position: int, answer: Kind) -> bool:
        """Add a line to the answers. Return False if that is impossible, for instance on a full disk."""
        assert self.answers is not None
        line = Answer(
            time=datetime.now(UTC).isoformat(timespec="seconds"),
            game=game.id[:8],  # a part of it: whoever reads the file cannot answer for the player
            position=position,
            kind=game.kinds[position],
            answer=answer,
            shown_ms=SHOWN_MS,
            model=game.model,
            model_hash=game.model_hash,
            photographs=self.title,
            photographs_hash=self.photographs.manifest.hash,
            size=self.photographs.manifest.size,
            picture=game.pictures[position],
        )
        try:
            append_whole(self.answers, f"{line.model_dump_json()}\n".encode())
        except OSError:
            return False
        return True


def _distinct(chance: random.Random, available: int, count: int) -> list[int]:
    """Draw `count` positions below `available`, distinct ones if there are so many."""
    if count <= available:
        return chance.sample(range(available), count)
    return [chance.randrange(available) for _ in range(count)]
