"""Configurations are frozen, and refuse unknown fields and other types."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from strangers.config import Configuration


class Example(Configuration):
    number: int = 1


def test_a_value_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Example().number = 2


@pytest.mark.parametrize("text", ['{"number": "1"}', '{"number": 1.0}', '{"numbr": 1}'])
def test_other_types_and_unknown_fields_are_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        Example.model_validate_json(text)
