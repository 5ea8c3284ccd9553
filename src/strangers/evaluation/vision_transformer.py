"""Vision transformers: the features of FD-DINOv2 and CMMD.

dinov2    DINOv2 ViT-L/14 (Oquab et al. 2023) on pictures of 224 px, as Stein et al. 2023 use it
clip      CLIP ViT-L/14@336 (Radford et al. 2021), as Jayasumana et al. 2024 use it
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from strangers.evaluation.weights import PublishedWeights

PATCH = 14
"""Height and width of the patches in pixels."""

Color = tuple[float, float, float]
Tensors = Mapping[str, Tensor]


@dataclass(frozen=True)
class Architecture:
    """A vision transformer with its preprocessing.

    Attributes:
        weights: the published ones.
        translate: converts their names to those of `VisionTransformer`. Raises KeyError for other weights.
        size: height and width of the input.
        width, depth, heads: of the layers.
        dimensions: of the features.
        activation: of the layers.
        epsilon: of the layer norms.
        norm_before: a layer norm before the layers, patches without a bias, and a projection after them.
        mean, deviation: of the channels in [0, 1], which the input is normalized by.
        levels: True if enlarged pictures are rounded to 256 levels, as by Pillow.
        unit: True if features are scaled to length 1.
    """

    weights: PublishedWeights
    translate: Callable[[Tensors, Architecture], dict[str, Tensor]]
    size: int
    dimensions: int
    activation: Callable[[Tensor], Tensor]
    epsilon: float
    norm_before: bool
    mean: Color
    deviation: Color
    levels: bool
    unit: bool
    width: int = 1024
    depth: int = 24
    heads: int = 16

    @property
    def side(self) -> int:
        """Number of patches along a side."""
        return self.size // PATCH


class VisionTransformer(nn.Module):
    """Normalized pictures (n, 3, size, size) -> features of the class token (n, dimensions).

    Dosovitskiy et al. 2021, section 3.1. DINOv2's layer scales are part of the linear layers before them.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        width, epsilon = architecture.width, architecture.epsilon
        self.patches = nn.Conv2d(3, width, PATCH, PATCH, bias=not architecture.norm_before)
        self.token = nn.Parameter(torch.zeros(width))
        self.positions = nn.Parameter(torch.zeros(1 + architecture.side**2, width))
        self.before = nn.LayerNorm(width, epsilon) if architecture.norm_before else nn.Identity()
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(
                width, architecture.heads, 4 * width, 0.0, architecture.activation, epsilon,
                batch_first=True, norm_first=True,
            )
            for _ in range(architecture.depth)
        )  # fmt: skip
        self.after = nn.LayerNorm(width, epsilon)
        projected = nn.Linear(width, architecture.dimensions, bias=False)
        self.projection = projected if architecture.norm_before else nn.Identity()

    def forward(self, images: Tensor) -> Tensor:
        patches = self.patches(images).flatten(2).transpose(1, 2)
        token = self.token.expand(len(images), 1, -1)
        tokens = self.before(torch.cat([token, patches], 1) + self.positions)
        for layer in self.layers:
            tokens = layer(tokens)
        features: Tensor = self.projection(self.after(tokens[:, 0]))
        return features


def from_dinov2(found: Tensors, architecture: Architecture) -> dict[str, Tensor]:
    """Convert the published weights of DINOv2."""
    weights = {
        "patches.weight": found["patch_embed.proj.weight"],
        "patches.bias": found["patch_embed.proj.bias"],
        "token": found["cls_token"].flatten(),
        "positions": _resized(found["pos_embed"][0], architecture.side),
        "after.weight": found["norm.weight"],
        "after.bias": found["norm.bias"],
    }
    for layer in range(architecture.depth):
        ours, theirs = f"layers.{layer}.", f"blocks.{layer}."
        for kind in ("weight", "bias"):
            weights |= {
                f"{ours}self_attn.in_proj_{kind}": found[f"{theirs}attn.qkv.{kind}"],
                f"{ours}self_attn.out_proj.{kind}": _scaled(
                    found, f"{theirs}attn.proj", f"{theirs}ls1", kind
                ),
                f"{ours}linear1.{kind}": found[f"{theirs}mlp.fc1.{kind}"],
                f"{ours}linear2.{kind}": _scaled(found, f"{theirs}mlp.fc2", f"{theirs}ls2", kind),
                f"{ours}norm1.{kind}": found[f"{theirs}norm1.{kind}"],
                f"{ours}norm2.{kind}": found[f"{theirs}norm2.{kind}"],
            }
    return weights


