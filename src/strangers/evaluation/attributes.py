"""The attribute network: CelebA's 40 attributes and face features from 64 px pictures.

A small residual network (He et al. 2016), trained by `attribute_training.py` and part of the package. Its
penultimate features define `fd-face`: a Frechet distance in a feature space learned from faces, since
ImageNet features judge faces poorly (Kynkaanniemi et al. 2023).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from torch import Tensor, nn
from torch.nn import functional as F

from strangers.errors import ModelError, UsageError, did_you_mean, same_name
from strangers.images import Pixels, to_signed
from strangers.sampling.model_file import parse_tensors, verify_digest
from strangers.system.devices import choose_device, to_device
from strangers.system.files import hash_of
from strangers.system.streams import read_regular_file

BUNDLED_ATTRIBUTES = Path(__file__).parents[1] / "models" / "attributes.safetensors"
SIZE = 64
"""Height and width of the network's input; other pictures are resized to it."""

READ_GROUP = 32
"""Fixed batch size, so that the output for a picture does not depend on the other pictures."""


SHORT_FORMS = {
    **dict.fromkeys(("old", "age", "older", "younger"), ("Young",)),
    **dict.fromkeys(("female", "woman", "man", "gender", "sex"), ("Male",)),
    **dict.fromkeys(("happy", "smile", "laugh"), ("Smiling",)),
    **dict.fromkeys(("hat", "cap"), ("Wearing_Hat",)),
}
"""Attributes by what people call them."""

LISTING = "The card of the attribute network, strangers/models/attributes.md, lists all."


class Reading(NamedTuple):
    """Features (n, 256) and attribute probabilities (n, 40) of n pictures, both float32."""

    features: NDArray[np.float32]
    probabilities: NDArray[np.float32]


