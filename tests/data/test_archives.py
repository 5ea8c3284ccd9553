"""Zips and tars are read; harmful ones are refused."""

from __future__ import annotations

import io
import os
import tarfile
import zipfile
from pathlib import Path
from typing import Literal

import pytest

from strangers.data import archive_safety, archives, containers
from strangers.data.archives import Tar, Zip
from strangers.data.containers import File
from strangers.data.folders import Folder
from strangers.errors import DataError

FILES = {
    "set/a/1.jpg": b"one",
    "set/a/2.PNG": b"two" * 1000,
    "set/b c/ünï.webp": b"three",
    "set/list_attr_celeba.txt": b"attributes",
    "set/list_eval_partition.csv": b"partition",
    "set/identity_CelebA.txt": b"identities",
    "set/.hidden.jpg": b"hidden",
    "set/Thumbs.db": b"thumbs",
    "__MACOSX/set/1.jpg": b"fork",
}
PICTURES = ["set/a/1.jpg", "set/a/2.PNG", "set/b c/ünï.webp"]
TABLES = {
    "set/list_attr_celeba.txt": b"attributes",
    "set/list_eval_partition.csv": b"partition",
    "set/identity_CelebA.txt": b"identities",
}


def make_zip(path: Path, files: dict[str, bytes], how: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", how) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data, how)
    return path


def make_tar(path: Path, files: dict[str, bytes], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


def linked_tar(path: Path, entries: list[tuple[str, bytes, str]], mode: Literal["w", "w:gz"] = "w") -> Path:
    """Make a tar of (name, type, content of a file or target of a link)."""
    with tarfile.open(path, mode) as tar:
        for name, kind, text in entries:
            member = tarfile.TarInfo(name)
            member.type = kind
            data = text.encode() if kind == tarfile.REGTYPE else b""
            member.linkname, member.size = ("" if data else text), len(data)
            tar.addfile(member, io.BytesIO(data))
    return path


def check(container: Zip | Tar) -> None:
    assert sorted(container.names()) == PICTURES
    for _ in range(2):  # any number of times
        assert {file.name: file.data for file in container} == {name: FILES[name] for name in PICTURES}
    assert container.tables() == TABLES


@pytest.mark.parametrize(
    "how", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2]
)
def test_a_zip_gives_its_pictures_and_tables(tmp_path: Path, how: int) -> None:
    check(Zip(make_zip(tmp_path / "set.zip", FILES, how)))


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_a_tar_gives_its_pictures_and_tables(tmp_path: Path, mode: str) -> None:
    check(Tar(make_tar(tmp_path / "set.tar", FILES, mode)))


def test_tables_beside_an_archive_serve_where_it_has_none(tmp_path: Path) -> None:
    (tmp_path / "list_attr_celeba.txt").write_bytes(b"beside")
    (tmp_path / "list_eval_partition.txt").write_bytes(b"beside")
    found = Zip(make_zip(tmp_path / "set.zip", {"list_attr_celeba.txt": b"inside"})).tables()
    beside = (tmp_path / "list_eval_partition.txt").as_posix()
    assert found == {"list_attr_celeba.txt": b"inside", beside: b"beside"}


OUTSIDE = [
    "../up.jpg", "a/../../up.jpg", "/etc/passwd.jpg", "..", "a\\..\\..\\up.jpg", "..\\up.jpg", "\\up.jpg",
    "C:\\up.jpg", "\\\\server\\share\\up.jpg", "//server/share/up.jpg",
]  # fmt: skip


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_member_that_points_outside_makes_the_archive_refused(tmp_path: Path, name: str) -> None:
    files = {"fine.jpg": b"fine", name: b"evil"}
    with pytest.raises(DataError, match=r"^The archive .*set.zip is refused: its member .* outside of it\.$"):
        Zip(make_zip(tmp_path / "set.zip", files))
    with pytest.raises(DataError, match=r"^The archive .*set.tar is refused: its member .* outside of it\.$"):
        Tar(make_tar(tmp_path / "set.tar", files))


@pytest.mark.parametrize("name", ["a..b.jpg", "...", "a/b..", "dots.../1.jpg", "a\\b.jpg", "~/1.jpg"])
def test_a_harmless_name_is_no_reason_to_refuse(tmp_path: Path, name: str) -> None:
    Zip(make_zip(tmp_path / "set.zip", {name: b"fine"}))
    Tar(make_tar(tmp_path / "set.tar", {name: b"fine"}))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
@pytest.mark.parametrize("target", ["/etc/passwd", "../../etc/passwd", "absent.jpg", "folder"])
def test_a_link_to_what_is_not_in_the_archive_is_named_and_not_followed(
    tmp_path: Path, kind: bytes, target: str
) -> None:
    with tarfile.open(tmp_path / "set.tar", "w") as tar:
        link = tarfile.TarInfo("link.jpg")
        link.type, link.linkname = kind, target
        tar.addfile(link)
    member = zipfile.ZipInfo("link.jpg")
    member.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        archive.writestr("folder/", b"")
        archive.writestr(member, target)
    both: list[Zip | Tar] = [Zip(tmp_path / "set.zip"), Tar(tmp_path / "set.tar")]
    for container in both:
        assert container.names() == []
        assert "what is not a file of the archive" in container.omitted()["link.jpg"]


def test_links_within_an_archive_are_read_as_what_they_point_to(tmp_path: Path) -> None:
    entries = [
        ("a/late.jpg", tarfile.SYMTYPE, "../b/2.jpg"),
        ("a/1.jpg", tarfile.REGTYPE, "a/1.jpg"),
        ("b/2.jpg", tarfile.REGTYPE, "b/2.jpg"),
        ("b/hard.jpg", tarfile.LNKTYPE, "a/1.jpg"),
        ("b/again.jpg", tarfile.LNKTYPE, "b/hard.jpg"),
        ("b/once-more.jpg", tarfile.SYMTYPE, "again.jpg"),
        ("x.jpg", tarfile.SYMTYPE, "y.jpg"),
        ("y.jpg", tarfile.SYMTYPE, "x.jpg"),
    ]
    expected = {"a/1.jpg": b"a/1.jpg", "b/hard.jpg": b"a/1.jpg", "b/again.jpg": b"a/1.jpg",
                "b/once-more.jpg": b"a/1.jpg",
                "b/2.jpg": b"b/2.jpg", "a/late.jpg": b"b/2.jpg"}  # fmt: skip
    found = Tar(linked_tar(tmp_path / "set.tgz", entries, "w:gz"))
    assert {file.name: file.data for file in found} == expected
    assert [file.name for file in found] == found.names()
    assert [*found.omitted()] == ["x.jpg", "y.jpg"]
    chosen = [file.data for file in found.files(lambda _position, name: name == "b/hard.jpg")]
    assert chosen == [b"a/1.jpg"]
    link = zipfile.ZipInfo("b/soft.jpg")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        archive.writestr("a/1.jpg", b"one")
        archive.writestr(link, "../a/1.jpg")
    assert {file.name: file.data for file in Zip(tmp_path / "set.zip")} == {
        "a/1.jpg": b"one",
        "b/soft.jpg": b"one",
    }


def test_of_links_and_files_of_one_name_the_last_counts_as_tar_unpacks_them(tmp_path: Path) -> None:
    entries = [
        ("1.jpg", tarfile.REGTYPE, "first 1"),
        ("hard.jpg", tarfile.LNKTYPE, "1.jpg"),
        ("soft.jpg", tarfile.SYMTYPE, "1.jpg"),
        ("file.jpg", tarfile.SYMTYPE, "late.jpg"),
        ("link.jpg", tarfile.REGTYPE, "replaced"),
        ("1.jpg", tarfile.REGTYPE, "second 1"),
        ("link.jpg", tarfile.SYMTYPE, "hard.jpg"),
        ("file.jpg", tarfile.REGTYPE, "a file"),
        ("late.jpg", tarfile.REGTYPE, "late"),
    ]
    found = Tar(linked_tar(tmp_path / "set.tar", entries))
    assert {file.name: file.data for file in found} == {
        "1.jpg": b"second 1", "hard.jpg": b"first 1", "soft.jpg": b"second 1",
        "file.jpg": b"a file", "link.jpg": b"first 1", "late.jpg": b"late",
    }  # fmt: skip
    assert found.omitted().keys() == {"1.jpg", "link.jpg", "file.jpg"}


def test_a_zip_with_backslashes_is_read_as_any(tmp_path: Path) -> None:
    names = ["set\\", *(name.replace("/", "\\") for name in FILES)]
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for name in names:
            member = zipfile.ZipInfo("x")
            member.filename = name
            archive.writestr(member, FILES.get(name.replace("\\", "/"), b""))
    check(Zip(tmp_path / "set.zip"))


def test_a_tar_of_the_current_folder_has_plain_names(tmp_path: Path) -> None:
    check(Tar(make_tar(tmp_path / "set.tar", {f"./{name}": data for name, data in FILES.items()})))


def test_an_archive_within_an_archive_is_named_and_can_be_extracted(tmp_path: Path) -> None:
    inner = make_zip(tmp_path / "inner.zip", {"1.jpg": b"one"}).read_bytes()
    files = {"a/inner.zip": inner, "b/parts.7z.001": b"more", "1.jpg": b"one"}
    both: list[Zip | Tar] = [
        Zip(make_zip(tmp_path / "set.zip", files)),
        Tar(make_tar(tmp_path / "set.tar", files)),
    ]
    for container in both:
        assert container.names() == ["1.jpg"]
        assert [*container.omitted()] == ["a/inner.zip", "b/parts.7z.001"]
        out = io.BytesIO()
        container.extract("a/inner.zip", out)
        assert out.getvalue() == inner


def test_a_device_in_a_tar_is_named(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "set.tar", "w") as tar:
        device = tarfile.TarInfo("device.jpg")
        device.type = tarfile.CHRTYPE
        tar.addfile(device)
    found = Tar(tmp_path / "set.tar")
    assert list(found) == []
    assert found.omitted() == {"device.jpg": "not a regular file"}


@pytest.mark.parametrize("start", ["<!DOCTYPE html><html>", "\n  <html lang=en>", "\ufeff<!doctype HTML>"])
@pytest.mark.parametrize("kind", [Zip, Tar])
def test_a_page_saved_as_an_archive_is_recognized(tmp_path: Path, start: str, kind: type[Zip | Tar]) -> None:
    path = tmp_path / "img_align_celeba.zip"
    path.write_text(start + "Google Drive - Quota exceeded", encoding="utf-8")
    with pytest.raises(
        DataError, match=r"^The file .* is not an archive but an HTML page, probably .* again\.$"
    ):
        kind(path)


@pytest.mark.parametrize("part", [0.0, 0.3, 0.62, 0.97])
def test_an_archive_cut_short_is_refused(tmp_path: Path, part: float) -> None:
    noise = {f"{number}.jpg": os.urandom(4000) for number in range(5)}
    for kind, path in [
        (Zip, make_zip(tmp_path / "set.zip", noise)),
        (Tar, make_tar(tmp_path / "set.tar", noise)),
        (Tar, make_tar(tmp_path / "set.tar.gz", noise, "w:gz")),
        (Tar, make_tar(tmp_path / "set.tar.xz", noise, "w:xz")),
    ]:
        data = path.read_bytes()
        if path.suffix == ".tar":
            data = data[: 5 * 4608]  # without the empty blocks at its end
        path.write_bytes(data[: int(len(data) * part)])
        with pytest.raises(DataError, match=r"^The archive .* cannot be read .*: download it again\.$"):
            kind(path)


def test_a_tar_damaged_in_the_middle_does_not_end_there(tmp_path: Path) -> None:
    path = make_tar(tmp_path / "set.tar", {f"{number}.jpg": bytes(4000) for number in range(5)})
    data = bytearray(path.read_bytes())
    data[2 * 4608 + 3] ^= 1  # in the third member's header
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"cannot be read \(damaged at byte 9216\)"):
        Tar(path)


