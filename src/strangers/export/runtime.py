"""onnxruntime-web, which runs ONNX files in a browser: two files of one version, checked by their hashes.

`python -m strangers.export.runtime DIR` puts them into a folder, for `strangers export --runtime DIR`.
"""

from __future__ import annotations

import http.client
import io
import sys
import tarfile
from hashlib import sha256
from pathlib import Path
from urllib.request import urlopen

from rich.console import Console
from rich.progress import wrap_file

from strangers.errors import StrangersError, UsageError
from strangers.system.cache import cache_folder
from strangers.system.files import remove_leftovers, write_atomically

VERSION = "1.30.0"
ARCHIVE = f"https://registry.npmjs.org/onnxruntime-web/-/onnxruntime-web-{VERSION}.tgz"

FILES = {
    "ort.wasm.bundle.min.mjs": "11e64bd8ffe11bd1a2a2f0d6275fdfbbba7262f0b76b99b53d228a8a22ef3d90",
    "ort-wasm-simd-threaded.wasm": "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2",
}
"""Files that a page needs of the package's folder dist/, with the SHA-256 of each."""

TIMEOUT = 30  # seconds without a byte from the network


def runtime_files(folder: Path | None = None) -> dict[str, bytes]:
    """The files by name: those of `folder`, of whatever version, or else the pinned ones.

    folder: a folder with the files, or an unpacked npm package. The pinned ones are taken from the cache, and
    fetched from the npm registry where they are absent or damaged. Raises UsageError and StrangersError.
    """
    return _pinned(cache_folder() / f"onnxruntime-web-{VERSION}") if folder is None else _named(folder)


def _named(folder: Path) -> dict[str, bytes]:
    for place in (folder, folder / "dist"):
        if all((place / name).is_file() for name in FILES):
            return {name: (place / name).read_bytes() for name in FILES}
    raise UsageError(
        f"{folder} should hold {' and '.join(FILES)}, as dist/ of the npm package onnxruntime-web does."
    )


def _pinned(cache: Path) -> dict[str, bytes]:
    """The files in the cache, fetched if they are not there whole."""
    cached = {name: (cache / name).read_bytes() for name in FILES if (cache / name).is_file()}
    if _damaged(cached) is None:
        return cached
    try:
        files = unpacked(_fetch())
        if (name := _damaged(files)) is not None:
            raise OSError(f"its {name} is not the one whose hash is known")
        cache.mkdir(parents=True, exist_ok=True)
        remove_leftovers(cache)
        for name, data in files.items():
            write_atomically(cache / name, data)
    except (OSError, http.client.HTTPException, tarfile.TarError, EOFError) as error:
        raise StrangersError(
            f"onnxruntime-web could not be fetched from {ARCHIVE} ({error}). Fetch it elsewhere, by "
            f"`npm pack onnxruntime-web@{VERSION}`, unpack it, and name its folder: --runtime DIR."
        ) from None
    return files


def _damaged(files: dict[str, bytes]) -> str | None:
    """The first of FILES that is absent or has another hash."""
    wrong = (name for name, digest in FILES.items() if sha256(files.get(name, b"")).hexdigest() != digest)
    return next(wrong, None)


def unpacked(archive: bytes) -> dict[str, bytes]:
    """FILES, those of them that an npm package's archive holds. Raises TarError and EOFError."""
    files = {}
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
        for name in FILES:
            try:
                member = tar.extractfile(f"package/dist/{name}")
            except KeyError:
                continue
            if member is not None:
                files[name] = member.read()
    return files


def _fetch() -> bytes:
    """The package's archive, 33 MB, from the network. Raises OSError and HTTPException."""
    console = Console(stderr=True)
    with (
        urlopen(ARCHIVE, timeout=TIMEOUT) as answer,
        wrap_file(answer, answer.length or 0, description="onnxruntime-web", console=console,
                  disable=not console.is_terminal) as file,
    ):  # fmt: skip
        return b"".join(iter(lambda: file.read(1 << 20), b""))


def main() -> int:
    """Put the pinned files into the folder that the command line names."""
    folder = Path(sys.argv[1])
    try:
        files = _pinned(folder)
    except StrangersError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"{folder} holds {' and '.join(files)} of onnxruntime-web {VERSION}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
