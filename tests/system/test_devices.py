"""Devices, precisions, threads: "auto" on each kind of machine, and errors for unknown names."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import pytest
import torch

from strangers.errors import UsageError
from strangers.system import devices
from strangers.system.devices import choose_device, choose_precision, choose_threads, require_compiler

CPU = torch.device("cpu")


def pretend(
    monkeypatch: pytest.MonkeyPatch, *, gpus: int = 0, mps: bool = False, gpu_bf16: bool = True
) -> None:
    """A machine with that hardware."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpus > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "a GPU")
    monkeypatch.setattr(torch.cuda, "device", lambda device: nullcontext())
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: gpu_bf16)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)


def pretend_processor(monkeypatch: pytest.MonkeyPatch, **capabilities: bool) -> None:
    """A CPU with those instructions."""
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)


@pytest.mark.parametrize(
    ("machine", "device"),
    [({}, "cpu"), ({"mps": True}, "mps"), ({"gpus": 1}, "cuda"), ({"gpus": 1, "mps": True}, "cuda")],
)
def test_auto_is_the_fastest_device_there_is(
    monkeypatch: pytest.MonkeyPatch, machine: dict[str, Any], device: str
) -> None:
    pretend(monkeypatch, **machine)
    choice = choose_device("auto")
    assert choice.value == torch.device(device)
    assert choice.reason.endswith(".")


def test_a_named_device_is_taken_over_a_faster_one(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, gpus=4)
    assert choose_device("cpu").value == CPU
    assert choose_device("cuda:3").value == torch.device("cuda", 3)


@pytest.mark.parametrize("name", ["gpu", "", "cpu:0", "mps:1", "cuda:", "cuda:one", "cuda:-1", "meta", "CPU"])
def test_an_unknown_device_is_an_error_with_advice(name: str) -> None:
    with pytest.raises(
        UsageError, match=r"Choose from auto, cpu, cuda, cuda:N, mps|Did you mean (cuda|cpu|mps)"
    ):
        choose_device(name)


@pytest.mark.parametrize("name", ["cuda", "cuda:0", "mps"])
def test_an_absent_device_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    pretend(monkeypatch)
    with pytest.raises(UsageError, match=f"'{name}' is not available"):
        choose_device(name)


def test_a_gpu_beyond_the_last_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, gpus=2)
    with pytest.raises(UsageError, match="has 2 GPUs, numbered from 0"):
        choose_device("cuda:2")


def test_each_process_of_a_machine_has_a_gpu_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, gpus=2)
    taken: list[int] = []
    monkeypatch.setattr(torch.cuda, "set_device", taken.append)
    devices = [choose_device("auto", rank, 2).value for rank in range(2)]
    assert devices == [torch.device("cuda", 0), torch.device("cuda", 1)]
    assert taken == [0, 1]
    with pytest.raises(UsageError, match="has 2 GPUs, numbered from 0"):
        choose_device("auto", 0, 3)
    with pytest.raises(UsageError, match=r"2 processes cannot share device 'cuda:1'; remove --device\."):
        choose_device("cuda:1", 0, 2)


def test_processes_of_a_machine_without_cuda_are_on_its_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, mps=True)
    assert choose_device("auto", 1, 2).value == CPU


def test_threads_are_those_asked_for_or_a_share_of_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "usable_cores", lambda: 8)
    assert choose_threads(3).value == 3
    assert choose_threads(3, local_count=4).value == 3
    assert choose_threads(None, local_count=4).value == 2
    assert choose_threads(None, local_count=16).value == 1
    for count in (0, 9):
        with pytest.raises(
            UsageError, match=rf"^--threads must be from 1 to 8, the number of cores \(got {count}\)\.$"
        ):
            choose_threads(count)


@pytest.mark.parametrize(
    ("capabilities", "precision"),
    [
        ({"avx2": True, "avx512_f": True}, torch.float32),
        ({"avx512_bf16": True}, torch.bfloat16),
        ({"amx_bf16": True}, torch.bfloat16),
        ({"avx512_bf16": False, "amx_bf16": False}, torch.float32),
    ],
)
def test_auto_on_a_cpu_is_bf16_only_with_its_instructions(
    monkeypatch: pytest.MonkeyPatch, capabilities: dict[str, bool], precision: torch.dtype
) -> None:
    pretend_processor(monkeypatch, **capabilities)
    choice = choose_precision("auto", CPU)
    assert choice.value == precision
    assert "bf16" in choice.reason


def test_an_older_torch_is_asked_in_its_own_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True)
    assert devices.choose_precision("auto", CPU).value == torch.bfloat16


@pytest.mark.parametrize(("gpu_bf16", "precision"), [(True, torch.bfloat16), (False, torch.float32)])
def test_auto_on_a_gpu_is_bf16_only_where_it_is_computed(
    monkeypatch: pytest.MonkeyPatch, gpu_bf16: bool, precision: torch.dtype
) -> None:
    pretend(monkeypatch, gpus=1, gpu_bf16=gpu_bf16)
    assert choose_precision("auto", torch.device("cuda")).value == precision


def test_auto_on_mps_is_fp32() -> None:
    assert choose_precision("auto", torch.device("mps")).value == torch.float32


def test_a_named_precision_is_used_and_a_slow_one_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_processor(monkeypatch)
    assert choose_precision("fp32", CPU).value == torch.float32
    slow = choose_precision("bf16", CPU)
    assert slow.value == torch.bfloat16
    assert "slow" in slow.reason


@pytest.mark.parametrize("name", ["fp16", "float32", ""])
def test_an_unknown_precision_is_an_error_with_advice(name: str) -> None:
    with pytest.raises(UsageError, match=r"Choose from auto, bf16, fp32|Did you mean (bf16|fp32)\?"):
        choose_precision(name, CPU)


def test_freed_memory_is_kept_without_complaint_on_any_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    devices.keep_freed_memory()
    monkeypatch.setattr("strangers.system.devices.platform.libc_ver", lambda: ("", ""))
    monkeypatch.setattr(
        "strangers.system.devices.ctypes.CDLL", lambda name: pytest.fail("another C library was asked")
    )
    devices.keep_freed_memory()


def test_compiling_without_a_compiler_is_a_wrong_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UsageError, match="C\\+\\+ compiler"):
        require_compiler(CPU)
    with pytest.raises(UsageError, match="triton"):
        require_compiler(torch.device("cuda"))
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    require_compiler(CPU)
