"""Metrics: published reference values, and properties that need no reference."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from strangers.errors import DataError
from strangers.evaluation.frechet import Floats
from strangers.evaluation.metrics import cmmd, diversity, inception_score, kernel_distance, mind, mmd2, prdc
from strangers.sampling.latents import latents

REFERENCE = json.loads((Path(__file__).parent / "fixtures" / "metrics.json").read_text())
"""Reference values for `features(1, 400)` and `features(2, 300, shift=0.15)`: pytorch-fid's distance with
scipy's sqrtm, prdc's compute_prdc for k = 3 and 5, torch-fidelity's cubic mmd2 of the first 300 of each."""


def features(seed: int, count: int, dimensions: int = 24, shift: float = 0.0) -> Floats:
    """Nearly normal features, the same with any version of numpy."""
    words = np.random.Philox(key=np.array([seed, 7], np.uint64)).random_raw(count * dimensions * 4)
    uniform = words.astype(np.float64) / 2**64
    normal = (uniform.reshape(count, dimensions, 4).sum(2) - 2) * np.sqrt(3)
    pattern = np.arange(dimensions**2).reshape(dimensions, dimensions) % 17
    mix = np.cos(pattern + seed) / np.sqrt(dimensions) + np.eye(dimensions)
    mixed: Floats = normal @ mix + shift
    return mixed


REAL, FAKE = features(1, 400), features(2, 300, shift=0.15)


def test_mmd2_is_torch_fidelitys() -> None:
    assert mmd2(REAL[:300], FAKE) == pytest.approx(REFERENCE["mmd"], 1e-9)


def unit(features: Floats) -> Floats:
    """Features scaled to length 1."""
    scaled: Floats = features / np.linalg.norm(features, axis=1, keepdims=True)
    return scaled


def test_cmmd_is_the_papers() -> None:
    """Against the mean of the kernel, pair by pair."""

    def mean(first: Floats, second: Floats) -> float:
        distances = [np.linalg.norm(first - one, axis=1) ** 2 for one in second]
        return float(np.exp(-np.array(distances) / (2 * 10**2)).mean())

    one, other = unit(REAL), unit(FAKE)
    expected = 1000 * (mean(one, one) + mean(other, other) - 2 * mean(one, other))
    assert cmmd(one, other).value == pytest.approx(expected, 1e-9)
    assert cmmd(one, one[::-1]).value == pytest.approx(0, abs=1e-9)


def test_the_error_of_cmmd_is_its_spread_over_other_pictures() -> None:
    photographs, faces = unit(features(1, 200 * 20)), unit(features(2, 200 * 20, shift=0.5))
    found = [cmmd(photographs[i::20], faces[i::20]) for i in range(20)]
    spread = np.std([estimate.value for estimate in found], ddof=1)
    assert 0.6 < np.mean([estimate.error for estimate in found]) / spread < 1.7


def test_cmmd_needs_four_pictures_a_side() -> None:
    with pytest.raises(DataError, match=r"at least 4 pictures on each side \(got 3\)"):
        cmmd(REAL, FAKE[:3])


def test_mind_is_the_papers() -> None:
    """Against the definition, direction by direction, with as many faces as photographs."""
    directions = latents(range(1000), 24, "normal").astype(np.float64)
    expected = []
    for direction in directions:
        one, other = (np.sort(side[:200] @ direction / np.linalg.norm(direction)) for side in (REAL, FAKE))
        expected.append(((one - other) ** 2).mean())
    assert mind(REAL[:200], FAKE[:200]).value == pytest.approx(3 * 24 * np.mean(expected), 1e-9)


def test_mind_of_shifted_pictures_is_three_times_the_squared_shift() -> None:
    """The mean squared cosine of a direction in d dimensions is 1 / d."""
    shift = np.zeros(24)
    shift[3] = 2.0
    assert mind(REAL, REAL + shift).value == pytest.approx(3 * 4, rel=0.1)


def test_minds_error_is_its_spread_over_other_pictures() -> None:
    photographs, faces = features(1, 200 * 20), features(2, 200 * 20, shift=0.5)
    found = [mind(photographs[i::20], faces[i::20], projections=200) for i in range(20)]
    spread = np.std([estimate.value for estimate in found], ddof=1)
    assert 0.6 < np.mean([estimate.error for estimate in found]) / spread < 1.7


def test_an_inception_score_counts_the_classes() -> None:
    classes = np.tile(50 * np.eye(4), (30, 1))
    assert inception_score(classes).value == pytest.approx(4, rel=0.02)
    assert inception_score(np.zeros((20, 4))).value == pytest.approx(1)


def test_errors_of_precision_and_density_shrink_with_the_faces() -> None:
    few, many = prdc(REAL, FAKE[:75]), prdc(REAL, FAKE)
    assert few.precision_error / many.precision_error == pytest.approx(2, rel=0.4)
    assert few.density_error / many.density_error == pytest.approx(2, rel=0.4)


