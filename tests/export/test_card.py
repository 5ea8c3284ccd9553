"""The card says what a reader must know, and nothing that was not measured."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from strangers.commands.arguments import parse_changes
from strangers.data.terms import CELEBA
from strangers.evaluation.facts import Protocol, SetFacts, facts_of_model
from strangers.evaluation.memorization import Memorization, SpaceResult
from strangers.evaluation.result import AttributeFrequency, Hardware, Result, Value
from strangers.export.card import INSTALL, card
from strangers.recipes.presets import RECIPES
from strangers.recipes.recipe import with_overrides
from strangers.sampling.load import load
from strangers.sampling.model import Model
from strangers.sampling.model_file import save_model

from ..support import write_model


def result_of(model: Model, **changes: Any) -> Result:
    """A made-up measurement of the model, on its training set."""
    protocol = Protocol(crop="c178", size=32, filter="bicubic")
    likeness = SpaceResult("pixels", 0.5, 0.011, (0.007, 0.02), 0.8, 0.8)
    result = Result(
        model=facts_of_model("runs/faces", model),
        data=SetFacts(
            path="celeba32", source="img_align_celeba.zip", split="train", hash=model.header.data_hash,
            count=162_770, protocol=protocol,
        ),
        generated=10_000, reference=10_000, seeds="0-9999", truncation=1.0, features={"face": "1e490976"},
        values={"fd-face": Value(value=12.345, error=0.1), "precision": Value(value=0.5)},
        attributes=(
            AttributeFrequency(name="Male", data=0.4, generated=0.41),
            AttributeFrequency(name="Eyeglasses", data=0.065, generated=0.01),
        ),
        memorization=Memorization(
            verdict="original", reason="", faces=1_000, copies=0, pictures=162_770, distinct_pictures=300,
            controls=1_000, control_set="held-out", spaces=(likeness,), pairs=(),
        ),
        versions={"strangers": "0.1.0", "torch": "2.13.0"},
        hardware=Hardware(processor="A processor", cores=2, threads=1, device="cpu"), seconds=61.0,
    )  # fmt: skip
    return result.model_copy(update=changes)


def front_matter(text: str) -> dict[str, Any]:
    yaml = pytest.importorskip("yaml")
    assert text.startswith("---\n")
    fields: dict[str, Any] = yaml.safe_load(text.split("---\n")[1])
    return fields


def test_without_a_measurement_it_says_so(model: Model) -> None:
    text = card(model)
    assert "Not evaluated." in text
    assert 'strangers.load("model.safetensors")' in text
    assert "**Terms of the photographs.** not stated." in text
    assert "CelebA" not in text
    assert "1,000 images" in text
    assert "![" not in text
    fields = front_matter(text)
    assert fields["license"] == "other"
    assert "model-index" not in fields


def test_it_installs_the_package_as_the_readme_does(model: Model) -> None:
    root = Path(__file__).parents[2]
    command = INSTALL.splitlines()[-2]
    assert command.startswith("pip install ")
    assert f"\n{command}\n" in (root / "README.md").read_text()
    for text in (card(model), *(path.read_text() for path in root.glob("src/strangers/models/celeba-*.md"))):
        assert INSTALL in text


def test_a_measurement_comes_with_its_conditions(model: Model) -> None:
    result = result_of(model)
    text = card(model, result, "hf:someone/faces")
    assert 'strangers.load("hf:someone/faces")' in text
    for part in (
        "| `fd-face` | 12.35 ± 0.2 |", "10,000 faces of seeds 0-9999", "crop c178, 32 px, filter bicubic",
        "torch 2.13.0", "A processor, 2 cores, cpu", "img_align_celeba.zip, split `train`: 162,770 pictures",
        "| Eyeglasses | 6.5% | 1.0% |",
    ):  # fmt: skip
        assert part in text
    assert result.memorization is not None
    assert str(result.memorization)[1:] in text
    assert text.index("Eyeglasses") < text.index("| Male |")
    (measured,) = front_matter(text)["model-index"][0]["results"]
    assert {metric["type"]: metric["value"] for metric in measured["metrics"]} == {
        "fd-face": 12.345,
        "precision": 0.5,
    }


def test_the_set_of_a_result_is_named_only_if_it_is_the_training_set(model: Model) -> None:
    result = result_of(model)
    other = result.data.model_copy(update={"hash": "1" * 64})
    text = card(model, result.model_copy(update={"data": other, "memorization": None}))
    assert "The set is img_align_celeba.zip" not in text
    assert "strangers train DATA" in text
    assert "Memorization was not measured." in text


def test_its_command_repeats_the_recipe(model: Model) -> None:
    command = re.search(r"```\n(strangers train .*?)\n```", card(model, result_of(model)), re.DOTALL)
    assert command is not None
    words = shlex.split(command[1].replace("\\\n", " "))
    options = dict(zip(words[3::2], words[4::2], strict=True))
    assert words[:3] == ["strangers", "train", "celeba32"]
    assert options["--images"] == "1000"
    changes = parse_changes(
        word for option, word in zip(words[3::2], words[4::2], strict=True) if option == "--set"
    )
    assert with_overrides(RECIPES[options["--recipe"]], changes) == model.recipe


def test_a_recipe_that_is_no_preset_is_reported(tmp_path: Path) -> None:
    recipe = RECIPES["dcgan-32"].model_copy(update={"name": "mine"})
    model = load(write_model(tmp_path / "model.safetensors", recipe), device="cpu")
    assert "This recipe is not a preset" in card(model)


def test_a_fine_tuned_model_says_so(model: Model, tmp_path: Path) -> None:
    assert "ine-tun" not in card(model)
    header = model.header.model_copy(update={"fine_tuning": "Its statistics were matched."})
    save_model(tmp_path / "tuned.safetensors", model.generator, header)
    text = card(load(tmp_path / "tuned.safetensors", device="cpu"))
    assert f"after {header.images_seen:,} images, fine-tuned afterwards." in text
    assert "**Fine-tuning.** Its statistics were matched." in text


def test_a_model_that_started_from_another_names_it(model: Model) -> None:
    header = model.header.model_copy(update={"ancestor": "celeba-64 (0123456789abcdef)"})
    text = card(replace(model, header=header))
    assert "started from celeba-64 (0123456789abcdef) after " in text
    assert "strangers train DATA --from celeba-64 --recipe" in text


def test_a_distilled_model_has_no_command_of_a_training(model: Model) -> None:
    changes = {"ancestor": "big (0123456789abcdef)", "images_seen": 0, "fine_tuning": "Distilled from big."}
    text = card(replace(model, header=model.header.model_copy(update=changes)))
    assert "started from big (0123456789abcdef), fine-tuned afterwards" in text
    assert "strangers train" not in text
    assert "after 0 images" not in text


def test_title_author_and_terms_are_those_of_the_model(tmp_path: Path) -> None:
    path = write_model(tmp_path / "model.safetensors", title="Nobody", author="A. B.", license=str(CELEBA))
    text = card(load(path, device="cpu"))
    assert "\n# Nobody\n" in text
    assert "\nBy A. B.\n\nA generator of faces of 32 px" in text
    assert f"**Terms of the photographs.** {CELEBA}" in text


@pytest.mark.parametrize(
    ("source", "source_shown"),
    [
        ("/home/somebody/photos.zip", "photos.zip"),
        ("hf:owner/faces", "hf:owner/faces"),
        ("synthetic:60", "synthetic:60"),
    ],
)
def test_a_card_names_no_path_of_the_machine(model: Model, source: str, source_shown: str) -> None:
    result = result_of(model)
    data = result.data.model_copy(update={"source": source, "path": "/home/somebody/sets/faces32"})
    text = card(model, result.model_copy(update={"data": data}))
    assert "somebody" not in text
    assert f"The set is {source_shown}" in text
    assert "strangers train faces32 " in text


def test_texts_of_a_model_file_stay_texts(tmp_path: Path) -> None:
    hostile = "<img src=x onerror=alert(1)> `$(id)` [a](javascript:1) | \x1b[31m\u202e\n# Title"
    recipe = RECIPES["dcgan-32"].model_copy(update={"name": hostile, "source": hostile})
    path = write_model(tmp_path / "model.safetensors", recipe, software=hostile, license=hostile)
    model = load(path, device="cpu")
    text = card(model, result_of(model, features={hostile: hostile}), place=hostile)
    body = text.split("---\n", 2)[2]
    fence = re.compile(r"```.*?```", re.DOTALL)
    outside = re.sub(r"`[^`\n]*`", "", fence.sub("", body))
    assert "<" not in outside
    assert "[a]" not in outside.replace("\\[a\\]", "")
    assert len(re.findall(r"^# ", text, re.MULTILINE)) == 1
    assert not re.search(r"[\x00-\x09\x0b-\x1f\u202e]", text)
    command = shlex.split(fence.findall(body)[2].strip("`\n").replace("\\\n", " "))
    assert command[:5] == ["strangers", "train", "celeba32", "--recipe", command[4]]
    assert "onerror" in command[4]
