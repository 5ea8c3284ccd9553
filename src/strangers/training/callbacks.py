"""Callbacks: programs that follow a training, such as an experiment tracker or a notebook."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from strangers.images import Pixels, encode_png, grid
from strangers.training.step import StepReport

if TYPE_CHECKING:
    from strangers.training.run import Run


class Callback:
    """The events of a training: a subclass overrides those that it needs.

    They are called in the first process only. An exception ends the training, and the same call resumes it
    from its newest checkpoint.
    """

    def on_start(self, run: Run) -> None:
        """Follow a run that starts or resumes."""

    def on_step(self, images_seen: int, report: StepReport) -> None:
        """Follow a step; reading a number of `report` waits for the device."""

    def on_line(self, images_seen: int, values: dict[str, float]) -> None:
        """Follow a line of the log: means of the losses and accuracies, and images per second."""

    def on_evaluation(self, images_seen: int, values: dict[str, float]) -> None:
        """Follow a measurement of the faces: "variety" at each snapshot, and "fd-face" where it is due."""

    def on_snapshot(self, images_seen: int, faces: Pixels) -> None:
        """Follow a snapshot: `faces` of seeds 0 to 63, uint8 (64, size, size, 3)."""

    def on_end(self, images_seen: int) -> None:
        """Follow the end of the training, also after Ctrl-C or an error."""


class NotebookGrid(Callback):
    """The newest faces below the cell of a notebook, replaced at each snapshot."""

    def __init__(self) -> None:
        from IPython.display import display

        self._handle = display({"text/plain": "The first faces follow."}, raw=True, display_id=True)  # type: ignore[no-untyped-call]

    def on_snapshot(self, images_seen: int, faces: Pixels) -> None:
        from IPython.display import Image

        if self._handle is not None:
            self._handle.update(Image(encode_png(grid(faces))))  # type: ignore[no-untyped-call]


def default_callbacks(*, progress: bool) -> tuple[Callback, ...]:
    """Return the callbacks of every training: a grid in a notebook, unless progress is not to be shown."""
    python = sys.modules.get("IPython")
    shell = None if python is None else python.get_ipython()
    return (NotebookGrid(),) if progress and hasattr(shell, "kernel") else ()
