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
from strangers.data.jobs import GENERATED, JobResult
from strangers.data.sources import SyntheticSource, inputs, open_source
from strangers.errors import DataError, UsageError
from strangers.images import Provenance, encode_png

IMAGES = "img_align_celeba"


def results(text: Path | str, annotations: Path | None = None, split: str | None = None) -> list[JobResult]:
    source = open_source(str(text), annotations, split)
    found = [job.run(8, CROPS["c178"]) for job in source.jobs()]
    assert source.count == sum(len(result.names) for result in found)
    return found


def names_of(text: Path | str, annotations: Path | None = None, split: str | None = None) -> list[str]:
    """Return the names of the files that can be used."""
    return [
        name
        for result in results(text, annotations, split)
        for name, problem in zip(result.names, result.problems, strict=True)
        if not problem
    ]


def skipped(text: Path | str, annotations: Path | None = None, split: str | None = None) -> dict[str, str]:
    """Return the problem of each file that cannot be used, by name."""
    return {
        name: problem
        for result in results(text, annotations, split)
        for name, problem in zip(result.names, result.problems, strict=True)
        if problem
    }


def attributes_of(text: Path | str, annotations: Path | None = None) -> NDArray[np.int8]:
    """Return the attributes of the files that can be used, in the order of `names_of`."""
    known = [result.attributes for result in results(text, annotations)]
    return np.concatenate([rows for rows in known if rows is not None])


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
    assert opened.attributes == ("Male", "Smiling")
    everything = names_of(source, annotations)
    np.testing.assert_array_equal(attributes_of(source, annotations), values)
    assert names_of(source, annotations, "train") == everything[:24]
    assert names_of(source, annotations, "val") == everything[24:27]
    assert names_of(source, annotations, "test") == everything[27:]


@pytest.mark.parametrize("kind", ["set.zip", "set.tar"])
def test_tables_are_found_in_the_archive(
    celeba: Path, values: NDArray[np.int8], tmp_path: Path, kind: str
) -> None:
    path = pack(celeba, tmp_path / kind)
    np.testing.assert_array_equal(attributes_of(path), values)
    assert names_of(path, split="val") == [f"{IMAGES}/{number:06d}.jpg" for number in (25, 26, 27)]


def test_one_table_can_be_named_and_the_other_found(
    celeba: Path, tables: dict[str, bytes], tmp_path: Path
) -> None:
    table = tmp_path / "list_eval_partition.csv"
    table.write_bytes(b"image_id,partition\n000007.jpg,1\n")
    assert names_of(celeba, table, "val") == [f"{IMAGES}/000007.jpg"]
    assert names_of(celeba, table, "test") == []
    unlisted = skipped(celeba, table, "test")
    assert len(unlisted) == 29
    assert set(unlisted.values()) == {"the partition table has no row for it"}
    assert open_source(str(celeba), table).attributes == ("Male", "Smiling")


def test_a_split_without_its_table_names_the_table(bare: Path) -> None:
    with pytest.raises(DataError, match=r"^--split val needs list_eval_partition.txt \(or .csv\) .*\.$"):
        open_source(str(bare), split="val")


def test_there_are_three_splits(celeba: Path) -> None:
    with pytest.raises(UsageError, match=r"^There is no split 'valid'; the splits are train, val, test\.$"):
        open_source(str(celeba), split="valid")


