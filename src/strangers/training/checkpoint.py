"""Checkpoints: complete folders from which training resumes exactly.

checkpoints/000100096/          named by the images seen
    model.safetensors           the averaged generator, a model file of its own
    training.safetensors        both networks and both optimizers
    state.json                  images seen, seconds, the log's sums, the health monitor, hashes of all files
latest                          name of the newest checkpoint
best                            name of the checkpoint with the lowest fd-face, if evaluated
"""

from __future__ import annotations

import errno
import hashlib
import math
import os
import re
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from safetensors import SafetensorError
from safetensors.torch import load, save_file
from torch import Tensor, nn

from strangers.errors import RunError
from strangers.sampling.model_file import ModelHeader, as_bytes
from strangers.system.files import remove_leftovers, sha256_of, write_atomically
from strangers.system.folders import new_folder, remove_folder
from strangers.system.streams import read_regular_file
from strangers.training.evaluator import BestMetric
from strangers.training.state_file import STATE, Progress, description_of, parse_progress, read_state
from strangers.training.step import State
from strangers.training.tensors import is_finite, load_tensors, tensors_of

MODEL, TRAINING = "model.safetensors", "training.safetensors"
FILES = (MODEL, TRAINING, STATE)
NAME = re.compile(r"[0-9]{9,}")
"""The name of a checkpoint's folder."""

POINTER = re.compile(rb"[0-9\0\s]*")
"""The content of a pointer: such a name, or what a disk leaves of it."""


class ModelFile(NamedTuple):
    """The content of a model file, and its SHA-256."""

    data: bytes
    sha256: str


def serialize(generator: nn.Module, header: ModelHeader) -> ModelFile:
    """Return the model file of a generator."""
    data = as_bytes(generator, header)
    return ModelFile(data, hashlib.sha256(data).hexdigest())


def save(run: Path, state: State, model: ModelFile, progress: Progress, *, keep: int) -> Path:
    """Write the checkpoint of `state`, update `latest` and `best`, and keep the newest `keep` checkpoints.

    model: model file of the EMA.
    The best checkpoint and the last good one, which a rollback needs, are kept too. Raises OSError, and
    RunError for weights that are not finite, since no training can resume from them.
    """
    sums = [] if progress.log is None else progress.log["sums"]
    if not is_finite(state) or not all(map(math.isfinite, sums)):
        raise RunError(
            f"After {state.images_seen:,} images some weights or losses are not finite, so no checkpoint was "
            "written. The same command resumes from the previous one."
        )
    folder = _folder(run, state.images_seen)
    if folder.exists() and not _is_checkpoint(folder):
        raise FileExistsError(errno.EEXIST, f"{folder} is something else; move it", str(folder))
    if not folder.exists():
        with new_folder(folder) as partial:
            (partial / MODEL).write_bytes(model.data)
            _save_tensors(tensors_of(state), partial / TRAINING)
            shutil.copymode(partial / MODEL, partial / TRAINING)  # safetensors ignores the umask
            hashes = {MODEL: model.sha256, TRAINING: sha256_of(partial / TRAINING)}
            (partial / STATE).write_text(description_of(state.images_seen, progress, hashes))
    _point(run, folder, progress.best)
    prune(run, progress, keep=keep)
    return folder


def prune(run: Path, progress: Progress, *, keep: int) -> None:
    """Remove all checkpoints but the newest `keep`, the best and the last good one. Raises OSError."""
    kept_at = (progress.best.images_seen, progress.health.good_at)
    needed = [_folder(run, images) for images in kept_at if images is not None]
    for old in _folders(run)[keep:]:
        if old not in needed:
            _remove(old)


def restore(run: Path, state: State, *, good: bool = False) -> tuple[Progress, list[str]]:
    """Load the newest complete checkpoint of `run` into `state`; also return the problems of newer ones.

    good: only a checkpoint without health problems. Newer ones are removed, since they will be written again.
    Without any checkpoint `state` stays as it is. Raises RunError if there are checkpoints and all are
    damaged; if they are complete but not good, the training starts again from the beginning.
    """
    problems = []
    folders = _folders(run)
    for folder in (run, run / "samples", run / "checkpoints"):
        remove_leftovers(folder)
    for folder in folders:
        try:
            description = _describe(folder)
            progress = parse_progress(folder, description)
            if good and progress.health.good_at != description["images_seen"]:
                continue
            _load(folder, description, state)
        except RunError as error:
            problems.append(str(error))
            continue
        state.images_seen = description["images_seen"]
        _point(run, folder, progress.best)
        for abandoned in folders[: folders.index(folder)]:  # these names will be written again
            _remove(abandoned)
        return progress, problems
    if len(problems) == len(folders) > 0:
        raise RunError(
            f"No checkpoint in {run} is usable. {' '.join(problems)} Start again in another folder."
        )
    for pointer in ("latest", "best"):
        _set_pointer(run / pointer, None)
    for folder in folders:
        _remove(folder)
    return Progress(), problems


