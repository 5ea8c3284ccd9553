"""The bodies of requests and responses, as in the OpenAPI document."""

from __future__ import annotations

from itertools import islice
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, model_validator

MAX_FACES = 256
"""Faces per request: one screen."""

MAX_ABSOLUTE = 100.0
"""Bound of latents and strengths: far outside the training distribution, and safely finite."""

Number = Annotated[float, Field(ge=-MAX_ABSOLUTE, le=MAX_ABSOLUTE, allow_inf_nan=False)]
Truncation = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False, description="Multiplies the latents.")]
Latent = Annotated[list[Number], Field(max_length=4096, fail_fast=True)]
Latents = Annotated[
    list[Latent],
    Field(
        min_length=1,
        max_length=MAX_FACES,
        fail_fast=True,
        description="Each as long as the model's latent_size.",
    ),
]

MAX_STRENGTHS = 100
"""Attributes per request."""


def _first_strengths(given: Any) -> Any:
    """Keep one more than the maximum: pydantic creates an error for each, and a body has room for many."""
    return dict(islice(given.items(), MAX_STRENGTHS + 1)) if isinstance(given, dict) else given


Strengths = Annotated[
    dict[str, Number],
    BeforeValidator(_first_strengths),
    Field(max_length=MAX_STRENGTHS, examples=[{"Smiling": 1.5}]),
]


class Request(BaseModel):
    """A request body without unknown fields."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _one_unknown(cls, given: Any) -> Any:
        """Keep only the first unknown name: pydantic creates an error for each."""
        if not isinstance(given, dict):
            return given
        unknown = ((name, value) for name, value in given.items() if name not in cls.model_fields)
        return {name: given[name] for name in cls.model_fields if name in given} | dict(islice(unknown, 1))


class LatentsOfFaces(Request):
    """Faces to draw."""

    latents: Latents
    truncation: Truncation = 1.0


class Walk(Request):
    """An endless animation of faces."""

    latents: Latents
    frames_per_second: int = Field(16, ge=1, le=60)


class OneLatent(Request):
    """A face to save."""

    latents: Annotated[list[Latent], Field(min_length=1, max_length=1)]


class Edit(Request):
    """Faces, by seeds or by latents, and the strengths of attributes to move them by."""

    seeds: str | None = Field(None, max_length=2000, examples=["3,4"])
    latents: Latents | None = None
    truncation: Truncation = 1.0
    strengths: Strengths


class GameRequest(Request):
    """A game to begin."""

    consent: bool = Field(False, description="The player allows the host to keep the answers in a file.")


class GuessRequest(Request):
    """An answer to one face of a game."""

    position: int = Field(ge=0, lt=2**16, description="Of the face in the game, from 0.")
    answer: Literal["real", "fake"]


class TokenBody(Request):
    """The token that the server was started with."""

    token: str = Field(max_length=1000)


class ModelAnswer(BaseModel):
    """The served model."""

    name: str = Field(description="Of its file, its run or its repository.")
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
    max_faces: int = Field(description="Maximum per request.")
    first_seed: int = Field(description="Of the face to show first.")
    rejected: float = Field(description="Share of the faces that a page of the best ones leaves out.")
    shows_best: bool = Field(description="The page shows the best faces unless asked for all.")


class ServedModel(BaseModel):
    """The name of a served model, and the hash that selects it."""

    name: str = Field(description="Of its file, its run or its repository.")
    hash: str
    size: int


class ModelsAnswer(BaseModel):
    """All models of the server, the default one first."""

    models: list[ServedModel]


class LatentsAnswer(BaseModel):
    """Latents of seeds, before truncation."""

    latents: list[list[float]]


class CertaintiesAnswer(BaseModel):
    """Certainties of the face detector."""

    certainties: list[float] = Field(description="In [0, 1], one for each seed.")
    least: float = Field(description="Faces below it are left out by a page of the best ones.")


class DirectionsAnswer(BaseModel):
    """Attribute directions, sorted by accuracy.

    An edit adds strength times vector to a latent; strengths are in standard deviations of the latents.
    """

    state: Literal["searching", "ready", "unavailable"]
    progress: float = Field(description="Completed fraction of the search, 0 to 1.")
    reason: str = Field(description="The reason if they are unavailable, else empty.")
    names: list[str]
    accuracies: list[float]
    vectors: list[list[float]]


class RunWarning(BaseModel):
    """A warning of the health monitor."""

    images_seen: int
    message: str


class RunAnswer(BaseModel):
    """The state of a run."""

    id: str
    title: str
    state: Literal["pending", "training", "idle", "finished"]
    revision: str = Field(description="Changes with the log.")
    images_seen: int
    budget: int
    images_per_second: float | None
    seconds: float | None
    seconds_left: float | None
    metrics: dict[str, float] = Field(description="The latest metrics.")
    warnings: list[RunWarning]
    samples: list[str] = Field(description="Names of the grids, oldest first.")
    recipe: dict[str, str | int | float | bool]


class RunsAnswer(BaseModel):
    """All runs of the server."""

    runs: list[RunAnswer]


class Metric(BaseModel):
    """One metric against images seen."""

    images_seen: list[int]
    values: list[float]


class CurvesAnswer(BaseModel):
    """The log as columns of equal length, with null for values that are not finite."""

    columns: dict[str, list[float | None]]
    metrics: dict[str, Metric]


class SetAnswer(BaseModel):
    """A prepared set."""

    id: str
    title: str
    count: int
    size: int
    crop: str
    filter: str
    split: str | None
    skipped: int
    notes: list[str]
    attributes: dict[str, float] = Field(description="Fraction of the images that have each, if known.")


class SetsAnswer(BaseModel):
    """All prepared sets of the server."""

    sets: list[SetAnswer]


class GamesAnswer(BaseModel):
    """The games that can be played."""

    photographs: str = Field(
        description="Name of the set of photographs; empty if there is none for this model."
    )
    reason: str = Field(description="The reason if the photographs are not for this model.")
    keeps_answers: bool = Field(description="The host keeps answers of players who consent.")


class GameAnswer(BaseModel):
    """A game that has begun."""

    id: str
    faces: int
    shown_ms: int = Field(description="How long a face is to be shown, in milliseconds.")


class GuessAnswer(BaseModel):
    """The solution of one face."""

    kind: Literal["real", "fake"]
    kept: bool = Field(description="The answer is in the host's file.")
