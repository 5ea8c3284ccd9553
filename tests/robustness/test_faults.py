"""Whichever write fails, files are old or new, and the same command completes them."""

from __future__ import annotations

import errno
import itertools
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pytest
import torch

from strangers.data.merge import merge
from strangers.data.prepare import open_or_prepare, prepare
from strangers.errors import StrangersError
from strangers.evaluation.evaluate import Settings, evaluate
from strangers.export import hub
from strangers.export.file import export_file
from strangers.recipes.presets import RECIPES
from strangers.recipes.recipe import with_overrides
from strangers.reports import evaluation as report
from strangers.sampling.load import load
from strangers.sampling.model_file import ModelHeader, read_model, save_model
from strangers.training import checkpoint
from strangers.training.evaluator import BestMetric
from strangers.training.loop import train
from strangers.training.state_file import Progress
from strangers.training.step import State, new_state
from strangers.training.tensors import tensors_of

from ..stand_ins import stand_in
from ..support import tiny, write_model
from .commands import SETTINGS, bytes_of, leftovers, trained_bits
from .faults import disk

CODES = (errno.EIO, errno.ENOSPC)

Found = dict[str, str]
"""The files in a folder: names, and digests of the contents."""

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Case:
    """Something that is written.

    Attributes:
        write: into a folder.
        before: brings a folder to its state before; nothing is there otherwise.
        state: what is in it; each entry has to be as before or as after.
        whole: whether all entries have to be of one time.
    """

    write: Callable[[Path], object]
    before: Callable[[Path], object] = lambda _: None
    state: Callable[[Path], Found] = bytes_of
    whole: bool = True


def try_all(case: Case, folder: Path, numbers: range) -> tuple[int, int]:
    """Let each of the changes fail that have such numbers; how many faults there were, and changes in all.

    All changes fail in both ways, chosen ones in one way each.
    """
    old, new = folder / "old", folder / "new"
    for place in (old, new):
        place.mkdir()
        case.before(place)
    case.write(new)
    before, after = case.state(old), case.state(new)
    assert before != after
    faults = 0
    for number, code in itertools.product(numbers, CODES):
        if numbers.step > 1 and code != CODES[number % 2]:
            continue
        place = folder / f"{number}-{code}"
        place.mkdir()
        case.before(place)
        with disk(number, code) as failing:
            error = _error(case, place)
        if not failing.failed:
            return faults, number - 1
        faults += 1
        where = f"{number}: {failing.failed}"
        found = case.state(place)
        assert all(found.get(name) in (before.get(name), after.get(name)) for name in found | after), where
        assert not case.whole or found in (before, after), where
        assert error is not None or found == after, where
        error = _error(case, place)
        assert error is None or ("exists already" in str(error) and found == after), where
        assert case.state(place) == after, where
        assert leftovers(place) == [], where
        shutil.rmtree(place)
    return faults, numbers[-1]


def _error(case: Case, place: Path) -> BaseException | None:
    """Return the error of the write that the command line would print, if any."""
    try:
        case.write(place)
    except (OSError, StrangersError) as error:
        return error
    return None


def every(trials: Callable[[int, int], range], step: int, first: int = 1) -> range:
    """All numbers with --robustness, every `step`-th otherwise."""
    return range(first, 10_000, trials(step, 1).stop)


def written_model(place: Path, scale: float) -> Path:
    """A model file whose weights depend on `scale`."""
    header, generator, _ = read_model(write_model(place / "model.safetensors"))
    for weights in generator.parameters():
        weights.data *= scale
    save_model(place / "model.safetensors", generator, header)
    return place / "model.safetensors"


def prepared(place: Path, name: str = "set", **settings: object) -> object:
    return prepare("synthetic:6", place / name, size=16, workers=1, progress=False, **settings)  # type: ignore[arg-type]


def parts(place: Path) -> None:
    for number in (1, 2):
        prepared(place, f"part-{number}", part=(number, 2))


def repository(place: Path, model: Path) -> None:
    hub.export_hub(load(model, device="cpu"), place / "repository")


@pytest.fixture
def cases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Case]:
    """All that is written, but for checkpoints and runs."""
    monkeypatch.setattr(hub, "as_onnx", lambda _: b"a graph")
    monkeypatch.setattr(hub, "checked", lambda *_: None)
    model, cache = written_model(tmp_path, 1.5), tmp_path / "cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    measured = evaluate(
        load(model, device="cpu"),
        "synthetic:16",
        settings=Settings(metrics=("kd-face",), count=16, device="cpu", allow_mismatch=True),
        progress=False,
    )

    def cached(place: Path) -> None:
        monkeypatch.setenv("XDG_CACHE_HOME", str(place))
        open_or_prepare("synthetic:6", size=16, progress=False)

    def old_file(place: Path) -> None:
        export_file(load(written_model(place, 1.0), device="cpu"), place / "faces.safetensors")

    def sets(place: Path) -> Found:
        return {name: content for name, content in bytes_of(place).items() if not name.endswith(".lock")}

    return {
        "a model file": Case(
            lambda place: written_model(place, 1.5), lambda place: written_model(place, 1.0)
        ),
        "an exported file and its card": Case(
            lambda place: export_file(load(model, device="cpu"), place / "faces.safetensors"),
            old_file,
            whole=False,
        ),
        "a repository": Case(lambda place: repository(place, model)),
        "a prepared set": Case(prepared),
        "a merged set": Case(lambda place: merge([place / "part-1", place / "part-2"], place / "set"), parts),
        "a set in the cache": Case(cached, state=sets),
        "a result and its report": Case(
            lambda place: report.write(place / "result.json", measured, force=True),
            lambda place: [(place / f"result{end}").write_text("old") for end in (".json", ".html")],
            whole=False,
        ),
    }