def read_copies(run: Path) -> dict[str, Any]:
    """Return the newest intact copies of the run's JSON files, by name; empty without a checkpoint."""
    for folder in _folders(run):
        with suppress(OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return dict(read_state(folder)["copies"])
    return {}


def images_seen(run: Path) -> int:
    """Return the images seen at the run's newest checkpoint; 0 without one."""
    return max((int(folder.name) for folder in _folders(run)), default=0)


def _folder(run: Path, images_seen: int) -> Path:
    return run / "checkpoints" / f"{images_seen:09d}"


def _folders(run: Path) -> list[Path]:
    """Return the run's checkpoints, newest first."""
    folders = (path for path in (run / "checkpoints").glob("[0-9]*") if _is_checkpoint(path))
    return sorted(folders, key=lambda path: int(path.name), reverse=True)


def _is_checkpoint(folder: Path) -> bool:
    """Return whether the run wrote this folder; copies by a person have another name or another content."""
    if not NAME.fullmatch(folder.name) or not any((folder / name).exists() for name in FILES):
        return False
    try:
        return f"{read_state(folder)['images_seen']:09d}" == folder.name
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return True  # a damaged checkpoint


def _remove(folder: Path) -> None:
    """Remove a checkpoint, but no files that a person put into its folder. Raises OSError."""
    if {path.name for path in folder.iterdir()} <= set(FILES):
        remove_folder(folder)
        return
    for name in FILES:
        (folder / name).unlink(missing_ok=True)


def _point(run: Path, latest: Path, best: BestMetric) -> None:
    """Update the pointers to the newest checkpoint and, while it exists, to the best one."""
    _set_pointer(run / "latest", latest)
    folder = None if best.images_seen is None else _folder(run, best.images_seen)
    _set_pointer(run / "best", folder if folder is not None and folder.is_dir() else None)


def _set_pointer(path: Path, folder: Path | None) -> None:
    """Write the name of a checkpoint, or remove the pointer. Raises OSError, also if it is something else."""
    if path.exists() and not POINTER.fullmatch(read_regular_file(path)):
        raise FileExistsError(errno.EEXIST, f"{path} is something else; move it", str(path))
    if folder is not None:
        write_atomically(path, folder.name.encode())
    else:
        path.unlink(missing_ok=True)


def _describe(folder: Path) -> dict[str, Any]:
    """Return the content of state.json. Raises RunError if it was changed."""
    try:
        return read_state(folder)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        why = f"{STATE} lacks {error}" if isinstance(error, KeyError) else error
        raise RunError(f"The checkpoint {folder} is damaged: {why}.") from None


def _save_tensors(tensors: dict[str, Tensor], path: Path) -> None:
    """Write tensors. Raises OSError, also where safetensors raises an error of its own."""
    try:
        save_file(tensors, path)
    except SafetensorError as error:
        number = re.search(r"os error (\d+)", str(error))
        code = int(number[1]) if number else errno.EIO
        raise OSError(code, os.strerror(code), str(path)) from None


def _read_tensors(folder: Path, name: str, description: dict[str, Any]) -> dict[str, Tensor]:
    """Return the tensors of a checkpoint's file. Raises RunError unless its hash is in `description`.

    The file is read once, so that its hash and its tensors are of the same bytes.
    """
    try:
        data = read_regular_file(folder / name)
        if hashlib.sha256(data).hexdigest() == description["sha256"][name]:
            return load(data)
    except (OSError, SafetensorError, KeyError, TypeError) as error:
        raise RunError(f"The checkpoint {folder} is damaged: {error}.") from None
    raise RunError(f"The checkpoint {folder} is damaged: {name} has changed since it was written.")


def _load(folder: Path, description: dict[str, Any], state: State) -> None:
    """Load the checkpoint's tensors into the networks and optimizers of `state`. Raises RunError."""
    training, ema = (_read_tensors(folder, name, description) for name in (TRAINING, MODEL))
    try:
        state.ema.load_state_dict(ema)
        load_tensors(training, state)
    except (RuntimeError, KeyError, ValueError, IndexError, TypeError) as error:
        why = " ".join(str(error).split())
        raise RunError(f"The checkpoint {folder} belongs to other networks: {why}.") from None
