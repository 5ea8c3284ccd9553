"""A prepared set, as a server shows it."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from strangers.data.explore import attribute_frequencies
from strangers.data.prepared import PreparedSet
from strangers.images import Pixels


class SetReader:
    """A prepared set, of which nothing is written, and whose path is not revealed."""

    def __init__(self, prepared: PreparedSet) -> None:
        self.prepared = prepared
        self.title = prepared.path.resolve().name

    def summary(self) -> dict[str, Any]:
        """Return the description of the set, and the frequency of each attribute that it knows."""
        manifest = self.prepared.manifest
        fields = manifest.model_dump(include={"count", "size", "crop", "filter", "split", "skipped", "notes"})
        return {"title": self.title, **fields, "attributes": self._attributes}

    def images(self, first: int, count: int) -> Pixels:
        """Return `count` images from position `first` on, uint8 (n, size, size, 3), fewer at the end.

        Raises DataError for a corrupted image.
        """
        return self.prepared.batch(np.arange(first, min(first + count, len(self.prepared))))

    @cached_property
    def _attributes(self) -> dict[str, float]:
        return attribute_frequencies(self.prepared)
