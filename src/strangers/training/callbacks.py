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


class NotebookView(Callback):
    """The newest faces and the curves below the cell of a notebook, replaced at each snapshot."""

    def __init__(self) -> None:
        from IPython.display import display

        self._run: Run | None = None
        self._faces, self._curves = (
            display({"text/plain": text}, raw=True, display_id=True)  # type: ignore[no-untyped-call]
            for text in ("The first faces follow.", "The curves follow.")
        )

    def on_start(self, run: Run) -> None:
        self._run = run

    def on_snapshot(self, images_seen: int, faces: Pixels) -> None:
        from IPython.display import Image

        if self._faces is not None:
            self._faces.update(Image(encode_png(grid(faces))))  # type: ignore[no-untyped-call]
        curves = None if self._run is None else self._run.path / "curves.png"
        if self._curves is not None and curves is not None and curves.is_file():
            self._curves.update(Image(curves.read_bytes()))  # type: ignore[no-untyped-call]


def default_callbacks(*, progress: bool) -> tuple[Callback, ...]:
    """Return the callbacks of every training: a view in a notebook, unless progress is not to be shown."""
    python = sys.modules.get("IPython")
    shell = None if python is None else python.get_ipython()
    return (NotebookView(),) if progress and hasattr(shell, "kernel") else ()
