"""Games over HTTP: fair, without a hint before the answer, and kept with consent only."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from strangers.data.prepare import prepare
from strangers.data.prepared import PreparedSet
from strangers.errors import UsageError
from strangers.evaluation.human import human_results, read_answers
from strangers.sampling.load import load
from strangers.sampling.model import Model
from strangers.web import games
from strangers.web.errors import RequestError
from strangers.web.games import FACES_PER_GAME, Games
from strangers.web.service import NamedModel, Service, open_service

from ..support import write_model
from .support import Served, serving


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """An untrained generator, as if of drawn faces."""
    path = tmp_path_factory.mktemp("models") / "model.safetensors"
    return load(write_model(path, crop="square", filter="drawn"), device="cpu")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> PreparedSet:
    """Drawn faces in the place of photographs."""
    return prepare("synthetic:30", tmp_path_factory.mktemp("sets") / "drawn", size=32, progress=False)


@pytest.fixture
def answers(tmp_path: Path) -> Path:
    return tmp_path / "answers.jsonl"


@pytest.fixture
def served(model: Model, drawn: PreparedSet, answers: Path, quick_directions: None) -> Iterator[Served]:
    del quick_directions
    with serving(Service([NamedModel("tiny", model)], games=Games(drawn, answers))) as served:
        yield served


def begin(served: Served, *, consent: bool) -> dict[str, Any]:
    begun: dict[str, Any] = served.client.post("/api/games", json={"consent": consent}).json()
    return begun


def test_the_faces_are_those_of_the_set_and_of_the_model(
    served: Served, model: Model, drawn: PreparedSet
) -> None:
    game = begin(served, consent=False)
    assert set(game) == {"id", "faces", "shown_ms"}  # and no hint
    answer = served.client.get(f"/api/games/{game['id']}/faces")
    assert (answer.headers["Faces"], answer.headers["Face-Size"]) == (str(FACES_PER_GAME), "32")
    assert answer.headers["Cache-Control"] == "no-store"
    faces = np.frombuffer(answer.content, np.uint8).reshape(-1, 32, 32, 3)
    assert served.service.games is not None
    secret = served.service.games.game(game["id"])
    for position, (kind, picture) in enumerate(zip(secret.kinds, secret.pictures, strict=True)):
        wanted = drawn.images[picture] if kind == "real" else model.sample([picture])[0]
        np.testing.assert_array_equal(faces[position], wanted)
        told = served.client.post(
            f"/api/games/{game['id']}/answers", json={"position": position, "answer": "real"}
        ).json()
        assert told == {"kind": kind, "kept": False}


def test_half_of_the_faces_are_photographs_each_by_a_toss_of_its_own(
    model: Model, drawn: PreparedSet
) -> None:
    played = Games(drawn)
    begun = [played.begin(model, "tiny", consent=False) for _ in range(200)]
    reals = [game.kinds.count("real") for game in begun]
    assert abs(np.mean(reals) - FACES_PER_GAME / 2) < 6 * np.sqrt(FACES_PER_GAME / 4 / len(reals))
    assert len(set(reals)) > 3  # so that nobody can count
    for game in begun:
        assert len(set(game.pictures)) >= FACES_PER_GAME - 1  # a seed may equal a position


def test_answers_are_kept_with_consent_only(served: Served, answers: Path, drawn: PreparedSet) -> None:
    for consent in (False, True):
        game = begin(served, consent=consent)
        for position in range(FACES_PER_GAME):
            answered = served.client.post(
                f"/api/games/{game['id']}/answers", json={"position": position, "answer": "real"}
            ).json()
            assert answered["kept"] == consent
        assert answers.stat().st_size > 0 if consent else answers.read_bytes() == b""
    (result,) = human_results(read_answers(answers))
    assert (len(result.answers), result.games) == (FACES_PER_GAME, 1)
    told = result.conditions
    assert (told["model"], told["photographs"]) == ("tiny", "drawn")
    assert told["photographs_hash"] == drawn.manifest.hash
    assert result.error("real").wrong == 0
    assert result.error("fake").wrong == result.error("fake").count
    assert game["id"] not in answers.read_text()


def test_a_face_is_answered_once(served: Served) -> None:
    path = f"/api/games/{begin(served, consent=True)['id']}/answers"
    statuses = [
        served.client.post(path, json={"position": position, "answer": "fake"}).status_code
        for position in (3, 3, FACES_PER_GAME)
    ]
    assert statuses == [200, 409, 422]
    assert served.client.get("/api/games/nothing/faces").status_code == 404


def test_an_answer_that_cannot_be_stored_is_told_so(served: Served, answers: Path) -> None:
    answers.unlink()
    answers.mkdir()
    path = f"/api/games/{begin(served, consent=True)['id']}/answers"
    assert served.client.post(path, json={"position": 0, "answer": "fake"}).json()["kept"] is False


def test_an_answer_after_a_line_that_was_cut_is_a_line_of_its_own(served: Served, answers: Path) -> None:
    for position in range(2):
        path = f"/api/games/{begin(served, consent=True)['id']}/answers"
        assert served.client.post(path, json={"position": position, "answer": "real"}).json()["kept"]
        answers.write_bytes(answers.read_bytes().removesuffix(b"\n"))
    assert len(read_answers(answers)) == 2


def test_old_games_are_forgotten(model: Model, drawn: PreparedSet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(games, "MAX_GAMES", 2)
    played = Games(drawn)
    first, *later = (played.begin(model, "tiny", consent=False) for _ in range(3))
    with pytest.raises(RequestError, match="over"):
        played.game(first.id)
    assert [played.game(game.id) for game in later] == later


def test_photographs_of_another_size_or_crop_are_refused(
    tmp_path: Path, model: Model, drawn: PreparedSet
) -> None:
    small = write_model(tmp_path / "model.safetensors")
    with pytest.raises(UsageError, match=r"crop square.*crop c178.*Prepare photographs alike"):
        open_service([str(small)], photographs=drawn.path)
    other = prepare("synthetic:3", tmp_path / "other", size=16, progress=False)
    assert "16 px" in Games(other).reason(model)
    service = Service([NamedModel("tiny", model)], games=Games(other))
    with serving(service) as served:
        facts = served.client.get("/api/games").json()
        assert (facts["photographs"], "16 px" in facts["reason"]) == ("", True)
        assert served.client.post("/api/games", json={}).status_code == 409


def test_without_photographs_there_is_no_game(model: Model, quick_directions: None) -> None:
    del quick_directions
    with serving(Service([NamedModel("tiny", model)])) as served:
        assert served.client.get("/api/games").json()["photographs"] == ""
        assert served.client.post("/api/games", json={}).status_code == 404
