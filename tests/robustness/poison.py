"""Fuzzing: valid inputs, damaged in every way, are read in a child process with limits."""

from __future__ import annotations

import json
import mmap
import os
import random
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from strangers.errors import StrangersError

Input = TypeVar("Input")

SLOWEST = 1.0
"""Seconds of processor time that one input may take."""

STUCK = 20
"""Seconds of processor time after which an input that has not been swallowed never will be."""

ASLEEP = 600
"""The same of seconds by the clock, for one that waits; a machine may have much else to do."""

MOST_FAILURES = 5
"""Are enough to look at."""


class Fed(NamedTuple):
    """The findings of a child process.

    Attributes:
        tried, refused: inputs, and those of them that a sentence refused.
        slowest: seconds of processor time of the slowest input.
        failures: what should not have happened, each with the name of its input.
    """

    tried: int
    refused: int
    slowest: float
    failures: list[str]

    def __str__(self) -> str:
        return f"{self.refused:,} refused; slowest {self.slowest * 1000:,.0f} ms"


def feed(
    inputs: Iterable[tuple[str, Input]],
    swallow: Callable[[Input], object],
    *,
    memory: int,
    target: Path,
    slowest: float = SLOWEST,
) -> Fed:
    """Have a child of this process swallow named inputs, and fail with what went wrong.

    Only a StrangersError of one line may come of an input. The child may take `memory` MiB of address space
    more than it begins with, and write below `target` alone; nothing may be unpickled, run or connected to.
    """
    at, ours = mmap.mmap(-1, 8), os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ours[0])
        _swallow_all(inputs, swallow, at, ours[1], memory, target, slowest)
    os.close(ours[1])
    with os.fdopen(ours[0], "rb") as pipe:
        report = pipe.read()
    _, status = os.waitpid(child, 0)
    assert report, f"input {int.from_bytes(at[:8], 'little')} ended the process: {_end(status)}"
    fed = Fed(*json.loads(report))
    assert not fed.failures, "\n\n".join(fed.failures)
    assert fed.tried > 0
    return fed


