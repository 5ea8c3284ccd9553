"""The doctor reports the machine, gives advice for low figures, and measures a real training step."""

from __future__ import annotations

import json
import platform

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
