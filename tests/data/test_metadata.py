"""metadata.csv and metadata.jsonl of image folders label the pictures beside them."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from strangers.data.metadata import read_metadata
from strangers.data.prepare import prepare
from strangers.data.prepared import PreparedSet
from strangers.data.skipped import read_skipped
from strangers.data.sources import open_source
from strangers.errors import DataError

from ..hub import Hub

CSV = "text,Smiling,mask,file_name,Male\n" + "".join(
    f'"a face, of\nnumber {i}",{i % 2},masks/{i}.png,{i}.png,{i < 2}\n' for i in range(4)
)
JSON_LINES = "".join(
    json.dumps({"file_name": f"{i}.png", "text": "a face", "Smiling": i % 2, "Male": i < 2}) + "\n\n"
    for i in range(4)
)


def pictures(count: int = 4) -> dict[str, bytes]:
    found = {}
    for i in range(count):
        file = BytesIO()
        Image.new("RGB", (20, 20), (50 * i, 90, 90)).save(file, "PNG")
        found[f"{i}.png"] = file.getvalue()
    return found


def written(files: dict[str, bytes], folder: Path) -> Path:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def zipped(files: dict[str, bytes], folder: Path) -> Path:
    folder.mkdir()
    with zipfile.ZipFile(folder / "pictures.zip", "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return folder / "pictures.zip"


def prepared_from(source: object, out: Path, **options: str) -> PreparedSet:
    return prepare(str(source), out, size=16, workers=1, progress=False, **options)  # type: ignore[arg-type]


def labels(prepared: PreparedSet) -> dict[str, list[int]]:
    """Return what is known of each picture, by its name."""
    assert prepared.attributes is not None
    columns = [prepared.manifest.attributes.index(name) for name in ("Smiling", "Male")]
    return dict(zip(prepared.names, np.asarray(prepared.attributes)[:, columns].tolist(), strict=True))


@pytest.mark.parametrize("content", [CSV, JSON_LINES], ids=["csv", "jsonl"])
@pytest.mark.parametrize("packed", [written, zipped])
def test_columns_of_yes_and_no_are_attributes(
    content: str, packed: Callable[[dict[str, bytes], Path], Path], tmp_path: Path
) -> None:
    table = "metadata.csv" if content is CSV else "metadata.jsonl"
    source = packed({**pictures(), table: content.encode()}, tmp_path / "source")
    prepared = prepared_from(source, tmp_path / "set")
    assert labels(prepared) == {"0.png": [-1, 1], "1.png": [1, 1], "2.png": [-1, -1], "3.png": [1, -1]}
    assert len(prepared.manifest.attributes) == 2
    assert prepared.manifest.skipped == 0


def test_tables_name_pictures_from_their_own_folders_which_are_splits(tmp_path: Path) -> None:
    files = {f"{split}/{name}": data for split in ("train", "test") for name, data in pictures().items()}
    files["train/metadata.csv"] = CSV.encode()
    files["test/metadata.jsonl"] = (
        b'{"file_name": "3.png", "Smiling": 1}\n{"file_name": "2.png", "Smiling": 0}'
    )
    source = written(files, tmp_path / "source")
    train = prepared_from(source, tmp_path / "train", split="train")
    assert labels(train)["train/3.png"] == [1, -1]
    test = prepared_from(source, tmp_path / "test", split="test")
    assert labels(test) == {"test/2.png": [-1, 0], "test/3.png": [1, 0]}


def test_an_image_folder_of_the_hub_has_its_labels(hub: Hub, tmp_path: Path) -> None:
    hub.data_sets["someone/faces"] = {**pictures(), "metadata.csv": CSV.encode()}
    assert labels(prepared_from("hf:someone/faces", tmp_path / "set"))["1.png"] == [1, 1]


def test_a_table_of_something_else_is_left_out_by_name(tmp_path: Path) -> None:
    files = {**pictures(), "metadata.csv": b"mask_file_name,Male\n0.png,1\n"}
    prepared = prepared_from(written(files, tmp_path / "source"), tmp_path / "set")
    assert prepared.attributes is None
    assert [name for name, _ in read_skipped(prepared.path)] == ["metadata.csv"]


def test_celebas_tables_come_first(tmp_path: Path) -> None:
    files = {**pictures(), "metadata.csv": CSV.encode(), "list_attr_celeba.csv": b"image_id,Bald\n0.png,1\n"}
    prepared = prepared_from(written(files, tmp_path / "source"), tmp_path / "set")
    assert prepared.manifest.attributes == ["Bald"]


def test_json_lines_of_any_name_can_be_given(tmp_path: Path) -> None:
    table = tmp_path / "labels.jsonl"
    table.write_text(JSON_LINES.replace(', "text": "a face"', ""))
    source = open_source(str(written(pictures(), tmp_path / "source")), table)
    assert source.attributes == ("Smiling", "Male")


@pytest.mark.parametrize("line", ['{"file_name": 3}', "[]", "{", "[" * 100_000])
def test_a_broken_line_is_named(line: str) -> None:
    with pytest.raises(DataError, match=r"a/metadata\.jsonl has no .* in line 2"):
        read_metadata({"a/metadata.jsonl": b'{"file_name": "1.png"}\n' + line.encode()})
