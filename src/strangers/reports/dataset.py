"""The report of `explore`: the contents of a set, as a page and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from strangers.data.explore import OCCLUDING_ATTRIBUTES, Exploration, Spread, explore
from strangers.data.landmarks import Orientation
from strangers.data.prepare import open_or_prepare
from strangers.data.prepared import PreparedSet, positions
from strangers.errors import UsageError
from strangers.images import Pixels, grid
from strangers.reports.html import bars, page, picture, section, table
from strangers.system.outputs import check_outputs, signed, together, write_output
from strangers.system.streams import printable

MAX_PREDICTED = 2_000
"""Pictures whose attributes are predicted: fractions are then within about two percentage points."""

READ_BATCH = 256
"""Pictures in memory at once."""

PREDICTED_NOTE = (
    "Fraction of the pictures for which the bundled attribute network predicts each attribute. It was "
    "trained on CelebA's aligned faces and repeats its annotators' opinions; for pictures that are not "
    "cropped around one face its predictions mean little."
)

FACES_NOTE = (
    "By the bundled detector, in the pictures of the set, of the largest face of each. Left and right "
    "are the viewer's: a face is turned if its nose lies further than 15% of the eyes' distance from "
    "their middle. In a headshot the face takes at least a tenth of the picture. A face that is "
    "covered, in profile or tiny may be missed. Diversity is the effective number of values per "
    "attribute: 1 if all pictures are alike, 2 if each attribute is as frequent as its absence. It "
    "counts CelebA's 40 attributes, with the errors of a network that learned them from celebrities. It "
    "says nothing about skin color, origin or any group of people, and does not compare with that of "
    "sets of another crop."
)

WARNING = "These are photographs of real people: share this page only as their terms allow."


def write(
    data: str, out: Path, *, size: int | None = None, landmarks: Path | None = None, force: bool = False
) -> Exploration:
    """Explore DATA, and write the page to `out` and JSON beside it.

    size: height and width in pixels to which a source is prepared, 64 by default; a prepared set has its own.
    landmarks: CelebA's table of landmarks, for the orientation of the faces.

    Raises UsageError, DataError and OSError.
    """
    if out.suffix != ".html":
        raise UsageError(f"--out {out.name}: the report is a page; use a name that ends in .html.")
    check_outputs(out, out.with_suffix(".json"), kind="exploration", force=force)
    pictures = open_or_prepare(data, size=size or 64)
    if size not in (None, pictures.manifest.size):
        raise UsageError(
            f"{data} is a prepared set of {pictures.manifest.size} px; leave out --size, or pass photographs."
        )
    found = explore(pictures, landmarks)
    if not found.attributes:
        found = _predicted(found, pictures)
    document = report(found, pictures.batch(np.array(found.sample)))
    described = (json.dumps(asdict(found), indent=1) + "\n").encode()
    with together(out):
        write_output(out, signed(document, "exploration"), kind="exploration", force=force)
        write_output(out.with_suffix(".json"), described, kind="exploration", force=force)
    return found


def _predicted(found: Exploration, pictures: PreparedSet) -> Exploration:
    """Add what the bundled networks see: attributes of MAX_PREDICTED pictures, and faces."""
    # torch is loaded for sets without labels only.
    from strangers.data.framing import framing
    from strangers.evaluation.attributes import load_attributes
    from strangers.evaluation.metrics import diversity

    network = load_attributes()
    chosen = positions(len(pictures), min(MAX_PREDICTED, len(pictures)), 0, 0)
    batches = np.array_split(chosen, -(-len(chosen) // READ_BATCH))
    probabilities = np.concatenate([network.read(pictures.batch(batch)).probabilities for batch in batches])
    fractions = (probabilities > 0.5).mean(axis=0)
    return replace(
        found,
        predicted_attributes={
            name: float(share) for name, share in zip(network.names, fractions, strict=True)
        },
        predicted_diversity=diversity(probabilities),
        framing=framing(pictures),
    )


def summary(found: Exploration) -> str:
    """Return the set in a few lines."""
    rows = dict(_facts(found))
    width = max(map(len, rows))
    return "\n".join(f"{name:<{width}}  {printable(value)}" for name, value in rows.items())


def report(found: Exploration, sample: Pixels) -> str:
    """Return the page. sample: pictures of the set, uint8 (n, size, size, 3)."""
    scale = max(1, 64 // found.size)
    body = [
        section("The set", table(["", ""], _facts(found))),
        section(
            "A sample",
            picture(grid(sample, 10), f"{len(sample)} pictures of the set", scale=scale, caption=WARNING),
        ),
    ]
    if found.framing:
        body.append(section("Faces", table(["", ""], _faces(found)), note=FACES_NOTE))
    if found.attributes or found.predicted_attributes:
        body.append(_attributes(found))
    spreads = {"brightness": found.brightness, "contrast": found.contrast, "symmetry": found.symmetry}
    header = ["", "mean", "std. deviation", "5 % quantile", "median", "95 % quantile"]
    body.append(
        section(
            "Light and symmetry",
            table(header, [_row(name, spread) for name, spread in spreads.items()]),
            note="Brightness and contrast are the mean and the standard deviation of a picture's luma, 0 to "
            "255. Symmetry is the correlation of a picture with its mirror image: 1 for a face that looks "
            "straight ahead in even light.",
        )
    )
    body.extend(_lists(found))
    return page(f"What is in {Path(found.source).name}", body, lead=f"{found.count:,} pictures.")


def _attributes(found: Exploration) -> str:
    """Return the section of attributes, labeled or predicted."""
    shares = sorted((found.attributes or found.predicted_attributes).items(), key=lambda row: -row[1])
    rows = [(name.replace("_", " "), share) for name, share in shares]
    if found.attributes:
        return section("Attributes", bars(rows), note="Fraction of the pictures that have each attribute.")
    return section("Predicted attributes", bars(rows), note=PREDICTED_NOTE)


def _row(name: str, spread: Spread) -> list[str | float]:
    return [name, spread.mean, spread.std, spread.p5, spread.median, spread.p95]


def _facts(found: Exploration) -> list[tuple[str, str]]:
    sizes = list(found.originals.items())
    originals = ", ".join(f"{size} ({count:,})" for size, count in sizes[:4]) or "not known"
    if len(sizes) > 4:
        originals += f" and {len(sizes) - 4:,} other sizes"
    rows = [
        ("pictures", f"{found.count:,} of {found.size} px, crop {found.crop}, filter {found.filter}"),
        ("source", f"{found.source}, {found.split or 'all'}"),
        ("hash", found.hash[:16]),
        ("originals", originals),
        ("brightness", f"{found.brightness.mean:.0f} ± {found.brightness.std:.0f} of 255"),
        ("colors", "red {:.0f}, green {:.0f}, blue {:.0f} of 255".format(*found.colors)),
        ("symmetry", f"{found.symmetry.mean:.2f} ± {found.symmetry.std:.2f}"),
        ("variety", f"{found.variety:.0f} levels between two pictures"),
        (
            "duplicates",
            f"{found.duplicate_groups:,} groups of equal pictures, "
            f"{found.near_duplicate_groups:,} groups of nearly equal ones",
        ),
        ("skipped", f"{sum(found.skipped.values()):,} files"),
    ]
    if found.orientation:
        rows.append(("orientation", f"{_facing(found.orientation)}; from landmarks"))
    if found.framing:
        rows += _faces(found)
    if found.occlusions:
        rows.append(("occlusions", _shares(found.occlusions)))
    elif found.predicted_attributes:
        predicted = {name: found.predicted_attributes[name] for name in OCCLUDING_ATTRIBUTES}
        rows.append(("occlusions", f"{_shares(predicted)}, as predicted"))
    return rows


def _faces(found: Exploration) -> list[tuple[str, str]]:
    """Return what the bundled networks see in the pictures of a set without labels."""
    seen = found.framing
    assert seen is not None
    rows = [
        ("faces", f"found in {seen.found:.0%} of {seen.searched:,} pictures, several in {seen.several:.0%}")
    ]
    if seen.orientation and not found.orientation:
        rows.append(("orientation", f"{_facing(seen.orientation)}; by the detector"))
    if seen.found:
        framed = f"{seen.headshots:.0%} headshots, {1 - seen.headshots:.0%} with more of the body"
        rows.append(("framing", f"{framed}; the face takes {seen.face_share:.0%} of the picture (median)"))
    if found.predicted_diversity is not None:
        rows.append(("diversity", f"{found.predicted_diversity:.2f} values per attribute, as predicted"))
    return rows


def _facing(way: Orientation) -> str:
    shares = f"{way.left:.0%} to the left, {way.ahead:.0%} ahead, {way.right:.0%} to the right"
    return f"{shares}; {way.faces:,} faces"


def _shares(shares: dict[str, float]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {share:.1%}" for name, share in shares.items())


def _lists(found: Exploration) -> Iterator[str]:
    """Yield sections that list duplicates and skipped files by name."""
    if found.duplicates:
        yield section(
            "Equal pictures", table(["the same pixels"], [[", ".join(group)] for group in found.duplicates])
        )
    if found.near_duplicates:
        yield section(
            "Nearly equal pictures",
            table(["alike"], [[", ".join(group)] for group in found.near_duplicates]),
        )
    if found.skipped:
        reasons: list[tuple[str, int]] = list(found.skipped.items())
        yield section(
            "Skipped files",
            table(["reason", "files"], reasons),
            table(["file", "reason"], found.skipped_files),
        )
