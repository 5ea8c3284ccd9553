"""The guard: numbers that no longer are any, a discriminator that has won, faces that have become alike.

Three things end most trainings of this kind that fail. The guard knows them by numbers that are there anyway,
at each line of the journal and whenever the run's pictures are drawn; it touches neither files nor networks.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, get_args

OnCollapse = Literal["warn", "stop", "rollback"]
ON_COLLAPSE: tuple[OnCollapse, ...] = get_args(OnCollapse)

Kind = Literal["not finite", "saturation", "collapse"]

SATURATED = 0.999
"""The share of photographs, and of faces, that a discriminator judges rightly when it has won."""

SATURATED_IMAGES = 20_000
"""For how many images it must have won, without a lower loss of the generator, before that is told."""

ALIKE = 0.25
"""Faces are alike if their variety is below this share of the photographs'. Of ordinary trainings on CelebA,
compact-32 had 0.45 after 40,000 images, two-step-32 0.75 after 300,000, and dcgan-64 0.18 after 20,000, 0.38
after 40,000, 0.85 after a million; so in a young run it means nothing yet, unless it was greater before."""

FALL = 0.5
"""And if it is below this share of the greatest that the run has had."""

FALLING = 0.75
"""Below this share of the greatest it may be on its way down: no place to go back to."""

GROWN_UP = 100_000
"""From so many images on, variety that was never there counts as lost."""

SLOWER = 0.5
"""What each rollback multiplies both learning rates by."""

ROLLBACKS = 3
"""How often a run is taken back; if it collapses at an eighth of its rates too, they are not the reason."""

REMEDY = (
    "Lower discriminator_optimizer.learning_rate and generator_optimizer.learning_rate, "
    "or let --on-collapse rollback do it."
)


class HealthWarning(NamedTuple):
    """What the guard has noticed, for a program and for a person."""

    kind: Kind
    sentence: str


@dataclass
class HealthMonitor:
    """What is watched of one run. Its values are plain, so that a checkpoint keeps them and resumes exactly.

    Attributes:
        ongoing: what was noticed and has not passed; it is not told again.
        saturated_since: the images seen when the discriminator won, if it has.
        loss_then: the generator's loss at that line.
        greatest_variety: of all pictures so far.
        good_at: the images seen when the pictures were last looked at and nothing was wrong with them.
        rollbacks: how often the run was taken back.
    """

    ongoing: list[Kind] = field(default_factory=list)
    saturated_since: int | None = None
    loss_then: float = 0.0
    greatest_variety: float = 0.0
    good_at: int | None = None
    rollbacks: int = 0

    @property
    def collapsed(self) -> bool:
        """Whether the training is lost unless something is done; a discriminator that won may yet lose."""
        return "collapse" in self.ongoing or "not finite" in self.ongoing

    @property
    def learning_rate_multiplier(self) -> float:
        """What the rollbacks have done to both learning rates, in (0, 1]."""
        return SLOWER**self.rollbacks

    def after_line(self, means: Mapping[str, float], images_seen: int) -> list[HealthWarning]:
        """What the means since the journal's last line give reason to tell, by the names of `StepReport`."""
        broken = not all(math.isfinite(value) for value in means.values())
        won = min(means["real_accuracy"], means["fake_accuracy"]) > SATURATED
        if not won:
            self.saturated_since = None
        elif self.saturated_since is None:
            self.saturated_since, self.loss_then = images_seen, means["generator_loss"]
        saturated = (
            self.saturated_since is not None
            and images_seen - self.saturated_since >= SATURATED_IMAGES
            and means["generator_loss"] >= self.loss_then
        )
        return [
            *self._noticed("not finite", broken, f"A loss is no longer a finite number. {REMEDY}"),
            *self._noticed(
                "saturation",
                saturated or ("saturation" in self.ongoing and won),
                f"Over {SATURATED_IMAGES:,} images the discriminator has hardly been wrong, and the "
                "generator's loss has not fallen: it learns next to nothing. Lower "
                "discriminator_optimizer.learning_rate, or add --set real_label=0.9.",
            ),
        ]

    def after_pictures(self, variety: float, images_seen: int) -> list[HealthWarning]:
        """What the variety of the run's faces, as a share of the photographs', gives reason to tell."""
        before = self.greatest_variety
        self.greatest_variety = max(before, variety)
        fallen = variety < FALL * before
        alike = variety < ALIKE and (fallen or images_seen >= GROWN_UP)
        was = f" and was {before:.1%}" if fallen else ""
        alarms = self._noticed(
            "collapse",
            alike,
            f"The faces of different seeds have become alike: their variety is {variety:.1%} of the "
            f"photographs'{was}. The newest of samples/ shows it. {REMEDY}",
        )
        if not self.collapsed and variety >= min(ALIKE, FALLING * self.greatest_variety):
            self.good_at = images_seen
        return alarms

    def after_weights(self, finite: bool) -> list[HealthWarning]:
        """What there is to tell if weights, or losses since the last line, are not all finite."""
        return self._noticed(
            "not finite", not finite, f"Weights are no longer finite numbers, or losses are not. {REMEDY}"
        )

    def _noticed(self, kind: Kind, is_so: bool, sentence: str) -> list[HealthWarning]:
        """The alarm, if this has just begun."""
        was_so = kind in self.ongoing
        if was_so and not is_so:
            self.ongoing.remove(kind)
        if is_so and not was_so:
            self.ongoing.append(kind)
            return [HealthWarning(kind, sentence)]
        return []
