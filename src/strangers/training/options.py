"""TrainingOptions: the arguments of a training, with their defaults and checks."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar

from strangers.errors import UsageError
from strangers.training.health import ON_COLLAPSE

if TYPE_CHECKING:
    from strangers.recipes.recipe import Recipe
    from strangers.training.callbacks import Callback

P = ParamSpec("P")
Options = TypeVar("Options")
Result = TypeVar("Result", covariant=True)

MIN_FACES = 257
"""Minimum of faces, and of pictures in the set, for an evaluation: one more than its features' dimensions."""

DEFAULT_RECIPE = "fast-64"

EVALUATE_COUNT = 2_000
"""Faces in each evaluation by default, except with few pictures."""

FEW_INTERVAL, FEW_FACES, FEW_PATIENCE = 2_000, 512, 5
"""Images between measurements, their faces, and their number without improvement, with few pictures."""

MIN_INTERVAL = 1000
"""Minimum of images between two snapshots: sample grids are named in thousands of images."""


@dataclass(frozen=True)
class TrainingOptions:
    """The arguments of a training besides its data. Raises UsageError for a value that is out of range.

    Attributes:
        recipe: name of a preset, a recipe, or a recipe's JSON file, run or model; "fast-64" if None.
        out: the run's folder; a run in it is resumed. If None, a new folder such as runs/fast-64-0001.
        from_model: model whose weights the training starts from: of a run with its discriminator. Unless
            `recipe` is given, that is the run's own from 5,000 pictures on, and otherwise `few-64` or
            `few-128`. Below 5,000 pictures the training is measured every 2,000 images, and stopped after 5
            measurements without improvement.
        images: length of the training; the recipe's own if neither this nor `epochs` is given.
        epochs: the length in passes over the set.
        seed: random seed, from 0 to 2**63 - 1.
        device: "auto", "cpu", "cuda", "cuda:1" or "mps".
        precision: "auto", "fp32" or "bf16".
        threads: CPU threads of torch; all cores if None, shared by the processes on the machine.
        compiled: compile the networks with torch first; results differ by rounding.
        size: height and width of the pictures in pixels, from which the widths of the networks follow.
        overrides: values of recipe fields by dotted name; strings are parsed as by --set.
        every: images between snapshots, each a sample grid and a checkpoint.
        log_every: images between lines of the log; a hundredth of the training if None.
        keep: number of newest checkpoints to keep.
        evaluate_every: images between evaluations; no evaluations if None.
        evaluate_count: faces in each evaluation; if None 2,000, and 512 with few pictures.
        patience: number of evaluations without improvement after which the training ends; no limit if None.
        on_collapse: "warn", "stop" or "rollback": the reaction to a collapsed training.
        tensorboard: log for TensorBoard too.
        progress: print the log and a progress bar; in a notebook, show the newest faces too.
        callbacks: programs that follow the training: see `Callback`.
    """

    recipe: str | Path | Recipe | None = None
    out: str | Path | None = None
    _: KW_ONLY
    from_model: str | Path | None = None
    images: int | None = None
    epochs: float | None = None
    seed: int = 0
    device: str = "auto"
    precision: str = "auto"
    threads: int | None = None
    compiled: bool = False
    size: int | None = None
    overrides: Mapping[str, Any] | None = None
    every: int = 20_000
    log_every: int | None = None
    keep: int = 3
    evaluate_every: int | None = None
    evaluate_count: int | None = None
    patience: int | None = None
    on_collapse: str = "warn"
    tensorboard: bool = False
    progress: bool = True
    callbacks: Sequence[Callback] = ()

    def __post_init__(self) -> None:
        if self.images is not None and self.epochs is not None:
            raise UsageError("Pass at most one of --images and --epochs.")
        if not 0 <= self.seed < 2**63:
            raise UsageError(f"--seed must be a whole number from 0 to 2**63 - 1 (got {self.seed}).")
        for option, images in (("--every", self.every), ("--evaluate-every", self.evaluate_every)):
            if images is not None and images < MIN_INTERVAL:
                raise UsageError(f"{option} must be at least {MIN_INTERVAL} images (got {images}).")
        if self.log_every is not None and self.log_every < 1:
            raise UsageError(f"--log-every must be at least 1 image (got {self.log_every}).")
        if self.keep < 1:
            raise UsageError(f"--keep must be at least 1 checkpoint (got {self.keep}).")
        if self.on_collapse not in ON_COLLAPSE:
            raise UsageError(f"--on-collapse must be {', '.join(ON_COLLAPSE)} (got {self.on_collapse!r}).")
        self._check_evaluations()

    def _check_evaluations(self) -> None:
        if self.evaluate_count is not None and self.evaluate_count < MIN_FACES:
            raise UsageError(
                f"--evaluate-count must be at least {MIN_FACES} faces (got {self.evaluate_count}); "
                "2000 give steadier values."
            )
        if self.patience is not None and self.patience < 1:
            raise UsageError(f"--patience must be at least 1 evaluation (got {self.patience}).")
        if self.from_model is None:
            self._check_patience()

    def _check_patience(self) -> None:
        """Raise UsageError if patience counts evaluations that never happen."""
        if self.patience is not None and self.evaluate_every is None:
            raise UsageError("--patience counts evaluations: set their interval with --evaluate-every.")

    @property
    def changes(self) -> dict[str, Any]:
        """The changes of the recipe by dotted field name."""
        size = {} if self.size is None else {"size": self.size}
        return size | dict(self.overrides or {})

    def for_few_pictures(self) -> TrainingOptions:
        """Return the options with frequent measurements and an early stop, where they leave that open."""
        return replace(
            self,
            evaluate_every=self.evaluate_every or FEW_INTERVAL,
            evaluate_count=self.evaluate_count or FEW_FACES,
            patience=self.patience or FEW_PATIENCE,
        )

    def check_data(self, pictures: int) -> None:
        """Raise UsageError if evaluations are requested and a set of that many pictures is too small.

        Without evaluations, patience is an error too: only a training on few pictures measures on its own.
        """
        self._check_patience()
        if self.evaluate_every is not None and pictures < MIN_FACES:
            raise UsageError(
                f"Evaluations need a set of at least {MIN_FACES} pictures (got {pictures}): "
                "prepare more, or leave out --evaluate-every."
            )


class KeywordFunction(Protocol[P, Result]):
    """A function of the data and of the fields of an options class."""

    def __call__(self, data: str | Path, *args: P.args, **kwargs: P.kwargs) -> Result: ...


def keyword_options(
    options: Callable[P, Options],
) -> Callable[[Callable[[str | Path, Options], Result]], KeywordFunction[P, Result]]:
    """Return a decorator that turns `f(data, options)` into `f(data, recipe, out, *, images=..., ...)`.

    The signature and the documentation of the new function list the fields of the class `options`.
    """

    def decorate(function: Callable[[str | Path, Options], Result]) -> KeywordFunction[P, Result]:
        @wraps(function)
        def with_keywords(data: str | Path, *args: P.args, **kwargs: P.kwargs) -> Result:
            return function(data, options(*args, **kwargs))

        signature = inspect.signature(function)
        parameters = [signature.parameters["data"], *inspect.signature(options).parameters.values()]
        with_keywords.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        listed = (inspect.getdoc(options) or "").partition("Attributes:\n")[2]
        with_keywords.__doc__ = f"{inspect.getdoc(function)}\n\nOptions:\n{listed}\n"
        return with_keywords

    return decorate
