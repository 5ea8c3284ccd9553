"""Paths of Windows and of Apple's MPS, by mocks: no such machine has run these tests."""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

from strangers import cli
from strangers.commands import doctor
from strangers.system import files, machine
from strangers.system.devices import choose_device, choose_precision
from strangers.training import dry_run
from strangers.training.loader import memory_for_images
from strangers.training.plan import autocast

MPS = torch.device("mps")


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module `machine` as Windows imports it: without fcntl, affinity and /proc."""
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setitem(sys.modules, "fcntl", None)
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.delattr(signal, "SIGHUP", raising=False)
    specification = importlib.util.spec_from_file_location("machine_of_windows", machine.__file__)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_windows_has_no_locks_on_open_files_and_folders(windows: ModuleType, tmp_path: Path) -> None:
    with windows.locked(tmp_path), windows.locked(tmp_path):
        assert not windows.is_locked(tmp_path)
    windows.lock_open_file(-1)


def test_windows_counts_cores_without_affinity(windows: ModuleType) -> None:
    assert windows.usable_cores() >= 1


def test_windows_asks_no_process_by_a_signal(windows: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    # Briefly: under the name of another system, neither pytest nor another thread can make a path.
    with monkeypatch.context() as patch:
        patch.setattr(os, "kill", lambda *words: asked.append(words))
        patch.setattr(os, "name", "nt")
        running = windows.is_running("1")
    assert not running
    assert asked == []


def test_a_folder_that_cannot_be_opened_is_not_flushed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: object, *words: int) -> int:
        raise PermissionError(path)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        files.sync_folder(tmp_path)


def test_windows_ends_commands_by_the_signals_that_it_has(
    windows: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    handled: list[int] = []
    monkeypatch.setattr(signal, "signal", lambda number, handler: handled.append(number))
    cli.stop_on_signals()
    assert handled == [signal.SIGINT, signal.SIGTERM]


def test_windows_does_not_report_peak_memory(windows: ModuleType) -> None:
    assert dry_run._peak_memory(torch.device("cpu")) == 0


@pytest.fixture
def apple(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with MPS and without CUDA."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)


def test_mps_is_chosen_in_fp32_and_listed(apple: None) -> None:
    assert choose_device().value == MPS
    assert choose_precision("auto", MPS).value == torch.float32
    assert doctor.devices() == ["cpu", "mps"]


def test_mps_reads_photographs_from_the_disk_and_computes_without_autocast(apple: None) -> None:
    assert memory_for_images(MPS) == 0
    assert not autocast(MPS, torch.float32)._enabled