def test_annotations_must_be_there(celeba: Path, bare: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds neither list_attr_celeba nor"):
        open_source(str(celeba), annotations=tmp_path)
    with pytest.raises(UsageError, match=r"^There is no .*nowhere"):
        open_source(str(celeba), annotations=tmp_path / "nowhere")
    (tmp_path / "table.txt").write_text("hello")
    with pytest.raises(DataError, match=r"^The table table.txt "):
        open_source(str(celeba), annotations=tmp_path / "table.txt")


@pytest.mark.parametrize(("text", "sentence"), [
    ("nowhere", "There is no file or folder 'nowhere'. Photographs come from a folder, a .zip, a .tar, "),
    ("", "There is no file or folder ''. Photographs come from a folder, "),
    ("synthetic:", "'synthetic:' is not a number of faces to draw; write it as synthetic:5000."),
    ("synthetic:0", "'synthetic:"),
    ("synthetic:many", "'synthetic:"),
    ("synthetic:-3", "'synthetic:"),
    ("synthetic:10/3", "'synthetic:"),
    ("hf:", "Invalid hub data set"),
    ("hf:celeba", "Invalid hub data set"),
    ("hf:a/b/c", "Invalid hub data set"),
])  # fmt: skip
def test_an_argument_that_names_nothing_is_refused(
    text: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError) as caught:
        open_source(text)
    assert str(caught.value).startswith(sentence)


def test_a_single_picture_is_no_source(celeba: Path) -> None:
    with pytest.raises(DataError, match=r"000001.jpg is neither a folder nor an archive; .*\.$"):
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


def test_celebas_own_folders_need_no_option_and_one_from_elsewhere(
    celeba: Path, tables: dict[str, bytes], values: NDArray[np.int8], tmp_path: Path
) -> None:
    tree = tmp_path / "CelebA"
    shutil.copytree(celeba / IMAGES, tree / "Img" / IMAGES)
    for folder, name in (("Anno", "list_attr_celeba.txt"), ("Eval", "list_eval_partition.txt")):
        (tree / folder).mkdir()
        (tree / folder / name).write_bytes(tables[name])
    elsewhere = tmp_path / "elsewhere" / IMAGES
    shutil.copytree(celeba / IMAGES, elsewhere)
    packed = pack(tree / "Img", tmp_path / "elsewhere.zip")
    for source, given in ((tree, None), (tree / "Img", None), (tree / "Img" / IMAGES, None),
                          (elsewhere, tree), (packed, tree)):  # fmt: skip
        np.testing.assert_array_equal(attributes_of(source, given), values)
        assert len(names_of(source, given, "val")) == 3


def test_labels_follow_the_path_and_not_the_name(celeba: Path, tmp_path: Path) -> None:
    for number, who in enumerate(("anna", "bert"), start=1):
        (tmp_path / "people" / who).mkdir(parents=True)
        shutil.copy(celeba / IMAGES / f"{number:06d}.jpg", tmp_path / "people" / who / "1.jpg")
    table = tmp_path / "people" / "list_attr_celeba.csv"
    table.write_text("file,Male\nbert/1.jpg,1\nanna/1.jpg,0\n")
    assert attributes_of(tmp_path / "people")[:, 0].tolist() == [-1, 1]
    assert attributes_of(tmp_path / "people" / "bert")[:, 0].tolist() == [1]
    assert attributes_of(pack(tmp_path / "people", tmp_path / "people.zip"))[:, 0].tolist() == [-1, 1]
    table.write_text("file,Male\n1.jpg,1\n")
    with pytest.raises(DataError, match=r"'anna/1.jpg' and 'bert/1.jpg' both match the row '1.jpg'"):
        open_source(str(tmp_path / "people"))


def test_skipped_files_keep_the_labels_of_others_in_place(
    celeba: Path, values: NDArray[np.int8], tmp_path: Path
) -> None:
    shutil.copytree(celeba, tmp_path / "celeba")
    (tmp_path / "celeba" / IMAGES / "000003.jpg").write_bytes(b"broken")
    (tmp_path / "celeba" / "zip.zip").write_bytes(b"archive")
    expected = np.delete(values, 2, axis=0)
    np.testing.assert_array_equal(attributes_of(tmp_path / "celeba"), expected)
    assert set(skipped(tmp_path / "celeba")) == {f"{IMAGES}/000003.jpg", "zip.zip"}


def test_a_named_table_that_labels_no_picture_is_refused(celeba: Path, tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("file,Smiling\n7,1\n8,0\n")
    with pytest.raises(DataError, match=r"other.csv labels none of the 30 files: its first row names '7'"):
        open_source(str(celeba / "img_align_celeba"), annotations=tmp_path / "other.csv")


def test_omitted_files_are_divided_into_parts_too(celeba: Path, tmp_path: Path) -> None:
    shutil.copytree(celeba / IMAGES, tmp_path / "set")
    (tmp_path / "set" / "more.zip").write_bytes(b"archive")
    whole = [name for result in results(tmp_path / "set") for name in result.names]
    parts = [
        name
        for k in (1, 2, 3)
        for job in open_source(str(tmp_path / "set"), part=(k, 3)).jobs()
        for name in job.run(8, CROPS["c178"]).names
    ]
    assert parts == whole
    assert whole[-1] == "more.zip"


def test_generated_pictures_among_photographs_are_skipped(celeba: Path, tmp_path: Path) -> None:
    provenance = Provenance("strangers 1", "hash", "7", "fast-64", 1000)
    face = encode_png(np.full((218, 178, 3), 128, np.uint8), provenance)
    shutil.copytree(celeba / IMAGES, tmp_path / "mixed")
    (tmp_path / "mixed" / "000000.png").write_bytes(face)
    assert len(names_of(tmp_path / "mixed")) == 30
    assert skipped(tmp_path / "mixed") == {"000000.png": GENERATED}
    (tmp_path / "faces").mkdir()
    for number in range(3):
        (tmp_path / "faces" / f"seed{number:04d}.png").write_bytes(face)
    assert len(names_of(tmp_path / "faces")) == 3


def test_inputs_are_the_files_and_the_tables_around_them(celeba: Path, tmp_path: Path) -> None:
    path = pack(celeba / IMAGES, tmp_path / "set.zip")
    assert inputs(str(path)) == [path]
    (tmp_path / "list_attr_celeba.txt").write_bytes(b"")
    assert inputs(str(path)) == [path, tmp_path / "list_attr_celeba.txt"]
    assert len(inputs(str(celeba))) == 32
    assert inputs("synthetic:5") == []
