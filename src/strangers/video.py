"""MP4 files, by PyAV, which the extra `video` brings."""

from __future__ import annotations

import io
from collections.abc import Iterable

from strangers.errors import UsageError
from strangers.images import Pixels, Provenance, describe


def require_video() -> None:
    """Raise UsageError where PyAV is not installed."""
    try:
        import av  # noqa: F401
    except ImportError:
        raise UsageError(
            "An MP4 needs the extra `video`: pip install 'strangers[video]', or let --out end in .webp."
        ) from None


def encode_video(frames: Iterable[Pixels], frames_per_second: int, provenance: Provenance) -> bytes:
    """Frames (h, w, 3) of one size, h and w even, as an H.264 MP4; no more than one is held at a time.

    Raises UsageError where PyAV is not installed, and ValueError if there is no frame.
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
                stream.pix_fmt = "yuv420p"  # what every player shows
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        if stream is None:
            raise ValueError("A video needs at least one frame.")
        container.mux(stream.encode())
    return file.getvalue()
