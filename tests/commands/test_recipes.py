"""What the commands print: columns that line up, every value by its name, and places that exist."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import pytest

from strangers.commands.recipes import describe, table, values
from strangers.commands.train import results
from strangers.recipes.presets import RECIPES


def test_a_table_has_a_line_per_recipe_and_aligned_columns() -> None:
    heading, *lines = table([describe(RECIPES["dcgan-32"]), describe(RECIPES["two-step-32"])]).splitlines()
    assert [line.split()[:5] for line in lines] == [
        ["dcgan-32", "32", "1.1M", "0.7M", "2.0M"],
        ["two-step-32", "32", "4.5M", "0.3M", "1.8M"],
    ]
    sources = [RECIPES["dcgan-32"].source, RECIPES["two-step-32"].source]
    assert [line.index(source) for line, source in zip(lines, sources, strict=True)] == [
        heading.index("source")
    ] * 2


def test_the_values_of_a_recipe_stand_in_one_column() -> None:
    lines = values(describe(RECIPES["dense-128"])).splitlines()
    column = len(lines[0]) - len("dense-128")
    assert all(line[column - 1] == " " and line[column] != " " for line in lines)
    assert lines[-1].startswith("parameters of the discriminator ")


@pytest.mark.parametrize("name", ["run", "my faces"])
def test_the_results_of_a_run_are_its_newest_files(tmp_path: Path, name: str) -> None:
    run = tmp_path / name
    (run / "samples").mkdir(parents=True)
    for images in ("000001k", "000020k", "000100k"):
        (run / "samples" / f"{images}.png").touch()
    (run / "latest").write_text("000100096")
    *places, more, _ = results(run).splitlines()
    assert [os.path.relpath(line[12:], run) for line in places] == [
        "samples/000100k.png",
        "curves.png",
        "progress.webp",
        "checkpoints/000100096/model.safetensors",
    ]
    words = shlex.split(more.partition(":")[2])
    assert words[:3] == ["strangers", "sample", str(run)]