def _scaled(found: Tensors, linear: str, scale: str, kind: str) -> Tensor:
    """Return weights or biases of a linear layer times the layer scale after it (Touvron et al. 2021)."""
    gamma = found[f"{scale}.gamma"]
    return found[f"{linear}.{kind}"] * (gamma[:, None] if kind == "weight" else gamma)


def _resized(positions: Tensor, side: int) -> Tensor:
    """Interpolate position embeddings (1 + n * n, width) to `side` patches along a side.

    As published: bicubically, at a scale of a tenth of a patch more than the number of patches.
    """
    token, grid = positions[:1], positions[1:]
    stored = round(len(grid) ** 0.5)
    if stored == side:
        return positions
    maps = grid.T.reshape(1, -1, stored, stored).float()
    scale = (side + 0.1) / stored
    maps = F.interpolate(maps, scale_factor=(scale, scale), mode="bicubic")
    return torch.cat([token, maps.flatten(2)[0].T])


def from_clip(found: Tensors, architecture: Architecture) -> dict[str, Tensor]:
    """Convert the published weights of CLIP's vision model; those of its text model are left out."""
    model = "vision_model."
    weights = {
        "patches.weight": found[f"{model}embeddings.patch_embedding.weight"],
        "token": found[f"{model}embeddings.class_embedding"],
        "positions": found[f"{model}embeddings.position_embedding.weight"],
        "projection.weight": found["visual_projection.weight"],
    }
    for kind in ("weight", "bias"):
        weights[f"before.{kind}"] = found[f"{model}pre_layrnorm.{kind}"]
        weights[f"after.{kind}"] = found[f"{model}post_layernorm.{kind}"]
        for layer in range(architecture.depth):
            ours, theirs = f"layers.{layer}.", f"{model}encoder.layers.{layer}."
            parts = [found[f"{theirs}self_attn.{part}_proj.{kind}"] for part in "qkv"]
            weights |= {
                f"{ours}self_attn.in_proj_{kind}": torch.cat(parts),
                f"{ours}self_attn.out_proj.{kind}": found[f"{theirs}self_attn.out_proj.{kind}"],
                f"{ours}linear1.{kind}": found[f"{theirs}mlp.fc1.{kind}"],
                f"{ours}linear2.{kind}": found[f"{theirs}mlp.fc2.{kind}"],
                f"{ours}norm1.{kind}": found[f"{theirs}layer_norm1.{kind}"],
                f"{ours}norm2.{kind}": found[f"{theirs}layer_norm2.{kind}"],
            }
    return weights


def quick_gelu(values: Tensor) -> Tensor:
    """Return CLIP's approximation of the GELU."""
    return values * torch.sigmoid(1.702 * values)


TRANSFORMERS = {
    "dinov2": Architecture(
        PublishedWeights(
            "DINOv2",
            "https://dl.fbaipublicfiles.com/dinov2/dinov2_vitl14/dinov2_vitl14_pretrain.pth",
            "d5383ea8f4877b2472eb973e0fd72d557c7da5d3611bd527ceeb1d7162cbf428",
            "dinov2_vitl14_pretrain.pth",
        ),
        from_dinov2, size=224, dimensions=1024, activation=F.gelu, epsilon=1e-6, norm_before=False,
        mean=(0.485, 0.456, 0.406), deviation=(0.229, 0.224, 0.225), levels=True, unit=False,
    ),
    "clip": Architecture(
        PublishedWeights(
            "CLIP",
            "https://huggingface.co/openai/clip-vit-large-patch14-336/resolve/"
            "ce19dc912ca5cd21c8a653c79e251e808ccabcd1/pytorch_model.bin",
            "c6032c2e0caae3dc2d4fba35535fa6307dbb49df59c7e182b1bc4b3329b81801",
            "clip-vit-large-patch14-336.bin",
        ),
        from_clip, size=336, dimensions=768, activation=quick_gelu, epsilon=1e-5, norm_before=True,
        mean=(0.48145466, 0.4578275, 0.40821073), deviation=(0.26862954, 0.26130258, 0.27577711),
        levels=False, unit=True,
    ),
}  # fmt: skip
"""Networks by the name of their features. The files have 1.2 GB and 1.7 GB."""
