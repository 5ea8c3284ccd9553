"""The base class of all configurations that are read from files."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Configuration(BaseModel):
    """A frozen value with exactly the declared fields, of exactly the declared types."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")
