"""The benchmark: a busy machine is noticed and said."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))

from busy import Probe, verdict  # noqa: E402

QUIET = Probe(rate=40.0, core_share=0.99, load=0.0)


def test_a_quiet_machine_has_no_reason() -> None:
    assert verdict([QUIET, Probe(41.0, 0.97, 1.9), QUIET])["busy"] == ""


@pytest.mark.parametrize(
    ("probes", "reason"),
    [
        ([Probe(40.0, 0.99, 500.0), QUIET], "load 500.0 on"),
        ([QUIET, Probe(40.0, 0.61, 1.0)], "one thread got 61% of a core"),
        ([QUIET, Probe(30.0, 0.99, 1.0)], "varied by 29%"),
    ],
    ids=["load", "share", "spread"],
)
def test_each_sign_of_a_busy_machine_is_a_reason(probes: list[Probe], reason: str) -> None:
    assert reason in verdict(probes)["busy"]
