"""HealthMonitor: detect non-finite numbers, a saturated discriminator, and mode collapse.

These end most failed trainings of this kind. The monitor sees only numbers that a training computes anyway,
at each line of the log and at each snapshot; it touches neither files nor networks.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, get_args

OnCollapse = Literal["warn", "stop", "rollback"]
ON_COLLAPSE: tuple[OnCollapse, ...] = get_args(OnCollapse)

Kind = Literal["not finite", "saturation", "collapse"]

SATURATED_ACCURACY = 0.999
"""Accuracy on photographs and on faces above which the discriminator counts as saturated."""

SATURATED_IMAGES = 20_000
"""Images for which it must stay so, without a lower loss of the generator, before a warning."""

LOW_VARIETY = 0.25
"""Variety, relative to the photographs', below which faces count as alike. In ordinary trainings on CelebA,
compact-32 had 0.45 after 40,000 images, two-step-32 0.75 after 300,000, and dcgan-64 0.18 after 20,000, 0.38
after 40,000 and 0.85 after a million. In a young run low variety means nothing unless it was higher."""

VARIETY_DROP = 0.5
"""Fraction of the run's maximal variety below which it counts as lost."""

GOOD_VARIETY = 0.75
"""Fraction of the run's maximal variety below which a checkpoint is no target of a rollback."""

YOUNG_IMAGES = 100_000
"""Images after which low variety counts as a collapse even if it was never higher."""

ROLLBACK_FACTOR = 0.5
"""Factor of both learning rates per rollback."""

MAX_ROLLBACKS = 3
"""Rollbacks of one run. If it collapses at an eighth of its learning rates too, they are not the cause."""

REMEDY = (
    "Lower discriminator_optimizer.learning_rate and generator_optimizer.learning_rate, "
    "or use --on-collapse rollback, which does so."
)


class HealthWarning(NamedTuple):
    """A warning: `kind` for programs, `message` for people."""

    kind: Kind
    message: str


@dataclass
class HealthMonitor:
    """The health of one run. All fields are plain values, so that a checkpoint restores them exactly.

    Attributes:
        active: problems that were warned of and persist; no problem is warned of twice in a row.
        saturated_since: images seen when the discriminator saturated, if it has.
        saturated_loss: the generator's loss at that line.
        max_variety: maximum over all snapshots so far.
        good_at: images seen at the last snapshot without a problem.
        rollbacks: number of rollbacks so far.
    """

    active: list[Kind] = field(default_factory=list)
    saturated_since: int | None = None
    saturated_loss: float = 0.0
    max_variety: float = 0.0
    good_at: int | None = None
    rollbacks: int = 0

    @property
    def collapsed(self) -> bool:
        """True if the training is lost without intervention; from saturation it may recover."""
        return "collapse" in self.active or "not finite" in self.active

    @property
    def learning_rate_multiplier(self) -> float:
        """Factor of both learning rates due to rollbacks, in (0, 1]."""
        return ROLLBACK_FACTOR**self.rollbacks

    def after_line(self, means: Mapping[str, float], images_seen: int) -> list[HealthWarning]:
        """Check the means since the last line of the log, by the names of `StepReport`."""
        finite = all(math.isfinite(value) for value in means.values())
        won = min(means["real_accuracy"], means["fake_accuracy"]) > SATURATED_ACCURACY
        if not won:
            self.saturated_since = None
        elif self.saturated_since is None:
            self.saturated_since, self.saturated_loss = images_seen, means["generator_loss"]
        saturated = (
            self.saturated_since is not None
            and images_seen - self.saturated_since >= SATURATED_IMAGES
            and means["generator_loss"] >= self.saturated_loss
        )
        return [
            *self._check("not finite", not finite, f"A loss is no longer a finite number. {REMEDY}"),
            *self._check(
                "saturation",
                saturated or ("saturation" in self.active and won),
                f"For {SATURATED_IMAGES:,} images the discriminator has made almost no errors, and the "
                "generator's loss has not fallen: the generator learns almost nothing. Lower "
                "discriminator_optimizer.learning_rate, or add --set real_label=0.9.",
            ),
        ]

    def after_samples(self, variety: float, images_seen: int) -> list[HealthWarning]:
        """Check the variety of a snapshot's faces, as a fraction of the photographs' variety."""
        before = self.max_variety
        self.max_variety = max(before, variety)
        dropped = variety < VARIETY_DROP * before
        alike = variety < LOW_VARIETY and (dropped or images_seen >= YOUNG_IMAGES)
        earlier = f", down from {before:.1%}" if dropped else ""
        warnings = self._check(
            "collapse",
            alike,
            f"The faces of different seeds have become alike: their variety is {variety:.1%} of the "
            f"photographs'{earlier}. See the newest picture in samples/. {REMEDY}",
        )
        if not self.collapsed and variety >= min(LOW_VARIETY, GOOD_VARIETY * self.max_variety):
            self.good_at = images_seen
        return warnings

    def after_weights(self, finite: bool) -> list[HealthWarning]:
        """Check that weights, and losses since the last line, are finite."""
        return self._check(
            "not finite", not finite, f"Weights or losses are no longer finite numbers. {REMEDY}"
        )

    def _check(self, kind: Kind, is_so: bool, message: str) -> list[HealthWarning]:
        """Return the warning if the problem is new."""
        was_so = kind in self.active
        if was_so and not is_so:
            self.active.remove(kind)
        if is_so and not was_so:
            self.active.append(kind)
            return [HealthWarning(kind, message)]
        return []
