"""The faces that the view Learn trains on: drawn, so that a page may ship them."""

from __future__ import annotations

import io
from functools import cache

from PIL import Image

from strangers.data.synthetic.faces import draw
from strangers.images import grid

DRAWN_FACES = "drawn-faces.webp"
COUNT = 1024
SIZE = 32
QUALITY = 90
"""Quality of the WebP file, which has 0.3 MB."""


@cache
def drawn_faces() -> bytes:
    """Return the drawn faces of seeds 0 to COUNT - 1, row by row on one square sheet, as a WebP file."""
    pixels, _ = draw(range(COUNT), SIZE)
    file = io.BytesIO()
    Image.fromarray(grid(pixels, gap=0)).save(file, "WEBP", quality=QUALITY)
    return file.getvalue()
