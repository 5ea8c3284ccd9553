"""Texts made to break a reader: tables, recipes, latents, manifests, what a run says of itself."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.configuration import set_hypothesis_home_dir

from strangers.data.annotations import ATTRIBUTES, PARTITION, read_annotations
from strangers.data.prepare import prepare
from strangers.data.prepared import open_prepared
from strangers.errors import StrangersError
from strangers.export.card import read_result
from strangers.latent.latent_file import LatentFile, read_latent
from strangers.recipes.recipe import parse_recipe, with_overrides
from strangers.sampling.latents import parse_seeds
from strangers.sampling.load import load
from strangers.training.checkpoint import restore
from strangers.training.log import read_log
from strangers.training.run import read_recipe, read_run
from strangers.training.step import new_state
from strangers.web.run_reader import RunReader
from strangers.web.schemas import CurvesAnswer, RunAnswer

from ..support import tiny, write_model
from .poison import bent_ones, feed, odd_json

Trials = Callable[[int, int], range]
Tally = Callable[..., None]

MEMORY = 256
"""MiB that a text of some kilobytes may take."""

TABLES = {
    "list_attr_celeba.txt": b"2\r\nSmiling Male\r\n000001.jpg 1 -1\r\n000002.jpg -1  1\r\n",
    "list_attr_celeba.csv": b"\xef\xbb\xbfimage_id,Smiling,Male\n000001.jpg,1,-1\n000002.jpg,-1,1\n",
    "list_eval_partition.txt": b"000001.jpg 0\n000002.jpg 2\n",
    "list_eval_partition.csv": b"image_id,partition\n000001.jpg,0\n000002.jpg,1\n",
}


def take_in(name: str, content: bytes) -> None:
    found = read_annotations({name: content})
    assert found.attributes_of(["000001.jpg", "absent"]).shape == (2, len(found.names))


def test_a_damaged_table_is_read_or_refused(tmp_path: Path, trials: Trials, tally: Tally) -> None:
    times = trials(400, 10_000)
    inputs = ((name, (name.split(",")[0], data)) for name, data in bent_ones(TABLES, times, 5))
    fed = feed(inputs, lambda table: take_in(*table), memory=MEMORY, target=tmp_path)
    tally("tables of attributes and splits, bent", fed.tried, str(fed))


CELLS = st.sampled_from(
    ["1", "-1", "0", "2", "000001.jpg", "Smiling", "", " ", "９", "1e9", "-", "nan", "\0", "\x85", '"']
) | st.text(alphabet=list("a1-. ,;\"'\0\x85\u2028é９"), max_size=6)
LINES = st.lists(st.lists(CELLS, max_size=5), max_size=6)


def test_whatever_looks_like_a_table_is_read_or_refused(tmp_path: Path, trials: Trials, tally: Tally) -> None:
    each = 100

    def swallow(number: int) -> None:
        set_hypothesis_home_dir(tmp_path)

        @seed(number)
        @settings(
            max_examples=each,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(st.sampled_from(ATTRIBUTES + PARTITION), LINES, st.sampled_from((" ", ",", "\t", ", ")))
        def read(name: str, lines: list[list[str]], between: str) -> None:
            with suppress(StrangersError):
                take_in(name, "\n".join(map(between.join, lines)).encode())

        read()

    times = trials(2, 100)
    inputs = ((f"{each} tables, seed {number}", number) for number in times)
    fed = feed(inputs, swallow, memory=MEMORY, target=tmp_path, slowest=20)
    tally("tables that Hypothesis writes", len(times) * each)
    assert fed.tried == len(times)


@pytest.mark.parametrize(
    "content",
    [
        b"image,p\n" + b"a.jpg,1\n" * 20_000 + b"b.jpg," + b"1" * 1_000_000 + b"\n",
        b"image," + b"p," * 500_000 + b"\n",
        b"image,p\n" + b"\n" * 1_000_000,
        b"image,p\n" + b"a" * 1_000_000 + b",1\n",
    ],
)  # fmt: skip
def test_a_table_of_a_megabyte_needs_little_time_and_memory(
    content: bytes, tmp_path: Path, tally: Tally
) -> None:
    feed(
        [("table", content)],
        lambda data: take_in("list_eval_partition.csv", data),
        memory=MEMORY,
        target=tmp_path,
    )
    tally("tables of a megabyte", 1)


def test_an_odd_recipe_is_refused(tmp_path: Path, trials: Trials, tally: Tally) -> None:
    def swallow(data: bytes) -> None:
        text = data.decode(errors="surrogateescape")
        try:
            parse_recipe(text)
        finally:
            with_overrides(tiny(), {"network.generator_widths": text})

    valid = tiny().model_dump_json().encode()
    fed = feed(odd_json(valid, trials(200, 10_000), 6), swallow, memory=MEMORY, target=tmp_path)
    tally("recipes", fed.tried, str(fed))


SEEDS = {"seeds": b"0-63,70,18446744073709551615", "one": b"7"}


def test_odd_seeds_are_refused(tmp_path: Path, trials: Trials, tally: Tally) -> None:
    fed = feed(
        bent_ones(SEEDS, trials(200, 10_000), 7),
        lambda data: parse_seeds(data.decode(errors="replace"), 1000),
        memory=MEMORY, target=tmp_path,
    )  # fmt: skip
    tally("seeds", fed.tried, str(fed))


def test_an_odd_latent_is_refused(tmp_path: Path, trials: Trials, tally: Tally) -> None:
    model = load(write_model(tmp_path / "model.safetensors"), device="cpu")
    found = LatentFile(
        software="strangers 0", model_hash=model.hash, recipe="tiny", images_seen=1, size=32, crop="c178",
        starts=1,
        steps=1, seed=0, image_error=0.5, feature_error=0.5, ood_score=1.0,
        latent=(0.5,) * model.recipe.latent_size,
    )  # fmt: skip

    def swallow(data: bytes) -> None:
        (tmp_path / "latent.json").write_bytes(data)
        assert np.isfinite(read_latent(tmp_path / "latent.json").of(model)).all()

    valid = found.model_dump_json().encode()
    fed = feed(odd_json(valid, trials(200, 10_000), 8), swallow, memory=MEMORY, target=tmp_path)
    tally("latents", fed.tried, str(fed))


def test_an_odd_result_is_refused(tmp_path: Path, trials: Trials, tally: Tally) -> None:
    model = load(write_model(tmp_path / "model.safetensors"), device="cpu")

    def swallow(data: bytes) -> None:
        (tmp_path / "result.json").write_bytes(data)
        read_result(tmp_path / "result.json", model)

    valid = json.dumps({"model": {"hash": model.hash, "path": "x"}, "scores": [1.0]}).encode()
    fed = feed(odd_json(valid, trials(100, 10_000), 9), swallow, memory=MEMORY, target=tmp_path)
    tally("results of an evaluation", fed.tried, str(fed))


def test_an_odd_manifest_is_refused(tmp_path: Path, trials: Trials, tally: Tally) -> None:
    path = tmp_path / "set"
    prepare("synthetic:4", path, size=8, workers=1, progress=False)

    def swallow(data: bytes) -> None:
        (path / "manifest.json").write_bytes(data)
        made = open_prepared(path)
        assert len(made.names) == len(made) == made.images.shape[0]

    valid = (path / "manifest.json").read_bytes()
    fed = feed(odd_json(valid, trials(200, 10_000), 10), swallow, memory=MEMORY, target=tmp_path)
    tally("manifests of prepared sets", fed.tried, str(fed))


@pytest.mark.parametrize("name", ["images.npy", "attributes.npy", "names.txt"])
def test_a_damaged_prepared_set_is_read_or_refused(
    name: str, tmp_path: Path, trials: Trials, tally: Tally
) -> None:
    path = tmp_path / "set"
    prepare("synthetic:4", path, size=8, workers=1, progress=False)

    def swallow(data: bytes) -> None:
        (path / name).write_bytes(data)
        made = open_prepared(path)
        assert len(made.names) == 4
        assert made.batch(np.arange(4)).shape == (4, 8, 8, 3)

    valid = {name: (path / name).read_bytes()}
    fed = feed(bent_ones(valid, trials(100, 10_000), 11), swallow, memory=MEMORY, target=tmp_path)
    tally(f"{name} of a prepared set, bent", fed.tried, str(fed))


# What a run says of itself.


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    """A run whose files may be poisoned."""
    return Path(shutil.copytree(trained, tmp_path / "run"))


def test_an_odd_run_or_recipe_is_refused(run: Path, trials: Trials, tally: Tally) -> None:
    def swallow(data: bytes) -> None:
        (run / "run.json").write_bytes(data)
        (run / "recipe.json").write_bytes(data)
        try:
            read_run(run)
        finally:
            read_recipe(run)

    times = trials(100, 10_000)
    valid = {name: (run / name).read_bytes() for name in ("run.json", "recipe.json")}
    for name, text in valid.items():
        fed = feed(odd_json(text, times, 12), swallow, memory=MEMORY, target=run)
        tally(f"{name} of a run", fed.tried, str(fed))


def test_an_odd_state_is_refused(run: Path, trials: Trials, tally: Tally) -> None:
    whole = new_state(tiny(), 0, torch.device("cpu"))
    folder = run / "checkpoints" / (run / "latest").read_text()
    others = [path for path in folder.parent.iterdir() if path != folder]
    for other in others:
        shutil.rmtree(other)
    valid = (folder / "state.json").read_bytes()

    def swallow(data: bytes) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "state.json").write_bytes(data)
        progress, _ = restore(run, whole)
        assert progress.health.learning_rate_multiplier >= 0
        assert isinstance(whole.images_seen, int)
        assert progress.log is None or isinstance(progress.log, dict)

    fed = feed(odd_json(valid, trials(100, 10_000), 13), swallow, memory=MEMORY, target=run)
    tally("state.json of a checkpoint", fed.tried, str(fed))


def odd_logs(valid: bytes, times: range, seed: int) -> Any:
    """Logs with one odd line."""
    first, _, rest = valid.partition(b"\n")
    for name, line in odd_json(first, times, seed):
        yield name, line + b"\n" + rest


@pytest.mark.parametrize("name", ["log.jsonl", "recipe.json"])
def test_the_page_shows_an_odd_run_as_far_as_possible(
    name: str, run: Path, trials: Trials, tally: Tally
) -> None:
    def swallow(data: bytes) -> None:
        (run / name).write_bytes(data)
        reader = RunReader(run)
        RunAnswer.model_validate({"id": "1", **reader.summary()}).model_dump_json().encode()
        CurvesAnswer.model_validate(reader.curves()).model_dump_json().encode()

    valid, times = (run / name).read_bytes(), trials(150, 10_000)
    inputs = odd_json(valid, times, 14) if name == "recipe.json" else odd_logs(valid, times, 14)
    fed = feed(inputs, swallow, memory=MEMORY, target=run)
    tally(f"{name} on the page", fed.tried, str(fed))


def test_a_training_continues_after_an_odd_line_in_its_log(run: Path, trials: Trials, tally: Tally) -> None:
    def swallow(data: bytes) -> None:
        (run / "log.jsonl").write_bytes(data)
        assert isinstance(read_log(run), list)

    valid = (run / "log.jsonl").read_bytes()
    fed = feed(odd_logs(valid, trials(150, 10_000), 15), swallow, memory=MEMORY, target=run)
    tally("log.jsonl of a run that goes on", fed.tried, str(fed))
