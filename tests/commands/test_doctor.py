"""The doctor reports the machine, gives advice for low figures, and measures a real training step."""

from __future__ import annotations

import json
import platform
from dataclasses import replace
from datetime import date
from importlib.metadata import version

import pytest
import torch

from strangers.commands import doctor

from ..support import Strangers


def test_the_report_is_of_this_machine() -> None:
    report = doctor.examine(seconds=0)
    assert report.versions["python"] == platform.python_version()
    assert report.versions["torch"].startswith("2.")
    assert "missing" not in report.versions.values()
    assert report.cores >= 1
    assert report.threads == torch.get_num_threads()
    assert report.disk_gib > 0
    assert report.images_per_second is None


def test_the_report_as_json_has_the_same_values(strangers: Strangers) -> None:
    code, out, _ = strangers("doctor", "--json", "--seconds", 0)
    assert code == 0
    report = json.loads(out)
    assert report["devices"][0] == "cpu"
    assert report["versions"]["python"] == platform.python_version()


def test_the_report_as_text_names_what_auto_chooses(strangers: Strangers) -> None:
    code, out, _ = strangers("doctor", "--seconds", 0)
    assert code == 0
    assert "--device " in out
    assert "--precision " in out


def test_a_row_for_the_table_names_the_machine_and_no_person(strangers: Strangers) -> None:
    code, out, err = strangers("doctor", "--report", "--seconds", 0)
    assert code == 0
    headings, row = out.splitlines()
    assert row.count("|") == headings.count("|")
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[3:5] == [platform.python_version(), version("torch")]
    assert platform.node() not in row
    assert "docs/reference/verified.md" in err


def test_a_row_names_the_gpu_that_auto_chooses() -> None:
    found = replace(
        doctor.examine(seconds=0),
        device="cuda: CUDA is available.",
        devices=["cpu", "cuda:0 (NVIDIA H200, 139 GiB)"],
        precision="bf16: This GPU supports bf16.",
        images_per_second=1234.5,
    )
    row = doctor.row(found, date(2026, 11, 27))
    assert row.startswith("| 2026-11-27 |")
    assert "cuda:0 (NVIDIA H200, 139 GiB)" in row
    assert row.endswith("| fast-64 bf16, 1,234 images/s |")


def test_a_machine_with_enough_of_everything_needs_no_advice() -> None:
    assert doctor.advice(64.0, 500.0, 2_000.0) == []
    assert doctor.advice(None, 500.0, None) == []


@pytest.mark.parametrize(
    ("figures", "says"),
    [((1.0, 500.0, 2_000.0), "memory"), ((64.0, 1.0, 2_000.0), "disk"), ((64.0, 500.0, 10.0), "slow")],
)
def test_low_figures_are_advised_on(figures: tuple[float, float, float], says: str) -> None:
    (sentence,) = doctor.advice(*figures)
    assert says in sentence
