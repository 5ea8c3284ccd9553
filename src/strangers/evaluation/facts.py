"""Descriptions of the sides of a measurement, and their protocols."""

from __future__ import annotations

from pathlib import Path

from strangers.config import Configuration, Count
from strangers.data.crops import comparable
from strangers.data.prepared import PreparedSet
from strangers.errors import UsageError
from strangers.sampling.model import Model

NOT_STATED = "not stated"


class Protocol(Configuration):
    """The preprocessing of pictures, which two sides must share to be comparable; None is not stated.

    Attributes:
        crop: name of the crop protocol.
        size: height and width in pixels.
        filter: name of the resize filter.
        format: "JPEG" for pictures that were compressed at this size.
    """

    crop: str | None = None
    size: Count | None = None
    filter: str | None = None
    format: str | None = None

    def __str__(self) -> str:
        size = NOT_STATED if self.size is None else f"{self.size} px"
        text = f"crop {self.crop or NOT_STATED}, {size}, filter {self.filter or NOT_STATED}"
        return text if self.format is None else f"{text}, {self.format}"


class ModelFacts(Configuration):
    """A model of this package."""

    path: str
    hash: str
    recipe: str
    images_seen: Count
    parameters: Count
    data_hash: str
    protocol: Protocol


class GeneratorFacts(Configuration):
    """A generator in an ONNX file.

    Attributes:
        path, hash: of the file.
        latent_size, latent: length and distribution of the latents.
        recipe, images_seen: of a file that this package exported.
        protocol: as far as it is known.
    """

    path: str
    hash: str
    latent_size: Count
    latent: str
    recipe: str | None = None
    images_seen: Count | None = None
    protocol: Protocol


class PictureFacts(Configuration):
    """Pictures of unknown origin.

    Attributes:
        path: as it was named.
        hash: first 16 hexadecimal digits of a SHA-256 of their content.
        count: number of pictures.
        protocol: as far as it is known.
    """

    path: str
    hash: str
    count: Count
    protocol: Protocol


class SetFacts(Configuration):
    """A prepared set."""

    path: str
    source: str
    split: str | None
    hash: str
    count: Count
    protocol: Protocol


class StatisticsFacts(Configuration):
    """A statistics file.

    Attributes:
        path, hash: of the file.
        source, split: of the pictures.
        data_hash: of the prepared set or the pictures; None if it is not stated.
        count: number of pictures; None if it is not stated.
        protocol: of the pictures, as far as it is known.
        weights: hash of the network's weights by the name of the features; None if it is not stated.
        software: what computed it.
    """

    path: str
    hash: str
    source: str
    split: str | None = None
    data_hash: str | None = None
    count: Count | None = None
    protocol: Protocol
    weights: dict[str, str | None]
    software: str = NOT_STATED


Facts = ModelFacts | GeneratorFacts | PictureFacts | SetFacts | StatisticsFacts


def label(facts: Facts) -> str:
    """Return the side in a few words."""
    if isinstance(facts, ModelFacts):
        return f"{facts.recipe} after {facts.images_seen:,} images"
    return Path(facts.path).name or facts.path


def origin(facts: Facts) -> str:
    """Return what the pictures were made from."""
    return facts.source if isinstance(facts, SetFacts | StatisticsFacts) else facts.path


def split_of(facts: Facts) -> str | None:
    """Return the split of the photographs, if it is known."""
    return facts.split if isinstance(facts, SetFacts | StatisticsFacts) else None


def number(count: int | None) -> str:
    """Format a number of pictures that a statistics file may not state."""
    return "an unstated number of" if count is None else f"{count:,}"


def facts_of_model(path: str, model: Model) -> ModelFacts:
    """Describe a model for a result."""
    header = model.header
    return ModelFacts(
        path=path,
        hash=model.hash,
        recipe=header.recipe.name,
        images_seen=header.images_seen,
        parameters=sum(parameter.numel() for parameter in model.generator.parameters()),
        data_hash=header.data_hash,
        protocol=Protocol(crop=header.crop, size=header.size, filter=header.filter),
    )


def facts_of_set(pictures: PreparedSet) -> SetFacts:
    """Describe a set for a result."""
    manifest = pictures.manifest
    # Photographs that were cropped and compressed before they were prepared.
    is_whole = set(manifest.originals) == {f"{manifest.size}x{manifest.size}"}
    is_jpeg = is_whole and pictures.names[0].lower().endswith((".jpg", ".jpeg"))
    return SetFacts(
        path=str(pictures.path),
        source=manifest.source,
        split=manifest.split,
        hash=manifest.hash,
        count=len(pictures),
        protocol=Protocol(
            crop=manifest.crop,
            size=manifest.size,
            filter=manifest.filter,
            format="JPEG" if is_jpeg else None,
        ),
    )


def check_protocols(ours: Facts, theirs: Facts, allow: bool) -> tuple[str, ...]:
    """Return the known differences between the protocols. Raises UsageError for any, unless `allow`.

    Different sizes are always an error. Formats are stated in notes, and are no difference.
    """
    one, other = (side.protocol.model_dump(exclude={"format"}) for side in (ours, theirs))
    found = [f"{name}: {one[name]} and {other[name]}" for name in one if _differ(one[name], other[name])]
    if not found:
        return ()
    message = (
        f"The protocol of {ours.path} ({ours.protocol}) differs from that of {theirs.path} "
        f"({theirs.protocol}), so a distance would measure the preprocessing too."
    )
    if _differ(ours.protocol.size, theirs.protocol.size):
        raise UsageError(f"{message} Prepare the photographs with --size {ours.protocol.size}.")
    if not allow:
        raise UsageError(
            f"{message} Prepare the photographs alike, or pass --allow-mismatch, which the result records."
        )
    return tuple(found)


def _differ(ours: object, theirs: object) -> bool:
    """Compare two fields of protocols; one that is not stated differs from none."""
    if isinstance(ours, str) and isinstance(theirs, str):
        return not comparable(ours, theirs)
    return ours is not None and theirs is not None and ours != theirs
