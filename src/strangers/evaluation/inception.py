"""The FID Inception network: the features of FID and KID.

Inception v3 (Szegedy et al. 2016) with the TensorFlow weights of 2015-12-05 that Heusel et al. 2017 used. As
in pytorch-fid (https://github.com/mseitzer/pytorch-fid), average pools exclude padding, the last block uses a
maximum pool instead, and pictures are resized to 299 px bilinearly without antialiasing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

from strangers.errors import ModelError, UsageError
from strangers.evaluation.inception_blocks import Convolution, inception_stages
from strangers.evaluation.weights import PublishedWeights
from strangers.images import Pixels, to_signed
from strangers.system.devices import choose_device, to_device

WEIGHTS = PublishedWeights(
    "Inception",
    "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/"
    "pt_inception-2015-12-05-6726825d.pth",
    "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
    "pt_inception-2015-12-05-6726825d.pth",
    "--weights",
)
"""The published weights, 96 MB."""

DIMENSIONS = {
    "inception64": 64,
    "inception192": 192,
    "inception768": 768,
    "inception2048": 2048,
    "logits": 1008,
}
"""Feature lengths after the first pool, the second pool, block 6, block 7 (pool3), and the classifier."""

SIZE = 299
"""Height and width of the network's input."""

INCEPTION_GROUP = 16
"""Fixed batch size, so that the features of a picture do not depend on the other pictures."""

COUNTER = "num_batches_tracked"
"""Batch norm's batch counter, present in some files and unused here."""


class Inception(nn.Module):
    """Pictures (n, 3, 299, 299) in [-1, 1] -> features (n, dimensions) by name, averaged over their maps.

    Weights have the names of pytorch-fid's. The network ends with the last of the requested features. Logits
    are computed without the classifier's bias, as for the published Inception Score.
    """

    def __init__(self, names: Collection[str] = tuple(DIMENSIONS)) -> None:
        super().__init__()
        self.ends: dict[str, str] = {}
        last = max(DIMENSIONS[name] if name != "logits" else 2048 for name in names)
        for reached, stage in inception_stages().items():
            for layer, module in stage.items():
                self.add_module(layer, module)
                end = layer
            self.ends[end] = f"inception{reached}"
            if reached == last:
                break
        if "logits" in names:
            self.fc = nn.Linear(2048, DIMENSIONS["logits"], bias=False)
        self.wanted = tuple(names)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        maps = images
        found: dict[str, Tensor] = {}
        for name, layer in self.named_children():
            if name == "fc":
                found["logits"] = layer(found["inception2048"])
            else:
                maps = layer(maps)
            if name in self.ends:
                found[self.ends[name]] = maps.mean((2, 3))
        return {name: found[name] for name in self.wanted}


@dataclass(frozen=True)
class InceptionFeatures:
    """The Inception network as an `Extractor`.

    Attributes:
        dimensions: of the features by name, a selection of DIMENSIONS.
        hash: first 16 hexadecimal digits of the SHA-256 of the weights file.
        network: in eval mode, with batch norms folded into the convolutions.
    """

    dimensions: Mapping[str, int]
    hash: str
    network: Inception
    name: str = "inception"

    def extract(self, pixels: Pixels) -> dict[str, NDArray[np.float32]]:
        """Return features (n, dimensions) of uint8 pictures (n, h, w, 3), each independent of the others."""
        if pixels.dtype != np.uint8 or pixels.ndim != 4 or pixels.shape[3] != 3:
            raise UsageError(f"Pictures must be uint8 (n, h, w, 3) (got {pixels.dtype} {pixels.shape}).")
        features = {name: np.zeros((len(pixels), d), np.float32) for name, d in self.dimensions.items()}
        for start in range(0, len(pixels), INCEPTION_GROUP):
            some = pixels[start : start + INCEPTION_GROUP]
            group = np.zeros((INCEPTION_GROUP, *pixels.shape[1:]), np.uint8)
            group[: len(some)] = some
            for name, found in self._group(group).items():
                features[name][start : start + INCEPTION_GROUP] = found[: len(some)].cpu().numpy()
        return features

    def _group(self, pixels: Pixels) -> dict[str, Tensor]:
        device = next(self.network.parameters()).device
        # TF32 is off so that features equal a CPU's.
        exact = torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False)
        with torch.inference_mode(), exact:
            images = to_signed(torch.from_numpy(pixels).to(device))
            images = F.interpolate(images, (SIZE, SIZE), mode="bilinear", align_corners=False)
            features: dict[str, Tensor] = self.network(images)
            return features


def load_inception(
    weights: str | Path | None = None,
    names: Collection[str] = ("inception2048",),
    device: str = "auto",
) -> InceptionFeatures:
    """Load the network with weights from `weights`, else STRANGERS_INCEPTION, else the published file.

    weights: the published .pth, or a .safetensors with the same names; other pickles are never opened.
    names: of the features, a selection of DIMENSIONS.
    The published file is downloaded into the cache once.
    Raises ModelError for weights that are unavailable or of another network, UsageError for wrong arguments.
    """
    for name in names:
        if name not in DIMENSIONS:
            raise UsageError(f"No Inception features {name!r}. Choose from {', '.join(DIMENSIONS)}.")
    chosen = choose_device(device).value
    path = WEIGHTS.find(weights)
    tensors, digest = WEIGHTS.read(path)
    network = _fold(_network(path, tensors, names))
    to_device(network, chosen)
    return InceptionFeatures({name: DIMENSIONS[name] for name in names}, digest, network)


def _network(path: Path, tensors: Mapping[str, Tensor], names: Collection[str]) -> Inception:
    """Build the network with these weights. Raises ModelError for weights of another network."""
    with torch.device("meta"):  # no memory or random numbers for weights that are replaced
        network, whole = Inception(names), Inception()
    shapes = {name: value.shape for name, value in whole.state_dict().items()}
    shapes["fc.bias"] = torch.Size((DIMENSIONS["logits"],))  # unused
    for name, value in tensors.items():
        if value.shape != shapes.get(name):
            raise ModelError(
                f"{path} is of another network ({name!r}, {tuple(value.shape)}). Download {WEIGHTS.url}."
            )
        if not value.isfinite().all():
            raise ModelError(
                f"The weights in {path} are not all finite ({name!r}). Download {WEIGHTS.url} again."
            )
    needed = [name for name in network.state_dict() if not name.endswith(COUNTER)]
    if absent := [name for name in needed if name not in tensors]:
        raise ModelError(
            f"{path} has no {absent[0]!r}, which {' and '.join(names)} need. Download {WEIGHTS.url}, or "
            "choose metrics on earlier layers, such as fid768, or on faces, such as fd-face."
        )
    network.load_state_dict({name: tensors[name].float() for name in needed}, strict=False, assign=True)
    return network


def _fold(network: Inception) -> Inception:
    """Switch to eval mode and fold each batch norm into the convolution before it."""
    network.requires_grad_(False).eval()
    for layer in network.modules():
        if isinstance(layer, Convolution):
            layer.conv = fuse_conv_bn_eval(layer.conv, layer.bn)
            del layer.bn
    return network