def _end(status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    why = {-signal.SIGALRM: "asleep", -signal.SIGPROF: "stuck", -signal.SIGSEGV: "segmentation fault"}
    return why.get(code, f"exit status {code}")


def _swallow_all(
    inputs: Iterable[tuple[str, Input]],
    swallow: Callable[[Input], object],
    at: mmap.mmap,
    pipe: int,
    memory: int,
    target: Path,
    most_seconds: float,
) -> None:
    """In the child: swallow everything, tell what came of it, and end."""
    sys.dont_write_bytecode = True
    for ending in (signal.SIGALRM, signal.SIGPROF):
        signal.signal(ending, signal.SIG_DFL)
    failures: list[str] = []
    tried, refused, slowest = 0, 0, 0.0
    try:
        _limit_memory(memory)
        sys.addaudithook(_guard(target.resolve(), failures))
        for tried, (name, value) in enumerate(inputs, 1):
            at[:8] = tried.to_bytes(8, "little")
            signal.setitimer(signal.ITIMER_PROF, STUCK + most_seconds)
            signal.alarm(ASLEEP)
            begun = time.process_time()
            try:
                swallow(value)
            except StrangersError as error:
                refused += 1
                if not str(error) or "\n" in str(error):
                    failures.append(f"{name}: not one sentence: {str(error)!r}")
            except BaseException:
                failures.append(f"{name}: {traceback.format_exc(-5)[-3000:]}")
            seconds = time.process_time() - begun
            slowest = max(slowest, seconds)
            if seconds > most_seconds:
                failures.append(f"{name}: took {seconds:.1f} s")
            if len(failures) >= MOST_FAILURES:
                break
    except BaseException:
        failures.append(f"after input {tried}: {traceback.format_exc()}")
    finally:
        with os.fdopen(pipe, "wb") as file:
            file.write(json.dumps((tried, refused, slowest, failures)).encode())
        os._exit(0)


def _limit_memory(mebibytes: int) -> None:
    """Let this process grow by so much, and no further."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + mebibytes * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (most, resource.getrlimit(resource.RLIMIT_AS)[1]))


FORBIDDEN = {
    "pickle.find_class",
    "subprocess.Popen",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "socket.connect",
}
CHANGING = {
    "os.mkdir",
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.link",
    "os.symlink",
    "os.chmod",
    "os.truncate",
}


def _guard(target: Path, failures: list[str]) -> Callable[[str, tuple[Any, ...]], None]:
    """An audit hook that notes whatever is written outside `target`, and all that must never happen."""

    def look(event: str, arguments: tuple[Any, ...]) -> None:
        if event in FORBIDDEN:
            failures.append(f"{event}{arguments!r}"[:300])
        writes = event in CHANGING or (
            event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        )
        within = event in ("os.remove", "os.rmdir") and arguments[1] != -1  # of a folder that is open
        named = arguments[:2] if event in ("os.rename", "os.link", "os.symlink") else arguments[:1]
        for name in named if writes and not within else ():
            place = Path(os.path.realpath(os.fsdecode(name))) if not isinstance(name, int) else target
            if not place.is_relative_to(target):
                failures.append(f"{event} outside of the target: {place}")

    return look


# Bending.

NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 60_000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 2**63)


def bent(data: bytes, dice: random.Random, others: Sequence[bytes] = ()) -> bytes:
    """`data`, changed in one to four places."""
    result = bytearray(data)
    for _ in range(dice.randint(1, 4)):
        place = dice.randrange(len(result) + 1)
        span = min(dice.choice((1, 2, 4, 16, 256)), len(result) - place)
        match dice.randrange(8):
            case 0 if place < len(result):
                result[place] ^= 1 << dice.randrange(8)
            case 1 if place < len(result):
                result[place] = dice.randrange(256)
            case 2:
                width = dice.choice((1, 2, 4, 8))
                number = dice.choice(NUMBERS) & (1 << 8 * width) - 1
                result[place : place + width] = number.to_bytes(width, dice.choice(("little", "big")))
            case 3:
                del result[place : place + span]
            case 4:
                result[place:place] = result[place : place + span] * dice.choice((1, 2, 50))
            case 5:
                result[place:place] = dice.randbytes(dice.choice((1, 4, 64)))
            case 6:
                del result[place:]
            case 7 if others:
                other = dice.choice(others)
                start = dice.randrange(len(other) + 1)
                result[place : place + span] = other[start : start + dice.choice((4, 64, 1024))]
    return bytes(result)


def bent_ones(valid: dict[str, bytes], times: Sequence[int], seed: int) -> Iterator[tuple[str, bytes]]:
    """The valid inputs, and then so many bent ones, each named by what it was."""
    yield from valid.items()
    dice, names = random.Random(seed), sorted(valid)
    for number in times:
        name = names[number % len(names)]
        yield f"{name}, bent, {number}", bent(valid[name], dice, list(valid.values()))


# JSON that is not as it should be.

ODD_VALUES: tuple[str, ...] = (
    "null", "true", "false", "0", "-1", "1", "1.5", "-0.0", "1e308", "1e999", "-1e999", "NaN", "Infinity",
    "-Infinity", "9" * 400, "9" * 5000, "1" + "0" * 30, "18446744073709551616", '""', '"x"', '"\\ud800"',
    '"\\u0000"',
    '"../../etc/passwd"', '"/dev/zero"', '"\\u202etxt"', '"\\u001b[2J"', '"' + "é" * 3000 + '"', "[]", "{}",
    "[[]]",
    "[1,2,3]", '["a",null,{}]', '{"a":1,"a":2}', '{"":{"":{}}}', "[" * 50 + "]" * 50, "[" * 900 + "]" * 900,
    "[" * 100_000 + "]" * 100_000, '{"a":' * 900 + "1" + "}" * 900, '{"a":' * 100_000 + "1" + "}" * 100_000,
)  # fmt: skip

ODD_TEXTS: dict[str, bytes] = {
    "nothing": b"",
    "null bytes": bytes(100),
    "BOM": b"\xef\xbb\xbf{}",
    "UTF-16": '{"format": 1}'.encode("utf-16"),
    "UTF-32": '{"format": 1}'.encode("utf-32"),
    "half of UTF-8": b'{"format": "\xc3"}',
    "latin-1": b'{"name": "\xe9\xff"}',
    "a surrogate": b'{"name": "\xed\xa0\x80"}',
    "an open string": b'{"format": "',
    "two values": b"{} {}",
    "a page": b"<!doctype html><title>Not found</title>",
    **{f"odd value {number}": text.encode() for number, text in enumerate(ODD_VALUES)},
}


def odd_json(valid: bytes, times: Sequence[int], seed: int) -> Iterator[tuple[str, bytes]]:
    """A valid JSON text; what is none; and ones in which a value, a name or a byte is not as it should be."""
    yield "valid", valid
    yield from ODD_TEXTS.items()
    dice = random.Random(seed)
    whole = json.loads(valid)
    for number in times:
        if number % 4 == 3:
            yield f"bent {number}", bent(valid, dice)
        else:
            yield f"odd {number}", _odd(whole, dice).encode()


def _odd(whole: Any, dice: random.Random) -> str:
    """The value as JSON, in which one or two parts are replaced by odd ones, go missing or come twice."""
    copy = json.loads(json.dumps(whole))
    paths = list(_paths(whole))
    for _ in range(dice.choice((1, 1, 1, 2))):
        path = dice.choice(paths)
        parent: Any = copy
        try:
            for step in path[:-1]:
                parent = parent[step]
            if not path:
                return dice.choice(ODD_VALUES)
            match dice.randrange(5):
                case 0:
                    del parent[path[-1]]
                case 1 if isinstance(parent, dict):
                    parent[dice.choice(("", "\0", "../x", "a" * 300, "__class__"))] = parent.pop(path[-1])
                case _:
                    parent[path[-1]] = f"\N{NULL}odd{dice.randrange(len(ODD_VALUES))}"
        except (KeyError, IndexError, TypeError):
            continue
    text = json.dumps(copy)
    for number, value in enumerate(ODD_VALUES):
        text = text.replace(f'"\\u0000odd{number}"', value)
    return text


def _paths(value: Any, before: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield before
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _paths(inner, (*before, name))
    elif isinstance(value, list):
        for position, inner in enumerate(value[:5]):
            yield from _paths(inner, (*before, position))
