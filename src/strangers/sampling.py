"""Model: a trained generator, and faces from seeds."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from strangers import __version__
from strangers.devices import choose_device
from strangers.errors import ModelError, UsageError
from strangers.files import sha256_of
from strangers.images import Pixels, Provenance, to_pixels
from strangers.latents import format_seeds, latents
from strangers.model_file import ModelHeader, as_bytes, read_model
from strangers.networks.layers import place
from strangers.recipe import Recipe

BATCH = 64
"""Faces handed over at once: few enough for a small memory."""

GROUP = 16
"""Faces drawn at once. Matrix products of other heights may be summed in another order, and a face that
depends on its neighbours' number is not the seed's face; 16 keep the processor about as busy as more."""

BUNDLED = Path(__file__).with_name("models")
"""Where the package keeps its own models."""

POINTERS = ("latest", "best")
"""Files of a run that hold the name of one of its checkpoints."""

HUB = "hf:"
"""How the name of a model on the Hugging Face hub begins."""

HUB_FILE = "model.safetensors"
"""The model file in a repository of the hub."""


@dataclass(frozen=True)
class Model:
    """A generator that draws faces.

    Attributes:
        generator: latents (n, latent_size) -> images (n, 3, size, size) in [-1, 1].
        header: what its file says of it.
        hash: the first 16 hexadecimal digits of the SHA-256 of its file.
    """

    generator: nn.Module
    header: ModelHeader
    hash: str

    @property
    def recipe(self) -> Recipe:
        """What was trained, and how."""
        return self.header.recipe

    def sample(self, seeds: Iterable[int], *, truncation: float = 1.0, batch: int = BATCH) -> Pixels:
        """The faces of `seeds`, uint8 (n, size, size, 3): the same face for a seed, whatever the others are.

        truncation: see `batches`.
        """
        faces = [faces for _, faces in self.batches(seeds, truncation=truncation, batch=batch)]
        size = self.header.size
        return np.concatenate(faces) if faces else np.zeros((0, size, size, 3), np.uint8)

    def batches(
        self, seeds: Iterable[int], *, truncation: float = 1.0, batch: int = BATCH
    ) -> Iterator[tuple[list[int], Pixels]]:
        """Seeds and their faces, at most `batch` at once, so that any number of faces needs little memory.

        truncation: what latents are multiplied by, in (0, 1]; below 1 faces are more alike and more typical.
        batch: how many faces are handed over at once; it changes none of them.
        Raises UsageError for another truncation or batch, or for a seed that is not in [0, 2**64).
        """
        if not 0 < truncation <= 1:
            raise UsageError(f"Truncation is above 0 and at most 1, not {truncation}.")
        if batch < 1:
            raise UsageError(f"A batch holds at least one face, not {batch}.")
        recipe, remaining = self.recipe, iter(seeds)
        while chosen := list(islice(remaining, batch)):
            z = latents(chosen, recipe.latent_size, recipe.latent)
            yield chosen, self.decode(z * np.float32(truncation))

    def decode(self, z: NDArray[np.float32]) -> Pixels:
        """The faces of latents (n, latent_size), uint8 (n, size, size, 3). Raises UsageError for others."""
        if z.ndim != 2 or z.shape[1] != self.recipe.latent_size:
            raise UsageError(f"Latents here are (n, {self.recipe.latent_size}), not {z.shape}.")
        return draw(self.generator, z)

    def provenance(self, seeds: Iterable[int], truncation: float = 1.0) -> Provenance:
        """What a picture of these seeds' faces should say of its origin."""
        return Provenance(
            software=f"strangers {__version__}",
            model_hash=self.hash,
            recipe=self.recipe.name,
            images_seen=self.header.images_seen,
            seeds=format_seeds(seeds),
            truncation=truncation,
        )


