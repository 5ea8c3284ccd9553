"""Dependencies: no unrequested network access, compatible licenses, a wheel that works alone."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
import venv
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from ..support import SMALL

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = ("export", "serve", "tensorboard", "video")

ALLOWED = {
    "0BSD", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0",
    "CC0-1.0", "HPND", "ISC", "MIT", "MIT-CMU", "MPL-2.0", "PSF-2.0", "Zlib",
}  # fmt: skip
"""Under which something may be installed beside what is under MIT; MPL binds its own files alone."""

CLASSIFIED = {
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
"""Licenses as older metadata names them, in today's terms."""

BY_NAME = {"Apache 2.0": "Apache-2.0", "BSD": "BSD-3-Clause", "3-Clause BSD License": "BSD-3-Clause"}

OF_A_GPU = ("nvidia-", "cuda-")
"""Prefixes of the CUDA packages of torch, under NVIDIA's license."""

WITHOUT_NETWORK = """
import json, socket, sys

LOCAL = ("127.0.0.1", "::1", "localhost", None, "")

def guarded(function, place):
    def call(*given, **named):
        host = place(given)
        if host not in LOCAL:
            sys.stderr.write(f"NETWORK {host}\\n")
            raise OSError(f"no network for {host}")
        return function(*given, **named)
    return call

def of_socket(given):
    return given[1][0] if given[0].family in (socket.AF_INET, socket.AF_INET6) else None

for name in ("connect", "connect_ex"):
    setattr(socket.socket, name, guarded(getattr(socket.socket, name), of_socket))
socket.getaddrinfo = guarded(socket.getaddrinfo, lambda given: given[0])
socket.gethostbyname = guarded(socket.gethostbyname, lambda given: given[0])

from strangers.cli import main
for words in json.loads(sys.argv[1]):
    if main(words):
        sys.exit(" ".join(words))
"""
"""Runs commands in a Python whose sockets reach this machine alone, and that says who tried another."""


@pytest.fixture
def whole(pytestconfig: pytest.Config) -> None:
    if not pytestconfig.getoption("--robustness"):
        pytest.skip("it takes a minute: --robustness")


def _commands(place: Path) -> list[list[str]]:
    data, run, changes = f"{place}/set", f"{place}/run", [word for one in SMALL for word in ("--set", one)]
    return [
        ["prepare", "synthetic:64", "--size", "32", "--workers", "1", "--out", data],
        ["explore", data, "--out", f"{place}/set.html"],
        ["train", data, "--recipe", "dcgan-32", "--images", "64", "--out", run, *changes],
        ["sample", run, "--seeds", "0-3", "--out", f"{place}/faces.png"],
        ["interpolate", run, "--seeds", "1,2", "--out", f"{place}/walk.webp"],
        ["evaluate", run, data, "--count", "64", "--shrinkage", "--out", f"{place}/result.json"],
        ["edit", "celeba-64", "--seeds", "3", "--attribute", "Smiling", "--out", f"{place}/smile.png"],
        ["export", run, "--to", "file", "--out", f"{place}/small.safetensors"],
        ["export", run, "--to", "onnx", "--out", f"{place}/small.onnx"],
        ["recipes"],
        ["doctor", "--seconds", "0"],
    ]


def test_no_other_command_uses_the_network(
    tmp_path: Path, pytestconfig: pytest.Config, tally: Callable[..., None]
) -> None:
    commands = _commands(tmp_path)
    if not pytestconfig.getoption("--robustness"):
        commands = [words for words in commands if words[0] in ("prepare", "sample", "edit", "doctor")]
        commands = [["celeba-64" if word.endswith("/run") else word for word in words] for words in commands]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    process = subprocess.run(
        [sys.executable, "-c", WITHOUT_NETWORK, json.dumps(commands)],
        capture_output=True, text=True, check=False, env=environment | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert process.returncode == 0, process.stderr[-3000:]
    assert "NETWORK" not in process.stderr
    tally("commands run without a network", len(commands))


def test_a_command_that_needs_the_network_fails_without_it(whole: None, tmp_path: Path) -> None:
    words = ["sample", "hf:nobody/nothing", "--out", str(tmp_path / "faces.png")]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    process = subprocess.run(
        [sys.executable, "-c", WITHOUT_NETWORK, json.dumps([words])],
        capture_output=True, text=True, check=False, env=environment | {"HF_HOME": str(tmp_path)},
    )  # fmt: skip
    assert process.returncode == 1
    assert "NETWORK" in process.stderr
    assert "Traceback" not in process.stderr


def required() -> dict[str, metadata.Distribution]:
    """All that is installed because the product needs it, in any of its extras."""
    found: dict[str, metadata.Distribution] = {}
    asked = [*PROJECT["dependencies"]]
    for extra in EXTRAS:
        asked += PROJECT["optional-dependencies"][extra]
    waiting = [Requirement(text) for text in asked]
    while waiting:
        one = waiting.pop()
        name = canonicalize_name(one.name)
        if name in found or name.startswith(OF_A_GPU) or not _is_for_here(one, set()):
            continue
        try:
            found[name] = metadata.distribution(name)
        except metadata.PackageNotFoundError:  # of an extra that is not here
            continue
        inner = map(Requirement, found[name].requires or [])
        waiting += [other for other in inner if _is_for_here(other, one.extras)]
    return found


def _is_for_here(one: Requirement, extras: set[str]) -> bool:
    marker = one.marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in (*extras, ""))


