"""Requests have bounds, and one that breaks them costs one error only."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from strangers.web.schemas import MAX_FACES, MAX_STRENGTHS, Edit, LatentsOfFaces, OneLatent

LATENT = [0.0] * 4


@pytest.mark.parametrize("number", [float("nan"), float("inf"), 100.5, -100.5, "x"])
def test_a_number_out_of_bounds_is_refused(number: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        LatentsOfFaces.model_validate({"latents": [[number] * 1000]})
    assert caught.value.error_count() == 1


def test_the_number_of_faces_is_bounded() -> None:
    assert len(LatentsOfFaces(latents=[LATENT] * MAX_FACES).latents) == MAX_FACES
    for latents in ([], [LATENT] * (MAX_FACES + 1)):
        with pytest.raises(ValidationError):
            LatentsOfFaces(latents=latents)
    with pytest.raises(ValidationError):
        OneLatent(latents=[LATENT, LATENT])


def test_many_unknown_fields_are_one_error() -> None:
    with pytest.raises(ValidationError) as caught:
        LatentsOfFaces.model_validate({"latents": [LATENT]} | {f"field{i}": 0 for i in range(5000)})
    assert [error["type"] for error in caught.value.errors()] == ["extra_forbidden"]


def test_many_strengths_are_one_error() -> None:
    strengths = {f"name{i}": 0.5 for i in range(MAX_STRENGTHS)}
    assert Edit(seeds="1", strengths=strengths).strengths == strengths
    with pytest.raises(ValidationError) as caught:
        Edit(seeds="1", strengths=strengths | {f"more{i}": float("nan") for i in range(5000)})
    assert caught.value.error_count() <= 2
