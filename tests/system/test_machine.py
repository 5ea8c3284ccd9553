"""The cores that control groups grant, of made-up control groups."""

from __future__ import annotations

from pathlib import Path

import pytest

from strangers.system import machine
from strangers.system.machine import cpu_quota


def group(root: Path, name: str, files: dict[str, str]) -> None:
    (root / name).mkdir(parents=True, exist_ok=True)
    for file, text in files.items():
        (root / name / file).write_text(text)


def test_the_smallest_quota_on_the_way_to_the_root_counts(tmp_path: Path) -> None:
    group(tmp_path, "pod", {"cpu.max": "150000 100000\n"})
    group(tmp_path, "pod/container", {"cpu.max": "max 100000\n"})
    process = tmp_path / "cgroup"
    process.write_text("0::/pod/container\n")
    assert cpu_quota(tmp_path, process) == 1.5


@pytest.mark.parametrize("mount", ["cpu", "cpu,cpuacct"])
def test_quotas_of_the_first_version_count_too(mount: str, tmp_path: Path) -> None:
    group(tmp_path, f"{mount}/docker/1", {"cpu.cfs_quota_us": "200000\n", "cpu.cfs_period_us": "100000\n"})
    process = tmp_path / "cgroup"
    process.write_text("5:memory:/docker/1\n4:cpu,cpuacct:/docker/1\n")
    assert cpu_quota(tmp_path, process) == 2.0


def test_without_a_quota_there_is_none(tmp_path: Path) -> None:
    group(tmp_path, "cpu", {"cpu.cfs_quota_us": "-1\n", "cpu.cfs_period_us": "100000\n"})
    process = tmp_path / "cgroup"
    process.write_text("4:cpu:/\n0::/absent\n")
    assert cpu_quota(tmp_path, process) is None
    assert cpu_quota(tmp_path, tmp_path / "absent") is None


@pytest.mark.parametrize(("quota", "cores"), [(0.5, 1), (1.9, 1), (2.0, 2)])
def test_a_part_of_a_core_is_no_core_but_one_is_always_usable(
    quota: float, cores: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "cpu_quota", lambda: quota)
    monkeypatch.setattr("os.sched_getaffinity", lambda process: set(range(8)), raising=False)
    assert machine.usable_cores() == cores