def test_a_damaged_member_is_a_file_with_a_problem(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "set.zip", {"1.jpg": b"one" * 999, "2.jpg": b"two" * 999}, zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    data[data.index(b"two") + 500] ^= 1
    path.write_bytes(data)
    first, second = Zip(path)
    assert (first.data, first.problem) == (b"one" * 999, "")
    assert second == File("2.jpg", b"", second.problem)
    assert second.problem.startswith("damaged in the archive: Bad CRC-32")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_later_member_replaces_one_of_the_same_name_which_is_named(tmp_path: Path) -> None:
    """Unpacking does so, too: archives that were updated have both."""
    files = [("a.jpg", b"old"), ("b.jpg", b"other"), ("a.jpg", b"new")]
    with (
        zipfile.ZipFile(tmp_path / "set.zip", "w") as archive,
        tarfile.open(tmp_path / "set.tar", "w") as tar,
    ):
        for name, data in files:
            archive.writestr(name, data)
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    both: list[Zip | Tar] = [Zip(tmp_path / "set.zip"), Tar(tmp_path / "set.tar")]
    for container in both:
        assert [(file.name, file.data) for file in container] == [("b.jpg", b"other"), ("a.jpg", b"new")]
        assert "replaces it" in container.omitted()["a.jpg"]


def test_an_encrypted_member_is_a_file_with_a_problem(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "set.zip", {"1.jpg": b"one"}, zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    (file,) = Zip(path)
    assert "encrypted" in file.problem


def test_a_file_too_large_to_be_a_photograph_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "MAX_FILE_BYTES", 1000)
    monkeypatch.setattr(containers, "MAX_FILE_BYTES", 1000)
    files = {"bomb.jpg": bytes(100_000), "fine.jpg": b"fine"}
    (tmp_path / "set").mkdir()
    for name, data in files.items():
        (tmp_path / "set" / name).write_bytes(data)
    every: list[Folder | Zip | Tar] = [
        Folder(tmp_path / "set"),
        Zip(make_zip(tmp_path / "set.zip", files)),
        Tar(make_tar(tmp_path / "set.tgz", files, "w:gz")),
    ]
    for container in every:
        bomb, fine = container
        assert bomb == File("bomb.jpg", b"", "too large for a photograph: 100000 bytes")
        assert fine == File("fine.jpg", b"fine")


def test_a_zip_that_lies_about_a_size_is_not_inflated_beyond_it(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "set.zip", {"bomb.jpg": bytes(1_000_000)})
    data = bytearray(path.read_bytes())
    for header, field in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        where = data.index(header) + field
        data[where : where + 4] = (10).to_bytes(4, "little")
    path.write_bytes(data)
    (file,) = Zip(path)
    assert len(file.data) <= 10


def header(kind: bytes, size: bytes) -> bytes:
    """A tar's header whose size is written in these bytes."""
    data = bytearray(tarfile.TarInfo("1.jpg").tobuf())
    data[124:136], data[156:157] = size, kind
    data[148:156] = b"%06o\0 " % (sum(data[:148]) + sum(data[156:]) + 256)
    return bytes(data)


@pytest.mark.parametrize(
    "data",
    [
        header(b"0", b"\xff" * 11 + b"\0"),  # below nothing: tarfile would read it again and again
        header(b"L", b"%011o\0" % 2**32) + bytes(2048),  # a name of 4 GB, which tarfile would read whole
        header(b"x", b"%011o\0" % 2**32) + bytes(2048),
        (header(b"x", b"%011o\0" % 10) + b"10 path=a\n".ljust(512, b"\0")) * 2000,  # one within the other
        header(b"0", b"\x80" + b"\x7f" * 11),  # larger than any file
    ],
)
def test_a_tar_whose_headers_lie_is_refused(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "set.tar").write_bytes(data + bytes(1024))
    with pytest.raises(
        DataError, match=r"^The archive .* cannot be read .*: download it again\.$|is refused"
    ):
        Tar(tmp_path / "set.tar")


def test_an_archive_that_unpacks_to_absurdly_many_bytes_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive_safety, "ALWAYS_UNPACKED_BYTES", 100_000)
    for size, refused in ((80_000, False), (1_000_000, True)):
        files = {"1.jpg": bytes(size)}
        for kind, path in (
            (Zip, make_zip(tmp_path / "set.zip", files)),
            (Tar, make_tar(tmp_path / "set.tgz", files, "w:gz")),
        ):
            if refused:
                with pytest.raises(DataError, match="more than 200 times its size"):
                    kind(path)
            else:
                assert len(list(kind(path))) == 1
