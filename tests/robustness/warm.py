"""A program that runs commands of `strangers` in forks of itself, and kills them at a given moment.

Python and torch take seconds to start, which a fork has behind it: so a thousand crashes take minutes. The
test's own process cannot fork: it may have threads. Lines of JSON come in and go out, one for one:

    {"words": ["train", ...], "cache": ..., "log": ..., "after": 0.12}  ->  {"pid": 123}
    {"wait": 123}                                                       ->  {"code": -9}
    {"warm": ["train", ...], "cache": ..., "log": ...}                  ->  {"code": 0}, by this process
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from strangers.system import files

sys.path.append(str(Path(__file__).parents[2]))

ANSWERS = os.fdopen(os.dup(1), "w")
"""Stream of the answers; what the commands print goes elsewhere."""


def main() -> None:
    """Answer until the input ends."""
    for line in sys.stdin:
        request: dict[str, Any] = json.loads(line)
        if "wait" in request:
            _, status = os.waitpid(request["wait"], 0)
            answer = {"code": os.waitstatus_to_exitcode(status)}
        elif "warm" in request:
            answer = {"code": run(request["warm"], request)}
        else:
            answer = {"pid": start(request)}
        print(json.dumps(answer), file=ANSWERS, flush=True)


def start(request: dict[str, Any]) -> int:
    """The number of a process that runs the command, and that is killed after so many seconds."""
    pid = os.fork()
    if pid == 0:
        files._tidy.cache_clear()  # a new process has tidied no folder yet
        code = 70
        try:
            code = run(request["words"], request)
        finally:
            os._exit(code)
    if request["after"] is not None:
        time.sleep(request["after"])
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return pid


def run(words: list[str], request: dict[str, Any]) -> int:
    """The command's exit code; what it prints is added to its log."""
    from tests.stand_ins import stand_in

    from strangers.cli import main as strangers

    stand_in(setattr)
    os.environ["XDG_CACHE_HOME"] = request["cache"]
    log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(log, stream)
    os.close(log)
    code = strangers(words)
    sys.stdout.flush()
    return code


if __name__ == "__main__":
    main()
