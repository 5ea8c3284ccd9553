"""The report: a result as a page that stands alone, with faces, attributes, neighbors and curves."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from strangers.data.prepared import PreparedSet, open_prepared
from strangers.evaluation.evaluate import Measured
from strangers.evaluation.result import HIGHER_IS_BETTER, Difference, Result, differences, summary
from strangers.images import Pixels, grid
from strangers.reports.html import bars, image, page, picture, section, table
from strangers.system.files import write_atomically

SHOWN = 64
"""Faces on the page: the first ones, uncurated."""

MEANINGS = {
    "fd-face": "Frechet distance on the features of a network that learnt CelebA's attributes.",
    "kd-face": "The same features, compared by a polynomial kernel; its value does not depend on the count.",
    "fid": "FID: Frechet distance on the last features of the Inception network (Heusel et al. 2017).",
    "fid768": "Like FID, on 768 features of an earlier layer; not comparable with FID.",
    "kid": "KID: kernel distance on the last features of the Inception network (Binkowski et al. 2018).",
    "kid768": "Like KID, on 768 features of an earlier layer; not comparable with KID.",
    "precision": "Share of the faces that lie among the photographs.",
    "recall": "Share of the photographs that lie among the faces.",
    "density": "How densely photographs lie round the faces; 1 for the photographs themselves.",
    "coverage": "Share of the photographs that have a face near them.",
    "diversity": "How many kinds of faces there are, as the attribute network tells them apart.",
}
"""What each metric says, in a sentence."""


def report(
    measured: Sequence[Measured], compared: Sequence[Difference] = (), curves: Sequence[Path] = ()
) -> str:
    """One HTML page for one or more models measured against the same set.

    curves: PNG files of their trainings. The page shows photographs beside the faces nearest to them.
    """
    first = measured[0].result
    title = " and ".join(_name(one.result) for one in measured)
    lead = (
        f"{first.generated:,} faces against {first.reference:,} pictures of {first.data.source}, "
        f"{first.data.protocol}."
    )
    body = [*_values([one.result for one in measured], compared)]
    for one in measured:
        body.extend(_about(one, open_prepared(first.data.path)))
    if curves:
        body.append(section("Training", *(image(path.read_bytes(), f"Curves of {path}") for path in curves)))
    body.append(_conditions(first))
    return page(f"How good are the faces of {title}?", body, lead=lead)


def write(out: Path, measured: Sequence[Measured]) -> str:
    """Write what was measured to `out` as JSON, and the report beside it as HTML. Raises OSError.

    One result stands alone; several stand in {"results": [...], "differences": [...]}, each of the others
    compared with the first. Returns the table of values for people.
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
    out.parent.mkdir(parents=True, exist_ok=True)
    document = report(measured, compared, curves)
    write_atomically(out.with_suffix(".html"), document.encode(errors="backslashreplace"))
    write_atomically(out, (json.dumps(described, indent=1) + "\n").encode())
    return "\n".join([summary(results), *(found.sentence for found in compared)])


def _name(result: Result) -> str:
    return f"{result.model.recipe} after {result.model.images_seen:,} images"


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
    header = ["metric", "better", *(_name(result) for result in results), "what it says"]
    content = [table(header, rows, caption="After ±: 95 % of what chance does to the generated faces.")]
    if compared:
        sentences = [[difference.sentence] for difference in compared]
        content.append(table(["The first against the second"], sentences))
    yield section("Numbers", *content)


def _about(one: Measured, pictures: PreparedSet) -> Iterator[str]:
    """One model's faces, their attributes, and their neighbors in the set."""
    result, size = one.result, one.result.model.protocol.size
    scale = max(1, 96 // size)
    name = _name(result)
    faces = one.faces[:SHOWN]
    note = f"Seeds 0 to {len(faces) - 1}, uncurated."
    yield section(f"Faces of {name}", picture(grid(faces), f"Faces of {name}", scale=scale, caption=note))
    if result.attributes:
        shares = sorted(result.attributes, key=lambda share: share.data - share.generated, reverse=True)
        rows = [(share.name.replace("_", " "), share.data, share.generated) for share in shares]
        yield section(
            "Attributes",
            bars(rows, names=("set", "generated")),
            note="By the attribute network's word for both sides, so that its errors cancel. Above: what the "
            "faces have too rarely; below: too often.",
        )
    if result.memorization:
        found = result.memorization
        rows_of_spaces = [
            [
                likeness.space,
                f"{likeness.share:.1%}",
                f"{likeness.interval[0]:.1%} to {likeness.interval[1]:.1%}",
                f"{likeness.median:.2f}",
                f"{likeness.control_median:.2f}",
            ]
            for likeness in found.spaces
        ]
        header = ["space", "too near", "95 % interval", "median ratio", f"of {found.control} faces"]
        yield section(
            "Memorization",
            table(header, rows_of_spaces),
            picture(
                _pairs(one, pictures),
                "Pairs of a generated face and the training picture nearest to it",
                scale=scale,
                caption="Above generated, below the training picture nearest in pixels; the ten nearest "
                f"pairs of {found.faces:,}, the mirror image counting too. These are photographs of real "
                "people: pass this page on only as their terms allow.",
            ),
            note=f"{found.sentence[0].upper()}{found.sentence[1:]}.",
        )


def _pairs(one: Measured, pictures: PreparedSet) -> Pixels:
    """The nearest pairs, generated above, training picture below."""
    assert one.result.memorization is not None
    pairs = one.result.memorization.pairs
    faces = [one.faces[pair.face] for pair in pairs]
    neighbors = pictures.batch(np.array([pair.picture for pair in pairs]))
    return grid(np.concatenate([np.stack(faces), neighbors]), columns=len(pairs))


def _conditions(result: Result) -> str:
    rows = [
        ["model", f"{result.model.path}, hash {result.model.hash}"],
        ["set", f"{result.data.source}, {result.data.count:,} pictures, hash {result.data.hash[:16]}"],
        ["protocol", str(result.data.protocol)],
        ["across protocols", "; ".join(result.mismatch) or "no"],
        ["seeds", result.seeds],
        ["features", ", ".join(f"{name} {weights}" for name, weights in result.features.items())],
        ["versions", ", ".join(f"{name} {number}" for name, number in result.versions.items())],
        ["hardware", ", ".join(f"{name} {value}" for name, value in result.hardware.model_dump().items())],
        ["seconds", f"{result.seconds:,.1f}"],
    ]
    return section("Conditions", table(["", ""], rows))
