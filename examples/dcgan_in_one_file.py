"""A DCGAN in one file.

    python examples/dcgan_in_one_file.py                                  # train on small drawn faces
    python examples/dcgan_in_one_file.py --folder photographs --size 64   # train on your pictures

The generator, a forger, turns 100 random numbers into a picture. The discriminator, the police, classifies
pictures as real or fake. Each learns from the other. Radford, Metz and Chintala 2016, "Unsupervised
Representation Learning with Deep Convolutional Generative Adversarial Networks".
"""

import argparse
import copy
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageOps
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

LATENT = 100  # random numbers per picture
SECONDS_PER_LINE = 5
BATCH = 16  # small batches learn faster on a CPU: more updates from the same images
RATE = 5e-4  # and bear larger learning rates


def generator(size: int) -> nn.Sequential:
    """z (n, 100, 1, 1) -> pictures (n, 3, size, size) in [-1, 1]. Each layer doubles height and width."""
    widths = [4 * size >> layer for layer in range(size.bit_length() - 3)]  # at 64 px: 256, 128, 64, 32
    layers = [nn.ConvTranspose2d(LATENT, widths[0], 4, bias=False), nn.BatchNorm2d(widths[0]), nn.ReLU()]
    for before, after in pairwise(widths):
        layers += [nn.ConvTranspose2d(before, after, 4, 2, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
    return nn.Sequential(*layers, nn.ConvTranspose2d(widths[-1], 3, 4, 2, 1, bias=False), nn.Tanh())


def discriminator(size: int) -> nn.Sequential:
    """Pictures (n, 3, size, size) -> logits (n,), above 0 for "real". Each layer halves height and width."""
    widths = [32 << layer for layer in range(size.bit_length() - 3)]  # at 64 px: 32, 64, 128, 256
    layers = [nn.Conv2d(3, widths[0], 4, 2, 1, bias=False), nn.LeakyReLU(0.2)]  # no norm on pixels
    for before, after in pairwise(widths):
        layers += [nn.Conv2d(before, after, 4, 2, 1, bias=False), nn.BatchNorm2d(after), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Conv2d(widths[-1], 1, 4, bias=False), nn.Flatten(0))


def initialize(layer: nn.Module) -> None:
    """Initialize convolutions from N(0, 0.02) and batch norm scales from N(1, 0.02)."""
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(layer.weight, 0.0, 0.02)
    elif isinstance(layer, nn.BatchNorm2d):
        nn.init.normal_(layer.weight, 1.0, 0.02)


def train(pictures: Tensor, images: int, device: str) -> nn.Module:
    """Train on `pictures`, uint8 (n, 3, size, size), until `images` were seen. Return the average."""
    forger = generator(pictures.shape[-1]).to(device).apply(initialize)
    police = discriminator(pictures.shape[-1]).to(device).apply(initialize)
    average = copy.deepcopy(forger).requires_grad_(False)  # steadier than the forger of any one moment
    forger_optimizer = torch.optim.Adam(forger.parameters(), lr=RATE, betas=(0.5, 0.999))
    police_optimizer = torch.optim.Adam(police.parameters(), lr=RATE, betas=(0.5, 0.999))

    due = 0.0
    for seen in range(BATCH, images + BATCH, BATCH):
        real = pictures[torch.randint(len(pictures), (BATCH,))].to(device) / 127.5 - 1  # -1..1, like tanh
        fake = forger(torch.randn(BATCH, LATENT, 1, 1, device=device))

        # The police learn to tell real from fake. `detach`: the forger must not learn to be caught.
        real_logits, fake_logits = police(real), police(fake.detach())
        police_loss = cross_entropy(real_logits, 1.0) + cross_entropy(fake_logits, 0.0)
        police_optimizer.zero_grad()
        police_loss.backward()
        police_optimizer.step()

        # The forger learns to make the updated police answer "real".
        forger_loss = cross_entropy(police(fake), 1.0)
        forger_optimizer.zero_grad()
        forger_loss.backward()
        forger_optimizer.step()

        # The average follows the forger. Its half-life is 5% of the images seen.
        with torch.no_grad():
            step = 1 - 0.5 ** (BATCH / (0.05 * seen))
            for mean, value in zip(average.state_dict().values(), forger.state_dict().values(), strict=True):
                mean.copy_(mean + step * (value - mean) if mean.is_floating_point() else value)

        if time.monotonic() >= due or seen >= images:
            due = time.monotonic() + SECONDS_PER_LINE
            caught = (fake_logits < 0).float().mean().item()
            losses = f"police {police_loss.item():.3f}, forger {forger_loss.item():.3f}"
            print(f"{seen:>9,} images: {losses}, fakes caught {caught:.0%}", flush=True)
    return average.eval()


def cross_entropy(logits: Tensor, label: float) -> Tensor:
    """Return the mean binary cross-entropy of the logits with the label, 0 or 1."""
    return binary_cross_entropy_with_logits(logits, torch.full_like(logits, label))


def drawn_face(seed: int, size: int) -> np.ndarray:
    """Draw a small face, uint8 (size, size, 3). Light and grain make it harder to classify by color alone."""
    random, unit = np.random.default_rng(seed), size / 8  # drawn at four times the size: 32 units wide
    wall = random.uniform(70, 200) + random.normal(0, 18, 3)
    picture = Image.new("RGB", (4 * size, 4 * size), color(wall))
    draw = ImageDraw.Draw(picture)

    def disc(right: float, down: float, wide: float, high: float, fill: np.ndarray) -> None:
        x, y = middle + np.array([right, down]) * unit
        draw.ellipse((x - wide * unit, y - high * unit, x + wide * unit, y + high * unit), color(fill))

    middle = 2 * size + random.normal(0, unit, 2)
    wide, high, smile = random.uniform((8, 11, 0.5), (11, 13, 3.0))
    skin = np.array([236, 188, 150]) * random.uniform(0.4, 1.05)
    hair = np.array([120, 80, 50]) * random.uniform(0.1, 1.8)
    disc(0, -3, wide + 2, high, hair)
    disc(0, 0, wide, high, skin)
    disc(0, 5, 4, smile, np.array([150, 40, 50]))
    disc(0, 4.2, 4, 0.7 * smile, skin)  # covers the upper lip, so that the mouth smiles
    for side in (-4.5, 4.5):
        disc(side, -2, 2.2, 1.5, np.full(3, 240.0))
        disc(side, -2, 1.3, 1.3, 0.6 * hair)
    small = np.asarray(picture.resize((size, size), Image.Resampling.BOX), float)
    x, y = np.meshgrid(np.linspace(-0.3, 0.3, size), np.linspace(-0.3, 0.3, size))
    light = 1 + random.normal() * x + random.normal() * y
    return (small * light[..., None] + random.normal(0, 5, small.shape)).clip(0, 255).astype(np.uint8)


def color(values: np.ndarray) -> tuple[int, ...]:
    """Return red, green and blue as Pillow takes them."""
    return tuple(int(value) for value in values.clip(0, 255))


def main() -> None:
    """Parse the arguments, load or draw pictures, train, and write a grid of 64 faces."""
    parser = argparse.ArgumentParser(description="A DCGAN in one file.")
    parser.add_argument("--folder", type=Path, help="pictures to train on; default: drawn faces")
    parser.add_argument("--images", type=int, default=60_000, help="images to train on")
    parser.add_argument(
        "--size", type=int, default=32, choices=(16, 32, 64, 128), help="height and width in pixels"
    )
    parser.add_argument("--out", type=Path, default=Path("faces.png"), help="output file")
    chosen = parser.parse_args()
    size = chosen.size
    if chosen.folder:
        paths = [
            path for path in chosen.folder.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png")
        ]
        faces = [np.asarray(ImageOps.fit(Image.open(path).convert("RGB"), (size, size))) for path in paths]
    else:
        faces = [drawn_face(seed, size) for seed in range(4_000)]
    torch.manual_seed(0)
    device = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    forger = train(torch.from_numpy(np.stack(faces)).permute(0, 3, 1, 2), chosen.images, device)
    with torch.no_grad():
        made = forger(torch.randn(64, LATENT, 1, 1, device=device)).cpu()
    sheet = made.unflatten(0, (8, 8)).permute(0, 3, 1, 4, 2).reshape(8 * size, 8 * size, 3)  # rows of rows
    Image.fromarray(((sheet + 1) * 127.5).round().to(torch.uint8).numpy()).save(chosen.out)
    print(f"Wrote 64 faces to {chosen.out}.")


if __name__ == "__main__":
    main()
