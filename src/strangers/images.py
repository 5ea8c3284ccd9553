"""Pictures: the only conversions between bytes and [-1, 1], and the encoders of picture files.

Pixels are uint8, (height, width, 3) or (n, height, width, 3), sRGB. torch is imported inside functions, so
that photographs are prepared without it.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo

from strangers._version import __version__
from strangers.errors import DataError, UsageError

if TYPE_CHECKING:
    from torch import Tensor

Pixels = NDArray[np.uint8]

GRID_BACKGROUND = 255
"""Color between the pictures of a grid: white."""

GENERATED = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
"""The Digital Source Type (IPTC Photo Metadata) of a generated picture."""

COMPOSITE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
"""The Digital Source Type of a picture with a generated face next to a photograph."""

_KEYWORDS = {
    "software": "Software",
    "model_hash": "Model hash",
    "seeds": "Seeds",
    "recipe": "Recipe",
    "images_seen": "Images seen",
    "truncation": "Truncation",
    "latents": "Latents",
}

_XMP = """\
<?xpacket begin="\N{ZERO WIDTH NO-BREAK SPACE}" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
    xmlns:xmp="http://ns.adobe.com/xap/1.0/">
   <Iptc4xmpExt:DigitalSourceType>{source_type}</Iptc4xmpExt:DigitalSourceType>
   <xmp:CreatorTool>{software}</xmp:CreatorTool>{title}
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>"""

_XMP_TITLE = """
   <dc:title xmlns:dc="http://purl.org/dc/elements/1.1/">
    <rdf:Alt><rdf:li xml:lang="x-default">{}</rdf:li></rdf:Alt>
   </dc:title>"""


@dataclass(frozen=True)
class Provenance:
    """The origin of a generated picture, sufficient to reproduce it.

    Attributes:
        software: name and version of the program.
        model_hash: `Model.hash` of the generator.
        seeds: the seeds of its faces, row by row, in the format of `format_seeds`.
        recipe: name of the recipe that trained the generator.
        images_seen: number of images in that training.
        truncation: factor on the latents.
        latents: further changes of the latents, such as "Smiling -2..2"; "" for none.
    """

    software: str
    model_hash: str
    seeds: str
    recipe: str
    images_seen: int
    truncation: float = 1.0
    latents: str = ""


def to_signed(pixels: Tensor) -> Tensor:
    """Convert uint8 (n, h, w, 3) to float32 (n, 3, h, w) in [-1, 1], channels-last, on the same device."""
    import torch

    images = pixels.permute(0, 3, 1, 2).to(torch.float32, memory_format=torch.channels_last)
    return images.div_(127.5).sub_(1)


def to_pixels(images: Tensor) -> Pixels:
    """Convert images (n, 3, h, w) to uint8 (n, h, w, 3): the inverse of `to_signed`.

    Values outside [-1, 1] are clamped. 0 is between 127 and 128, and becomes 128, the even one.
    """
    import torch

    levels = images.detach().float().add(1).mul_(127.5).clamp_(0, 255).round_()
    pixels: Pixels = levels.to(torch.uint8).permute(0, 2, 3, 1).contiguous().cpu().numpy()
    return pixels


def grid(pixels: Pixels, columns: int | None = None, gap: int = 2) -> Pixels:
    """Arrange pictures (n, h, w, 3) row by row on one sheet (H, W, 3), `gap` pixels apart.

    columns: by default such that the sheet is as square as possible.
    Raises ValueError if n is 0.
    """
    count, height, width, channels = pixels.shape
    if count == 0:
        raise ValueError("A grid needs at least one picture.")
    columns = columns or math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    shape = (rows * (height + gap) - gap, columns * (width + gap) - gap, channels)
    sheet = np.full(shape, GRID_BACKGROUND, dtype=np.uint8)
    for position, picture in enumerate(pixels):
        row, column = divmod(position, columns)
        top, left = row * (height + gap), column * (width + gap)
        sheet[top : top + height, left : left + width] = picture
    return sheet


def enlarge(pixels: Pixels, scale: int) -> Pixels:
    """Enlarge pictures (n, h, w, 3) to (n, scale * h, scale * w, 3) with Lanczos' filter."""
    if scale == 1:
        return pixels
    count, height, width, channels = pixels.shape
    larger = np.empty((count, scale * height, scale * width, channels), np.uint8)
    for place, picture in zip(larger, pixels, strict=True):
        resized = Image.fromarray(picture).resize((scale * width, scale * height), Image.Resampling.LANCZOS)
        place[...] = np.asarray(resized)
    return larger


def encode_png(
    pixels: Pixels, provenance: Provenance | None = None, source_type: str = GENERATED, *, title: str = ""
) -> bytes:
    """Encode one picture (h, w, 3) as a PNG file.

    With provenance, its fields become text chunks, and an XMP packet marks the picture as generated.
    """
    chunks = PngInfo()
    if title:
        chunks.add_text("Title", title)
    if provenance is not None:
        for keyword, value in _text_fields(provenance).items():
            chunks.add_text(keyword, value)
        chunks.add_itxt("XML:com.adobe.xmp", _xmp(provenance.software, source_type))
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", pnginfo=chunks)
    return file.getvalue()