def licenses(package: metadata.Distribution) -> Iterator[str]:
    """Return the licenses that must be allowed; of alternatives, an allowed one."""
    about = package.metadata
    expression = about.json.get("license_expression")
    classes = [
        line.rpartition(" :: ")[2] for line in about.get_all("Classifier") or [] if "License ::" in line
    ]
    words = str(about.json.get("license", "")).strip()
    if expression is None and classes:
        yield from (CLASSIFIED.get(name, name) for name in classes)
        return
    for part in re.split(r"\s+AND\s+", str(expression or words)):
        either = [BY_NAME.get(name, name) for name in re.split(r"\s+OR\s+", part.strip("() "))]
        yield next((name for name in either if name in ALLOWED), either[0])


def test_licenses_of_all_dependencies_are_compatible_with_mit(tally: Callable[..., None]) -> None:
    packages = required()
    others = {name: refused for name, one in packages.items() if (refused := set(licenses(one)) - ALLOWED)}
    assert not others
    assert {"torch", "numpy", "pillow"} <= set(packages)
    tally("licenses of installed dependencies", len(packages))


def _pip(python: Path | str, *words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(python), "-m", "pip", "--disable-pip-version-check", *map(str, words)],
        capture_output=True, text=True, check=False, timeout=900,
    )  # fmt: skip


def test_the_wheel_works_in_a_clean_environment(
    whole: None, tmp_path: Path, tally: Callable[..., None]
) -> None:
    built = _pip(sys.executable, "wheel", "--quiet", "--no-deps", "--wheel-dir", tmp_path / "wheel", ROOT)
    if built.returncode:
        pytest.skip(f"no wheel can be built here: {built.stderr.strip().splitlines()[-1]}")
    (wheel,) = (tmp_path / "wheel").glob("*.whl")
    venv.create(tmp_path / "clean", with_pip=True)
    python = tmp_path / "clean/bin/python"
    installed = _pip(python, "install", "--quiet", "--constraint", ROOT / "constraints.txt", wheel)
    if installed.returncode:
        pytest.skip(f"no package index answers: {installed.stderr.strip().splitlines()[-1]}")
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}  # and no PYTHONPATH
    process = subprocess.run(
        [python.with_name("strangers"), "sample", "celeba-64", "--seeds", "0-3", "--out", "faces.png"],
        capture_output=True, text=True, check=False, cwd=tmp_path, env=environment,
    )  # fmt: skip
    assert process.returncode == 0, process.stderr
    assert (tmp_path / "faces.png").stat().st_size > 10_000
    tally("wheels built, installed and drawn with", 1, f"{wheel.stat().st_size / 1e6:.1f} MB")


UNREACHABLE = "ConnectionError", "Max retries", "could not be audited"
"""Messages of pip-audit where it reaches no advisories, or a mirror of PyPI that has none."""


def test_no_advisory_is_known(whole: None, tally: Callable[..., None]) -> None:
    pytest.importorskip("pip_audit", reason="pip-audit is not installed")
    words = ["--progress-spinner=off", "--disable-pip", "--no-deps", "-r", str(ROOT / "constraints.txt")]
    process = subprocess.run(
        [sys.executable, "-m", "pip_audit", *words], capture_output=True, text=True, check=False, timeout=300
    )
    if any(sign in process.stderr + process.stdout for sign in UNREACHABLE):
        pytest.skip("the advisories of PyPI cannot be reached from here")
    assert process.returncode == 0, process.stdout + process.stderr[-2000:]
    tally("pinned versions without a known advisory", len((ROOT / "constraints.txt").read_text().split()))
