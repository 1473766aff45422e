"""XML that other tools wrote: read without entities and outside references, or refused by the person's name of it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import BinaryIO
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml import ElementTree as SafeTree

from traindash.errors import InputError
from traindash.language import N_
from traindash.language import gettext as _
from traindash.text_files import ascii_start, not_utf8

_MAX_BYTES = 512 * 2**20
_PEEK = 2**13
_DEEPEST = 100  # levels; the annotations of all tools that are read here have fewer than ten
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_HINT = N_("Correct the file or leave it out.")
_WIDE = ("utf-16", "utf-32", "ucs-2", "ucs-4")
_UTF8 = ("utf-8", "utf8", "us-ascii", "ascii")
# Programs say the name of a standard and write Windows' larger set (https://encoding.spec.whatwg.org/#names-and-labels)
_AS_WINDOWS = {
    "iso-8859-1": "cp1252", "latin1": "cp1252", "latin-1": "cp1252", "gb2312": "gb18030", "gbk": "gb18030",
    "shift_jis": "cp932", "sjis": "cp932", "euc-kr": "cp949", "ks_c_5601-1987": "cp949",
}  # fmt: skip


def xml_start(path: Path) -> str:
    """Return the first kilobytes of an XML file without its comments, enough to tell what it is."""
    text = ascii_start(path, _PEEK).decode("utf-8", "replace")
    return re.sub(r"(?s)<!--.*?-->|<\?.*?\?>|<!DOCTYPE[^>\[]*>", "", text).lstrip("\ufeff \t\r\n\ufffd")


def xml_elements(path: Path, name: str, *tags: str) -> Iterator[Element]:
    """Give the elements with these tags one after another, each whole; memory holds one at a time.

    ``name`` is what the person calls the file. Namespaces are left out.

    Raises:
        InputError: It is not valid XML, in another encoding than it says, nested too deeply, or defines entities; names
            file and line.
    """
    try:
        with _opened(path, name) as (file, encoding):
            yield from _elements(file, tags, encoding, name)
    except ParseError as error:
        line = error.position[0] if hasattr(error, "position") else 0
        raise _not_utf8(path, name) or InputError(
            _("{name} is not valid XML: line {line} cannot be read.").format(name=name, line=line), _(_HINT)
        ) from error
    except DefusedXmlException as error:
        raise InputError(
            _("{name} defines entities, which no annotation needs and which can fill the memory.").format(name=name),
            _(_HINT),
        ) from error
    except OSError as error:
        raise InputError(
            _("{name} cannot be read: {reason}.").format(name=name, reason=error.strerror),
            _("Check the permissions of the file."),
        ) from error
    except (ValueError, LookupError, RecursionError) as error:
        raise InputError(_("{name} is not XML that can be read.").format(name=name), _(_HINT)) from error


def _elements(file: BinaryIO, tags: tuple[str, ...], encoding: str | None, name: str) -> Iterator[Element]:
    inside = depth = 0
    parser = SafeTree.DefusedXMLParser(encoding=encoding)
    for event, element in SafeTree.iterparse(file, events=("start", "end"), parser=parser):
        depth += 1 if event == "start" else -1
        if depth > _DEEPEST:
            raise InputError(
                _("{name} is nested more than {number} levels deep.").format(name=name, number=_DEEPEST), _(_HINT)
            )
        if event == "start" and element.tag.startswith("{"):
            element.tag = element.tag.rpartition("}")[2]
        if element.tag in tags:
            inside += 1 if event == "start" else -1
            if inside == 0:
                yield element
                element.clear()


@contextmanager
def _opened(path: Path, name: str) -> Iterator[tuple[BinaryIO, str | None]]:
    """Open a file where its XML begins; the encoding is given if it is not the one that the file says."""
    if path.stat().st_size > _MAX_BYTES:
        raise InputError(
            _("{name} is larger than {number} MB.").format(name=name, number=_MAX_BYTES // 2**20),
            _("Export it in several parts."),
        )
    with path.open("rb") as file:
        start = file.read(_PEEK)
        declared = _DECLARED.match(start)
        encoding = declared[1].decode().lower() if declared else "utf-8"
        # What people pasted may begin with empty lines, which XML does not allow before its declaration.
        file.seek(len(start) - len(start.lstrip(b" \t\r\n")))
        if encoding in _UTF8:
            yield file, None
        elif encoding.startswith(_WIDE):
            # A declaration that can be read byte by byte is not in what it says.
            yield file, "utf-8"
        else:
            yield BytesIO(_in_utf8(file.read(), encoding, name)), "utf-8"


def _in_utf8(content: bytes, encoding: str, name: str) -> bytes:
    """Return what is in the encoding that a file says; UTF-8 is refused: names would come out as other letters."""
    if content.isascii():
        return content
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return _decoded(content, encoding, name).encode()
    hint = _('Write encoding="UTF-8" into its first line in place of {encoding}.').format(encoding=encoding)
    raise InputError(
        _("{name} says that it is {encoding}, but it is UTF-8.").format(name=name, encoding=encoding), hint
    )


def _decoded(content: bytes, encoding: str, name: str) -> str:
    try:
        return content.decode(_AS_WINDOWS.get(encoding, encoding))
    except (UnicodeDecodeError, LookupError) as error:
        hint = _("Save it as UTF-8, and write that into its first line.")
        raise InputError(
            _("{name} says that it is {encoding}, which cannot be read.").format(name=name, encoding=encoding[:40]),
            hint,
        ) from error


def _not_utf8(path: Path, name: str) -> InputError | None:
    """Return where a file that says nothing else is not UTF-8, the most frequent reason why it cannot be read."""
    content = path.read_bytes()
    if b"\0" in content[:_PEEK] or content.startswith((b"\xff\xfe", b"\xfe\xff")) or _says_other(content):
        return None
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        return not_utf8(content, error.start, name)
    return None


def _says_other(content: bytes) -> bool:
    declared = _DECLARED.match(content[:_PEEK])
    return declared is not None and declared[1].decode().lower() not in _UTF8


def text_of(element: Element, path: str) -> str:
    """Return the text of an element inside, without space around; empty if there is none."""
    return (element.findtext(path) or "").strip()
