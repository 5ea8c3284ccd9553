"""onnxruntime-web, which runs ONNX files in a browser: two files of its npm package.

`python -m strangers.export.runtime DIR` writes them to a folder, for `strangers export --runtime DIR`.
"""

from __future__ import annotations

import sys
import tarfile
from pathlib import Path

from strangers.errors import StrangersError, UsageError
from strangers.system.cache import cache_folder, downloaded
from strangers.system.files import write_atomically
from strangers.system.streams import echo

VERSION = "1.30.0"
URL = f"https://registry.npmjs.org/onnxruntime-web/-/onnxruntime-web-{VERSION}.tgz"
SHA256 = "d2228df7e4616bc3348bf504ee888f3bec43789a273f0a63f3e68d203ce3bf71"
"""SHA-256 of the package, 33 MB."""

FILES = ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm")
"""Files in the folder dist/ of the package that a page needs."""


def runtime_files(folder: Path | None = None) -> dict[str, bytes]:
    """Return the content of FILES by name.

    folder: a folder with the files, or an unpacked npm package, of any version. None uses the pinned version,
        which is downloaded into the cache once.
    Raises UsageError and StrangersError.
    """
    if folder is None:
        return _pinned()
    for place in (folder, folder / "dist"):
        if all((place / name).is_file() for name in FILES):
            return {name: (place / name).read_bytes() for name in FILES}
    raise UsageError(
        f"{folder} does not have {' and '.join(FILES)}; pass an unpacked npm package onnxruntime-web."
    )


def _pinned() -> dict[str, bytes]:
    """Return the files of the pinned version. Raises StrangersError if it cannot be downloaded."""
    package = downloaded(
        URL,
        SHA256,
        cache_folder() / "onnxruntime-web" / URL.rpartition("/")[2],
        name="onnxruntime-web",
        advice="Download it elsewhere, unpack it, and pass its folder with --runtime.",
    )
    with tarfile.open(package, "r:gz") as archive:
        members = {name: archive.extractfile(f"package/dist/{name}") for name in FILES}
        return {name: member.read() for name, member in members.items() if member is not None}


def main() -> int:
    """Write the files of the pinned version to the folder in the command line."""
    folder = Path(sys.argv[1])
    try:
        files = _pinned()
    except StrangersError as error:
        echo(f"error: {error}", error=True)
        return 1
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        write_atomically(folder / name, data)
    echo(f"Wrote {' and '.join(files)} of onnxruntime-web {VERSION} to {folder}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
