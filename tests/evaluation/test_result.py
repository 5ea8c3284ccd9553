"""Results: comparisons of two, and their text."""

from __future__ import annotations

import pytest

from strangers.errors import UsageError
from strangers.evaluation.result import (
    Difference,
    Hardware,
    ModelFacts,
    Protocol,
    Result,
    SetFacts,
    Value,
    check_protocols,
    differences,
    summary,
)

PROTOCOL = Protocol(crop="c178", size=32, filter="bicubic")
MODEL = ModelFacts(
    path="runs/a", hash="0" * 16, recipe="tiny", images_seen=1, parameters=1, data_hash="1" * 64,
    protocol=PROTOCOL,
)  # fmt: skip
SET = SetFacts(path="set", source="synthetic", split=None, hash="1" * 64, count=9, protocol=PROTOCOL)
RESULT = Result(
    model=MODEL, data=SET, generated=9, reference=9, seeds="0-8", truncation=1.0, features={"face": "0" * 16},
    values={"fd-face": Value(value=3.0, error=0.5), "recall-face": Value(value=0.25)}, versions={},
    hardware=Hardware(processor="", cores=1, threads=1, device="cpu"), seconds=1.0,
)  # fmt: skip


def test_the_better_of_two_is_named_only_for_significant_differences() -> None:
    assert "the second is better" in str(Difference(name="fd-face", value=3.0, error=1.0))
    assert "the first is better" in str(Difference(name="fd-face", value=-3.0, error=1.0))
    assert "the first is better" in str(Difference(name="precision-face", value=0.3, error=0.1))
    assert "no significant difference" in str(Difference(name="fd-face", value=1.0, error=1.0))


def test_results_of_different_conditions_are_not_compared() -> None:
    [found] = differences(RESULT, RESULT)  # recall has no error
    assert (found.name, found.value) == ("fd-face", 0)
    with pytest.raises(UsageError, match="different generated"):
        differences(RESULT, RESULT.model_copy(update={"generated": 10}))
    data = SET.model_copy(update={"hash": "0" * 64})
    with pytest.raises(UsageError, match="different sets"):
        differences(RESULT, RESULT.model_copy(update={"data": data}))


def test_protocols_must_agree_unless_a_mismatch_is_allowed() -> None:
    assert check_protocols(MODEL, SET, False) == ()
    other = SET.model_copy(update={"protocol": Protocol(crop="c108", size=32, filter="bicubic")})
    with pytest.raises(UsageError, match=r"crop c178.*crop c108.*--allow-mismatch"):
        check_protocols(MODEL, other, False)
    assert check_protocols(MODEL, other, True) == ("crop: c178 and c108",)
    large = SET.model_copy(update={"protocol": Protocol(crop="c178", size=64, filter="bicubic")})
    with pytest.raises(UsageError, match="--size 32"):
        check_protocols(MODEL, large, True)


def test_a_summary_has_a_line_per_value_and_note() -> None:
    text = summary([RESULT.model_copy(update={"notes": ("Not checked.",)})])
    assert "fd-face ↓" in text
    assert "3 ± 0.98" in text
    assert "recall-face ↑" in text
    assert "a: Not checked." in text


def test_a_result_survives_json() -> None:
    assert Result.model_validate_json(RESULT.model_dump_json()) == RESULT
