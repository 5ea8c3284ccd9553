"""The base class of every configuration that is read from a file."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Configuration(BaseModel):
    """A frozen value whose fields are exactly the declared ones, of exactly the declared types."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")
