"""Checkpoints: whole folders from which training goes on exactly as if it had never stopped.

checkpoints/000100096/          named by the images seen
    model.safetensors           the averaged generator: a model file that stands alone
    training.safetensors        both networks and both optimisers
    state.json                  images seen, seconds, the journal's sums, the other files' hashes
latest                          the name of the newest one
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from strangers.errors import RunError
from strangers.files import new_folder, remove_leftovers, sha256_of, write_atomically
from strangers.sampling import ModelHeader, save_model
from strangers.training.step import State

FORMAT = 1
MODEL, TRAINING, STATE = "model.safetensors", "training.safetensors", "state.json"


@dataclass(frozen=True)
class Progress:
    """What a checkpoint knows besides tensors: seconds trained so far, and the journal's unfinished sums."""

    seconds: float = 0.0
    journal: dict[str, Any] | None = None


def save(run: Path, state: State, header: ModelHeader, progress: Progress, *, keep: int) -> Path:
    """Write the checkpoint of `state`, point `latest` at it, keep the newest `keep`. Raises OSError."""
    folder = run / "checkpoints" / f"{state.images_seen:09d}"
    if not folder.exists():
        with new_folder(folder) as partial:
            save_model(partial / MODEL, state.average, header)
            save_file(_tensors(state), partial / TRAINING)
            description = {
                "format": FORMAT,
                "images_seen": state.images_seen,
                "seconds": progress.seconds,
                "journal": progress.journal,
                "sha256": {name: sha256_of(partial / name) for name in (MODEL, TRAINING)},
            }
            (partial / STATE).write_text(json.dumps(description, indent=1))
    write_atomically(run / "latest", folder.name.encode())
    for old in _folders(run)[keep:]:
        shutil.rmtree(old)
    return folder


def restore(run: Path, state: State) -> tuple[Progress, list[str]]:
    """Bring `state` to the newest whole checkpoint of `run`, and say what was wrong with newer ones.

    Without any checkpoint `state` is left as it is. Raises RunError if there are some and none is whole.
    """
    complaints = []
    folders = _folders(run)
    for folder in (run, run / "samples", run / "checkpoints"):
        remove_leftovers(folder)
    for folder in folders:
        try:
            progress = _read(folder, state)
        except RunError as error:
            complaints.append(str(error))
            continue
        for damaged in folders[: folders.index(folder)]:  # training will write these names again
            shutil.rmtree(damaged)
        return progress, complaints
    if folders:
        raise RunError(
            f"No checkpoint in {run} is whole. {' '.join(complaints)} Start again in another folder."
        )
    return Progress(), []


def _folders(run: Path) -> list[Path]:
    """The run's checkpoints, newest first."""
    return sorted((path for path in (run / "checkpoints").glob("[0-9]*") if path.is_dir()), reverse=True)


def _read(folder: Path, state: State) -> Progress:
    try:
        description = json.loads((folder / STATE).read_text())
        for name, expected in description["sha256"].items():
            if sha256_of(folder / name) != expected:
                raise RunError(f"The checkpoint {folder} is damaged: {name} is not what was written.")
        progress = Progress(description["seconds"], description["journal"])
        training, average = load_file(folder / TRAINING), load_file(folder / MODEL)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, SafetensorError) as error:
        raise RunError(f"The checkpoint {folder} is damaged: {error}.") from None
    try:
        state.average.load_state_dict(average)
        for name, network in _networks(state).items():
            network.load_state_dict(_under(name, training))
        for name, optimiser in _optimisers(state).items():
            _load_optimiser(optimiser, _under(name, training))
    except (RuntimeError, KeyError) as error:
        raise RunError(f"The checkpoint {folder} is of other networks: {error}.") from None
    state.images_seen = description["images_seen"]
    return progress


def _networks(state: State) -> dict[str, nn.Module]:
    return {"generator": state.generator, "discriminator": state.discriminator}


def _optimisers(state: State) -> dict[str, Optimizer]:
    return {
        "generator_optimiser": state.generator_optimiser,
        "discriminator_optimiser": state.discriminator_optimiser,
    }


def _tensors(state: State) -> dict[str, Tensor]:
    tensors = {
        f"{name}.{key}": value
        for name, network in _networks(state).items()
        for key, value in network.state_dict().items()
    }
    for name, optimiser in _optimisers(state).items():
        for index, values in optimiser.state_dict()["state"].items():
            tensors |= {f"{name}.{index}.{key}": value for key, value in values.items()}
    return {key: value.detach().cpu().contiguous() for key, value in tensors.items()}


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    start = prefix + "."
    return {key.removeprefix(start): value for key, value in tensors.items() if key.startswith(start)}


def _load_optimiser(optimiser: Optimizer, tensors: dict[str, Tensor]) -> None:
    parameters = [parameter for group in optimiser.param_groups for parameter in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        index, key = name.split(".")
        parameter = parameters[int(index)]
        if value.shape == parameter.shape:
            # The moments must lie in memory as their parameter does: fused optimisers walk both side by side.
            value = torch.empty_like(parameter, dtype=value.dtype, requires_grad=False).copy_(value)
        state.setdefault(int(index), {})[key] = value
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
