"""What requests and answers hold, as the OpenAPI document has it."""

from __future__ import annotations

from itertools import islice
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, model_validator

MOST_FACES = 256
"""In one request: a screen of them."""

FARTHEST = 100.0
"""Of a latent's numbers, and of strengths: far beyond what a model was trained on, and safely finite."""

Number = Annotated[float, Field(ge=-FARTHEST, le=FARTHEST, allow_inf_nan=False)]
Truncation = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False, description="Multiplies the latents.")]
Latent = Annotated[list[Number], Field(max_length=4096, fail_fast=True)]
Latents = Annotated[
    list[Latent],
    Field(
        min_length=1,
        max_length=MOST_FACES,
        fail_fast=True,
        description="Each as long as the model's latent_size.",
    ),
]

MOST_STRENGTHS = 100


def _first_strengths(given: Any) -> Any:
    """One strength more than there may be: each wrong one costs an error, and a body has room for 300,000."""
    return dict(islice(given.items(), MOST_STRENGTHS + 1)) if isinstance(given, dict) else given


Strengths = Annotated[
    dict[str, Number],
    BeforeValidator(_first_strengths),
    Field(max_length=MOST_STRENGTHS, examples=[{"Smiling": 1.5}]),
]


class Request(BaseModel):
    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _one_unknown(cls, given: Any) -> Any:
        """The first unknown name alone: each costs an error, and a body has room for 400,000."""
        if not isinstance(given, dict):
            return given
        unknown = ((name, value) for name, value in given.items() if name not in cls.model_fields)
        return {name: given[name] for name in cls.model_fields if name in given} | dict(islice(unknown, 1))


class LatentsOfFaces(Request):
    """Faces to draw."""

    latents: Latents
    truncation: Truncation = 1.0


class OneLatent(Request):
    """A face to save."""

    latents: Annotated[list[Latent], Field(min_length=1, max_length=1)]


class Edit(Request):
    """Faces, by seeds or by latents, to be moved along attributes."""

    seeds: str | None = Field(None, max_length=2000, examples=["3,4"])
    latents: Latents | None = None
    truncation: Truncation = 1.0
    strengths: Strengths


class TokenBody(Request):
    """The token that the server was started with."""

    token: str = Field(max_length=1000)


class ModelAnswer(BaseModel):
    """The model that is served."""

    hash: str
    size: int
    latent: Literal["normal", "uniform"]
    latent_size: int
    recipe: str
    images_seen: int
    crop: str
    software: str
    license: str
    metrics: dict[str, JsonValue]
    most_faces: int = Field(description="In one request.")


class LatentsAnswer(BaseModel):
    """Latents of seeds, before truncation."""

    latents: list[list[float]]


class DirectionsAnswer(BaseModel):
    """The model's attribute directions, the most certain first.

    A face moves by a strength times the vector, in standard deviations of the latents.
    """

    state: Literal["finding", "ready", "none"]
    share: float = Field(description="Of the search that is done.")
    why: str = Field(description="There are none.")
    names: list[str]
    accuracies: list[float]
    vectors: list[list[float]]


class Warned(BaseModel):
    images: int
    sentence: str


class RunAnswer(BaseModel):
    """What a run has come to."""

    id: str
    title: str
    state: Literal["new", "training", "quiet", "finished"]
    stamp: str = Field(description="Changes when the log does.")
    images: int
    budget: int
    images_per_second: float | None
    seconds: float | None
    seconds_left: float | None
    measures: dict[str, float] = Field(description="The newest ones.")
    warnings: list[Warned]
    samples: list[str] = Field(description="Names of the grids, oldest first.")
    recipe: dict[str, str | int | float | bool]


class RunsAnswer(BaseModel):
    runs: list[RunAnswer]


class Measured(BaseModel):
    images: list[int]
    values: list[float]


class CurvesAnswer(BaseModel):
    """The log in columns of one length; null where a value is not finite."""

    lines: dict[str, list[float | None]]
    measures: dict[str, Measured]
