"""Archives that nobody vouches for."""

import bz2
import io
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from traindash.datasets.archives import ArchiveLimits, unpack
from traindash.errors import InputError

SMALL = ArchiveLimits(entries=20, total_bytes=2**20, ratio=50, ratio_floor=2**18)


def _zip(path: Path, **content: bytes | str) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in content.items():
            file.writestr(name, data)


def _zip_twice(path: Path) -> None:
    """Two entries of one name, which Python writes only under protest."""
    _zip(path, **{"first.txt": "x", "other.txt": "y"})
    path.write_bytes(path.read_bytes().replace(b"other.txt", b"first.txt"))


def _zip_cut_off(path: Path) -> None:
    _zip(path, **{"a.bin": bytes(range(256)) * 40})
    path.write_bytes(path.read_bytes()[:-10])


def _zip_special(path: Path, mode: int = 0o120777) -> None:
    info = zipfile.ZipInfo("link")
    info.create_system = 3
    info.external_attr = mode << 16
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("good.txt", "x")
        file.writestr(info, "/etc/passwd")


def _zip_encrypted(path: Path) -> None:
    _zip(path, **{"secret.txt": b"x" * 50})
    data = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = data.index(signature) + offset
        data[start : start + 2] = struct.pack("<H", 1)
    path.write_bytes(bytes(data))


def _zip_damaged(path: Path) -> None:
    _zip(path, **{"a.txt": bytes(range(256)) * 40})
    data = bytearray(path.read_bytes())
    data[60] ^= 0xFF
    path.write_bytes(bytes(data))


def _zip_that_lies(path: Path) -> None:
    """The directory says 5 bytes, 3 MB come out."""
    _zip(path, **{"a.bin": bytes(3 * 2**20)})
    data = bytearray(path.read_bytes())
    start = data.index(b"PK\x01\x02") + 24
    data[start : start + 4] = struct.pack("<I", 5)
    path.write_bytes(bytes(data))


def _tar(path: Path, *infos: tarfile.TarInfo, mode: str = "w:gz") -> None:
    with tarfile.open(path, mode) as file:  # type: ignore[call-overload]
        good = tarfile.TarInfo("good.txt")
        good.size = 4
        file.addfile(good, io.BytesIO(b"good"))
        for info in infos:
            file.addfile(info, io.BytesIO(bytes(info.size)))


def _entry(name: str, *, kind: bytes = tarfile.REGTYPE, link: str = "", size: int = 0) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, link, size
    return info


def _huge_header(path: Path) -> None:
    """An extended header that says it is gigabytes long."""
    info = _entry("pax", kind=tarfile.XHDTYPE)
    info.size = 3 * 2**30
    block = info.tobuf(tarfile.USTAR_FORMAT)
    path.write_bytes(bz2.compress(block + bytes(2**16)))


def _cut_off(path: Path) -> None:
    _tar(path, _entry("big.bin", size=200_000), mode="w:xz")
    path.write_bytes(path.read_bytes()[:-40])


def _tar_latin1(path: Path) -> None:
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT, encoding="latin-1") as file:
        file.addfile(_entry("ü.txt"))


class _Unmarked(zipfile.ZipInfo):
    """Writes its name in an encoding that it does not tell, as Windows does."""

    encoding = "utf-8"

    def _encodeFilenameFlags(self) -> tuple[bytes, int]:  # noqa: N802 - as zipfile calls it
        return self.filename.encode(self.encoding), self.flag_bits


def _unmarked(path: Path, encoding: str, *names: str, **texts: str) -> None:
    with zipfile.ZipFile(path, "w") as file:
        for name in names:
            info = _Unmarked(name)
            info.encoding = encoding
            file.writestr(info, "" if name.endswith(("/", "\\")) else "x")
        for name, text in texts.items():
            file.writestr(f"{name}.json", text)


BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "zip with a path upwards": (lambda p: _zip(p, **{"a.txt": "x", "../evil.txt": "x"}), "“../evil.txt”, a path that"),
    "zip with a path upwards inside": (lambda p: _zip(p, **{"a/../../evil": "x"}), "a path that leads out of it"),
    "zip with an absolute path": (lambda p: _zip(p, **{"/tmp/evil.txt": "x"}), "a path that leads out of it"),  # noqa: S108
    "zip with backslashes upwards": (lambda p: _zip(p, **{"a\\..\\..\\evil": "x"}), "a path that leads out of it"),
    "zip with a drive": (lambda p: _zip(p, **{"C:\\evil.txt": "x"}), "a path that leads out of it"),
    "zip with an endless name": (lambda p: _zip(p, **{"x" * 300: "x"}), "a name that cannot be used"),
    "zip with very deep folders": (lambda p: _zip(p, **{"d/" * 100 + "x": "x"}), "a name that cannot be used"),
    "zip with a link": (_zip_special, "“link”, which is a link or a device"),
    "zip with a device": (lambda p: _zip_special(p, 0o060666), "“link”, which is a link or a device"),
    "zip with a pipe": (lambda p: _zip_special(p, 0o010666), "“link”, which is a link or a device"),
    "zip with an entry twice": (_zip_twice, "“first.txt” twice"),
    "zip that is cut off": (_zip_cut_off, "a zip archive that is cut off"),
    "zip with a password": (_zip_encrypted, "“secret.txt”, which is encrypted"),
    "zip with too many entries": (lambda p: _zip(p, **{f"{i}": "x" for i in range(25)}), "more than 20 entries"),
    "zip that is too large": (lambda p: p.write_bytes(_random_zip(2 * 2**20)), "unpacks to more than 1 MB"),
    "zip bomb": (lambda p: _zip(p, **{"a.bin": bytes(2**19)}), "more than 50 times its own size"),
    "zip that lies about sizes": (_zip_that_lies, "damaged or not complete"),
    "zip with a file as a folder": (lambda p: _zip(p, **{"a": "x", "a/b": "y"}), "twice"),
    "zip that is damaged": (_zip_damaged, "damaged or not complete"),
    "tar with a path upwards": (lambda p: _tar(p, _entry("../evil.txt")), "a path that leads out of it"),
    "tar with an absolute path": (lambda p: _tar(p, _entry("/tmp/evil")), "a path that leads out of it"),  # noqa: S108
    "tar with a symbolic link": (lambda p: _tar(p, _entry("l", kind=tarfile.SYMTYPE, link="/etc")), "a link or"),
    "tar with a hard link": (lambda p: _tar(p, _entry("l", kind=tarfile.LNKTYPE, link="good.txt")), "a link or"),
    "tar with a device": (lambda p: _tar(p, _entry("l", kind=tarfile.CHRTYPE)), "a link or a device"),
    "tar with a block device": (lambda p: _tar(p, _entry("l", kind=tarfile.BLKTYPE)), "a link or a device"),
    "tar with a pipe": (lambda p: _tar(p, _entry("l", kind=tarfile.FIFOTYPE)), "a link or a device"),
    "tar bomb": (lambda p: _tar(p, _entry("a.bin", size=2**19)), "more than 50 times its own size"),
    "tar with an entry twice": (lambda p: _tar(p, _entry("good.txt")), "“good.txt” twice"),
    "tar with a huge header": (_huge_header, "damaged or not complete"),
    "tar that is cut off": (_cut_off, "damaged or not complete"),
    "text": (lambda p: p.write_text("hello" * 400), "neither a zip nor a tar archive"),
    "nothing": (lambda p: p.write_bytes(b""), "neither a zip nor a tar archive"),
    "an archive of another kind": (lambda p: p.write_bytes(b"Rar!\x1a\x07\x01\x00" + bytes(600)), "is a RAR archive"),
    "a web page in place of an archive": (lambda p: p.write_bytes(b"<!DOCTYPE html><html>login"), "is a web page"),
    "tar with a name that is not UTF-8": (_tar_latin1, "“�.txt”, whose name is not UTF-8"),
    "zip with names nobody can tell": (lambda p: _unmarked(p, "cp932", "テスト.png"), "“âeâXâg.png” is not certain"),
    "an executable": (lambda p: p.write_bytes(b"\x7fELF" + bytes(2000)), "neither a zip nor a tar archive"),
}