def draw(generator: nn.Module, z: NDArray[np.float32]) -> Pixels:
    """The pictures of latents (n, latent_size), uint8 (n, size, size, 3).

    The generator must be in eval mode. A latent gives the same picture whatever the others are.
    """
    device = next(generator.parameters()).device
    exact = torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False)  # as on a CPU
    with torch.inference_mode(), exact:
        group = 1 if len(z) == 1 and _draws_alike_alone(generator, z.shape[1], device) else GROUP
        padded = np.zeros((max(1, -(-len(z) // group)) * group, z.shape[1]), np.float32)
        padded[: len(z)] = z
        groups = torch.from_numpy(padded).to(device).split(group)  # type: ignore[no-untyped-call]
        pictures = [to_pixels(generator(latents_of_group)) for latents_of_group in groups]
    return np.concatenate(pictures)[: len(z)]


def _draws_alike_alone(generator: nn.Module, latent_size: int, device: torch.device) -> bool:
    """Whether one face drawn alone has the bits that it has in a group: found by trying, once.

    Which order a library sums in is decided by shapes, device and threads, not by values: what holds for the
    faces tried here holds for all.
    """
    key = device, torch.get_num_threads()
    known = _ALIKE_ALONE.setdefault(generator, {})
    if key not in known:
        together = torch.from_numpy(latents(range(GROUP), latent_size, "normal")).to(device)
        faces: Tensor = generator(together)
        known[key] = all(
            torch.equal(generator(together[i : i + 1]), faces[i : i + 1]) for i in (0, GROUP - 1)
        )
    return known[key]


_ALIKE_ALONE: WeakKeyDictionary[nn.Module, dict[tuple[torch.device, int], bool]] = WeakKeyDictionary()
"""What `_draws_alike_alone` has found."""


def model_of(generator: nn.Module, header: ModelHeader) -> Model:
    """The model that `load` would give of what `save_model` writes. The generator must be in eval mode."""
    return Model(generator, header, hashlib.sha256(as_bytes(generator, header)).hexdigest()[:16])


def bundled() -> dict[str, Path]:
    """The generators in the package, by the names that `load` knows them by."""
    return {path.stem: path for path in sorted(BUNDLED.glob("*-*.safetensors"))}


def load(source: str | Path, device: str = "auto") -> Model:
    """The model in a model file, a checkpoint or a run, of a name in the package, or of "hf:OWNER/NAME".

    Raises ModelError, and UsageError for the device and for a name of another form.
    """
    chosen = choose_device(device).value
    try:
        name = str(source)
        if name.startswith(HUB):
            header, generator, digest = _read(_fetched(name.removeprefix(HUB)))
        else:
            header, generator, digest = _read_newest(Path(source))
    except OSError as error:
        raise ModelError(f"The model {source} cannot be read: {error.strerror or error}.") from None
    generator = place(generator, chosen)
    return Model(generator.requires_grad_(False).eval(), header, digest)


def _read_newest(source: Path) -> tuple[ModelHeader, nn.Module, str]:
    """What the model file has that `source` stands for, although a training may remove it meanwhile."""
    while True:
        named = _pointed(source)
        try:
            return _read(_model_file(source))
        except (OSError, ModelError) as error:
            if _pointed(source) != named:
                continue
            if isinstance(error, ModelError) and (earlier := _checkpoint_before(source, named)):
                raise ModelError(f"{error} The checkpoint before it is {earlier}.") from None
            raise


def _read(path: Path) -> tuple[ModelHeader, nn.Module, str]:
    """A model file's header, its generator, and the beginning of its hash."""
    header, generator = read_model(path)
    return header, generator, sha256_of(path)[:16]


def _pointed(source: Path) -> str:
    """What `source`, or its `latest` if it is a run, names at the moment; empty if it names nothing."""
    pointer = source if source.name in POINTERS else source / "latest"
    return pointer.read_text(errors="replace") if pointer.is_file() else ""


def _checkpoint_before(source: Path, named: str) -> Path | None:
    """The newest checkpoint older than the one named, of the run that `source` or its folder is."""
    run = source.parent if source.name in POINTERS else source
    older = [path for path in (run / "checkpoints").glob("[0-9]*") if path.name < named.strip()]
    return max(older, default=None)


def is_hub_name(name: str) -> bool:
    """Whether a text is OWNER/NAME."""
    return re.fullmatch(r"[\w.-]+/[\w.-]+", name) is not None


def _fetched(name: str) -> Path:
    """The model file of the hub's repository OWNER/NAME, in its cache. Raises UsageError and ModelError."""
    if not is_hub_name(name):
        raise UsageError(f"A model of the hub is named hf:OWNER/NAME, not '{HUB}{name}'.")
    from huggingface_hub import hf_hub_download  # a network client that only these models need

    try:
        return Path(hf_hub_download(name, HUB_FILE))
    except Exception as error:  # of the hub's client, its network library or the disk
        first = (str(error).strip().splitlines() or [""])[0]
        raise ModelError(
            f"The model {HUB}{name} could not be fetched ({type(error).__name__}: {first}); check the name, "
            "the network, and `hf auth login` for models behind a login."
        ) from None


def _model_file(source: Path) -> Path:
    """The model file that `source`, a file, a checkpoint, a run, or its `latest` or `best`, stands for."""
    if source.is_file() and source.name in POINTERS and (source.parent / "checkpoints").is_dir():
        source = source.parent / "checkpoints" / source.read_text(errors="replace").strip()
    if source.is_file():
        return source
    if not source.exists():
        ours = bundled()
        if str(source) in ours:
            return ours[str(source)]
        raise ModelError(
            f"There is no model {source}: it is neither a model file nor a run's folder, "
            f"nor a model of the package ({', '.join(ours)})."
        )
    folder = source
    if (source / "latest").is_file():
        folder = source / "checkpoints" / (source / "latest").read_text(errors="replace").strip()
    path = folder / "model.safetensors"
    if path.is_file():
        return path
    if folder != source:
        raise ModelError(f"The latest checkpoint of {source} should be {folder}, but no model is there.")
    if (source / "recipe.json").is_file():
        raise ModelError(f"{source} has no checkpoint yet; there is no model in it. Train it for longer.")
    raise ModelError(f"{source} is neither a run nor a checkpoint; there is no model in it.")
