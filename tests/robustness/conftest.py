"""Fixtures of the robustness tests: the number of trials, and the table of results."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from _pytest.terminal import TerminalReporter

import strangers

from ..stand_ins import stand_in
from ..support import write_model
from .commands import Commands, commands, evaluate, export, prepare, train
from .starving import outcome, run_command, training

TRIED = "tried"
"""The name of the property under which a test's report carries its row of the table."""


@pytest.fixture
def trials(request: pytest.FixtureRequest) -> Callable[[int, int], range]:
    """trials(few, many): the trials to run, `many` of them with --robustness."""

    def choose(few: int, many: int) -> range:
        return range(many if request.config.getoption("--robustness") else few)

    return choose


@pytest.fixture
def watched(request: pytest.FixtureRequest) -> int:
    """Seconds for which something that runs is watched: a few without --robustness."""
    config = request.config
    return int(config.getoption("--robustness-seconds")) if config.getoption("--robustness") else 4


@pytest.fixture
def tally(record_property: Callable[[str, Any], None]) -> Callable[..., None]:
    """tally(what, times, found): a row of the table; a test that fails has lost something.

    found: figures that were measured on the way, as words.
    """

    def add(what: str, times: int, found: str = "") -> None:
        record_property(TRIED, (what, times, found))

    return add


@pytest.fixture(scope="session")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    """Commands, after one of each kind: `set`, `run` and the rest are in their folder, made undisturbed."""
    folder = tmp_path_factory.mktemp("undisturbed")
    with commands(folder) as commanding:
        for words in (prepare(folder / "set"), train(folder / "run"), export(folder), evaluate(folder)):
            commanding.warm(*words)
        yield commanding


@pytest.fixture(scope="module")
def quick_pictures(request: pytest.FixtureRequest) -> Iterator[None]:
    """Leave out the curves, and without --robustness the attribute network: a small training takes less."""
    with pytest.MonkeyPatch.context() as patch:
        if not request.config.getoption("--robustness"):
            stand_in(patch.setattr)
        patch.setattr("strangers.training.pictures.curves", lambda run: bytes(30_000))
        yield


@pytest.fixture(scope="session")
def small_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from strangers.data.prepare import prepare

    out = tmp_path_factory.mktemp("sets") / "drawn"
    return prepare("synthetic:48", out, size=32, workers=1, progress=False).path


@pytest.fixture(scope="session")
def small_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("models") / "model.safetensors")


@pytest.fixture(scope="session")
def straight(small_set: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The outcome of a small training without limits."""
    run = tmp_path_factory.mktemp("runs") / "straight"
    ended = run_command(*training(small_set, run))
    assert ended.code == 0, ended.err
    return outcome(run)


def pytest_terminal_summary(terminalreporter: TerminalReporter, config: pytest.Config) -> None:
    """The table, when all of it was asked for."""
    if not config.getoption("--robustness"):
        return
    reports = [
        report
        for outcome in ("passed", "failed")
        for report in terminalreporter.getreports(outcome)
        if report.when == "call" and "robustness" in Path(report.nodeid.split("::")[0]).parts
    ]
    text = table(reports)
    terminalreporter.section("what was tried")
    terminalreporter.write(text)
    if place := config.getoption("--robustness-table"):
        path = Path(place)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def table(reports: list[pytest.TestReport]) -> str:
    """Return what was tried, as Markdown: rows by room, and under which conditions."""
    lines = [
        f"{date.today()}, strangers {strangers.__version__}, Python {platform.python_version()}, "
        f"{platform.system()} on {os.cpu_count()} cores.",
        "",
        "| tried | times | lost | found |",
        "|---|---|---|---|",
    ]
    for report in sorted(reports, key=lambda report: report.nodeid):
        properties: list[tuple[str, Any]] = report.user_properties
        rows: list[tuple[str, int, str]] = [value for name, value in properties if name == TRIED]
        if not rows and report.failed:
            rows = [(f"`{report.nodeid.split('::')[-1]}`", 0, "")]
        lost = "FAILED" if report.failed else "0"
        lines += [f"| {what} | {times:,} | {lost} | {found} |" for what, times, found in rows]
    return "\n".join(lines) + "\n"
