"""Every exception of the package has one base class and an exit code."""

from __future__ import annotations

import pytest

from strangers import errors
from strangers.errors import StrangersError, UsageError, did_you_mean, same_name

EXCEPTIONS = [
    value
    for value in vars(errors).values()
    if isinstance(value, type) and value.__module__ == errors.__name__
]


@pytest.mark.parametrize("kind", EXCEPTIONS, ids=lambda kind: kind.__name__)
def test_a_wrong_call_exits_with_2_and_a_failure_with_1(kind: type[StrangersError]) -> None:
    assert issubclass(kind, StrangersError)
    assert kind("what is wrong").exit_code == (2 if issubclass(kind, UsageError) else 1)
    assert kind.__name__ in str(errors.__doc__)


MANY = [f"attribute_{number}" for number in range(20)]


@pytest.mark.parametrize(
    ("name", "known", "advice"),
    [
        ("smiling", ["Smiling", "Male"], "Did you mean Smiling?"),
        ("Smilling", ["Smiling", "Male"], "Did you mean Smiling?"),
        ("lr", ["generator.lr", "batch"], "Did you mean generator.lr?"),
        ("gpu", ["cuda", "cpu"], "Did you mean cuda?"),
        ("abacus", ["cuda", "mps"], "Choose from cuda, mps."),
        ("attribute_3", MANY, "Did you mean attribute_3?"),
        ("nothing like it", MANY, "See the list."),
        ("x", [], "See the list."),
    ],
)
def test_advice_is_the_nearest_name_or_a_short_list(name: str, known: list[str], advice: str) -> None:
    assert did_you_mean(name, known, short_forms={"gpu": ("cuda",)}, listing="See the list.") == advice


def test_names_are_the_same_in_any_case() -> None:
    assert same_name("wearing hat", ["Wearing_Hat", "Male"]) == "Wearing_Hat"
    assert same_name("hat", ["Wearing_Hat", "Male"]) is None
