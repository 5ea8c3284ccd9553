"""Exceptions of the package, each with its exit code.

    StrangersError          base class; exit code 1
    ├── UsageError          a wrong call: an argument, an option, a name; exit code 2
    ├── DataError           photographs, archives and prepared sets
    ├── ModelError          model files
    ├── RunError            run folders and checkpoints
    └── PeerError           another process of the training failed

Every message says what is wrong, where, and what to do. The command line prints it without a traceback.
A traceback is a bug.
"""

from __future__ import annotations


class StrangersError(Exception):
    """Base class of the exceptions of this package; its message explains the error to the user."""

    exit_code = 1


class UsageError(StrangersError):
    """A wrong call: an invalid argument, option or name."""

    exit_code = 2


class DataError(StrangersError):
    """Photographs, archives or a prepared set that cannot be used."""


class ModelError(StrangersError):
    """A model file that cannot be used."""


class RunError(StrangersError):
    """A run folder or a checkpoint that cannot be used."""


class PeerError(StrangersError):
    """Another process of the same training has failed; its error message is the cause."""
