"""The FID Inception network: the features of FID and KID.

Inception v3 (Szegedy et al. 2016) with the TensorFlow weights of 2015-12-05 that Heusel et al. 2017 used. As
in pytorch-fid (https://github.com/mseitzer/pytorch-fid), average pools exclude padding, the last block uses a
maximum pool instead, and pictures are resized to 299 px bilinearly without antialiasing.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

from strangers.errors import ModelError, UsageError
from strangers.evaluation.inception_weights import URL, find, read
from strangers.images import Pixels, to_signed
from strangers.system.devices import choose_device, to_device
from strangers.system.files import sha256_of

DIMENSIONS = (64, 192, 768, 2048)
"""Feature lengths after the first pool, the second pool, block 6, and block 7 (pool3)."""

SIZE = 299
"""Height and width of the network's input."""

INCEPTION_GROUP = 16
"""Fixed batch size, so that the features of a picture do not depend on the other pictures."""

COUNTER = "num_batches_tracked"
"""Batch norm's batch counter, present in some files and unused here."""

Kernel = tuple[int, int]
Layer = tuple[int, *tuple[Kernel, ...]]
"""Output channels and one kernel, or several parallel kernels with that many channels each."""


class Convolution(nn.Sequential):
    """Convolution, batch norm, ReLU: (n, before, h, w) -> (n, after, h', w')."""

    conv: nn.Conv2d
    bn: nn.BatchNorm2d

    def __init__(self, before: int, after: int, kernel: Kernel, stride: int = 1, padding: Kernel = (0, 0)):
        super().__init__(
            OrderedDict(
                conv=nn.Conv2d(before, after, kernel, stride, padding, bias=False),
                bn=nn.BatchNorm2d(after, eps=0.001),
                relu=nn.ReLU(inplace=True),
            )
        )


