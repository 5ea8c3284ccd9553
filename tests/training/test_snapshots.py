"""The pictures of a run."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from strangers.training import snapshots


def test_curves_of_long_runs_average_lines_and_skip_invalid_ones(tmp_path: Path) -> None:
    lines = [{"images": number, "loss": number % 2} for number in range(5 * snapshots.MAX_POINTS + 1)]
    odd = ["[]", '{"images": 1', '{"images": 1, "loss": "1"}', f'{{"images": 1{"0" * 400}, "loss": 1}}']
    (tmp_path / "log.jsonl").write_text("\n".join([*map(json.dumps, lines), *odd]))
    series = snapshots._series(tmp_path, "images", "loss")
    assert len(series) <= snapshots.MAX_POINTS
    np.testing.assert_allclose(series[0], [2.5, 0.5])
    assert series[-1, 0] <= lines[-1]["images"]
    assert 0.4 < series[:, 1].mean() < 0.6
    assert len(snapshots._series(tmp_path / "absent", "images")) == 0
