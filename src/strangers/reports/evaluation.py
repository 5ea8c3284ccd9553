"""The evaluation report: a self-contained page of values, faces, attributes and nearest neighbors."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from strangers.evaluation.evaluate import Measured
from strangers.evaluation.memorization import Memorization
from strangers.evaluation.result import HIGHER_IS_BETTER, Difference, Result, differences, summary
from strangers.images import grid
from strangers.reports.html import bars, image, page, picture, section, table
from strangers.system.files import signed, write_output

MAX_SHOWN_FACES = 64
"""Faces on the page: the first ones, uncurated."""

MEANINGS = {
    "fd-face": "Frechet distance on the features of a network trained on CelebA's attributes.",
    "kd-face": "Kernel distance on the same features; unbiased, so independent of the count.",
    "fid": "FID: Frechet distance on the last features of the Inception network (Heusel et al. 2017).",
    "fid768": "Like FID, on 768 features of an earlier layer; not comparable with FID.",
    "kid": "KID: kernel distance on the last features of the Inception network (Binkowski et al. 2018).",
    "kid768": "Like KID, on 768 features of an earlier layer; not comparable with KID.",
    "precision": "Fraction of faces within the manifold of the photographs: quality.",
    "recall": "Fraction of photographs within the manifold of the faces: variety.",
    "density": "How densely photographs surround the faces; 1 for photographs.",
    "coverage": "Fraction of photographs with a face nearby.",
    "diversity": "Effective number of values per attribute, 1 to 2, as predicted by the attribute network.",
}
"""One sentence per metric."""


def report(
    measured: Sequence[Measured], compared: Sequence[Difference] = (), curves: Sequence[Path] = ()
) -> str:
    """Return an HTML page for one or more models measured against the same set.

    curves: PNG files of their trainings.
    The page shows training pictures next to the faces nearest to them.
    """
    first = measured[0].result
    title = " and ".join(_name(one.result) for one in measured)
    lead = (
        f"{first.generated:,} faces against {first.reference:,} pictures of {first.data.source}, "
        f"{first.data.protocol}."
    )
    body = [*_values([one.result for one in measured], compared)]
    for one in measured:
        body.extend(_about(one))
    if curves:
        body.append(section("Training", *(image(path.read_bytes(), f"Curves of {path}") for path in curves)))
    body.append(_conditions(first))
    return page(f"Evaluation of {title}", body, lead=lead)


def write(out: Path, measured: Sequence[Measured], *, force: bool = False) -> str:
    """Write results to `out` as JSON, and the report next to it as HTML, and return a text table.

    A single result is the JSON document itself; several are {"results": [...], "differences": [...]}, with
    differences between the first and each other.
    force: as for `write_output`. Raises UsageError and OSError.
    """
    results = [one.result for one in measured]
    compared = [found for other in results[1:] for found in differences(results[0], other)]
    curves = [path for one in results if (path := Path(one.model.path) / "curves.png").is_file()]
    described: object = results[0].model_dump(mode="json")
    if len(results) > 1:
        described = {
            "results": [one.model_dump(mode="json") for one in results],
            "differences": [found.model_dump() | {"interval": found.interval} for found in compared],
        }
    page = signed(report(measured, compared, curves), "evaluation")
    data = (json.dumps(described, indent=1) + "\n").encode()
    write_output(out.with_suffix(".html"), page, kind="evaluation", force=force)
    write_output(out, data, kind="evaluation", force=force)
    return "\n".join([summary(results), *map(str, compared)])


def _name(result: Result) -> str:
    return result.model.label


def _values(results: Sequence[Result], compared: Sequence[Difference]) -> Iterator[str]:
    names = list(dict.fromkeys(name for result in results for name in result.values))
    rows = [
        [
            name,
            "higher" if name.startswith(HIGHER_IS_BETTER) else "lower",
            *(str(result.values.get(name, "")) for result in results),
            MEANINGS.get(name) or MEANINGS.get(name.partition("-")[0].rstrip("0123456789"), ""),
        ]
        for name in names
    ]
    header = ["metric", "better", *(_name(result) for result in results), "meaning"]
    content = [
        table(header, rows, caption="±: 95% confidence interval over the sampling of the generated faces.")
    ]
    if compared:
        sentences = [[str(difference)] for difference in compared]
        content.append(table(["First model compared with the second"], sentences))
    yield section("Numbers", *content)


def _about(one: Measured) -> Iterator[str]:
    """One model's faces, attribute frequencies, and nearest training pictures."""
    result, size = one.result, one.result.model.protocol.size
    scale = max(1, 96 // size)
    name = _name(result)
    faces = one.faces[:MAX_SHOWN_FACES]
    note = f"Seeds 0 to {len(faces) - 1}, uncurated." if result.seeds else "The first pictures, uncurated."
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
        ["set", f"{result.data.source}, {result.data.count:,} pictures, hash {result.data.hash[:16]}"],
        ["set's protocol", str(result.data.protocol)],
        ["notes", " ".join(result.notes) or "none"],
        ["protocol differences", "; ".join(result.mismatch) or "none"],
        ["seeds", result.seeds or "none"],
        ["features", ", ".join(f"{name} {weights}" for name, weights in result.features.items())],
        ["versions", ", ".join(f"{name} {number}" for name, number in result.versions.items())],
        ["hardware", ", ".join(f"{name} {value}" for name, value in result.hardware.model_dump().items())],
        ["seconds", f"{result.seconds:,.1f}"],
    ]
    return section("Conditions", table(["", ""], rows))
