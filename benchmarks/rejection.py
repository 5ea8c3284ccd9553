"""Rejection, measured: distances of the faces that are kept, for several shares of rejected faces.

    .venv/bin/python benchmarks/rejection.py celeba-64 VAL64 --record benchmarks/results/rejection.json

The kept faces are the first `--kept` of the seeds from 0, as `strangers sample --reject` keeps them, against
2,000 photographs. Faces and photographs are read once.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from strangers.data.face_detection import certainties
from strangers.data.prepared import open_prepared
from strangers.evaluation.attributes import load_attributes
from strangers.evaluation.features import Features, FeatureSet, extract, reference_features
from strangers.evaluation.frechet import statistics
from strangers.evaluation.result import hardware
from strangers.evaluation.values import compute_values
from strangers.latent.rejection import least_certainty
from strangers.sampling.load import load
from strangers.system.files import write_atomically
from strangers.system.machine import versions

SHARES = 0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5
METRICS = "fd-face", "precision-face", "recall-face", "coverage-face"
PHOTOGRAPHS = 2000


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what rejection of faces changes.")
    parser.add_argument("model")
    parser.add_argument("photographs", help="a prepared set of the model's size, not of its training")
    parser.add_argument("--kept", type=int, default=1000, help="faces that are kept of each share")
    parser.add_argument("--record", type=Path, required=True, help="JSON file")
    given = parser.parse_args()
    model, network = load(given.model, device="cpu"), load_attributes(device="cpu")
    pictures = open_prepared(given.photographs)
    real = reference_features(pictures, network, PHOTOGRAPHS)
    drawn = [(faces, certainties(faces)) for _, faces in model.batches(range(5 * given.kept // 2))]
    certain = np.concatenate([found for _, found in drawn])
    fake = extract((faces for faces, _ in drawn), [network])
    rows: list[dict[str, Any]] = []
    for share in SHARES:
        which = np.flatnonzero(certain >= least_certainty(model, share))[: given.kept]
        if len(which) < given.kept:
            raise SystemExit(f"Only {len(which)} of {len(certain)} faces are kept at {share:.0%}.")
        values = compute_values(METRICS, real, of(fake, which), shrinkage=False)
        rows.append(
            {"rejected": share, "last_seed": int(which[-1])}
            | {name: {"value": value.value, "error": value.error} for name, value in values.items()}
        )
        print(share, {name: round(value.value, 3) for name, value in values.items()}, flush=True)
    record = {
        "what": f"{given.kept:,} faces of {given.model}, the first of the seeds from 0 that are kept, to "
        f"{PHOTOGRAPHS:,} held-out photographs, by the share of faces that rejection leaves out",
        "command": "python benchmarks/rejection.py MODEL VAL --record FILE",
        "model": model.hash,
        "data": pictures.manifest.hash,
        "rows": rows,
        "versions": versions(),
        "hardware": hardware("cpu").model_dump(),
    }
    write_atomically(given.record, (json.dumps(record, indent=1) + "\n").encode())


def of(features: Features, which: np.ndarray[Any, np.dtype[np.int64]]) -> Features:
    """Return the features of these pictures alone."""
    chosen = {name: found.features[which] for name, found in features.items()}
    return {name: FeatureSet(statistics(found), found) for name, found in chosen.items()}


if __name__ == "__main__":
    main()
