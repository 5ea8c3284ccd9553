"""Put a resize by half into the last layer of a generator of the dcgan family. Nothing is trained.

    .venv/bin/python benchmarks/resize_last.py celeba-128 celeba64 halved.safetensors

The last layer of the generator doubles height and width. It is linear, and so is the resize of `prepare`: one
convolution does both. What differs from the old faces at half the size is the tanh, which now comes after the
resize, and the border. A seed names the same face in both. match_moments.py then fits the generator to
photographs of its size.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from strangers.data.prepared import open_prepared
from strangers.networks.dcgan import DCGAN, Upsample
from strangers.sampling.load import load, source_name
from strangers.sampling.model import Model
from strangers.sampling.model_file import ModelHeader, save_model


def half_generator(model: Model) -> tuple[DCGAN, nn.Sequential]:
    """Return settings of half the size, and their generator."""
    whole, layers = model.recipe.network, model.generator
    assert isinstance(whole, DCGAN)
    assert isinstance(layers, nn.Sequential)
    network = whole.replace(last_layer="convolution", discriminator_widths=whole.discriminator_widths[1:])
    generator = network.generator(model.recipe.latent_size)
    generator[:-2].load_state_dict(layers[:-2].state_dict())
    last, convolution = layers[-2], generator[-2]
    assert isinstance(last, Upsample)
    assert isinstance(convolution, nn.Conv2d)
    convolution.weight = nn.Parameter(doubled_and_halved(last))
    return network, generator.eval()


@torch.no_grad()
def doubled_and_halved(last: Upsample) -> Tensor:
    """Return the kernel (3, channels, 5, 5) that does the same as a layer that doubles, and the resize."""
    channels, side, middle = last.in_channels, 17, 8
    impulses = torch.zeros(channels, channels, side, side)
    impulses[range(channels), range(channels), middle, middle] = 1
    answers = F.interpolate(last(impulses), (side, side), mode="bicubic", antialias=True)
    around = answers[:, :, middle - 2 : middle + 3, middle - 2 : middle + 3]
    assert torch.isclose(around.abs().sum(), answers.abs().sum())
    return around.flip(2, 3).transpose(0, 1).contiguous()


def header_of(model: Model, name: str, network: DCGAN, data: Path) -> ModelHeader:
    """Return the header of the new model's file: no photograph trained it, and `name` is where it started."""
    recipe = model.recipe
    changes = {
        "name": recipe.name.replace(str(recipe.size), str(network.size)),
        "network": network,
        "size": network.size,
    }
    return model.header.model_copy(
        update={
            "recipe": recipe.model_copy(update=changes), "size": network.size, "images_seen": 0,
            "metrics": {}, "title": "", "data_hash": open_prepared(data).manifest.hash,
            "fine_tuning": f"Made of {name}, whose faces have twice its size, by benchmarks/resize_last.py.",
            "ancestor": f"{name} ({model.hash})",
        }
    )  # fmt: skip


def main() -> None:
    """Write the model file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("model", help="name or file of a model of the dcgan family")
    parser.add_argument("data", type=Path, help="its photographs at half the size, for the hash in the file")
    parser.add_argument("out", type=Path, help="model file to write")
    given = parser.parse_args()
    model = load(given.model, device="cpu")
    if not isinstance(model.recipe.network, DCGAN) or model.recipe.network.last_layer != "upsample":
        parser.error(
            f"{given.model} has no last layer that doubles height and width, as the dcgan family has"
        )
    network, generator = half_generator(model)
    save_model(
        given.out, generator, header_of(model, source_name(given.model), network, given.data), half=True
    )


if __name__ == "__main__":
    main()
