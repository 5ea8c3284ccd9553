"""Distill a generator of the dcgan family into one of half the height and width.

    .venv/bin/python benchmarks/halve.py celeba-64 celeba32 halved.safetensors

The new generator starts with the layers of the old one but for the last doubling, and a new last layer.
Each step draws faces of the same latents with both (Hinton et al. 2015), and the loss is the distance between
the new faces and the old ones resized by half: of pixels, and of the attribute network's feature maps. A seed
names almost the same face in both. match_moments.py then fits the result to photographs of its own size.
"""

from __future__ import annotations

import argparse
import copy
from typing import Any

import torch
from match_moments import AVERAGE, follow, learning_rate, tuning_parser
from torch import Tensor, nn
from torch.nn import functional as F

from strangers.data.prepared import open_prepared
from strangers.evaluation.attributes import load_attributes, to_size
from strangers.networks.dcgan import DCGAN
from strangers.sampling.load import load, source_name
from strangers.sampling.model import Model
from strangers.sampling.model_file import ModelHeader, save_model

FEATURE_WEIGHT = 0.05
"""Weight of the feature maps' mean absolute difference; that of the pixels has 1."""

LAST_LAYER_FASTER = 10
"""Factor of the learning rate of the new last layer."""


class FeatureMaps(nn.Module):
    """Images (n, 3, s, s) in [-1, 1] -> feature maps of the attribute network's stem and inner stages."""

    def __init__(self) -> None:
        super().__init__()
        self.network: Any = load_attributes(device="cpu").network

    def forward(self, images: Tensor) -> list[Tensor]:
        """Return the maps, largest first."""
        maps = [F.relu(self.network.stem_norm(self.network.stem(to_size(images))))]
        for stage in self.network.stages[:-1]:
            maps.append(stage(maps[-1]))
        return maps


def halved(images: Tensor) -> Tensor:
    """Return images (n, 3, s, s) at half the height and width, resized as `prepare` resizes photographs."""
    size = images.shape[-1] // 2
    return F.interpolate(images, (size, size), mode="bicubic", antialias=True).clamp(-1, 1)


def half_generator(model: Model) -> tuple[DCGAN, nn.Sequential]:
    """Return settings of half the size, and their generator with the weights of the layers that are kept."""
    whole, layers = model.recipe.network, model.generator
    assert isinstance(whole, DCGAN)
    assert isinstance(layers, nn.Sequential)
    network = whole.replace(
        generator_widths=whole.generator_widths[:-1], discriminator_widths=whole.discriminator_widths[:-1]
    )
    generator = network.generator(model.recipe.latent_size)
    kept = len(generator) - 2
    generator[:kept].load_state_dict(layers[:kept].state_dict())
    nn.init.normal_(generator[kept].weight, std=0.02)  # type: ignore[arg-type]
    return network, generator.eval()


class Distillation:
    """A generator that learns to draw another one's faces at half the size.

    Attributes:
        average: generator with the averaged weights.
    """

    def __init__(self, model: Model, generator: nn.Sequential, arguments: argparse.Namespace) -> None:
        self.teacher, self.generator = model.generator.eval().requires_grad_(False), generator
        self.average = copy.deepcopy(generator).requires_grad_(False)
        self.features, self.random = FeatureMaps(), torch.Generator().manual_seed(11)
        self.steps, self.batch, self.latent_size = arguments.steps, arguments.batch, model.recipe.latent_size
        last = list(generator[-2].parameters())
        others = list(generator[:-2].parameters())
        groups = [{"params": others, "scale": 1}, {"params": last, "scale": LAST_LAYER_FASTER}]
        self.rate, self.optimizer = arguments.rate, torch.optim.Adam(groups, arguments.rate, (0.9, 0.99))

    def step(self, step: int) -> tuple[float, float]:
        """Take one step, and return the losses of pixels and features."""
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(step, self.steps, self.rate * group["scale"])
        z = torch.randn(self.batch, self.latent_size, generator=self.random)
        with torch.no_grad():
            wanted = halved(self.teacher(z))
            wanted_maps = self.features(wanted)
        drawn = self.generator(z)
        pixels = (drawn - wanted).abs().mean()
        maps = zip(self.features(drawn), wanted_maps, strict=True)
        features = torch.stack([(ours - theirs).abs().mean() for ours, theirs in maps]).sum()
        self.optimizer.zero_grad()
        (pixels + FEATURE_WEIGHT * features).backward()
        self.optimizer.step()
        follow(self.average, self.generator, min(AVERAGE, (1 + step) / (10 + step)))
        return float(pixels.detach()), float(features.detach())


def header_of(model: Model, name: str, network: DCGAN, arguments: argparse.Namespace) -> ModelHeader:
    """Return the header of the new model's file: no photograph trained it, and `name` is where it started."""
    recipe = model.recipe
    recipe = recipe.model_copy(
        update={
            "name": recipe.name.replace(str(recipe.size), str(network.size)),
            "network": network,
            "size": network.size,
        }
    )
    told = (
        f"Distilled from {name}, whose faces have twice its size, by benchmarks/halve.py: "
        f"{arguments.steps:,} steps of {arguments.batch} faces at a rate of {arguments.rate:g}."
    )
    return model.header.model_copy(
        update={
            "recipe": recipe, "size": network.size, "images_seen": 0, "metrics": {}, "title": "",
            "data_hash": open_prepared(arguments.data).manifest.hash, "fine_tuning": told,
            "ancestor": f"{name} ({model.hash})",
        }
    )  # fmt: skip


def main() -> None:
    """Distill the generator and write its model file."""
    parser = tuning_parser(
        __doc__,
        model="name or file of a model of the dcgan family",
        data="its photographs at half the size, for the hash in the file",
        rate=2e-4,
    )
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    model = load(arguments.model, device="cpu")
    if not isinstance(model.recipe.network, DCGAN):
        parser.error(f"{arguments.model} is not a generator of the dcgan family")
    network, generator = half_generator(model)
    header = header_of(model, source_name(arguments.model), network, arguments)
    distillation = Distillation(model, generator, arguments)
    for step in range(arguments.steps):
        pixels, features = distillation.step(step)
        if step % 100 == 0 or step + 1 == arguments.steps:
            print(f"step {step}: mean difference of pixels {pixels:.4f}, features {features:.4f}", flush=True)
            save_model(arguments.out, distillation.average, header, half=True)


if __name__ == "__main__":
    main()
