"""The table of metrics: names, formulas, features, and the groups that --metrics takes.

A name without a suffix is the published metric, on the last features of FID's Inception network, and `cmmd`
on those of CLIP. The suffixes -face, -dinov2, 768, 192 and 64 name other features, whose values differ.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from strangers.errors import UsageError, did_you_mean
from strangers.plugins import load_plugins

MEANINGS: dict[str, str] = {
    "fd": "Frechet distance of {}; biased, so compare equal counts only (Heusel et al. 2017)",
    "fd-infinity": "Frechet distance of {}, extrapolated to infinitely many faces (Chong and Forsyth 2020)",
    "kd": "Kernel distance of {}; unbiased, so independent of the count (Binkowski et al. 2018)",
    "cmmd": "Kernel distance of {} with a Gaussian kernel (Jayasumana et al. 2024)",
    "mind": "Sliced Wasserstein distance of {}; needs fewer faces than Frechet's (Berthet et al. 2026)",
    "precision": "Fraction of faces within the manifold of the photographs, by {}: quality",
    "recall": "Fraction of photographs within the manifold of the faces, by {}: variety",
    "density": "How densely photographs surround the faces, by {}; 1 for photographs",
    "coverage": "Fraction of photographs with a face nearby, by {}: variety",
    "is": "Inception Score by {}: effective number of ImageNet classes, which says little about faces",
    "diversity": "Effective number of values per attribute, 1 to 2, by {}",
    "memorization": "Fraction of faces that are too near to a training picture, by {}",
}
"""A sentence per formula, with a place for the features."""

HIGHER: set[str] = {"precision", "recall", "density", "coverage", "is", "diversity"}
"""Formulas whose larger values are better."""

FEATURES = {
    "face": "features of the bundled attribute network",
    "attributes": "predictions of the bundled attribute network",
    "inception64": "64 Inception features of the first pooling layer",
    "inception192": "192 Inception features of the second pooling layer",
    "inception768": "768 Inception features before the last blocks",
    "inception2048": "2048 Inception features, the published ones",
    "logits": "class logits of the Inception network, without bias",
    "dinov2": "1024 features of DINOv2 ViT-L/14 (Stein et al. 2023)",
    "clip": "768 features of CLIP ViT-L/14@336, of length 1",
    "pictures": "pixels and face features",
}
"""Descriptions of features. `DIMENSIONS` of the networks say how many there are."""


@dataclass(frozen=True)
class Metric:
    """A named metric: a formula on features."""

    name: str
    formula: str
    features: str

    @property
    def higher_is_better(self) -> bool:
        return self.formula in HIGHER

    @property
    def meaning(self) -> str:
        """One sentence."""
        return MEANINGS[self.formula].format(FEATURES[self.features]) + "."


METRICS = {
    metric.name: metric
    for metric in (
        # On the attribute network in the package.
        Metric("fd-face", "fd", "face"),
        Metric("kd-face", "kd", "face"),
        Metric("mind-face", "mind", "face"),
        Metric("precision-face", "precision", "face"),
        Metric("recall-face", "recall", "face"),
        Metric("density-face", "density", "face"),
        Metric("coverage-face", "coverage", "face"),
        Metric("diversity", "diversity", "attributes"),
        Metric("memorization", "memorization", "pictures"),
        # As published, on 2048 Inception features.
        Metric("fid", "fd", "inception2048"),
        Metric("fid-infinity", "fd-infinity", "inception2048"),
        Metric("kid", "kd", "inception2048"),
        Metric("mind", "mind", "inception2048"),
        Metric("precision", "precision", "inception2048"),
        Metric("recall", "recall", "inception2048"),
        Metric("density", "density", "inception2048"),
        Metric("coverage", "coverage", "inception2048"),
        Metric("is", "is", "logits"),
        # On vision transformers.
        Metric("fd-dinov2", "fd", "dinov2"),
        Metric("cmmd", "cmmd", "clip"),
        # On earlier Inception layers, as pytorch-fid's --dims.
        Metric("fid768", "fd", "inception768"),
        Metric("fid768-infinity", "fd-infinity", "inception768"),
        Metric("kid768", "kd", "inception768"),
        Metric("mind768", "mind", "inception768"),
        Metric("precision768", "precision", "inception768"),
        Metric("recall768", "recall", "inception768"),
        Metric("density768", "density", "inception768"),
        Metric("coverage768", "coverage", "inception768"),
        Metric("fid192", "fd", "inception192"),
        Metric("kid192", "kd", "inception192"),
        Metric("fid64", "fd", "inception64"),
        Metric("kid64", "kd", "inception64"),
    )
}
"""All metrics by name."""

QUICK = (
    "fd-face", "kd-face", "precision-face", "recall-face", "density-face", "coverage-face", "diversity",
    "memorization",
)  # fmt: skip

GROUPS = {
    "quick": QUICK,
    "standard": (*QUICK, "fid", "kid", "precision", "recall"),
    "all": tuple(METRICS),
    "fd": ("fd-face",),
    "kd": ("kd-face",),
}
"""Names of several metrics: quick needs no download, standard adds what papers report. fd and kd are short
for the distances on face features."""


LISTING = f"The groups are {', '.join(GROUPS)}; docs/explanation/metrics.md lists all metrics."

SHORT_FORMS = {
    "frechet": ("fid", "fd-face"),
    "fid2048": ("fid",),
    "kernel": ("kid", "kd-face"),
    "mmd": ("kid", "kd-face"),
    "prdc": ("precision", "recall", "density"),
    "inception_score": ("is",),
    "swd": ("mind",),
    "copies": ("memorization",),
}
"""Metrics by what people call them."""


def select_metrics(names: Iterable[str]) -> tuple[str, ...]:
    """Return the metrics of names and groups, each once. Raises UsageError for none and for unknown names."""
    chosen: dict[str, None] = {}
    for name in names:
        if name not in METRICS and name not in GROUPS:
            load_plugins()
        if name not in METRICS and name not in GROUPS:
            known = [*GROUPS, *METRICS]
            advice = did_you_mean(name, known, short_forms=SHORT_FORMS, listing=LISTING)
            raise UsageError(f"Unknown metric {name!r}. {advice}")
        chosen |= dict.fromkeys(GROUPS.get(name, (name,)))
    if not chosen:
        raise UsageError(f"Pass at least one metric. {LISTING}")
    return tuple(chosen)


def higher_is_better(name: str) -> bool:
    """Tell whether larger values of a metric are better."""
    return name in METRICS and METRICS[name].higher_is_better
