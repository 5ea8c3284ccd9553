"""Results: their text, and their JSON."""

from __future__ import annotations

from strangers.evaluation.facts import ModelFacts, Protocol, SetFacts
from strangers.evaluation.result import Hardware, Result, Value, summary

PROTOCOL = Protocol(crop="c178", size=32, filter="bicubic")
MODEL = ModelFacts(
    path="runs/a", hash="0" * 16, recipe="tiny", images_seen=1, parameters=1, data_hash="1" * 64,
    protocol=PROTOCOL,
)  # fmt: skip
SET = SetFacts(path="set", source="synthetic", split=None, hash="1" * 64, count=9, protocol=PROTOCOL)
RESULT = Result(
    model=MODEL, data=SET, generated=9, reference=9, seeds="0-8", truncation=1.0, features={"face": "0" * 16},
    values={"fd-face": Value(value=3.0, error=0.5), "recall-face": Value(value=0.25, reason="too few")},
    versions={}, hardware=Hardware(processor="", cores=1, threads=1, device="cpu"), seconds=1.0,
)  # fmt: skip


def test_a_summary_has_a_line_per_value_and_note() -> None:
    text = summary(RESULT.model_copy(update={"notes": ("Not checked.",)}))
    assert "fd-face ↓" in text
    assert "3 ± 0.98" in text
    assert "recall-face ↑" in text
    assert "recall-face has no ±: too few." in text
    assert "\nNot checked." in text


def test_a_result_survives_json() -> None:
    assert Result.model_validate_json(RESULT.model_dump_json()) == RESULT
