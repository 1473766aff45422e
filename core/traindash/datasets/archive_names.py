"""Names of files in zip archives that do not say how the names are encoded.

A zip marks names in UTF-8 (APPNOTE 4.4.4, bit 11). Without the mark they are in code page 437 by the letter of it
(D.1). In truth macOS and Info-ZIP write UTF-8 without the mark, and Windows the code page of its country: read by the
letter, a picture has another name than the annotations give it. What a name must be is seen in the archive's own texts.
"""

import json
import posixpath
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator, Sequence

from traindash.errors import InputError
from traindash.language import gettext as _
from traindash.text_files import EncodingError, decode_partly, decode_text

_MARKED = 0x800
# Those of Windows for DOS programs, which its archives are written with; the order decides between equals
_CODE_PAGES = (
    "cp437", "cp850", "cp932", "cp936", "cp949", "cp950", "cp866", "cp852", "cp855", "cp857", "cp737", "cp862", "cp775",
    "cp1252", "cp1250", "cp1251",
)  # fmt: skip
_WESTERN = ("cp437", "cp850")
_TEXTS = (".json", ".xml", ".csv", ".txt", ".yaml", ".yml")
_MOST_TEXT = 64 * 2**20  # bytes of texts that are looked into, unpacked
_UNICODE_PATH = 0x7075
_SCRIPTS = ("HIRAGANA", "KATAKANA")


def entry_names(source: zipfile.ZipFile, archive: str) -> list[str]:
    """Return the names of all entries in their order; ``archive`` is what the person calls the file.

    Raises:
        InputError: Names cannot be told for certain; shows one.
    """
    infos = source.infolist()
    names = [_said(info) for info in infos]
    raw = [info.orig_filename.encode("cp437") for info, name in zip(infos, names, strict=True) if name is None]
    odd = [name for name in raw if not name.isascii()]
    encoding = _encoding(odd, source, archive) if odd else "ascii"
    unmarked = iter(raw)
    return [next(unmarked).decode(encoding) if name is None else name for name in names]


def _said(info: zipfile.ZipInfo) -> str | None:
    """The name of an entry that tells for certain; ``None`` if it does not."""
    # Not info.filename, which zipfile has cut at a null byte: what is refused must be seen.
    return info.orig_filename if info.flag_bits & _MARKED else _unicode_path(info)


def _unicode_path(info: zipfile.ZipInfo) -> str | None:
    """The second name that WinRAR and Info-ZIP write for such readers (APPNOTE 4.6.9)."""
    extra = info.extra
    while len(extra) >= struct.calcsize("<HH"):
        kind, size = struct.unpack_from("<HH", extra)
        content, extra = extra[4 : 4 + size], extra[4 + size :]
        if kind == _UNICODE_PATH and len(content) > struct.calcsize("<BI"):
            version, checked = struct.unpack_from("<BI", content)
            if version == 1 and checked == zlib.crc32(info.orig_filename.encode("cp437")):
                return content[5:].decode("utf-8")
    return None


def _encoding(names: Sequence[bytes], source: zipfile.ZipFile, archive: str) -> str:
    if all(map(_is_utf8, names)):
        return "utf-8"
    readings = {page: found for page in _CODE_PAGES if (found := _read_as(page, names)) is not None}
    text = "\n".join(_texts(source))
    hits = {page: sum(_is_named(name, text) for name in found) for page, found in readings.items()}
    best = max(hits, key=lambda page: hits[page])
    if hits[best]:
        return best
    if _reads_western(readings):
        return _WESTERN[0]
    msg = _("{archive} names its files in an encoding that it does not tell: “{name}” is not certain.").format(
        archive=archive, name=names[0].decode("cp437")
    )
    raise InputError(msg, _("Unpack it and choose the folder, or pack it again with a program such as 7-Zip."))


def _is_utf8(name: bytes) -> bool:
    try:
        name.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _read_as(page: str, names: Sequence[bytes]) -> list[str] | None:
    try:
        return [name.decode(page) for name in names]
    except UnicodeDecodeError:
        return None


def _texts(source: zipfile.ZipFile) -> Iterator[str]:
    """What annotations in the archive say, at most so much of it."""
    left = _MOST_TEXT
    for info in source.infolist():
        if info.orig_filename.lower().endswith(_TEXTS) and not info.flag_bits & 1 and left > 0:
            with source.open(info) as file:
                content = file.read(left)
            left -= len(content)
            try:
                yield decode_text(content, "")
            except EncodingError:
                yield decode_partly(content)


def _is_named(name: str, text: str) -> bool:
    """Whether a text has a file's name, without its ending and also as JSON writes it in ASCII."""
    stem = posixpath.splitext(posixpath.basename(name.replace("\\", "/").rstrip("/")))[0]
    if stem.isascii():
        return False
    return any(form in text for form in (stem, json.dumps(stem)[1:-1], unicodedata.normalize("NFD", stem)))


def _reads_western(readings: dict[str, list[str]]) -> bool:
    """Whether names are letters of western languages, on which their two code pages agree, and no Japanese."""
    if any(page not in readings for page in _WESTERN) or readings["cp437"] != readings["cp850"]:
        return False
    letters = {character for name in readings["cp437"] for character in name if not character.isascii()}
    japanese = {character for name in readings.get("cp932", ()) for character in name}
    return all(map(str.isalpha, letters)) and not any(
        unicodedata.name(character, "").startswith(_SCRIPTS) for character in japanese
    )
