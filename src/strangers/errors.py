"""Exceptions of the package, each with its exit code.

    StrangersError          anything that a sentence can explain; exit code 1
    ├── UsageError          a wrong call: an argument, an option, a name; exit code 2
    ├── DataError           photographs, archives and prepared sets
    ├── ModelError          model files
    ├── RunError            run folders and checkpoints
    └── PeerError           another process of the same training has ended

Every message is a sentence that says what was wrong, where, and what to do.
The command line prints the message alone; a traceback means a defect of ours.
"""

from __future__ import annotations


class StrangersError(Exception):
    """Anything that went wrong and that one sentence can explain."""

    exit_code = 1


class UsageError(StrangersError):
    """A wrong call: an argument, an option or a name that cannot be."""

    exit_code = 2


class DataError(StrangersError):
    """Photographs, archives or a prepared set that cannot be used."""


class ModelError(StrangersError):
    """A model file that cannot be used."""


class RunError(StrangersError):
    """A run folder or a checkpoint that cannot be used."""


class PeerError(StrangersError):
    """Another process of the same training has ended; what it said is the cause."""
