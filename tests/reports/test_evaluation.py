"""The evaluation report: JSON and a page with the same values."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from strangers.evaluation.evaluate import Measured
from strangers.evaluation.memorization import Memorization, NearestPair
from strangers.reports.evaluation import write

from ..evaluation.test_result import RESULT

FACES = np.random.default_rng(0).integers(0, 256, (9, 32, 32, 3)).astype(np.uint8)
COPIES = Memorization(
    verdict=None, reason="the training set has 9 distinct pictures, and 40 are needed", faces=9, copies=1,
    pictures=9, distinct_pictures=9, controls=0, control_set="training", spaces=(),
    pairs=(NearestPair(face=0, picture=4, distance=2.0, ratio=None),),
)  # fmt: skip


def test_one_result_is_the_document_itself(tmp_path: Path) -> None:
    measured = Measured(RESULT.model_copy(update={"memorization": COPIES}), FACES, FACES[:1])
    text = write(tmp_path / "new" / "result.json", measured)
    assert "no verdict: the training set has 9 distinct pictures" in text
    assert json.loads((tmp_path / "new" / "result.json").read_text())["values"]["fd-face"]["value"] == 3
    page = (tmp_path / "new" / "result.html").read_text()
    assert "No verdict" in page
    assert "95% confidence interval" in page
    assert "No ±: too few." in page
    assert page.count("<img") == 2  # faces and pairs