class Mixed(nn.Module):
    """Inception block of parallel branches: (n, before, h, w) -> (n, sum of the branches, h', w').

    branches: layers by branch name; "branch_pool" starts with `pool`.
    halves: each branch ends with stride 2 and no padding.
    """

    def __init__(
        self, before: int, branches: Mapping[str, Sequence[Layer]], pool: nn.Module, *, halves: bool = False
    ) -> None:
        super().__init__()
        self.pool = pool
        self.names: dict[str, list[list[str]]] = {}
        for branch, layers in branches.items():
            width, self.names[branch] = before, []
            for number, (channels, *kernels) in enumerate(layers, 1):
                suffix = f"_{number}" if len(layers) > 1 else ""
                names = [branch + suffix + letter for letter in ("ab" if len(kernels) > 1 else [""])]
                stride = 2 if halves and number == len(layers) else 1
                for name, kernel in zip(names, kernels, strict=True):
                    padding = (0, 0) if stride == 2 else (kernel[0] // 2, kernel[1] // 2)
                    self.add_module(name, Convolution(width, channels, kernel, stride, padding))
                self.names[branch].append(names)
                width = channels * len(kernels)

    def forward(self, maps: Tensor) -> Tensor:
        sides = []
        for branch, layers in self.names.items():
            side = self.pool(maps) if branch == "branch_pool" else maps
            for first, *others in layers:
                beside = [self.get_submodule(name)(side) for name in (first, *others)]
                side = torch.cat(beside, 1) if others else beside[0]
            sides.append(side)
        return torch.cat(sides, 1)


def _average() -> nn.Module:
    return nn.AvgPool2d(3, 1, padding=1, count_include_pad=False)


def _mixed_5(before: int, pooled: int) -> Mixed:
    branches: dict[str, list[Layer]] = {
        "branch1x1": [(64, (1, 1))],
        "branch5x5": [(48, (1, 1)), (64, (5, 5))],
        "branch3x3dbl": [(64, (1, 1)), (96, (3, 3)), (96, (3, 3))],
        "branch_pool": [(pooled, (1, 1))],
    }
    return Mixed(before, branches, _average())


def _mixed_6a() -> Mixed:
    branches: dict[str, list[Layer]] = {
        "branch3x3": [(384, (3, 3))],
        "branch3x3dbl": [(64, (1, 1)), (96, (3, 3)), (96, (3, 3))],
        "branch_pool": [],
    }
    return Mixed(288, branches, nn.MaxPool2d(3, 2), halves=True)


def _mixed_6(narrow: int) -> Mixed:
    one, row, column = (1, 1), (1, 7), (7, 1)
    branches: dict[str, list[Layer]] = {
        "branch1x1": [(192, one)],
        "branch7x7": [(narrow, one), (narrow, row), (192, column)],
        "branch7x7dbl": [(narrow, one), (narrow, column), (narrow, row), (narrow, column), (192, row)],
        "branch_pool": [(192, one)],
    }
    return Mixed(768, branches, _average())


def _mixed_7a() -> Mixed:
    branches: dict[str, list[Layer]] = {
        "branch3x3": [(192, (1, 1)), (320, (3, 3))],
        "branch7x7x3": [(192, (1, 1)), (192, (1, 7)), (192, (7, 1)), (192, (3, 3))],
        "branch_pool": [],
    }
    return Mixed(768, branches, nn.MaxPool2d(3, 2), halves=True)


def _mixed_7(before: int, pool: nn.Module) -> Mixed:
    branches: dict[str, list[Layer]] = {
        "branch1x1": [(320, (1, 1))],
        "branch3x3": [(384, (1, 1)), (384, (1, 3), (3, 1))],
        "branch3x3dbl": [(448, (1, 1)), (384, (3, 3)), (384, (1, 3), (3, 1))],
        "branch_pool": [(192, (1, 1))],
    }
    return Mixed(before, branches, pool)


def _stages() -> dict[int, dict[str, nn.Module]]:
    """Return the layers in order, grouped by the dimensions of the features they end in."""
    return {
        64: {
            "Conv2d_1a_3x3": Convolution(3, 32, (3, 3), stride=2),
            "Conv2d_2a_3x3": Convolution(32, 32, (3, 3)),
            "Conv2d_2b_3x3": Convolution(32, 64, (3, 3), padding=(1, 1)),
            "pool_2": nn.MaxPool2d(3, 2),
        },
        192: {
            "Conv2d_3b_1x1": Convolution(64, 80, (1, 1)),
            "Conv2d_4a_3x3": Convolution(80, 192, (3, 3)),
            "pool_4": nn.MaxPool2d(3, 2),
        },
        768: {
            "Mixed_5b": _mixed_5(192, 32),
            "Mixed_5c": _mixed_5(256, 64),
            "Mixed_5d": _mixed_5(288, 64),
            "Mixed_6a": _mixed_6a(),
            "Mixed_6b": _mixed_6(128),
            "Mixed_6c": _mixed_6(160),
            "Mixed_6d": _mixed_6(160),
            "Mixed_6e": _mixed_6(192),
        },
        2048: {
            "Mixed_7a": _mixed_7a(),
            "Mixed_7b": _mixed_7(1280, _average()),
            "Mixed_7c": _mixed_7(2048, nn.MaxPool2d(3, 1, padding=1)),
        },
    }


class Inception(nn.Sequential):
    """Pictures (n, 3, 299, 299) in [-1, 1] -> features (n, dimensions), averaged over the last maps.

    Weights have the names of pytorch-fid's. The network ends at the layer of the requested features.
    """

    def __init__(self, dimensions: int = 2048) -> None:
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        for reached, stage in _stages().items():
            layers |= stage
            if reached == dimensions:
                break
        super().__init__(layers)

    def forward(self, images: Tensor) -> Tensor:
        maps = images
        for layer in self:
            maps = layer(maps)
        return maps.mean((2, 3))


@dataclass(frozen=True)
class InceptionFeatures:
    """The Inception network as an `Extractor`.

    Attributes:
        name: "inception2048", "inception768" and so on.
        dimensions: of the features, one of DIMENSIONS.
        hash: first 16 hexadecimal digits of the SHA-256 of the weights file.
        network: in eval mode, with batch norms folded into the convolutions.
    """

    name: str
    dimensions: int
    hash: str
    network: Inception

    def __call__(self, pixels: Pixels) -> NDArray[np.float32]:
        """Return features (n, dimensions) of uint8 pictures (n, h, w, 3), each independent of the others."""
        if pixels.dtype != np.uint8 or pixels.ndim != 4 or pixels.shape[3] != 3:
            raise UsageError(f"Pictures must be uint8 (n, h, w, 3) (got {pixels.dtype} {pixels.shape}).")
        features = np.zeros((len(pixels), self.dimensions), np.float32)
        for start in range(0, len(pixels), INCEPTION_GROUP):
            some = pixels[start : start + INCEPTION_GROUP]
            group = np.zeros((INCEPTION_GROUP, *pixels.shape[1:]), np.uint8)
            group[: len(some)] = some
            features[start : start + INCEPTION_GROUP] = self._group(group)[: len(some)]
        return features

    def _group(self, pixels: Pixels) -> NDArray[np.float32]:
        device = next(self.network.parameters()).device
        # TF32 is off so that features equal a CPU's.
        exact = torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False)
        with torch.inference_mode(), exact:
            images = to_signed(torch.from_numpy(pixels).to(device))
            images = F.interpolate(images, (SIZE, SIZE), mode="bilinear", align_corners=False)
            features: Tensor = self.network(images)
            return features.cpu().numpy()


