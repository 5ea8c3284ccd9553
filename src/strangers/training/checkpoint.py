"""Checkpoints: whole folders from which training goes on exactly as if it had never stopped.

checkpoints/000100096/          named by the images seen
    model.safetensors           the averaged generator: a model file that stands alone
    training.safetensors        both networks and both optimizers
    state.json                  images seen, seconds, the journal's sums, the guard, all files' hashes
latest                          the name of the newest one
best                            the name of the one whose faces came nearest to the photographs, if measured
"""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from pydantic import TypeAdapter
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from strangers.errors import RunError
from strangers.sampling.model_file import ModelHeader, save_model
from strangers.system.files import new_folder, remove_folder, remove_leftovers, sha256_of, write_atomically
from strangers.training.evaluator import BestMetric
from strangers.training.health import HealthMonitor
from strangers.training.step import State, StepReport

FORMAT = 2
"""The version of this layout: since 2, state.json has a hash of its own."""

MODEL, TRAINING, STATE = "model.safetensors", "training.safetensors", "state.json"


@dataclass(frozen=True)
class Progress:
    """What a checkpoint knows besides tensors.

    Attributes:
        seconds: trained so far.
        journal: its unfinished sums.
        guard: what is watched, and how often the run was taken back.
        record: the best evaluation so far.
    """

    seconds: float = 0.0
    journal: dict[str, Any] | None = None
    guard: HealthMonitor = field(default_factory=HealthMonitor)
    record: BestMetric = field(default_factory=BestMetric)


def save(run: Path, state: State, header: ModelHeader, progress: Progress, *, keep: int) -> Path:
    """Write the checkpoint of `state`, point `latest` and `best` at theirs, keep the newest `keep`.

    The best one stays besides, and the last good one, which a rollback needs. Raises OSError, and RunError
    for weights that are not finite, from which no training could go on.
    """
    sums = [] if progress.journal is None else progress.journal["sums"]
    if not is_finite(state) or not all(map(math.isfinite, sums)):
        raise RunError(
            f"After {state.images_seen:,} images there are weights or losses that are no finite numbers, so "
            "no checkpoint was written. The same command goes on from the one before."
        )
    folder = _folder(run, state.images_seen)
    guard, record = progress.guard, progress.record
    if not folder.exists():
        with new_folder(folder) as partial:
            save_model(partial / MODEL, state.average, header)
            _save_tensors(tensors_of(state), partial / TRAINING)
            description: dict[str, Any] = {
                "format": FORMAT,
                "images_seen": state.images_seen,
                "seconds": progress.seconds,
                "journal": progress.journal,
                "guard": asdict(guard),
                "learning_rate_multiplier": guard.learning_rate_multiplier,
                "record": asdict(record),
                "sha256": {name: sha256_of(partial / name) for name in (MODEL, TRAINING)},
            }
            description |= {"state_sha256": _digest(description)}
            (partial / STATE).write_text(json.dumps(description, indent=1))
    _point(run, folder, record)
    prune(run, progress, keep=keep)
    return folder


def prune(run: Path, progress: Progress, *, keep: int) -> None:
    """Remove all checkpoints but the newest `keep`, the best, and the last good one. Raises OSError."""
    kept_at = (progress.record.best_at, progress.guard.good_at)
    needed = [_folder(run, images) for images in kept_at if images is not None]
    for old in _folders(run)[keep:]:
        if old not in needed:
            remove_folder(old)


def _save_tensors(tensors: dict[str, Tensor], path: Path) -> None:
    """Write them. Raises OSError, which the library tells in words of its own."""
    try:
        save_file(tensors, path)
    except SafetensorError as error:
        number = re.search(r"os error (\d+)", str(error))
        code = int(number[1]) if number else errno.EIO
        raise OSError(code, os.strerror(code), str(path)) from None


def restore(run: Path, state: State, *, good: bool = False) -> tuple[Progress, list[str]]:
    """Bring `state` to the newest whole checkpoint of `run`, and say what was wrong with newer ones.

    good: only to one at which the guard found nothing wrong; newer ones are removed, for they will be written
    again. Without any checkpoint `state` is left as it is. Raises RunError if there are some and none is
    whole, but not if they are whole and not good: then the training begins anew.
    """
    complaints = []
    folders = _folders(run)
    for folder in (run, run / "samples", run / "checkpoints"):
        remove_leftovers(folder)
    for folder in folders:
        try:
            description = _describe(folder)
            progress = _progress(folder, description)
            if good and progress.guard.good_at != description["images_seen"]:
                continue
            _load(folder, state)
        except RunError as error:
            complaints.append(str(error))
            continue
        state.images_seen = description["images_seen"]
        _point(run, folder, progress.record)
        for abandoned in folders[: folders.index(folder)]:  # training will write these names again
            remove_folder(abandoned)
        return progress, complaints
    if len(complaints) == len(folders) > 0:
        raise RunError(
            f"No checkpoint in {run} is whole. {' '.join(complaints)} Start again in another folder."
        )
    for pointer in ("latest", "best"):
        (run / pointer).unlink(missing_ok=True)
    for folder in folders:
        remove_folder(folder)
    return Progress(), complaints


def is_finite(state: State) -> bool:
    """Whether all weights, and all that the optimizers keep, are numbers that a training can go on with."""
    networks = (*_networks(state).values(), state.average)
    values = [value for network in networks for value in network.state_dict().values()]
    values += [
        kept
        for optimizer in _optimizers(state).values()
        for moments in optimizer.state.values()
        for kept in moments.values()
        if isinstance(kept, Tensor)
    ]
    device = values[0].device  # where an optimizer may keep its count of steps elsewhere
    return bool(torch.stack([value.isfinite().all().to(device) for value in values]).all())


