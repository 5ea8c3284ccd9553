"""Facts of the sides of a measurement: labels, origins, and protocols that must agree."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from strangers.data.prepare import prepare
from strangers.errors import UsageError
from strangers.evaluation.facts import (
    ModelFacts,
    PictureFacts,
    Protocol,
    SetFacts,
    StatisticsFacts,
    check_protocols,
    facts_of_model,
    facts_of_set,
    label,
    number,
    origin,
    split_of,
)
from strangers.sampling.load import load

from ..support import write_model

PROTOCOL = Protocol(crop="c178", size=32, filter="bicubic")
MODEL = ModelFacts(
    path="runs/a", hash="0" * 16, recipe="tiny", images_seen=1_000, parameters=1, data_hash="1" * 64,
    protocol=PROTOCOL,
)  # fmt: skip
SET = SetFacts(path="sets/a", source="photos.zip", split="train", hash="1" * 64, count=9, protocol=PROTOCOL)
PICTURES = PictureFacts(path="faces/", hash="2" * 16, count=9, protocol=Protocol(size=32))
STATISTICS = StatisticsFacts(
    path="a.npz", hash="3" * 16, source="photos.zip", protocol=Protocol(), weights={"inception2048": None}
)


def of(facts: SetFacts, **changes: Any) -> SetFacts:
    return facts.model_copy(update={"protocol": facts.protocol.model_copy(update=changes)})


def test_protocols_must_agree_unless_a_mismatch_is_allowed() -> None:
    assert check_protocols(MODEL, SET, False) == ()
    other = of(SET, crop="c108")
    with pytest.raises(UsageError, match=r"crop c178.*crop c108.*--allow-mismatch"):
        check_protocols(MODEL, other, False)
    assert check_protocols(MODEL, other, True) == ("crop: c178 and c108",)


def test_other_sizes_are_refused_whatever_is_allowed() -> None:
    with pytest.raises(UsageError, match="--size 32"):
        check_protocols(MODEL, of(SET, size=64), True)


def test_what_is_not_stated_differs_from_nothing() -> None:
    assert check_protocols(MODEL, PICTURES, False) == ()
    assert check_protocols(STATISTICS, SET, False) == ()
    assert str(PICTURES.protocol) == "crop not stated, 32 px, filter not stated"
    assert str(STATISTICS.protocol) == "crop not stated, not stated, filter not stated"


def test_a_format_is_stated_and_no_difference() -> None:
    jpeg = of(SET, format="JPEG")
    assert check_protocols(MODEL, jpeg, False) == ()
    assert str(jpeg.protocol).endswith("filter bicubic, JPEG")


def test_every_side_has_a_label_an_origin_and_perhaps_a_split() -> None:
    sides = (MODEL, SET, PICTURES, STATISTICS)
    assert [label(side) for side in sides] == ["tiny after 1,000 images", "a", "faces", "a.npz"]
    assert [origin(side) for side in sides] == ["runs/a", "photos.zip", "faces/", "photos.zip"]
    assert [split_of(side) for side in sides] == [None, "train", None, None]
    assert [number(count) for count in (None, 1_234)] == ["an unstated number of", "1,234"]


def test_a_model_and_its_set_state_the_same(tmp_path: Path) -> None:
    data = prepare("synthetic:4", tmp_path / "set", size=32, workers=1, progress=False)
    facts = facts_of_set(data)
    assert (facts.source, facts.hash, facts.count) == ("synthetic:4", data.manifest.hash, 4)
    file = write_model(
        tmp_path / "m.safetensors",
        data_hash=facts.hash,
        crop=facts.protocol.crop,
        filter=facts.protocol.filter,
    )
    model = load(file, device="cpu")
    described = facts_of_model("m", model)
    assert (described.hash, described.data_hash) == (model.hash, facts.hash)
    assert described.parameters == sum(weights.numel() for weights in model.generator.parameters())
    assert check_protocols(described, facts, False) == ()


@pytest.mark.parametrize(
    ("size", "suffix", "form"), [(16, "jpg", "JPEG"), (16, "png", None), (32, "jpg", None)]
)
def test_photographs_that_were_compressed_at_their_size_are_noticed(
    size: int, suffix: str, form: str | None, tmp_path: Path
) -> None:
    (tmp_path / "photos").mkdir()
    Image.new("RGB", (size, size), "teal").save(tmp_path / f"photos/a.{suffix}")
    data = prepare(str(tmp_path / "photos"), tmp_path / "set", size=16, workers=1, progress=False)
    assert facts_of_set(data).protocol.format == form
