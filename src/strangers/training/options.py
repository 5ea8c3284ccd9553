"""Everything that `train` can be asked for."""

from __future__ import annotations

from dataclasses import dataclass

from strangers.data.prepared import PreparedSet
from strangers.errors import UsageError
from strangers.training.health import ON_COLLAPSE

FEWEST = 257
"""Faces, and pictures of the set, in an evaluation: more than its features have dimensions."""


@dataclass(frozen=True)
class TrainingOptions:
    """What is done beside the steps, and after how many images.

    Attributes:
        every, log_every: images between pictures with checkpoints, and between lines of the log, which are
            50 steps apart unless told otherwise.
        keep: how many checkpoints stay.
        evaluate_every, evaluate_count: images between evaluations, if there are any, and faces in each.
        patience: after how many evaluations without a better one the training ends, if any.
        on_collapse: what is done when a training is lost: see guard.py.
    """

    every: int = 20_000
    log_every: int | None = None
    keep: int = 3
    evaluate_every: int | None = None
    evaluate_count: int = 2_000
    patience: int | None = None
    on_collapse: str = "warn"

    def check(self) -> None:
        """Raise UsageError for what cannot be."""
        for what, images in (("Pictures and checkpoints", self.every), ("Evaluations", self.evaluate_every)):
            if images is not None and images < 1000:
                raise UsageError(
                    f"{what} are at least 1,000 images apart, not {images}; pictures are named so."
                )
        if self.log_every is not None and self.log_every < 1:
            raise UsageError(f"Lines of the log are at least 1 image apart, not {self.log_every}.")
        if self.keep < 1:
            raise UsageError(f"At least 1 checkpoint has to stay, not {self.keep}.")
        if self.evaluate_count < FEWEST:
            raise UsageError(
                f"An evaluation needs at least {FEWEST} faces, better 2,000, not {self.evaluate_count}."
            )
        if self.patience is not None and self.evaluate_every is None:
            raise UsageError("Patience counts evaluations: say how often with --evaluate-every.")
        if self.patience is not None and self.patience < 1:
            raise UsageError(f"Patience lasts for at least 1 evaluation, not {self.patience}.")
        if self.on_collapse not in ON_COLLAPSE:
            raise UsageError(f"--on-collapse is {', '.join(ON_COLLAPSE)}, not {self.on_collapse!r}.")

    def check_set(self, data: PreparedSet) -> None:
        """Raise UsageError for a set that is too small to be measured against."""
        if self.evaluate_every is not None and len(data) < FEWEST:
            raise UsageError(
                f"Evaluations need a set of at least {FEWEST} pictures, not {len(data)}: "
                "prepare more, or leave out --evaluate-every."
            )
