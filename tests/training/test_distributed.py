"""Two real processes train as one does, stop together, and leave a run that one process takes up."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from strangers.cli import main
from strangers.data.prepared import PreparedSet
from strangers.errors import UsageError
from strangers.training.distributed import SINGLE_PROCESS, Processes
from strangers.training.log import read_log
from strangers.training.loop import Stop

from ..support import started

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


def environment() -> dict[str, str]:
    return os.environ | {"PYTHONWARNINGS": "default"}  # torchrun's own warnings are not ours to mend


TORCHRUN = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")


def in_two(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*TORCHRUN, "-m", "strangers", *arguments],
        check=False,
        capture_output=True,
        text=True,
        env=environment(),
        timeout=300,
    )


def losses(run: Path) -> list[list[float]]:
    names = ("real_loss", "fake_loss", "generator_loss")
    return [[entry[name] for name in names] for entry in read_log(run)]


def test_two_processes_train_as_one_and_one_goes_on_where_they_ended(
    drawn_set: PreparedSet, tmp_path: Path
) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    assert main(words(drawn_set, one, 768)) == 0
    together = in_two(*words(drawn_set, two, 512))
    assert together.returncode == 0, together.stderr
    assert together.stdout.count("Trained on 512 images") == 1
    assert "In 2 processes, each with 16 images per batch" in (two / "console.log").read_text()
    assert main(words(drawn_set, two, 768)) == 0
    assert len(losses(one)) == 12
    torch.testing.assert_close(torch.tensor(losses(two)), torch.tensor(losses(one)), rtol=2e-3, atol=2e-3)
    torch.testing.assert_close(
        torch.tensor(losses(two)[:2]), torch.tensor(losses(one)[:2]), rtol=1e-5, atol=1e-5
    )


@pytest.mark.skipif(sys.platform != "linux", reason="finds the processes in /proc")
def test_a_signal_to_one_process_stops_both_after_the_same_step(
    drawn_set: PreparedSet, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    command = [*TORCHRUN, "-m", "strangers", *words(drawn_set, run, 1_000_000)]
    with started(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment()) as torchrun:
        wait_for(lambda: len(read_log(run)) > 2)
        os.kill(second_process(torchrun.pid), signal.SIGTERM)
        torchrun.communicate(timeout=120)
    assert torchrun.returncode != 0
    assert "Stopped and saved after" in (run / "console.log").read_text().splitlines()[-1]
    saved = (run / "latest").read_text()
    assert int(saved) >= read_log(run)[-1]["images_seen"]


def test_a_signal_that_comes_while_they_agree_counts_after_the_next_step() -> None:
    stop = Stop()

    class Interrupted(Processes):
        def all_reduce_max(self, number: int) -> int:
            stop.signal = signal.SIGTERM  # as its handler does, after the number was given
            return number

    assert not stop.agreed(Interrupted())
    assert stop.agreed(Processes())
    assert stop.signal == signal.SIGTERM


def test_a_wrong_call_is_reported_once(drawn_set: PreparedSet, tmp_path: Path) -> None:
    failed = in_two(*words(drawn_set, tmp_path / "run", 512), "--set", "batch=33")
    assert failed.returncode != 0
    assert failed.stderr.count("A batch of 33 images cannot be split among 2 processes") == 1
    assert "Another process" not in failed.stderr
    assert not (tmp_path / "run").exists()


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


def wait_for(condition: object, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.1)
