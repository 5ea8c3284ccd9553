"""The command verify."""

from __future__ import annotations

import json
from pathlib import Path

from ..support import Strangers


def test_the_command_tells_inside_from_outside(strangers: Strangers, trained: Path, tmp_path: Path) -> None:
    entry, drawn = tmp_path / "result.json", trained.with_name("drawn")
    words = ("--metrics", "kd-face", "--count", 40, "--out", entry)
    assert strangers("evaluate", trained, drawn, *words).code == 0
    ran = strangers("verify", entry)
    assert (ran.code, ran.out.splitlines()[-1]) == (0, "1 of 1 values are inside.")
    changed = json.loads(entry.read_text())
    changed["values"]["kd-face"]["value"] += 100
    entry.write_text(json.dumps(changed))
    ran = strangers("verify", entry)
    assert ran.code == 1
    assert "kd-face: OUTSIDE" in ran.out