def test_prdc_is_the_prdc_packages() -> None:
    found = prdc(REAL, FAKE, k_precision=3, k_density=5)
    assert found.precision == pytest.approx(REFERENCE["prdc3"]["precision"])
    assert found.recall == pytest.approx(REFERENCE["prdc3"]["recall"])
    assert found.density == pytest.approx(REFERENCE["prdc5"]["density"])
    assert found.coverage == pytest.approx(REFERENCE["prdc5"]["coverage"])


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = prdc(REAL, FAKE)
    monkeypatch.setattr("strangers.evaluation.metrics.DISTANCE_BLOCK_ROWS", 7)
    assert prdc(REAL, FAKE) == whole


def by_definition(real: Floats, fake: Floats, k: int = 5) -> tuple[float, float]:
    """Density and coverage from every difference, with no products that rounding could touch."""
    radii = np.sort(np.linalg.norm(real[:, None] - real, axis=2), axis=1)[:, k]
    inside = np.linalg.norm(real[:, None] - fake, axis=2) < radii[:, None]
    return inside.sum() / (k * len(fake)), inside.any(axis=1).mean()


def test_copies_lie_on_surfaces_in_any_order() -> None:
    """Copied faces lie at exactly the radius; copies among the real shrink their balls to nothing."""
    copied = np.concatenate([np.repeat(REAL[:20], 8, axis=0), REAL[20:]])
    for real in (REAL, copied):
        orders = [np.random.Philox(key=np.array([i, 1], np.uint64)).random_raw(len(real)) for i in (0, 1)]
        found = [prdc(real[np.argsort(order)], REAL[:350]) for order in orders]
        assert found[0] == found[1]
        assert (found[0].density, found[0].coverage) == pytest.approx(by_definition(real, REAL[:350]), 1e-12)


def test_a_set_has_distance_zero_to_itself_in_any_order() -> None:
    assert mind(REAL, REAL[::-1]).value == pytest.approx(0, abs=1e-9)
    halves = kernel_distance(REAL[:200], REAL[200:])
    assert abs(halves.value) < 2 * halves.error
    same = prdc(REAL, REAL)
    assert same.precision == same.recall == same.coverage == 1


def test_distances_grow_as_sets_part() -> None:
    away = [mind(REAL, features(3, 400, shift=s)).value for s in (0.1, 0.5, 2)]
    assert away == sorted(away)
    kernels = [kernel_distance(REAL, features(3, 400, shift=s)).value for s in (0.1, 0.5, 2)]
    assert kernels == sorted(kernels)
    far = prdc(REAL, REAL + 100)
    assert (far.precision, far.recall, far.density, far.coverage) == (0, 0, 0, 0)


@pytest.mark.parametrize(("subset_size", "subsets"), [(40, 50), (40, 400), (1000, 50)])
def test_kernel_distances_error_is_its_spread_over_other_pictures(subset_size: int, subsets: int) -> None:
    """More subsets, or subsets as large as the sets, do not make what is known of 160 pictures any surer."""
    photographs, faces = features(1, 160 * 25), features(2, 160 * 25, shift=0.5)
    found = [
        kernel_distance(photographs[i::25], faces[i::25], subsets=subsets, subset_size=subset_size)
        for i in range(25)
    ]
    spread = np.std([estimate.value for estimate in found], ddof=1)
    assert 0.7 < np.mean([estimate.error for estimate in found]) / spread < 1.8


def test_a_kernel_distance_depends_on_its_seed_alone() -> None:
    assert kernel_distance(REAL, FAKE, seed=3) == kernel_distance(REAL, FAKE, seed=3)
    assert kernel_distance(REAL, FAKE, seed=3) != kernel_distance(REAL, FAKE, seed=4)


def test_diversity_is_the_effective_number_of_values() -> None:
    halves = np.tile(np.array([[0.0], [1.0]]), (50, 40))
    assert diversity(halves) == pytest.approx(2)
    assert diversity(np.full((100, 40), 0.5)) == pytest.approx(1)  # unsure of every face alike
    assert diversity(np.ones((100, 40))) == pytest.approx(1)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_non_finite_values_are_reported_with_their_picture(bad: float) -> None:
    broken = REAL.copy()
    broken[11, 3] = bad
    for use in (
        lambda f: mind(f, FAKE),
        lambda f: kernel_distance(f, FAKE),
        lambda f: prdc(REAL, f),
    ):
        with pytest.raises(DataError, match="picture 11 are not finite"):
            use(broken)


def test_features_that_cannot_be_compared_are_refused() -> None:
    with pytest.raises(DataError, match="more than 5"):
        prdc(REAL[:5], FAKE)
    with pytest.raises(DataError, match=r"at least 4 pictures on each side \(got 3\)"):
        kernel_distance(REAL[:3], FAKE)
    with pytest.raises(DataError, match=r"at least 4 pictures on each side \(got 3\)"):
        mind(REAL[:3], FAKE)
    with pytest.raises(DataError, match="at least 10 pictures"):
        inception_score(REAL[:9])
    with pytest.raises(DataError, match="must have shape"):
        prdc(REAL[0], FAKE)
