"""The evaluation report: a self-contained page of values, faces, attributes and nearest neighbors."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from strangers.evaluation.evaluate import Measured
from strangers.evaluation.facts import label, number, origin
from strangers.evaluation.memorization import Memorization
from strangers.evaluation.metric_table import METRICS, higher_is_better
from strangers.evaluation.result import Result, Value, summary
from strangers.images import grid
from strangers.reports.html import bars, image, page, picture, section, table
from strangers.system.outputs import signed, together, write_output

MAX_SHOWN_FACES = 64
"""Faces on the page: the first ones, uncurated."""


def report(measured: Measured, curves: Sequence[Path] = ()) -> str:
    """Return an HTML page for one model, or collection of pictures.

    curves: PNG files of its training.
    The page shows training pictures next to the faces nearest to them.
    """
    result = measured.result
    lead = (
        f"{number(result.generated)} faces against {number(result.reference)} pictures of "
        f"{origin(result.data)}, {result.data.protocol}."
    )
    body = [_values(result), *_about(measured)]
    if curves:
        body.append(section("Training", *(image(path.read_bytes(), f"Curves of {path}") for path in curves)))
    body.append(_conditions(result))
    return page(f"Evaluation of {label(result.model)}", body, lead=lead)


def write(out: Path, measured: Measured, *, force: bool = False) -> str:
    """Write the result to `out` as JSON, and the report next to it as HTML, and return a text table.

    force: as for `write_output`. Raises UsageError and OSError.
    """
    result = measured.result
    curves = [path for path in [Path(result.model.path) / "curves.png"] if path.is_file()]
    page = signed(report(measured, curves), "evaluation")
    data = (json.dumps(result.model_dump(mode="json"), indent=1) + "\n").encode()
    with together(out):
        write_output(out.with_suffix(".html"), page, kind="evaluation", force=force)
        write_output(out, data, kind="evaluation", force=force)
    return summary(result)


def _values(result: Result) -> str:
    rows = [
        [name, "higher" if higher_is_better(name) else "lower", str(value), " ".join(_remarks(name, value))]
        for name, value in result.values.items()
    ]
    caption = "±: 95% confidence interval over the sampling of the generated faces."
    return section("Numbers", table(["metric", "better", "value", "meaning"], rows, caption=caption))


def _remarks(name: str, value: Value) -> Iterator[str]:
    """Yield the meaning of a metric, and the reason why it has no ±."""
    if name in METRICS:
        yield METRICS[name].meaning
    if value.reason:
        yield f"No ±: {value.reason}."


def _about(one: Measured) -> Iterator[str]:
    """One model's faces, attribute frequencies, and nearest training pictures."""
    result, size = one.result, one.faces.shape[1]
    scale = max(1, 96 // size)
    name = label(result.model)
    faces = one.faces[:MAX_SHOWN_FACES]
    note = f"Seeds 0 to {len(faces) - 1}, uncurated." if result.seeds else "The first pictures, uncurated."
    if len(faces):
        yield section(f"Faces of {name}", picture(grid(faces), f"Faces of {name}", scale=scale, caption=note))
    if result.attributes:
        shares = sorted(result.attributes, key=lambda share: share.data - share.generated, reverse=True)
        rows = [(share.name.replace("_", " "), share.data, share.generated) for share in shares]
        yield section(
            "Attributes",
            bars(rows, names=("set", "generated")),
            note="As predicted by the attribute network on both sides, so that its errors cancel. "
            "Sorted from too rare to too frequent in the generated faces.",
        )
    if result.memorization:
        yield _memorization(one, result.memorization, scale)


def _memorization(one: Measured, found: Memorization, scale: int) -> str:
    """The verdict, the ratios, and the nearest pairs: faces above, training pictures below."""
    assert one.neighbors is not None
    rows = [
        [
            space.space,
            f"{space.fraction:.1%}",
            f"{space.interval[0]:.1%} to {space.interval[1]:.1%}",
            f"{space.median:.2f}",
            f"{space.control_median:.2f}",
        ]
        for space in found.spaces
    ]
    verdict = str(found)
    control = f"of {found.controls:,} {found.control_set} pictures"
    header = ["space", "too near", "95% interval", "median ratio", control]
    faces = np.stack([one.faces[pair.face] for pair in found.pairs])
    pairs = grid(np.concatenate([faces, one.neighbors]), columns=len(found.pairs))
    return section(
        "Memorization",
        *([table(header, rows)] if rows else []),
        picture(
            pairs,
            "Generated faces and their nearest training pictures",
            scale=scale,
            caption=f"The ten nearest pairs of {found.faces:,} faces in pixels, mirror images included: "
            "generated above, training picture below. These are photographs of real people: share this page "
            "only as their terms allow.",
        ),
        note=f"{verdict[0].upper()}{verdict[1:]}. {found.distinct_pictures:,} of {found.pictures:,} "
        "training pictures are distinct.",
    )


def _conditions(result: Result) -> str:
    rows = [
        ["generated", f"{result.model.path}, hash {result.model.hash}, {result.model.protocol}"],
        ["set", f"{origin(result.data)}, hash {result.data.hash[:16]}"],
        ["set's protocol", str(result.data.protocol)],
        ["command", " ".join(result.command) or "called from Python"],
        ["notes", " ".join(result.notes) or "none"],
        ["protocol differences", "; ".join(result.mismatch) or "none"],
        ["seeds", result.seeds or "none"],
        ["features", ", ".join(f"{name} {weights}" for name, weights in result.features.items())],
        ["versions", ", ".join(f"{name} {number}" for name, number in result.versions.items())],
        ["hardware", ", ".join(f"{name} {value}" for name, value in result.hardware.model_dump().items())],
        ["seconds", f"{result.seconds:,.1f}"],
    ]
    return section("Conditions", table(["", ""], rows))