def load_inception(
    weights: str | Path | None = None, dimensions: int | None = None, device: str = "auto"
) -> InceptionFeatures:
    """Load the network with weights from `weights`, else STRANGERS_INCEPTION, else the published file.

    weights: the published .pth, or a .safetensors with the same names; other pickles are never opened.
    dimensions: one of DIMENSIONS; None selects 2048 if the file has their weights, else 768.
    The published file is downloaded into the cache once.
    Raises ModelError for weights that are unavailable or of another network, UsageError for wrong arguments.
    """
    if dimensions is not None and dimensions not in DIMENSIONS:
        known = ", ".join(map(str, DIMENSIONS))
        raise UsageError(f"No Inception features of {dimensions} dimensions. Choose from {known}.")
    chosen = choose_device(device).value
    path = find(weights)
    tensors, digest = read(path), sha256_of(path)[:16]
    if dimensions is None:
        dimensions = 2048 if any(name.startswith("Mixed_7") for name in tensors) else 768
    network = _fold(_network(path, tensors, dimensions))
    to_device(network, chosen)
    return InceptionFeatures(f"inception{dimensions}", dimensions, digest, network)


def _network(path: Path, tensors: Mapping[str, Tensor], dimensions: int) -> Inception:
    """Build the network with these weights. Raises ModelError for weights of another network."""
    with torch.device("meta"):  # no memory or random numbers for weights that are replaced
        network, whole = Inception(dimensions), Inception()
    shapes = {name: value.shape for name, value in whole.state_dict().items()}
    shapes |= {
        "fc.weight": torch.Size((1008, 2048)),
        "fc.bias": torch.Size((1008,)),
    }  # the classifier, unused
    for name, value in tensors.items():
        if value.shape != shapes.get(name):
            raise ModelError(
                f"{path} is of another network ({name!r}, {tuple(value.shape)}). Download {URL}."
            )
        if not value.isfinite().all():
            raise ModelError(f"The weights in {path} are not all finite ({name!r}). Download {URL} again.")
    needed = [name for name in network.state_dict() if not name.endswith(COUNTER)]
    if absent := [name for name in needed if name not in tensors]:
        raise ModelError(f"{path} has no {absent[0]!r}, which {dimensions} dimensions need. Download {URL}.")
    network.load_state_dict({name: tensors[name].float() for name in needed}, assign=True)
    return network


def _fold(network: Inception) -> Inception:
    """Switch to eval mode and fold each batch norm into the convolution before it."""
    network.requires_grad_(False).eval()
    for layer in network.modules():
        if isinstance(layer, Convolution):
            layer.conv = fuse_conv_bn_eval(layer.conv, layer.bn)
            del layer.bn
    return network