def _random_zip(size: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("a.bin", (bytes(range(256)) * (size // 256 + 1))[:size])
    return buffer.getvalue()


@pytest.mark.parametrize("name", BAD)
def test_bad_archives_are_refused_and_leave_nothing_behind(tmp_path: Path, name: str) -> None:
    make, message = BAD[name]
    archive = tmp_path / "upload"
    make(archive)
    with pytest.raises(InputError) as caught:
        unpack(archive, tmp_path / "work" / "target", limits=SMALL)
    assert message in caught.value.message
    assert "upload" in caught.value.message
    assert caught.value.hint
    assert not (tmp_path / "work" / "target").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["upload", "work"]


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_tar_archives_are_unpacked(tmp_path: Path, mode: str) -> None:
    folder = _entry("sub/folder", kind=tarfile.DIRTYPE)
    _tar(tmp_path / "a", folder, _entry("./sub/x.bin", size=5), mode=mode)
    unpack(tmp_path / "a", tmp_path / "out")
    assert (tmp_path / "out" / "good.txt").read_bytes() == b"good"
    assert (tmp_path / "out" / "sub" / "x.bin").read_bytes() == bytes(5)
    assert (tmp_path / "out" / "sub" / "folder").is_dir()


def test_zip_archives_are_unpacked_without_what_systems_add(tmp_path: Path) -> None:
    _zip(tmp_path / "a", **{"b/ü.txt": "x", "__MACOSX/b/._ü.txt": "y", "b/.DS_Store": "z", "empty/": ""})
    seen: list[int] = []
    unpack(tmp_path / "a", tmp_path / "out", on_progress=seen.append)
    files = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*"))
    assert files == ["b", "b/ü.txt", "empty"]
    assert seen == [1]


@pytest.mark.parametrize(
    ("encoding", "name", "text"),
    [
        ("utf-8", "b/décor.png", ""),  # macOS
        ("utf-8", "b/画像.png", ""),
        ("cp437", "b/kätze.png", ""),
        ("cp850", "b/Ørsted.png", '{"file_name": "\u00d8rsted.png"}'),
        ("cp932", "b/テスト表.png", '{"file_name": "テスト表.png"}'),
        ("cp936", "图像/一.png", '{"file_name": "图像/一.png"}'),
        ("cp949", "b/서울3720.png", '{"file_name": "b/\\uc11c\\uc6b83720.png"}'),
        ("cp866", "b/кошка.png", '{"file_name": "кошка.jpg"}'),
    ],
)
def test_names_that_do_not_say_their_encoding_are_read_as_the_texts_have_them(
    tmp_path: Path, encoding: str, name: str, text: str
) -> None:
    _unmarked(tmp_path / "a", encoding, "b/ascii.png", name, text=text)
    unpack(tmp_path / "a", tmp_path / "out")
    assert (tmp_path / "out" / name).read_text() == "x"
    assert (tmp_path / "out" / "b" / "ascii.png").is_file()


def test_a_second_name_in_unicode_counts(tmp_path: Path) -> None:
    raw = "テスト.png".encode("cp932")
    with zipfile.ZipFile(tmp_path / "a", "w") as file:
        info = _Unmarked("テスト.png")
        info.encoding = "cp932"
        second = struct.pack("<BI", 1, zlib.crc32(raw)) + "テスト.png".encode()
        info.extra = struct.pack("<HH", 0x7075, len(second)) + second
        file.writestr(info, "x")
    unpack(tmp_path / "a", tmp_path / "out")
    assert (tmp_path / "out" / "テスト.png").read_text() == "x"


def test_folders_and_files_are_taken_as_windows_and_people_name_them(tmp_path: Path) -> None:
    names = ("images\\", "images\\train\\", "images\\train\\a.png", "12:30.png", "2024-01-01 12:30:00/b.png")
    _unmarked(tmp_path / "a", "ascii", *names)
    unpack(tmp_path / "a", tmp_path / "out")
    files = sorted(p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*") if p.is_file())
    assert files == ["12:30.png", "2024-01-01 12:30:00/b.png", "images/train/a.png"]


def test_an_end_from_outside_leaves_nothing_behind(tmp_path: Path) -> None:
    _zip(tmp_path / "a", x="1", y="2")

    def stop(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        unpack(tmp_path / "a", tmp_path / "out", on_progress=stop)
    assert not (tmp_path / "out").exists()


def test_an_existing_target_is_left_alone(tmp_path: Path) -> None:
    _zip(tmp_path / "a", x="1")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(FileExistsError):
        unpack(tmp_path / "a", tmp_path / "out")
    assert (tmp_path / "out" / "mine.txt").read_text() == "mine"


def test_other_files_are_no_archives(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("hello")


@pytest.mark.parametrize("name", ["data.yaml", "instances.json", "a.JPG"])
def test_a_file_of_the_data_leads_to_its_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("names: [a]")
    with pytest.raises(InputError, match="one file of the data") as refused:
        unpack(tmp_path / name, tmp_path / "into")
    assert "folder that holds it" in refused.value.hint
