"""Every exception of the package has one base class and an exit code."""

from __future__ import annotations

import pytest

from strangers import errors
from strangers.errors import StrangersError, UsageError

EXCEPTIONS = [value for value in vars(errors).values() if isinstance(value, type)]


@pytest.mark.parametrize("kind", EXCEPTIONS, ids=lambda kind: kind.__name__)
def test_a_wrong_call_exits_with_2_and_a_failure_with_1(kind: type[StrangersError]) -> None:
    assert issubclass(kind, StrangersError)
    assert kind("what is wrong").exit_code == (2 if issubclass(kind, UsageError) else 1)
    assert kind.__name__ in str(errors.__doc__)
