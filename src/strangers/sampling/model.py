"""Model: a trained generator, and faces from seeds."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from strangers._version import __version__
from strangers.errors import UsageError
from strangers.images import Pixels, Provenance, to_pixels
from strangers.recipes.recipe import FacesRecipe
from strangers.sampling.latents import format_seeds, latents
from strangers.sampling.model_file import ModelHeader, as_bytes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from strangers.images import Pixels

DRAW_BATCH = 64
"""Faces yielded at once by `Model.batches`."""

DRAW_GROUP = 16
"""Faces in every forward pass. With other numbers, matrix products may be summed in another order, and the
face of a seed would depend on how many are drawn. Larger groups are hardly faster."""


@dataclass(frozen=True)
class Model:
    """A generator that draws faces.

    Attributes:
        generator: latents (n, latent_size) -> images (n, 3, size, size) in [-1, 1].
        header: metadata of its file.
        hash: the first 16 hexadecimal digits of the SHA-256 of its file.
    """

    generator: nn.Module
    header: ModelHeader
    hash: str

    @property
    def recipe(self) -> FacesRecipe:
        """The recipe of the training; a `Recipe` unless it needs what is not installed here."""
        return self.header.recipe

    def sample(self, seeds: Iterable[int], *, truncation: float = 1.0, batch: int = DRAW_BATCH) -> Pixels:
        """Draw the faces of `seeds`, uint8 (n, size, size, 3). A face depends only on its own seed.

        truncation: see `batches`.
        """
        faces = [faces for _, faces in self.batches(seeds, truncation=truncation, batch=batch)]
        size = self.header.size
        return np.concatenate(faces) if faces else np.zeros((0, size, size, 3), np.uint8)

    def batches(
        self, seeds: Iterable[int], *, truncation: float = 1.0, batch: int = DRAW_BATCH
    ) -> Iterator[tuple[list[int], Pixels]]:
        """Yield (seeds, faces) of at most `batch` faces, so that any number of faces needs little memory.

        truncation: factor of the latents, in (0, 1]; below 1 faces are more typical and less diverse.
        batch: maximum number of faces yielded at once; it does not change them.
        Raises UsageError for an invalid truncation or batch, and for a seed outside [0, 2**64).
        """
        if not 0 < truncation <= 1:
            raise UsageError(f"Truncation must be above 0 and at most 1 (got {truncation}).")
        if batch < 1:
            raise UsageError(f"A batch must have at least 1 face (got {batch}).")
        remaining = iter(seeds)
        while chosen := list(islice(remaining, batch)):
            yield chosen, self.decode(self.latents(chosen) * np.float32(truncation))

    def latents(self, seeds: Sequence[int]) -> NDArray[np.float32]:
        """Return the latents (n, latent_size) of seeds. Raises UsageError for a seed outside [0, 2**64)."""
        return latents(seeds, self.recipe.latent_size, self.recipe.latent)

    def decode(self, z: NDArray[np.float32]) -> Pixels:
        """Draw the faces of latents (n, latent_size), uint8 (n, size, size, 3).

        Raises UsageError for another shape.
        """
        if z.ndim != 2 or z.shape[1] != self.recipe.latent_size:
            raise UsageError(f"Latents must have shape (n, {self.recipe.latent_size}) (got {z.shape}).")
        return draw(self.generator, z)

    def provenance(self, seeds: Iterable[int], truncation: float = 1.0) -> Provenance:
        """Return the provenance of a picture with the faces of these seeds."""
        return Provenance(
            software=f"strangers {__version__}",
            model_hash=self.hash,
            recipe=self.recipe.name,
            images_seen=self.header.images_seen,
            seeds=format_seeds(seeds),
            truncation=truncation,
        )


def draw(generator: nn.Module, z: NDArray[np.float32]) -> Pixels:
    """Draw the pictures of latents (n, latent_size), uint8 (n, size, size, 3).

    The generator must be in eval mode. The picture of a latent does not depend on the others.
    """
    device = next(generator.parameters()).device
    exact = torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False)  # as on a CPU
    with torch.inference_mode(), exact:
        group = 1 if len(z) == 1 and _is_exact_alone(generator, z.shape[1], device) else DRAW_GROUP
        padded = np.zeros((max(1, -(-len(z) // group)) * group, z.shape[1]), np.float32)
        padded[: len(z)] = z
        groups = torch.from_numpy(padded).to(device).split(group)  # type: ignore[no-untyped-call]
        pictures = [to_pixels(generator(latents_of_group)) for latents_of_group in groups]
    return np.concatenate(pictures)[: len(z)]


def _is_exact_alone(generator: nn.Module, latent_size: int, device: torch.device) -> bool:
    """Return True if a face drawn alone equals the same face drawn in a group. It is tested once.

    The order of summation depends on shapes, device and threads, not on values, so the result for the tested
    faces holds for all.
    """
    key = device, torch.get_num_threads()
    known = _EXACT_ALONE.setdefault(generator, {})
    if key not in known:
        together = torch.from_numpy(latents(range(DRAW_GROUP), latent_size, "normal")).to(device)
        faces: Tensor = generator(together)
        known[key] = all(
            torch.equal(generator(together[i : i + 1]), faces[i : i + 1]) for i in (0, DRAW_GROUP - 1)
        )
    return known[key]


_EXACT_ALONE: WeakKeyDictionary[nn.Module, dict[tuple[torch.device, int], bool]] = WeakKeyDictionary()
"""Results of `_is_exact_alone`."""


def model_of(generator: nn.Module, header: ModelHeader) -> Model:
    """Return the model that `load` returns after `save_model`. The generator must be in eval mode."""
    return Model(generator, header, hashlib.sha256(as_bytes(generator, header)).hexdigest()[:16])
