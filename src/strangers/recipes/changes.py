"""Changes of a recipe by dotted field names, such as schedule.factor, and advice on typos."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from strangers.errors import UsageError, did_you_mean

LEARNING_RATES = ("generator_optimizer.learning_rate", "discriminator_optimizer.learning_rate")

SHORT_FORMS: dict[str, tuple[str, ...]] = {
    "lr": LEARNING_RATES,
    "learning_rate": LEARNING_RATES,
    "lr_g": LEARNING_RATES[:1],
    "lr_d": LEARNING_RATES[1:],
    "g_lr": LEARNING_RATES[:1],
    "d_lr": LEARNING_RATES[1:],
    "beta1": ("generator_optimizer.beta1", "discriminator_optimizer.beta1"),
    "optimizer": ("generator_optimizer.name", "discriminator_optimizer.name"),
    "bs": ("batch",),
    "batch_size": ("batch",),
    "resolution": ("size",),
    "image_size": ("size",),
    "img_size": ("size",),
    "imgsz": ("size",),
    "nz": ("latent_size",),
    "z_dim": ("latent_size",),
    "latent_dim": ("latent_size",),
    "loss": ("objective",),
    "gamma": ("penalty.weight",),
    "r1_gamma": ("penalty.weight",),
    "ema": ("ema_halflife_images",),
    "mirror": ("flip",),
    "label_smoothing": ("real_label",),
    "n_critic": ("discriminator_steps",),
    "kimg": ("images",),
}
"""Fields of a recipe by the names that other programs have for them."""


def flatten(fields: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the inner values with their dotted names as of `--set`, as ("schedule.factor", 0.1)."""
    for name, value in fields.items():
        if isinstance(value, Mapping):
            yield from flatten(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def written(value: Any) -> str:
    """Return a value as --set reads it: strings as they are, the rest as JSON."""
    return value if isinstance(value, str) else json.dumps(value)


def parse_value(text: str) -> Any:
    """Return the value that --set writes: JSON, or else the text itself."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):  # RecursionError: lists nested too deeply
        return text


def change(fields: dict[str, Any], path: str, value: Any) -> None:
    """Set a field of a recipe's JSON object by its dotted name; a mapping changes only the fields it has.

    Raises UsageError that names the nearest fields.
    """
    *parents, field = path.split(".")
    inner: Any = fields
    for parent in parents:
        inner = inner.get(parent) if isinstance(inner, dict) else None
    if not isinstance(inner, dict) or field not in inner:
        raise UsageError(f"A recipe has no field {path!r}. {_advice(fields, path, inner)}")
    value = plain(value)
    if isinstance(value, dict) and isinstance(inner[field], dict) and _same_kind(value, inner[field]):
        for name, part in value.items():
            change(fields, f"{path}.{name}", part)
    else:
        inner[field] = value


def _advice(fields: dict[str, Any], path: str, inner: Any) -> str:
    """Return the fields that were meant, among those beside an unknown one if it has a place."""
    if isinstance(inner, dict) and inner is not fields:
        return did_you_mean(path.rpartition(".")[2], inner)
    names = [name for name, _ in flatten(fields)]
    listing = "`strangers recipes NAME` lists its fields."
    return did_you_mean(path, [*names, *fields], short_forms=SHORT_FORMS, listing=listing)


def plain(value: Any) -> Any:
    """Return a Python value as JSON has it."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, Mapping):
        return {str(name): plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if hasattr(value, "item") and getattr(value, "shape", None) == ():  # a number of NumPy or torch
        return value.item()
    return value


def _same_kind(new: dict[str, Any], old: dict[str, Any]) -> bool:
    """Return whether `new` changes `old`, rather than replacing it by a network of another architecture."""
    return bool("architecture" not in new or new["architecture"] == old.get("architecture"))
