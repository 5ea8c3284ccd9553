"""Training of the attribute network, for `strangers train-attributes`."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import track
from safetensors.torch import save
from torch import Tensor
from torch.nn import functional as F

from strangers._version import __version__
from strangers.data.prepared import PreparedSet, open_prepared, positions
from strangers.errors import DataError, UsageError
from strangers.evaluation.attributes import SIZE, AttributeNetwork, Attributes, load_attributes
from strangers.images import to_signed
from strangers.sampling.model_file import with_digest
from strangers.system.devices import choose_device, choose_precision, keep_freed_memory, to_device
from strangers.system.outputs import check_outputs, signed, together, write_output
from strangers.system.streams import progress_console

TRAINING_BATCH = 256

LEARNING_RATE = 2e-3
"""Peak learning rate: linear warmup over the first tenth of the training, then cosine decay to 0."""

WEIGHT_DECAY = 5e-2

MAX_SHIFT = 4
"""Largest translation of a training picture, in pixels along each axis."""

CONTRAST, BRIGHTNESS = 0.2, 0.1
"""Largest changes per color channel: of contrast as a factor, of brightness in the range [-1, 1]."""


@dataclass(frozen=True)
class Accuracy:
    """Accuracy of one attribute on the validation pictures; all numbers in [0, 1].

    Attributes:
        name: of the attribute.
        frequency: fraction of pictures that have it.
        accuracy: fraction of correct predictions.
        balanced: mean accuracy of the pictures with and of those without the attribute.
        majority: accuracy of always predicting the more frequent value.
    """

    name: str
    frequency: float
    accuracy: float
    balanced: float
    majority: float


def train(
    data: str | Path,
    validation: str | Path | None,
    out: str | Path,
    *,
    epochs: int = 16,
    seed: int = 0,
    device: str = "auto",
    precision: str = "auto",
    progress: bool = True,
    force: bool = False,
) -> list[Accuracy]:
    """Train an attribute network, write it and its card, and return its accuracies on `validation`.

    data, validation: prepared sets of 64 px with the same attributes; None for the held-out part of `data`.
    out: a .safetensors file; the card has the same name with the suffix .md.
    force: as for `write_output`.
    Raises DataError for unusable sets and UsageError for wrong arguments.
    """
    pictures, held_out = _sets(data, validation)
    if Path(out).suffix != ".safetensors":
        raise UsageError(f"--out must end in .safetensors (got {out}).")
    card_path = Path(out).with_suffix(".md")
    check_outputs(Path(out), card_path, kind="attributes", force=force)
    where = choose_device(device).value
    if where.type == "cpu":
        keep_freed_memory()
    dtype = choose_precision(precision, where).value
    with torch.random.fork_rng(devices=[where] if where.type == "cuda" else []):
        torch.manual_seed(seed)
        network = AttributeNetwork(len(pictures.manifest.attributes))
        network = to_device(network, where)  # type: ignore[assignment]
        _fit(network, pictures, where, dtype, epochs, seed, progress)
    with together(Path(out)):
        write_output(Path(out), _as_bytes(network, pictures, seed, epochs), kind="attributes", force=force)
        reader = load_attributes.__wrapped__(out, device)  # measured as it is loaded: rounded to fp16
        accuracies = measure(reader, held_out)
        card = _card(reader, pictures, held_out, accuracies, epochs, seed)
        write_output(card_path, signed(card, "attributes"), kind="attributes", force=force)
    return accuracies


def _sets(data: str | Path, validation: str | Path | None) -> tuple[PreparedSet, PreparedSet]:
    """Open the sets of training and of validation. Raises DataError and UsageError."""
    pictures = _labeled(data)
    if validation is None:
        if pictures.held_out is None:
            raise UsageError(
                f"{data} has no held-out part: pass --validation, or prepare it with --hold-out."
            )
        validation = pictures.held_out.path
    held_out = _labeled(validation)
    if pictures.manifest.hash == held_out.manifest.hash:
        raise UsageError(f"{validation} has the training pictures: pass another set as --validation.")
    if pictures.manifest.attributes != held_out.manifest.attributes:
        raise DataError(
            f"{data} and {validation} have different attributes; prepare both from the same table."
        )
    return pictures, held_out


def _labeled(path: str | Path) -> PreparedSet:
    pictures = open_prepared(path)
    if pictures.attributes is None:
        raise DataError(
            f"{path} has no attributes. Prepare it with list_attr_celeba.txt next to the pictures, or pass "
            "its folder as --annotations."
        )
    if not pictures.attributes.any():
        raise DataError(f"{path} has attributes that are known of no picture. Prepare it with its own table.")
    if pictures.manifest.size != SIZE:
        raise DataError(f"{path} has pictures of {pictures.manifest.size} px. Prepare it with --size {SIZE}.")
    return pictures


def _fit(
    network: AttributeNetwork,
    pictures: PreparedSet,
    device: torch.device,
    dtype: torch.dtype,
    epochs: int,
    seed: int,
    progress: bool,
) -> None:
    """Minimize the cross-entropy of all known attributes with AdamW."""
    steps = max(1, epochs * len(pictures) // TRAINING_BATCH)
    optimizer = torch.optim.AdamW(network.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    network.train()
    console = progress_console()
    for step, (images, labels) in enumerate(
        track(
            _batches(pictures, steps, seed, device),
            "attributes",
            total=steps,
            console=console,
            disable=not (progress and console.is_terminal),
        )
    ):
        for group in optimizer.param_groups:
            group["lr"] = LEARNING_RATE * _schedule(step / steps)
        with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
            _, logits = network(images)
        known = labels != 0
        loss = F.binary_cross_entropy_with_logits(logits.float()[known], (labels[known] > 0).float())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    network.eval()


def _schedule(progress: float) -> float:
    """Learning rate relative to its peak, at `progress` in [0, 1] of the training."""
    return progress / 0.1 if progress < 0.1 else 0.5 + 0.5 * math.cos(math.pi * (progress - 0.1) / 0.9)


def _batches(
    pictures: PreparedSet, steps: int, seed: int, device: torch.device
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield augmented pictures (256, 3, 64, 64) and their attributes (256, k)."""
    assert pictures.attributes is not None
    for step in range(steps):
        chosen = positions(len(pictures), TRAINING_BATCH, seed, step * TRAINING_BATCH)
        images = to_signed(torch.from_numpy(pictures.batch(chosen)).to(device))
        yield augment(images), torch.from_numpy(pictures.attributes[chosen]).to(device)