def _folder(run: Path, images_seen: int) -> Path:
    return run / "checkpoints" / f"{images_seen:09d}"


def _folders(run: Path) -> list[Path]:
    """The run's checkpoints, newest first."""
    return sorted((path for path in (run / "checkpoints").glob("[0-9]*") if path.is_dir()), reverse=True)


def _point(run: Path, latest: Path, record: BestMetric) -> None:
    """Let the pointers name the newest checkpoint, and the best one while it is there."""
    write_atomically(run / "latest", latest.name.encode())
    best = None if record.best_at is None else _folder(run, record.best_at)
    if best is not None and best.is_dir():
        write_atomically(run / "best", best.name.encode())
    else:
        (run / "best").unlink(missing_ok=True)


def _describe(folder: Path) -> dict[str, Any]:
    """What state.json says. Raises RunError if it, or a file that it names, is not what was written."""
    try:
        description: dict[str, Any] = json.loads((folder / STATE).read_text())
        if description["format"] not in (1, FORMAT):
            raise RunError(f"The checkpoint {folder} is damaged, or of a newer version: update strangers.")
        if description["format"] == FORMAT and description.pop("state_sha256") != _digest(description):
            raise RunError(f"The checkpoint {folder} is damaged: {STATE} is not what was written.")
        if f"{description['images_seen']:09d}" != folder.name:
            raise RunError(f"The checkpoint {folder} is damaged: it says that it is another.")
        for name in (MODEL, TRAINING):
            if sha256_of(folder / name) != description["sha256"][name]:
                raise RunError(f"The checkpoint {folder} is damaged: {name} is not what was written.")
        return description
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise RunError(f"The checkpoint {folder} is damaged: {error}.") from None


def _digest(description: dict[str, Any]) -> str:
    """The SHA-256 of what state.json says."""
    return hashlib.sha256(json.dumps(description, indent=1).encode()).hexdigest()


def _progress(folder: Path, description: dict[str, Any]) -> Progress:
    """What the checkpoint knows. One from before there was a guard is taken for good."""
    try:
        progress = Progress(
            description["seconds"],
            description["journal"],
            HealthMonitor(**description.get("guard", {"good_at": description["images_seen"]})),
            BestMetric(**description.get("record", {})),
        )
        _check(progress)
        return progress
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
        why = " ".join(str(error).split())
        raise RunError(f"The checkpoint {folder} is damaged: {why}.") from None


def _check(progress: Progress) -> None:
    """Raise ValueError, or what else a wrong value leads to, unless a training can go on with this."""
    TypeAdapter(Progress).validate_python(asdict(progress))
    _ = progress.guard.learning_rate_multiplier  # overflows where the rollbacks have no end
    if progress.journal is not None:
        steps, sums = progress.journal["steps"], progress.journal["sums"]
        numbers = [value for value in sums if isinstance(value, float)]
        if not isinstance(steps, int) or not len(numbers) == len(sums) == len(StepReport._fields):
            raise ValueError("its sums are not those of steps")


def _load(folder: Path, state: State) -> None:
    """Put the checkpoint's tensors into the networks and optimizers of `state`."""
    try:
        training, average = load_file(folder / TRAINING), load_file(folder / MODEL)
    except (OSError, SafetensorError) as error:
        raise RunError(f"The checkpoint {folder} is damaged: {error}.") from None
    try:
        state.average.load_state_dict(average)
        put(training, state)
    except (RuntimeError, KeyError, ValueError, IndexError, TypeError) as error:
        why = " ".join(str(error).split())
        raise RunError(f"The checkpoint {folder} is of other networks: {why}.") from None


def put(tensors: dict[str, Tensor], state: State) -> None:
    """Bring both networks and optimizers to `tensors`, which `tensors_of` gave.

    Raises RuntimeError or KeyError for those of other networks.
    """
    for name, network in _networks(state).items():
        network.load_state_dict(_under(name, tensors))
    for name, optimizer in _optimizers(state).items():
        _load_optimizer(optimizer, _under(name, tensors))


def _networks(state: State) -> dict[str, nn.Module]:
    return {"generator": state.generator, "discriminator": state.discriminator}


def _optimizers(state: State) -> dict[str, Optimizer]:
    return {
        "generator_optimizer": state.generator_optimizer,
        "discriminator_optimizer": state.discriminator_optimizer,
    }


def tensors_of(state: State) -> dict[str, Tensor]:
    """All that both networks and both optimizers hold, by name, on the CPU."""
    tensors = {
        f"{name}.{key}": value
        for name, network in _networks(state).items()
        for key, value in network.state_dict().items()
    }
    for name, optimizer in _optimizers(state).items():
        for index, values in optimizer.state_dict()["state"].items():
            tensors |= {f"{name}.{index}.{key}": value for key, value in values.items()}
    return {key: value.detach().cpu().contiguous() for key, value in tensors.items()}


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    start = prefix + "."
    return {key.removeprefix(start): value for key, value in tensors.items() if key.startswith(start)}


def _load_optimizer(optimizer: Optimizer, tensors: dict[str, Tensor]) -> None:
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        index, key = name.split(".")
        parameter = parameters[int(index)]
        if value.shape == parameter.shape:
            # The moments must lie in memory as their parameter does: fused optimizers walk both side by side.
            value = torch.empty_like(parameter, dtype=value.dtype, requires_grad=False).copy_(value)
        state.setdefault(int(index), {})[key] = value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