class Residual(nn.Module):
    """Residual block of two 3x3 convolutions: (n, before, h, w) -> (n, after, h / stride, w / stride)."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(before, after, 3, stride, padding=1, bias=False)
        self.first_norm = nn.BatchNorm2d(after)
        self.second = nn.Conv2d(after, after, 3, padding=1, bias=False)
        self.second_norm = nn.BatchNorm2d(after)
        self.shortcut = nn.Conv2d(before, after, 1, bias=False) if before != after else nn.Identity()
        self.shrink = nn.AvgPool2d(stride) if stride > 1 else nn.Identity()

    def forward(self, maps: Tensor) -> Tensor:
        changed = F.relu(self.first_norm(self.first(maps)), inplace=True)
        changed = self.second_norm(self.second(changed))
        return F.relu(changed + self.shortcut(self.shrink(maps)), inplace=True)


class AttributeNetwork(nn.Module):
    """Pictures (n, 3, 64, 64) in [-1, 1] -> features (n, 256) and one logit per attribute (n, 40)."""

    def __init__(self, attributes: int = 40, widths: tuple[int, ...] = (32, 64, 128, 256)) -> None:
        super().__init__()
        first = widths[0]
        self.stem = nn.Conv2d(3, first, 3, 2, padding=1, bias=False)
        self.stem_norm = nn.BatchNorm2d(first)
        strides = (1, *(2 for _ in widths[1:]))
        stages = zip((first, *widths), widths, strides, strict=False)
        self.stages = nn.Sequential(*(Residual(before, after, stride) for before, after, stride in stages))
        self.head = nn.Linear(widths[-1], attributes)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        maps = F.relu(self.stem_norm(self.stem(images)), inplace=True)
        features = self.stages(maps).mean((2, 3))
        return features, self.head(features)


@dataclass(frozen=True)
class Attributes:
    """The trained attribute network, an `Extractor` that also predicts attributes.

    Attributes:
        network: in eval mode.
        names: of the attributes, in the order of the probabilities.
        hash: first 16 hexadecimal digits of the SHA-256 of its file.
        name: of the network, in results.
    """

    network: AttributeNetwork
    names: tuple[str, ...]
    hash: str
    name: str = "face"

    @property
    def dimensions(self) -> dict[str, int]:
        """Length of the features and number of the attributes."""
        return {"face": self.network.head.in_features, "attributes": len(self.names)}

    def __call__(self, pixels: Pixels) -> NDArray[np.float32]:
        """Return features (n, 256) of uint8 pictures (n, h, w, 3)."""
        return self.read(pixels).features

    def extract(self, pixels: Pixels) -> dict[str, NDArray[np.float32]]:
        """Return "face" features (n, 256) and "attributes", probabilities (n, 40), of uint8 pictures."""
        features, probabilities = self.read(pixels)
        return {"face": features, "attributes": probabilities}

    def positions(self, names: Iterable[str]) -> list[int]:
        """Return the columns of attributes, in any case. Raises UsageError for an unknown one."""
        found = []
        for name in names:
            known = same_name(name, self.names)
            if known is None:
                advice = did_you_mean(name, self.names, short_forms=SHORT_FORMS, listing=LISTING)
                raise UsageError(f"Unknown attribute {name!r}. {advice}")
            found.append(self.names.index(known))
        return found

    def read(self, pixels: Pixels) -> Reading:
        """Return features and probabilities of uint8 pictures (n, h, w, 3), picture by picture."""
        if len(pixels) == 0:
            return Reading(*(np.zeros((0, length), np.float32) for length in self.dimensions.values()))
        device = self.network.head.weight.device
        read = [self._read_group(group, device) for group in _groups(pixels)]
        features, probabilities = (np.concatenate(part)[: len(pixels)] for part in zip(*read, strict=True))
        return Reading(features, probabilities)

    def _read_group(
        self, pixels: Pixels, device: torch.device
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        with torch.inference_mode():
            features, logits = self.network(to_size(to_signed(torch.from_numpy(pixels).to(device))))
            return features.cpu().numpy(), torch.sigmoid(logits).cpu().numpy()


def _groups(pixels: Pixels) -> list[Pixels]:
    """Split pictures into groups of READ_GROUP, padding the last with black pictures."""
    groups = [pixels[start : start + READ_GROUP] for start in range(0, len(pixels), READ_GROUP)]
    missing = READ_GROUP - len(groups[-1])
    if missing:
        filling = np.zeros((missing, *pixels.shape[1:]), np.uint8)
        groups[-1] = np.concatenate([groups[-1], filling])
    return [np.array(group) for group in groups]  # torch needs writable memory


def to_size(images: Tensor) -> Tensor:
    """Resize images (n, 3, h, w) to (n, 3, 64, 64), with antialiasing."""
    if images.shape[2:] == (SIZE, SIZE):
        return images
    return F.interpolate(images, (SIZE, SIZE), mode="bilinear", antialias=True)


@cache
def load_attributes(path: str | Path = BUNDLED_ATTRIBUTES, device: str = "cpu") -> Attributes:
    """Load an attribute network that `attribute_training.train` wrote, by default the bundled one.

    Raises ModelError for a file that is missing, damaged or of another kind, and UsageError for the device.
    """
    path = Path(path)
    chosen = choose_device(device).value
    try:
        data = read_regular_file(path)
        metadata, halves = parse_tensors(data)
        header = json.loads(verify_digest(metadata["strangers-attributes"], halves))
        tensors = {name: value.float() for name, value in halves.items()}
        if not (names := tuple(str(name) for name in header["attributes"])):
            raise ValueError("it names no attributes")
        network = AttributeNetwork(len(names))
        counts = {
            name: value for name, value in network.state_dict().items() if not value.is_floating_point()
        }
        network.load_state_dict(tensors | counts)
    except FileNotFoundError:
        raise ModelError(f"No attribute network at {path}.") from None
    except (OSError, SafetensorError, LookupError, ValueError, TypeError, RuntimeError) as error:
        why = str(error).split("\n")[0]
        raise ModelError(f"{path} is not an attribute network, or is damaged ({why}).") from None
    network = to_device(network.requires_grad_(False).eval(), chosen)  # type: ignore[assignment]
    return Attributes(network, names, hash_of(data))
