"""Two real processes train as one does, stop together, and leave a run that one process takes up."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import NamedTuple

import pytest
import torch

from strangers.cli import main
from strangers.data.prepared import PreparedSet
from strangers.errors import UsageError
from strangers.training import loop
from strangers.training.distributed import SINGLE_PROCESS, Processes
from strangers.training.log import read_log
from strangers.training.signals import Stop

from ..support import started, wait_until

SMALL = (
    'network.generator_stages=[{"width": 16, "stride": 2}, {"width": 8, "stride": 2}]',
    "network.stem_width=16",
    "network.generator_norm=false",
    "network.discriminator_widths=[8, 16]",
    "network.discriminator_dropout=0",
    "network.last_dropout=0",
    "batch=32",
    "generator_batch=32",
    "flip=true",
)
"""Changes that make two-step-32 small, with two batches in a step and without batch norm."""


def words(data: PreparedSet, out: Path, images: int) -> list[str]:
    changes = [word for change in SMALL for word in ("--set", change)]
    return [
        *("train", str(data.path), "--recipe", "two-step-32", "--precision", "fp32"),
        *("--images", str(images), "--log-every", "64", "--every", "1000", "--out", str(out), *changes),
    ]


class Stopped(NamedTuple):
    """A run of two processes that a signal stopped, and what they printed."""

    run: Path
    out: str


@pytest.fixture(scope="module")
def stopped(drawn_set: PreparedSet, tmp_path_factory: pytest.TempPathFactory) -> Stopped:
    """Two processes that train until one of them gets a signal."""
    if sys.platform != "linux":
        pytest.skip("finds the processes in /proc")
    run = tmp_path_factory.mktemp("together") / "two"
    torchrun = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    command = [*torchrun, "-m", "strangers", *words(drawn_set, run, 1_000_000)]
    environment = os.environ | {"PYTHONWARNINGS": "default"}  # torchrun's own warnings are not ours to mend
    printed = run.with_name("printed")
    with (
        printed.open("w") as output,
        started(command, stdout=output, stderr=output, env=environment, seconds=600) as process,
    ):
        wait_until(lambda: process.poll() is not None or len(read_log(run)) > 2, seconds=500)
        assert process.poll() is None, printed.read_text()
        os.kill(second_process(process.pid), signal.SIGTERM)
        assert process.wait(timeout=300) != 0
    return Stopped(run, printed.read_text())


def losses(run: Path) -> list[list[float]]:
    names = ("real_loss", "fake_loss", "generator_loss")
    return [[entry[name] for name in names] for entry in read_log(run)]


def test_a_signal_to_one_process_stops_both_after_the_same_step(stopped: Stopped) -> None:
    assert stopped.out.count("Stopped and saved after") == 1
    assert "Stopped and saved after" in (stopped.run / "console.log").read_text().splitlines()[-1]
    assert int((stopped.run / "latest").read_text()) >= read_log(stopped.run)[-1]["images_seen"]
    assert "In 2 processes, each with 16 images per batch" in (stopped.run / "console.log").read_text()


def test_two_processes_train_as_one_and_one_goes_on_where_they_ended(
    stopped: Stopped, drawn_set: PreparedSet, tmp_path: Path
) -> None:
    two = Path(shutil.copytree(stopped.run, tmp_path / "two"))
    together = len(losses(two))
    images = int((two / "latest").read_text()) + 256
    for run in (tmp_path / "one", two):
        assert main(words(drawn_set, run, images)) == 0
    one, other = (torch.tensor(losses(run)[:12]) for run in (tmp_path / "one", two))
    assert len(losses(two)) == len(losses(tmp_path / "one")) == together + 4
    torch.testing.assert_close(other, one, rtol=2e-3, atol=2e-3)
    torch.testing.assert_close(other[:2], one[:2], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("rank", [0, 1])
def test_a_wrong_call_is_reported_by_the_first_process_alone(
    rank: int, drawn_set: PreparedSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    class Alone(Processes):
        def all_reduce_max(self, number: int) -> int:
            return number

    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "test")
    monkeypatch.setenv("RANK", str(rank))
    monkeypatch.setattr(loop, "process_group", lambda: nullcontext(Alone(rank, 2, rank, 2)))
    assert main([*words(drawn_set, tmp_path / "run", 512), "--set", "batch=33"]) == 2
    reports = capsys.readouterr().err.count("A batch of 33 images cannot be split among 2 processes")
    assert reports == (rank == 0)
    assert not (tmp_path / "run").exists()


def test_a_signal_that_comes_while_they_agree_counts_after_the_next_step() -> None:
    stop = Stop()

    class Interrupted(Processes):
        def all_reduce_max(self, number: int) -> int:
            stop.signal = signal.SIGTERM  # as its handler does, after the number was given
            return number

    assert not stop.agreed(Interrupted())
    assert stop.agreed(Processes())
    assert stop.signal == signal.SIGTERM


def test_shares_make_the_whole() -> None:
    batch = torch.arange(12).view(6, 2)
    shares = [Processes(rank, 3).shard(batch) for rank in range(3)]
    assert torch.equal(torch.cat(shares), batch)
    assert torch.equal(SINGLE_PROCESS.shard(batch), batch)


@pytest.mark.parametrize("batch", [7, 2, 3])
def test_a_batch_that_cannot_be_shared_is_refused(batch: int) -> None:
    Processes(0, 2).check((4, 128))
    with pytest.raises(UsageError, match=f"A batch of {batch} images cannot be split among 2 processes"):
        Processes(0, 2).check((128, batch))


def second_process(torchrun: int) -> int:
    """The process of rank 1 among torchrun's children."""
    for pid in Path(f"/proc/{torchrun}/task/{torchrun}/children").read_text().split():
        if b"RANK=1\0" in Path(f"/proc/{pid}/environ").read_bytes():
            return int(pid)
    raise AssertionError("torchrun started no second process.")
