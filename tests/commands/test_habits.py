"""Habits that people bring from other command lines: short options, JSON, quiet, seeds, standard output."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from strangers import __version__
from strangers.cli import COMMANDS, main
from strangers.commands import doctor
from strangers.commands.outcome import Outcome, as_command
from strangers.errors import UsageError
from strangers.images import read_provenance
from strangers.system.outputs import write_output

from ..support import Strangers

NAMES = [command.__name__.replace("_", "-") for group in COMMANDS.values() for command, *_ in group]


@pytest.mark.parametrize("name", NAMES)
def test_each_command_has_the_usual_short_options(strangers: Strangers, name: str) -> None:
    code, out, _ = strangers(name, "-h")
    assert code == 0
    options = ["-h, --help", "-q, --quiet", "-v, --verbose"]
    options += ["-o, --out"] if "--out" in out.partition("  Examples:")[0] else []
    options += ["--json"] if name != "serve" else []
    assert [option for option in options if option not in out] == []


@pytest.mark.parametrize("option", ["-V", "--version"])
def test_the_version_has_a_short_option(strangers: Strangers, option: str) -> None:
    assert strangers(option) == (0, f"strangers {__version__}\n", "")


def test_help_lists_commands_in_groups_with_whole_summaries(strangers: Strangers) -> None:
    _, out, _ = strangers("-h")
    assert [line[:-1] for line in out.splitlines() if line and line[0] != " " and line.endswith(":")] == [
        "Options", *COMMANDS,
    ]  # fmt: skip
    assert "..." not in out.replace("[ARGS]...", "")
    for group in COMMANDS.values():
        for command, *_ in group:
            assert " ".join((command.__doc__ or "").split()) in " ".join(out.split())


@pytest.mark.parametrize(
    ("line", "advice"),
    [
        ("smaple", "Did you mean 'sample'? Try 'strangers --help'."),
        ("sample celeba-64 --bogus", "Try 'strangers sample --help'."),
        ("sample", "Try 'strangers sample --help'."),
        ("recipes a b", "Try 'strangers recipes --help'."),
        ("interpolate celeba-64 --fps fast --out a.webp", "Try 'strangers interpolate --help'."),
    ],
)
def test_a_wrong_command_line_names_the_help(strangers: Strangers, line: str, advice: str) -> None:
    code, out, err = strangers(*line.split())
    assert (code, out) == (2, "")
    assert err.endswith(f"{advice}\n")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "seeds"),
    [
        (("--seeds", "7"), "7"),
        (("--seed", "5"), "5"),
        (("--seeds", "0-3"), "0-3"),
        (("--seeds", "0..3"), "0-3"),
        (("--seeds", "0-2,20"), "0-2,20"),
        (("--seeds", "8..9, 1"), "8-9,1"),
    ],
)
def test_seeds_are_written_as_people_write_them(
    strangers: Strangers, tiny_file: Path, tmp_path: Path, words: tuple[str, ...], seeds: str
) -> None:
    out = tmp_path / "faces.png"
    ran = strangers("sample", tiny_file, *words, "-o", out)
    assert ran.code == 0, ran.err
    assert read_provenance(out).seeds == seeds


def test_a_picture_on_standard_output_is_all_that_is_there(
    tiny_file: Path, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert main(["sample", str(tiny_file), "--seed", "5", "--out", "-"]) == 0
    streamed = capsysbinary.readouterr()
    assert main(["sample", str(tiny_file), "--seed", "5", "--out", str(tmp_path / "face.png")]) == 0
    assert streamed.out == (tmp_path / "face.png").read_bytes()
    assert b"Wrote 1 face to standard output." in streamed.err
    with Image.open(io.BytesIO(streamed.out)) as picture:
        assert picture.size == (32, 32)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("sample MODEL --out - --json", "both write to standard output"),
        ("export MODEL --to onnx --out -", "--out - is for one picture"),
        ("prepare synthetic:4 --out -", "--out - is for one picture"),
    ],
)
def test_standard_output_takes_one_thing_only(
    strangers: Strangers,
    tiny_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    line: str,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = strangers(*(tiny_file if word == "MODEL" else word for word in line.split()))
    assert (code, out) == (2, "")
    assert message in err
    assert list(tmp_path.iterdir()) == []


def test_a_picture_is_not_printed_on_a_terminal(
    strangers: Strangers, tiny_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    code, out, err = strangers("sample", tiny_file, "--seed", "5", "--out", "-")
    assert (code, out) == (2, "")
    assert "which is a terminal" in err


def test_quiet_prints_nothing_about_a_file_and_still_writes_it(
    strangers: Strangers, tiny_file: Path, tmp_path: Path
) -> None:
    out = tmp_path / "faces.png"
    assert strangers("sample", tiny_file, "--seed", "5", "--out", out, "-q") == (0, "", "")
    assert out.exists()
    assert strangers("recipes", "dcgan-32", "-q").out == strangers("recipes", "dcgan-32").out


def test_words_say_what_was_written_and_what_to_do_next(
    strangers: Strangers, tiny_file: Path, tmp_path: Path
) -> None:
    ran = strangers("sample", tiny_file, "--seed", "5", "--out", tmp_path / "faces.png")
    assert ran.out == f"Wrote 1 face to {tmp_path / 'faces.png'}.\n"
    assert ran.err.startswith(f"Next: strangers edit {tiny_file} ")


def test_verbose_says_what_was_loaded_and_shows_the_traceback_of_an_error(
    strangers: Strangers, tiny_file: Path, tmp_path: Path
) -> None:
    ran = strangers(
        "sample", tiny_file, "--seed", "5", "--out", tmp_path / "faces.png", "-v", "--device", "cpu"
    )
    assert f"Loaded {tiny_file}" in ran.err
    assert "on cpu: The device was requested." in ran.err
    assert "Took " in ran.err
    failed = strangers("sample", "nowhere", "--out", tmp_path / "faces.png", "-v")
    assert failed.code == 2
    assert "Traceback" in failed.err
    assert failed.err.splitlines()[-1].startswith("error: There is no model nowhere")


def wrote(words: dict[str, Any]) -> list[str]:
    return [Path(path).name for path in words["wrote"]]


def test_json_is_all_that_commands_print(
    strangers: Strangers, tiny_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    lines = {
        "prepare synthetic:4 --size 32 --out set": ["set"],
        "explore set --out set.html": ["set.html", "set.json"],
        f"sample {tiny_file} --seeds 3,5 --out a.png": ["a.png"],
        f"interpolate {tiny_file} --seeds 3,5 --frames 2 --out a.webp": ["a.webp"],
        f"export {tiny_file} --to file --out b.safetensors": ["b.safetensors", "b.md"],
    }
    for line, files in lines.items():
        code, out, err = strangers(*line.split(), "--json")
        assert (code, err) == (0, ""), line
        assert wrote(json.loads(out)) == files
    assert json.loads(strangers("cache", "--json").out)["cleared"] is False


def test_an_interrupted_command_names_what_it_wrote(
    strangers: Strangers, tiny_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    words = ("export", tiny_file, "--to", "file", "--out", tmp_path / "faces.safetensors")
    monkeypatch.setattr("strangers.export.file.as_bytes", interrupt)
    assert strangers(*words) == (130, "", "Interrupted; nothing was written.\n")
    monkeypatch.setattr(doctor, "examine", interrupt)
    assert strangers("doctor", "-q") == (130, "", "")


def test_an_interrupted_command_lists_files_that_are_complete(
    strangers: Strangers, tiny_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def once(path: Path, data: bytes, **options: Any) -> None:
        if path.name == "seed0002.png":
            raise KeyboardInterrupt
        write_output(path, data, **options)

    monkeypatch.setattr("strangers.sampling.output.write_output", once)
    monkeypatch.setattr("strangers.sampling.output.usable_cores", lambda: 1)
    ran = strangers("sample", tiny_file, "--seeds", "0-2", "--out", tmp_path / "faces")
    assert (ran.code, ran.out) == (130, "")
    assert "seed0000.png" in ran.err
    assert "The same command starts again." in ran.err


def test_a_command_reports_its_outcome_as_words_or_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    def command(*, out: Path = Path("a")) -> Outcome:
        print("words of a library")
        return Outcome(["table"], ["Wrote a."], {"wrote": [out]}, "strangers sample")

    as_command(command)()
    assert capsys.readouterr() == ("words of a library\ntable\nWrote a.\n", "Next: strangers sample\n")
    as_command(command)(as_json=True)
    assert capsys.readouterr() == ('{\n "wrote": [\n  "a"\n ]\n}\n', "words of a library\n")
    with pytest.raises(UsageError, match="is for one picture"):
        as_command(command)(out=Path("-"))


def test_faces_are_enlarged(strangers: Strangers, tiny_file: Path, tmp_path: Path) -> None:
    assert (
        strangers("sample", tiny_file, "--seed", "5", "--scale", 4, "--out", tmp_path / "face.png").code == 0
    )
    assert np.asarray(Image.open(tmp_path / "face.png")).shape == (128, 128, 3)
