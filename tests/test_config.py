"""Configurations are frozen, and refuse unknown fields and other types."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from strangers.config import Configuration
from strangers.errors import UsageError


class Example(Configuration):
    number: int = 1


def test_a_value_cannot_be_changed() -> None:
    with pytest.raises(UsageError, match=r"An? Example cannot be changed; use \.replace\(number=\.\.\.\)"):
        Example().number = 2
    assert Example().replace(number=2).number == Example().model_copy(update={"number": 2}).number == 2


def test_an_error_names_the_field_the_value_and_the_nearest_name() -> None:
    with pytest.raises(
        UsageError, match=r"^The example is not valid: number must be a whole number \(got 'x'\)\.$"
    ):
        Example(number="x")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"Example has no field 'numbr'\. Did you mean number\?$"):
        Example().replace(numbr=2)


@pytest.mark.parametrize("text", ['{"number": "1"}', '{"number": 1.0}', '{"numbr": 1}'])
def test_other_types_and_unknown_fields_are_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        Example.model_validate_json(text)
