"""Features of vision transformers: pictures into the input of a network, and its features.

Enlarged to 224 or 336 px, a picture takes about a second or two of a processor core: a GPU is advisable.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from strangers.errors import ModelError, UsageError
from strangers.evaluation.vision_transformer import TRANSFORMERS, Architecture, Tensors, VisionTransformer
from strangers.images import Pixels
from strangers.system.devices import choose_device, to_device

TRANSFORMER_GROUP = 16
"""Fixed batch size, so that the features of a picture do not depend on the other pictures."""


@dataclass(frozen=True)
class TransformerFeatures:
    """A vision transformer as an `Extractor`.

    Attributes:
        name: of the network and of its features, a key of TRANSFORMERS.
        hash: first 16 hexadecimal digits of the SHA-256 of the weights file.
        architecture, network: in eval mode.
    """

    name: str
    hash: str
    architecture: Architecture
    network: VisionTransformer

    @property
    def dimensions(self) -> dict[str, int]:
        """Length of the features, by their name."""
        return {self.name: self.architecture.dimensions}

    def extract(self, pixels: Pixels) -> dict[str, NDArray[np.float32]]:
        """Return features (n, dimensions) of uint8 pictures (n, h, w, 3), each independent of the others."""
        if pixels.dtype != np.uint8 or pixels.ndim != 4 or pixels.shape[3] != 3:
            raise UsageError(f"Pictures must be uint8 (n, h, w, 3) (got {pixels.dtype} {pixels.shape}).")
        features = np.zeros((len(pixels), self.architecture.dimensions), np.float32)
        for start in range(0, len(pixels), TRANSFORMER_GROUP):
            some = pixels[start : start + TRANSFORMER_GROUP]
            group = np.zeros((TRANSFORMER_GROUP, *pixels.shape[1:]), np.uint8)
            group[: len(some)] = some
            features[start : start + TRANSFORMER_GROUP] = self._group(group)[: len(some)].cpu().numpy()
        return {self.name: features}

    def _group(self, pixels: Pixels) -> Tensor:
        device = next(self.network.parameters()).device
        # TF32 is off so that features equal a CPU's.
        exact = torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False)
        with torch.inference_mode(), exact:
            images = preprocessed(torch.from_numpy(pixels), self.architecture).to(device)
            features: Tensor = self.network(images)
            return F.normalize(features) if self.architecture.unit else features


def preprocessed(pixels: Tensor, architecture: Architecture) -> Tensor:
    """Convert uint8 pictures (n, h, w, 3) to the input of a network, (n, 3, size, size).

    They are resized bicubically with antialiasing, as Pillow and JAX do, and normalized.
    """
    images = pixels.permute(0, 3, 1, 2)
    images = images if architecture.levels else images.float()
    size = (architecture.size, architecture.size)
    images = F.interpolate(images, size, mode="bicubic", antialias=True).float()
    mean, deviation = (
        torch.tensor(color).view(3, 1, 1) for color in (architecture.mean, architecture.deviation)
    )
    return (images / 255 - mean) / deviation


def load_transformer(name: str, device: str = "auto") -> TransformerFeatures:
    """Load a network of TRANSFORMERS with the weights of its environment variable, else the published file.

    The published file is downloaded into the cache once.
    Raises ModelError for weights that are unavailable or of another network, UsageError for another name.
    """
    if name not in TRANSFORMERS:
        raise UsageError(f"No transformer {name!r}. Choose from {', '.join(TRANSFORMERS)}.")
    architecture, chosen = TRANSFORMERS[name], choose_device(device).value
    path = architecture.weights.find()
    tensors, digest = architecture.weights.read(path)
    network = _network(path, tensors, architecture)
    to_device(network, chosen)
    return TransformerFeatures(name, digest, architecture, network)


def _network(path: Path, tensors: Tensors, architecture: Architecture) -> VisionTransformer:
    """Build the network with these weights. Raises ModelError for weights of another network."""
    url = architecture.weights.url
    try:
        weights = {
            name: value.float() for name, value in architecture.translate(tensors, architecture).items()
        }
        with torch.device("meta"):  # no memory or random numbers for weights that are replaced
            network = VisionTransformer(architecture)
        network.load_state_dict(weights, assign=True)
    except KeyError as error:
        raise ModelError(f"{path} is of another network: it has no {error}. Download {url}.") from None
    except (RuntimeError, AttributeError, TypeError, IndexError) as error:
        reason = str(error).strip().rpartition("\n")[2].strip().rstrip(".")
        raise ModelError(f"{path} is of another network ({reason}). Download {url}.") from None
    for name, value in weights.items():
        if not value.isfinite().all():
            raise ModelError(f"The weights in {path} are not all finite ({name!r}). Download {url} again.")
    return network.requires_grad_(False).eval()