def test_an_output_is_complete_or_absent_whichever_write_fails(
    cases: dict[str, Case], tmp_path: Path, trials: Callable[[int, int], range], tally: Callable[..., None]
) -> None:
    for name, case in cases.items():
        folder = tmp_path / name
        folder.mkdir()
        faults, changes = try_all(case, folder, every(trials, 7))
        assert faults, name
        tally(f"faults while writing {name}", faults, f"{changes} changes of the disk")


HEADER = ModelHeader(
    software="test", recipe=tiny(), images_seen=0, crop="square", size=32, filter="drawn", data_hash="",
)  # fmt: skip


@lru_cache(maxsize=8)
def weights(images_seen: int) -> State:
    """Return the files of a checkpoint after so many images, which are never changed."""
    state = new_state(tiny(), images_seen, CPU)
    state.ema.eval()
    state.images_seen = images_seen
    return state


def save_checkpoint(run: Path, images_seen: int) -> None:
    """A checkpoint after so many images, whose weights tell how many they were; the best of the run."""
    checkpoint.restore(run, new_state(tiny(), 0, CPU))  # as every training begins
    state = weights(images_seen)
    header = HEADER.model_copy(update={"images_seen": images_seen})
    progress = Progress(best=BestMetric(value=1.0, images_seen=images_seen))
    checkpoint.save(run, state, checkpoint.serialize(state.ema, header), progress, keep=1)


def what_a_run_holds(run: Path) -> Found:
    """Return the images seen at the checkpoint that a training resumes from, and at its pointers."""
    found = {}
    for name in ("latest", "best"):
        model = load(run / name, device="cpu")
        expected = weights(model.header.images_seen).ema.state_dict()
        assert all(torch.equal(value, expected[key]) for key, value in model.generator.state_dict().items())
        found[name] = str(model.header.images_seen)
    copy = shutil.copytree(run, run.with_name(f"{run.name}-copy"))
    state = new_state(tiny(), 0, CPU)
    checkpoint.restore(copy, state)
    expected = tensors_of(weights(state.images_seen))
    assert all(torch.equal(value, expected[key]) for key, value in tensors_of(state).items())
    shutil.rmtree(copy)
    return found | {"goes on after": str(state.images_seen)}


def test_a_checkpoint_is_complete_or_absent_whichever_write_fails(
    tmp_path: Path, trials: Callable[[int, int], range], tally: Callable[..., None]
) -> None:
    case = Case(
        lambda run: save_checkpoint(run, 200),
        lambda run: save_checkpoint(run, 100),
        what_a_run_holds,
        whole=False,
    )
    faults, changes = try_all(case, tmp_path, every(trials, 11))
    tally("faults while writing a checkpoint", faults, f"{changes} changes of the disk")


def test_a_training_continues_whichever_write_fails(
    tmp_path: Path,
    trials: Callable[[int, int], range],
    tally: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stand_in(monkeypatch.setattr)
    recipe = with_overrides(RECIPES["dcgan-32"], SETTINGS)
    data = prepare("synthetic:40", tmp_path / "set", size=32, workers=1, progress=False).path

    def written(run: Path) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(run)
            train(data, recipe, "run", images=2000, every=1000, keep=1, device="cpu", progress=False)

    case, new = Case(written), tmp_path / "new"
    new.mkdir()
    written(new)
    faults = 0
    for number in every(trials, 151):
        place = tmp_path / str(number)
        place.mkdir()
        with disk(number, CODES[number % 2]) as failing:
            _error(case, place)
        if not failing.failed:
            break
        written(place)
        found, wanted = trained_bits(place), trained_bits(new)
        lost = {name for name in wanted if found.get(name) != wanted[name]}
        if "The pictures after" in (place / "run" / "console.log").read_text():  # they are not drawn again
            lost -= {name for name in wanted if "samples" in name} | {"run/progress.webp", "run/progress.png"}
        assert not lost, failing.failed
        more = {Path(name).parent.name for name in found.keys() - wanted.keys()}
        assert more <= {"000001000"}, failing.failed  # kept while it is the last one known to be good
        assert leftovers(place) == [], failing.failed
        faults += 1
        shutil.rmtree(place)
    tally("faults while training", faults, f"{number - 1} changes of the disk")
