"""Full disks: one error and exit code 1, no partial files, and success once there is space."""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from strangers.data.prepared import open_prepared

from .starving import (
    CommandResult,
    NotAllowedError,
    commands,
    halves,
    in_child,
    is_one_error,
    limit,
    mount_disk,
    mount_read_only,
    outcome,
    run_command,
    training,
)

pytestmark = pytest.mark.usefixtures("quick_pictures")


def starve_disk(place: Path, most: int) -> Callable[[], None]:
    mount_disk(place, most)
    return lambda: mount_disk(place, 2**28)


def starve_quota(place: Path, most: int) -> Callable[[], None]:
    """Limits of the size of a file, which the largest file exceeds."""
    del place
    limit(resource.RLIMIT_FSIZE, most // 4)
    return lambda: limit(resource.RLIMIT_FSIZE, resource.getrlimit(resource.RLIMIT_FSIZE)[1])


STARVED = {"a full disk": starve_disk, "a quota": starve_quota}


@pytest.mark.parametrize("how", STARVED)
def test_a_training_on_a_full_disk_resumes_once_there_is_space(
    how: str, small_set: Path, straight: str, tmp_path: Path, trials: Any, tally: Any
) -> None:
    chance, ended_early = random.Random(how), 0
    for trial in trials(1, 40):
        place = tmp_path / str(trial)
        place.mkdir()
        most = int(2 ** chance.uniform(12, 20.5))

        def work(place: Path = place, most: int = most) -> list[Any]:
            give_room = STARVED[how](place, most)
            first = run_command(*training(small_set, place / "run"))
            broken = halves(place)
            give_room()
            second = run_command(*training(small_set, place / "run"))
            return [first, broken, second, outcome(place / "run"), halves(place)]

        first, broken, second, reached, left = in_child(work)
        assert first[0] == 0 or is_one_error(CommandResult(*first)), (most, first)
        assert (broken, left) == ([], []), most
        assert second == [0, ""], (most, second)
        assert reached == straight, most
        ended_early += first[0] != 0
        shutil.rmtree(place)
    tally(f"trainings that met {how}", len(trials(1, 40)), f"{ended_early} ended with a sentence")


def test_a_disk_that_is_full_for_a_while_stops_no_training(
    small_set: Path, straight: str, tmp_path: Path, trials: Any, tally: Any
) -> None:
    from strangers.training import loop

    chance, next_step = random.Random(0), loop.next_step
    for trial in trials(1, 20):
        most, run = int(2 ** chance.uniform(11, 16)), tmp_path / f"run {trial}"

        def work(most: int = most, run: Path = run) -> list[Any]:
            def step(session: Any) -> Any:
                if session.state.images_seen == 256:
                    limit(resource.RLIMIT_FSIZE, most)
                if session.state.images_seen == 1280:
                    limit(resource.RLIMIT_FSIZE, resource.getrlimit(resource.RLIMIT_FSIZE)[1])
                return next_step(session)

            loop.next_step = step
            ended = run_command(*training(small_set, run))
            return [ended, outcome(run), halves(run)]

        ended, reached, left = in_child(work)
        assert (ended, reached, left) == ([0, ""], straight, []), most
        entries = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
        assert "not written" in {entry.get("kind") for entry in entries}
        assert [entry["images_seen"] for entry in entries if "real_loss" in entry] == list(
            range(256, 2049, 256)
        )
    tally("trainings whose disk was full for a while", len(trials(1, 20)))


def test_other_commands_on_a_full_disk_fail_with_an_error(
    small_set: Path, small_model: Path, tmp_path: Path, trials: Any, tally: Any
) -> None:
    chance, failed = random.Random(1), 0
    names = [name for name in commands(tmp_path, small_set, small_model) if name != "train"]
    for trial in trials(5, 200):
        place, most = tmp_path / str(trial), int(2 ** chance.uniform(12, 18))
        place.mkdir()
        name = names[trial % len(names)]

        def work(place: Path = place, most: int = most, name: str = name) -> list[Any]:
            mount_disk(place, most)
            ended = run_command(*commands(place, small_set, small_model)[name])
            if (place / "set").exists():
                open_prepared(place / "set")
            return [ended, halves(place)]

        ended, left = in_child(work)
        assert ended[0] == 0 or (is_one_error(CommandResult(*ended)) and str(place) in ended[1]), (
            name,
            ended,
        )
        assert left == [], (name, most)
        failed += ended[0] != 0
    tally("other commands that met a full disk", len(trials(5, 200)), f"{failed} ended with a sentence")


def forbid(place: Path) -> None:
    """Take the permission to write away, from root by being somebody else."""
    place.chmod(0o555)
    if os.geteuid() == 0:
        os.setegid(65534)
        os.seteuid(65534)


@pytest.mark.parametrize("how", [mount_read_only, forbid], ids=["read-only", "forbidden"])
def test_a_read_only_folder_is_an_error(
    how: Callable[[Path], None], small_set: Path, small_model: Path, tmp_path: Path, tally: Any
) -> None:
    for folder in (tmp_path, *tmp_path.parents[:2], small_set.parent, small_model.parent):
        folder.chmod(0o755)  # somebody else has to come as far as here
    place = tmp_path / "place"
    place.mkdir()
    names = list(commands(place, small_set, small_model))
    for name in names:

        def work(name: str = name) -> list[Any]:
            how(place)
            if not os.access(small_set / "manifest.json", os.R_OK, effective_ids=True):
                raise NotAllowedError("The temporary folder lets nobody else in.")
            return [
                run_command(*commands(place, small_set, small_model)[name]),
                [path.name for path in place.iterdir()],
            ]

        ended, left = in_child(work)
        assert is_one_error(CommandResult(*ended)), (name, ended)
        assert str(place) in ended[1]
        assert left == []
    tally(
        f"commands into a place that is {'read-only' if how is mount_read_only else 'forbidden'}", len(names)
    )
