"""Pictures in files, as other programs write them."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from strangers.images import Pixels


def png(pixels: Pixels) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def folder(path: Path, faces: Pixels) -> Path:
    path.mkdir()
    for number, face in enumerate(faces):
        (path / f"{number:04d}.png").write_bytes(png(face))
    return path


def written(kind: str, place: Path, faces: Pixels) -> Path:
    """Write faces as a folder, an archive or an array."""
    path = place / f"faces.{kind}"
    if kind == "folder":
        return folder(path, faces)
    if kind == "npy":
        np.save(path, faces)
    elif kind == "npz":
        np.savez(path, arr_0=faces, arr_1=np.zeros(len(faces), np.int64))  # with labels, as samplers write
    elif kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("dataset.json", "{}")  # as StyleGAN's data sets have it
            for number, face in enumerate(faces):
                archive.writestr(f"00000/img{number:08d}.png", png(face))
    else:
        with tarfile.open(path, "w") as archive:
            for number, face in enumerate(faces):
                data = png(face)
                member = tarfile.TarInfo(f"{number:04d}.png")
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
    return path
