"""The log of a run: whole lines, also on a full disk."""

from __future__ import annotations

import resource
from pathlib import Path

from strangers.training.log import RunLog


def test_lines_that_do_not_fit_on_the_disk_are_written_later(tmp_path: Path) -> None:
    log = RunLog(tmp_path, images_per_epoch=1, images_per_step=1, budget=9, progress=False)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    log.info("first")
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
    try:
        log.info("second")
        log.info("third")
        assert (tmp_path / "console.log").read_text() == "first\n"
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    log.info("fourth")
    assert (tmp_path / "console.log").read_text() == "first\nsecond\nthird\nfourth\n"
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
    try:
        log.info("last")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    log.close()
    assert (tmp_path / "console.log").read_text().endswith("fourth\nlast\n")
