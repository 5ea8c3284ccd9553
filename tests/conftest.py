"""Fixtures of all tests: the command line, a cache of their own, a trained run, a browser."""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

from .hub import hub as hub
from .support import BROWSER_ARGUMENTS, BROWSERS, Outcome, Strangers, train_words

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from strangers.sampling.model import Model


os.environ["OMP_NUM_THREADS"] = "1"  # pytest-xdist's workers share the cores; before torch is imported
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # for tests that import onnxruntime themselves
settings.register_profile(  # a busy machine is slow
    "strangers", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("strangers")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("robustness")
    group.addoption("--robustness", action="store_true", help="run the full robustness tests")
    group.addoption(
        "--robustness-seconds", type=int, default=600, help="how long a training and a page are watched"
    )
    group.addoption("--robustness-table", metavar="FILE", help="write there what was tried, and how often")


def pytest_collection_finish() -> None:
    """Let the garbage collector leave alone what was imported, which is much and stays."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let tests and the fixtures of the session use a cache of this session, not that of the user."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))
        yield


@pytest.fixture(scope="session", autouse=True)
def unflushed() -> Iterator[None]:
    """Do not wait for the disk: only a power failure shows what was flushed. Tests count the calls."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)
        yield


@pytest.fixture
def strangers(capsys: pytest.CaptureFixture[str]) -> Strangers:
    """Run `strangers` with these arguments in this process."""
    from strangers.cli import main

    def run(*words: object) -> Outcome:
        code = main([str(word) for word in words])
        return Outcome(code, *capsys.readouterr())

    return run


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small, short run of `strangers train`."""
    from strangers.cli import main

    out = tmp_path_factory.mktemp("runs") / "small"
    data = out.with_name("drawn")
    assert main(["prepare", "synthetic:96", "--size", "32", "--out", str(data)]) == 0
    assert main(train_words(data, out)) == 0
    return out


@pytest.fixture(scope="session")
def traced_once() -> Iterator[None]:
    """Let torch export generators with the same weights once, which takes seconds; all else is as ever."""
    try:
        import onnx
    except ImportError:  # of the extra export, without which nothing is exported
        yield
        return
    from strangers.export import onnx as exporting

    trace, traced = exporting._traced, dict[str, bytes]()

    def once(model: Model) -> Any:
        digest = sha256(str(model.generator).encode())
        for name, value in model.generator.state_dict().items():
            digest.update(name.encode() + value.numpy().tobytes())
        key = digest.hexdigest()
        if key not in traced:
            traced[key] = trace(model).SerializeToString()
        return onnx.load_from_string(traced[key])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exporting, "_traced", once)
        yield


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The chromium of the system, for one module: Playwright keeps an event loop in its thread."""
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is of the extra dev")
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip("there is no chromium on this machine: `make browser` installs it where it may")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=list(BROWSER_ARGUMENTS), timeout=120_000)
        yield browser
        browser.close()