def describe(provenance: Provenance) -> str:
    """Return all fields in one line, for files with room for one comment."""
    return "; ".join(
        [*(f"{keyword}: {value}" for keyword, value in _text_fields(provenance).items()), GENERATED]
    )


def _text_fields(provenance: Provenance) -> dict[str, str]:
    """Return the fields by keyword, without an empty `latents`."""
    fields = asdict(provenance).items()
    return {_KEYWORDS[field]: str(value) for field, value in fields if value or field != "latents"}


def _xmp(software: str, source_type: str = GENERATED, title: str = "") -> str:
    named = _XMP_TITLE.format(escape(title)) if title else ""
    return _XMP.format(source_type=source_type, software=escape(software), title=named)


def read_provenance(path: str | Path) -> Provenance:
    """Read the provenance from a PNG file of this package. Raises DataError if there is none."""
    try:
        with Image.open(path, formats=("PNG",)) as image:
            text = {key: str(value) for key, value in image.info.items() if isinstance(key, str)}
    except FileNotFoundError:
        raise DataError(f"There is no picture at {path}.") from None
    except UnidentifiedImageError:
        raise DataError(f"{path} cannot be read as a picture: it is not a PNG.") from None
    # A decoder may raise anything on bytes made to break it.
    except Exception as error:
        raise DataError(f"{path} cannot be read as a picture: {' '.join(str(error).split())}.") from None
    try:
        fields = {field: text[keyword] for field, keyword in _KEYWORDS.items() if field != "latents"}
        return Provenance(
            software=fields["software"],
            model_hash=fields["model_hash"],
            seeds=fields["seeds"],
            recipe=fields["recipe"],
            images_seen=int(fields["images_seen"]),
            truncation=float(fields["truncation"]),
            latents=text.get(_KEYWORDS["latents"], ""),
        )
    except (KeyError, ValueError):
        raise DataError(
            f"{path} has no provenance: it was not made by this package, or was edited since."
        ) from None


def encode_animation(
    frames: Sequence[Pixels],
    seconds_per_frame: float,
    kind: Literal["WEBP", "GIF"] = "WEBP",
    provenance: Provenance | None = None,
    *,
    title: str = "",
) -> bytes:
    """Encode frames (h, w, 3) of one size as an endless animation, a lossy WebP file or a GIF.

    Equal neighbors are stored once with the sum of their durations, so the playing time is always
    len(frames) * seconds_per_frame. If all frames are equal, the file is a still picture. A GIF has 256
    colors per frame and a resolution of 10 ms. A WebP file with a title or provenance is marked as generated.
    Raises ValueError if there is no frame, or if the sizes differ.
    """
    if len({frame.shape for frame in frames}) != 1:
        raise ValueError("An animation needs at least one frame, and all frames must have one size.")
    first, *rest = (Image.fromarray(frame) for frame in frames)
    # Quality 85 keeps grids of 64 px faces at 35 dB in a fifth of lossless size; slower methods gain 2 %.
    settings: dict[str, object] = {"quality": 85, "method": 2} if kind == "WEBP" else {"optimize": False}
    if kind == "WEBP" and (title or provenance is not None):
        software = f"strangers {__version__}" if provenance is None else provenance.software
        settings["xmp"] = _xmp(software, title=title).encode()
    elif provenance is not None:
        settings["comment"] = describe(provenance).encode()
    file = io.BytesIO()
    # Durations are in milliseconds.
    first.save(
        file,
        kind,
        save_all=True,
        append_images=rest,
        duration=max(1, round(seconds_per_frame * 1000)),
        loop=0,
        **settings,
    )
    return file.getvalue()


def require_video() -> None:
    """Raise UsageError if PyAV is not installed."""
    try:
        import av  # noqa: F401
    except ImportError:
        raise UsageError(
            "An MP4 needs the extra `video`: pip install 'strangers[video]'. Or let --out end in .webp."
        ) from None


def encode_video(frames: Iterable[Pixels], frames_per_second: int, provenance: Provenance) -> bytes:
    """Encode frames (h, w, 3) of one size, h and w even, as an H.264 MP4, one frame in memory at a time.

    Raises UsageError if PyAV is not installed, and ValueError if there is no frame.
    """
    require_video()
    import av

    file = io.BytesIO()
    stream = None
    with av.open(file, "w", format="mp4") as container:
        container.metadata["comment"] = describe(provenance)
        for pixels in frames:
            if stream is None:
                stream = container.add_stream("h264", rate=frames_per_second, options={"crf": "18"})
                stream.height, stream.width = pixels.shape[:2]
                # The pixel format that every player shows.
                stream.pix_fmt = "yuv420p"
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        if stream is None:
            raise ValueError("A video needs at least one frame.")
        container.mux(stream.encode())
    return file.getvalue()
