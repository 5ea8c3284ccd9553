"""One reader fed by atheris, which bends inputs toward code that none has reached yet.

python coverage_guided.py NAME FOLDER -runs=10000 ...; it ends with 0 if nothing but a StrangersError came.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["strangers"], enable_loader_override=False):
    from strangers.data.annotations import ATTRIBUTES, PARTITION, read_annotations
    from strangers.data.archives import Tar, Zip
    from strangers.data.decode import decode
    from strangers.errors import StrangersError
    from strangers.sampling.latents import parse_seeds


def tables(data: bytes, folder: Path) -> None:
    del folder
    for name in ATTRIBUTES + PARTITION:
        with contextlib.suppress(StrangersError):
            read_annotations({name: data})


def seeds(data: bytes, folder: Path) -> None:
    del folder
    parse_seeds(data.decode(errors="replace"), 1000)


def zips(data: bytes, folder: Path) -> None:
    (folder / "set.zip").write_bytes(data)
    container = Zip(folder / "set.zip")
    assert len(list(container)) == len(container.names())


def tars(data: bytes, folder: Path) -> None:
    (folder / "set.tar").write_bytes(data)
    container = Tar(folder / "set.tar")
    assert len(list(container)) == len(container.names())


def pictures(data: bytes, folder: Path) -> None:
    del folder
    assert decode(data).shape[2] == 3


TARGETS: dict[str, Callable[[bytes, Path], None]] = {
    "pictures": pictures, "seeds": seeds, "tables": tables, "tars": tars, "zips": zips,
}  # fmt: skip


def main() -> None:
    """DeviceLoader the reader that is named until atheris ends this process."""
    name, folder, *options = sys.argv[1:]

    def once(data: bytes) -> None:
        with contextlib.suppress(StrangersError):
            TARGETS[name](data, Path(folder))

    atheris.Setup([sys.argv[0], *options], once)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
