"""Latent files: the result of an inversion as JSON, sufficient to draw the face again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from strangers._version import __version__
from strangers.config import explain
from strangers.errors import DataError, UsageError
from strangers.images import COMPOSITE, Pixels, Provenance, encode_png, grid
from strangers.latent.inversion import Inversion
from strangers.sampling.model import Model
from strangers.system.outputs import check_outputs, together, write_output
from strangers.system.streams import open_regular_file

MAX_LATENT_BYTES = 1_000_000
"""A latent of 4096 numbers takes a tenth of this."""

Number = Annotated[float, Field(allow_inf_nan=False, ge=-1e6, le=1e6)]
Error = Annotated[float, Field(allow_inf_nan=False, ge=0)]


class LatentFile(BaseModel):
    """The result of `strangers invert`.

    Attributes:
        format: version of the file format.
        software: program and version that wrote the file.
        model_hash, recipe, images_seen: `Model.hash` and training of the generator of this latent.
        size, crop: of the photograph.
        starts, steps, seed: of the search.
        image_error, feature_error: see `Inversion`.
        ood_score: of the photograph; see `strangers.latent.ood.ood_score`.
        latent: latent_size numbers.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    format: Literal[1] = 1
    software: Annotated[str, Field(max_length=200)]
    model_hash: Annotated[str, Field(pattern="^[0-9a-f]{16}$")]
    recipe: Annotated[str, Field(max_length=200)]
    images_seen: Annotated[int, Field(ge=0)]
    size: Annotated[int, Field(ge=1, le=4096)]
    crop: Annotated[str, Field(max_length=200)]
    starts: Annotated[int, Field(ge=1)]
    steps: Annotated[int, Field(ge=1)]
    seed: Annotated[int, Field(ge=0, lt=2**64)]
    image_error: Error
    feature_error: Error
    ood_score: Error
    latent: Annotated[tuple[Number, ...], Field(min_length=1, max_length=4096)]

    def of(self, model: Model) -> NDArray[np.float32]:
        """Return the latent as float32 (1, latent_size). Raises UsageError for any model but its own."""
        if len(self.latent) != model.recipe.latent_size:
            raise UsageError(
                f"The latent has {len(self.latent)} numbers, but this model {model.recipe.latent_size}: "
                "invert the photograph with this model."
            )
        if self.model_hash != model.hash:
            raise UsageError(
                f"This latent belongs to model {self.model_hash}, not to {model.hash}; "
                "invert the photograph with this model."
            )
        return np.array([self.latent], np.float32)


def latent_file(model: Model, found: Inversion, ood_score: float, starts: int, seed: int) -> LatentFile:
    """Collect the contents of a latent file from the final result of `invert`."""
    return LatentFile(
        software=f"strangers {__version__}",
        model_hash=model.hash,
        recipe=model.recipe.name,
        images_seen=model.header.images_seen,
        size=model.header.size,
        crop=model.header.crop,
        starts=starts,
        steps=found.steps,
        seed=seed,
        image_error=found.image_error,
        feature_error=found.feature_error,
        ood_score=ood_score,
        latent=tuple(found.latent.tolist()),
    )


def write_latent(
    path: Path, found: LatentFile, photograph: Pixels, face: Pixels, *, force: bool = False
) -> None:
    """Write the file, and next to it a .png of photograph and face, both (size, size, 3).

    force: as for `write_output`. Raises UsageError and OSError.
    """
    check_outputs(path, kind="latent", force=force)
    check_outputs(path.with_suffix(".png"), kind="comparison", force=force)
    provenance = Provenance(
        software=found.software, model_hash=found.model_hash, seeds="", recipe=found.recipe,
        images_seen=found.images_seen, latents=f"from the photograph on the left, see {path.name}",
    )  # fmt: skip
    pair = grid(np.stack([photograph, face]), columns=2)
    picture = encode_png(pair, provenance, COMPOSITE)
    with together(path):
        write_output(path.with_suffix(".png"), picture, kind="comparison", force=force)
        write_output(path, found.model_dump_json(indent=1).encode(), kind="latent", force=force)


def read_latent(path: Path) -> LatentFile:
    """Read a latent file. Raises UsageError without a file, and DataError for one that is no latent."""
    try:
        with open_regular_file(path) as file:
            text = file.read(MAX_LATENT_BYTES + 1)
    except FileNotFoundError:
        raise UsageError(f"There is no latent file {path}; `strangers invert` writes one.") from None
    except OSError as error:
        raise DataError(f"Cannot read the latent file {path}: {error.strerror or error}.") from None
    if len(text) > MAX_LATENT_BYTES:
        raise DataError(f"{path} is not a latent file: it is larger than {MAX_LATENT_BYTES:,} bytes.")
    try:
        return LatentFile.model_validate_json(text)
    except ValidationError as error:
        raise DataError(
            f"{path} is not a latent file of strangers invert: {explain(LatentFile, error)} "
            "Invert the photograph again."
        ) from None
