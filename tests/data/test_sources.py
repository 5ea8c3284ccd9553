"""Every way to name photographs leads to the same ones, with the tables that belong to them."""

from __future__ import annotations

import shutil
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from strangers.data.crops import CROPS
from strangers.data.sources import SyntheticSource, open_source
from strangers.errors import DataError, UsageError

IMAGES = "img_align_celeba"


def names_of(text: Path | str, annotations: Path | None = None, split: str | None = None) -> list[str]:
    source = open_source(str(text), annotations, split)
    names = [name for job in source.jobs() for name in job.run(8, CROPS["c178"]).names]
    assert source.count == len(names)
    return names


def pack(folder: Path, path: Path) -> Path:
    """A folder as an archive of the kind that the path says."""
    files = [file for file in sorted(folder.rglob("*")) if file.is_file()]
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            for file in files:
                archive.write(file, file.relative_to(folder))
    else:
        with tarfile.open(path, "w") as tar:
            for file in files:
                tar.add(file, file.relative_to(folder).as_posix())
    return path


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory, celeba: Path) -> Path:
    """CelebA's images alone, without any table."""
    folder = tmp_path_factory.mktemp("bare") / "photographs"
    shutil.copytree(celeba / IMAGES, folder / IMAGES)
    return folder


def layout(
    kind: str, bare: Path, tables: dict[str, bytes], names: list[str], place: Path
) -> tuple[Path, ...]:
    """(source, annotations) with the tables where `kind` says."""
    found = {name: tables[name] for name in names}
    images = place / "celeba"
    shutil.copytree(bare, images)
    where = {"inside": images, "beside the images": images / IMAGES, "in the parent": images,
             "beside the archive": place}.get(kind, place / "tables")  # fmt: skip
    where.mkdir(exist_ok=True)
    for name, content in found.items():
        (where / name).write_bytes(content)
    if kind in {"beside the images", "in the parent"}:
        return (images / IMAGES,)
    if kind == "inside":
        return (images,)
    if kind == "beside the archive":
        return (pack(images, place / "set.zip"),)
    return images, where if kind == "by option, a folder" else pack(where, place / "tables.zip")


KINDS = ["inside", "beside the images", "in the parent", "beside the archive",
         "by option, a folder", "by option, an archive"]  # fmt: skip


@pytest.mark.parametrize("form", ["txt", "csv"])
@pytest.mark.parametrize("kind", KINDS)
def test_tables_are_found_where_users_have_them(
    bare: Path, tables: dict[str, bytes], values: NDArray[np.int8], tmp_path: Path, kind: str, form: str
) -> None:
    names = [f"list_attr_celeba.{form}", f"list_eval_partition.{form}"]
    source, *given = layout(kind, bare, tables, names, tmp_path)
    annotations = given[0] if given else None
    opened = open_source(str(source), annotations)
    assert opened.annotations.names == ("Male", "Smiling")
    everything = names_of(source, annotations)
    np.testing.assert_array_equal(opened.annotations.of(everything), values)
    assert names_of(source, annotations, "train") == everything[:24]
    assert names_of(source, annotations, "val") == everything[24:27]
    assert names_of(source, annotations, "test") == everything[27:]


@pytest.mark.parametrize("kind", ["set.zip", "set.tar"])
def test_tables_are_found_in_the_archive(
    celeba: Path, values: NDArray[np.int8], tmp_path: Path, kind: str
) -> None:
    path = pack(celeba, tmp_path / kind)
    opened = open_source(str(path))
    np.testing.assert_array_equal(opened.annotations.of(names_of(path)), values)
    assert names_of(path, split="val") == [f"{IMAGES}/{number:06d}.jpg" for number in (25, 26, 27)]


def test_one_table_can_be_named_and_the_other_found(
    celeba: Path, tables: dict[str, bytes], tmp_path: Path
) -> None:
    table = tmp_path / "list_eval_partition.csv"
    table.write_bytes(b"image_id,partition\n000007.jpg,1\n")
    assert names_of(celeba, table, "val") == [f"{IMAGES}/000007.jpg"]
    assert open_source(str(celeba), table).annotations.names == ("Male", "Smiling")


def test_a_split_without_its_table_is_told_with_the_tables_name(bare: Path) -> None:
    with pytest.raises(DataError, match=r"^--split val needs list_eval_partition.txt \(or .csv\) .*\.$"):
        open_source(str(bare), split="val")


def test_there_are_three_splits(celeba: Path) -> None:
    with pytest.raises(UsageError, match=r"^There is no split 'valid'; the splits are train, val, test\.$"):
        open_source(str(celeba), split="valid")


def test_annotations_must_be_there(celeba: Path, bare: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"^There is neither list_attr_celeba nor .*\.$"):
        open_source(str(celeba), annotations=tmp_path)
    with pytest.raises(UsageError, match=r"^There is no .*nowhere"):
        open_source(str(celeba), annotations=tmp_path / "nowhere")
    (tmp_path / "table.txt").write_text("hello")
    with pytest.raises(DataError, match="neither"):
        open_source(str(celeba), annotations=tmp_path / "table.txt")


@pytest.mark.parametrize(("text", "sentence"), [
    ("nowhere", "There is no file or folder 'nowhere'. Photographs come from a folder, a .zip, a .tar, "),
    ("", "There is no file or folder ''. Photographs come from a folder, "),
    ("synthetic:", "A number of faces to draw is written like synthetic:5000, not 'synthetic:'."),
    ("synthetic:0", "A number of faces"),
    ("synthetic:many", "A number of faces"),
    ("synthetic:-3", "A number of faces"),
    ("synthetic:10/3", "A number of faces"),
    ("hf:", "A data set of the hub is named hf:OWNER/NAME"),
    ("hf:celeba", "A data set of the hub is named hf:OWNER/NAME"),
    ("hf:a/b/c", "A data set of the hub is named hf:OWNER/NAME"),
])  # fmt: skip
def test_words_that_name_nothing_are_told(
    text: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError) as caught:
        open_source(text)
    assert str(caught.value).startswith(sentence)


def test_a_single_picture_is_no_source(celeba: Path) -> None:
    with pytest.raises(UsageError, match=r"^The file .*000001.jpg is neither a folder nor an archive; .*\.$"):
        open_source(str(celeba / IMAGES / "000001.jpg"))


def test_drawn_faces_take_no_tables(celeba: Path) -> None:
    for tables, split in ((None, "train"), (str(celeba), None)):
        with pytest.raises(UsageError, match=r"^Drawn faces have their own attributes and no splits"):
            open_source("synthetic:5", tables, split)


def test_as_many_faces_are_drawn_as_are_asked_for() -> None:
    assert open_source("synthetic:70").count == 70
    assert open_source("synthetic").count == 20_000
    made = [job.run(8, CROPS["square"]) for job in SyntheticSource(70).jobs()]
    assert sum(len(part.images) for part in made) == 70
    assert [name for part in made for name in part.names][-1] == "000069"
