"""Model: a trained generator, and faces from seeds."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from strangers._version import __version__
from strangers.errors import UsageError
from strangers.images import Pixels, Provenance, encode_png, grid, to_pixels
from strangers.networks.folding import fold
from strangers.recipes.recipe import FacesRecipe
from strangers.sampling.latents import format_seeds, latents
from strangers.sampling.model_file import ModelHeader, as_bytes
from strangers.system.outputs import write_output

if TYPE_CHECKING:
    from strangers.export.onnx import Agreement
    from strangers.latent.inversion import Inversion

Faces = int | Iterable[int] | NDArray[np.float32]
"""Faces by their number, which are the seeds from 0, by their seeds, or by latents (n, latent_size)."""

SHOWN_FACES = 16
"""Faces of `Model.sample` without seeds, and of a model in a notebook."""

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

    @cached_property
    def folded(self) -> nn.Module:
        """The generator as it draws, see `fold`; its weights must not change any more."""
        return fold(self.generator)

    @property
    def recipe(self) -> FacesRecipe:
        """The recipe of the training; a `Recipe` unless it needs what is not installed here."""
        return self.header.recipe

    def sample(
        self, seeds: int | Iterable[int] = SHOWN_FACES, *, truncation: float = 1.0, batch: int = DRAW_BATCH
    ) -> Pixels:
        """Draw the faces of `seeds`, or of so many seeds from 0: uint8 (n, size, size, 3).

        A face depends only on its own seed. truncation: see `batches`.
        """
        drawn = self.batches(seeds_of(seeds), truncation=truncation, batch=batch)
        faces = [faces for _, faces in drawn]
        size = self.header.size
        return np.concatenate(faces) if faces else np.zeros((0, size, size, 3), np.uint8)

    def edit(self, faces: Faces, strengths: Mapping[str, float], *, hold: Iterable[str] = ()) -> Pixels:
        """Draw faces with attributes changed, as `edit([3, 4], {"Smiling": 2})`: uint8 (n, size, size, 3).

        strengths: by attribute, in standard deviations of the latents; -3 to 3 keeps faces plausible.
        hold: attributes to preserve. A model's directions are found once, in about a minute, and cached.
        Raises UsageError for an attribute without a direction.
        """
        from strangers.latent.directions import find_directions

        directions = find_directions(self).orthogonal_to([*hold])
        return self.decode(directions.edit(self.z(faces), strengths))

    def interpolate(self, faces: Faces, frames: int = 60, *, loop: bool = False) -> Pixels:
        """Draw an interpolation through faces: uint8 (frames, size, size, 3).

        loop: return to the first face. Raises UsageError for fewer than two faces or frames.
        """
        from strangers.latent.interpolation import interpolate

        return self.decode(interpolate(self.z(faces), frames, self.recipe.latent, loop=loop))

    def invert(
        self,
        photograph: str | Path | Pixels,
        *,
        cropped: bool = False,
        starts: int = 4,
        steps: int = 200,
        seed: int = 0,
    ) -> Inversion:
        """Find the latent whose face is most similar to a photograph; its attribute `face` is that face.

        photograph: a file, or uint8 (size, size, 3) as the model's training pictures.
        cropped: the file has the crop of the model already.
        starts, steps, seed: number of restarts, steps of each, and random seed.
        Raises DataError for a file without a photograph, and UsageError for numbers out of range.
        """
        from strangers.latent.inversion import invert
        from strangers.latent.photograph import read_photograph

        if isinstance(photograph, str | Path):
            photograph = read_photograph(Path(photograph), self, cropped=cropped).pixels
        *_, found = invert(self, photograph, starts=starts, steps=steps, seed=seed)
        return found

    def save(self, path: str | Path, *, half: bool = False, force: bool = False) -> Path:
        """Write the model file, which `strangers.load` reads, and return its path.

        half: store weights as float16. force: replace a file that is no export. Raises UsageError, OSError.
        """
        write_output(Path(path), as_bytes(self.generator, self.header, half=half), kind="export", force=force)
        return Path(path)

    def to_onnx(self, path: str | Path, *, force: bool = False) -> Agreement:
        """Write the generator as ONNX, and return how well its faces agree with the model's.

        Raises StrangersError without the extra `export`, UsageError and OSError.
        """
        from strangers.export.onnx import export_onnx

        return export_onnx(self, Path(path), force=force)

    def _repr_png_(self) -> bytes:
        """Return the first faces as a PNG: what a notebook shows of a model."""
        seeds = range(SHOWN_FACES)
        return encode_png(grid(self.sample(seeds)), self.provenance(seeds))

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

    def z(self, faces: Faces) -> NDArray[np.float32]:
        """Return the latents (n, latent_size) of faces, which are a number, seeds or latents."""
        if isinstance(faces, np.ndarray) and faces.dtype.kind == "f":
            return np.atleast_2d(faces).astype(np.float32)
        return self.latents([*seeds_of(faces)])

    def decode(self, z: NDArray[np.float32]) -> Pixels:
        """Draw the faces of latents (n, latent_size), uint8 (n, size, size, 3).

        Raises UsageError for another shape.
        """
        if z.ndim != 2 or z.shape[1] != self.recipe.latent_size:
            raise UsageError(f"Latents must have shape (n, {self.recipe.latent_size}) (got {z.shape}).")
        return draw(self.folded, z)

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


def seeds_of(faces: int | Iterable[int]) -> Iterable[int]:
    """Return seeds; a number stands for so many seeds from 0. Raises UsageError for a negative number."""
    if isinstance(faces, Iterable):
        return (int(seed) for seed in faces)
    if faces < 0:
        raise UsageError(f"The number of faces must be at least 0 (got {faces}).")
    return range(faces)


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