def augment(images: Tensor) -> Tensor:
    """Flip, translate and change contrast and brightness of images (n, 3, h, w) at random."""
    count, _, height, width = images.shape
    draw = torch.rand(count, 9, device=images.device) * 2 - 1
    mirror = torch.where(draw[:, 0] < 0, -1.0, 1.0)
    affine = torch.zeros(count, 2, 3, device=images.device)
    affine[:, 0, 0], affine[:, 1, 1] = mirror, 1
    # Translations by whole pixels do not blur.
    affine[:, 0, 2] = (draw[:, 1] * MAX_SHIFT).round() * 2 / width
    affine[:, 1, 2] = (draw[:, 2] * MAX_SHIFT).round() * 2 / height
    grid = F.affine_grid(affine, list(images.shape), align_corners=False)
    moved = F.grid_sample(images, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    gain = (1 + CONTRAST * draw[:, 3:6]).view(-1, 3, 1, 1)
    shift = (BRIGHTNESS * draw[:, 6:9]).view(-1, 3, 1, 1)
    return (moved * gain + shift).clamp(-1, 1).contiguous(memory_format=torch.channels_last)


def measure(reader: Attributes, pictures: PreparedSet) -> list[Accuracy]:
    """Measure the accuracy of every attribute that is known of at least one picture of a labeled set."""
    read = [reader.read(images).probabilities for images in pictures.blocks(TRAINING_BATCH)]
    probabilities = np.concatenate(read)
    labels: NDArray[np.int8] = np.asarray(pictures.attributes)
    return [
        _accuracy(name, probabilities[:, column] > 0.5, labels[:, column])
        for column, name in enumerate(reader.names)
        if labels[:, column].any()
    ]


def _accuracy(name: str, predicted: NDArray[np.bool_], labels: NDArray[np.int8]) -> Accuracy:
    predicted, has = predicted[labels != 0], labels[labels != 0] > 0
    right, frequency = predicted == has, float(has.mean())
    sides = [float(right[side].mean()) for side in (has, ~has) if side.any()]
    return Accuracy(
        name, frequency, float(right.mean()), sum(sides) / len(sides), max(frequency, 1 - frequency)
    )


def _as_bytes(network: AttributeNetwork, pictures: PreparedSet, seed: int, epochs: int) -> bytes:
    header = {
        "format": 1,
        "software": f"strangers {__version__}",
        "attributes": pictures.manifest.attributes,
        "size": SIZE,
        "crop": pictures.manifest.crop,
        "filter": pictures.manifest.filter,
        "data_hash": pictures.manifest.hash,
        "seed": seed,
        "epochs": epochs,
    }
    tensors = {
        name: value.detach().cpu().half().contiguous()
        for name, value in network.state_dict().items()
        if value.is_floating_point()  # not the batch counters of batch norm
    }
    return bytes(save(tensors, {"strangers-attributes": with_digest(json.dumps(header), tensors)}))


def summary(accuracies: list[Accuracy]) -> dict[str, float]:
    """Return the means over the attributes: accuracy, balanced accuracy and majority."""
    rows = [asdict(accuracy) for accuracy in accuracies]
    return {key: sum(row[key] for row in rows) / len(rows) for key in ("accuracy", "balanced", "majority")}


def _card(
    reader: Attributes,
    pictures: PreparedSet,
    held_out: PreparedSet,
    accuracies: list[Accuracy],
    epochs: int,
    seed: int,
) -> str:
    """Write the network's model card as Markdown."""
    means = summary(accuracies)
    parameters = sum(parameter.numel() for parameter in reader.network.parameters())
    lines = [
        "# The attribute network",
        "",
        f"Predicts {len(reader.names)} attributes of a face from {SIZE}x{SIZE} pixels and has "
        f"{reader.dimensions['face']} features: a residual network of {parameters:,} parameters, "
        "stored as fp16.",
        "",
        f"- **Trained** on {len(pictures):,} pictures, crop `{pictures.manifest.crop}`, filter "
        f"`{pictures.manifest.filter}`, for {epochs} epochs, seed {seed}, by strangers {__version__}: "
        f"`strangers train-attributes SET --validation SET --out FILE --epochs {epochs} --seed {seed}`.",
        f"- **Measured** on {len(held_out):,} held-out pictures: mean accuracy {means['accuracy']:.1%}, "
        f"balanced accuracy {means['balanced']:.1%}; always predicting the more frequent value gives "
        f"{means['majority']:.1%}.",
        "- **Intended for** distances and attribute frequencies of generated faces (`strangers evaluate`), "
        "and for attribute directions in latent space. **Not intended for** judging people: the labels are "
        "annotators' opinions of photographs of celebrities, some of them matters of taste, and the network "
        "repeats them.",
        f"- **Terms** of the pictures: {pictures.manifest.terms}",
        f"- **File**: SHA-256 begins {reader.hash}; data {pictures.manifest.hash[:16]}, "
        f"validation {held_out.manifest.hash[:16]}.",
        "",
        "| attribute | frequency | accuracy | balanced accuracy | majority |",
        "|---|---:|---:|---:|---:|",
    ]
    known = {row.name for row in accuracies}
    unknown = [name for name in reader.names if name not in known]
    if unknown:
        lines.insert(-3, f"- **Not measured**: {', '.join(unknown)}, known of no held-out picture.")
    lines += [
        f"| {row.name} | {row.frequency:.1%} | {row.accuracy:.1%} | {row.balanced:.1%} | {row.majority:.1%} |"
        for row in accuracies
    ]
    return "\n".join(lines) + "\n"
