"""XML that other tools wrote: read without entities and outside references, or refused by the person's name of it."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml import ElementTree as SafeTree

from traindash.errors import InputError

_MAX_BYTES = 512 * 2**20
_PEEK = 2**13
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_HINT = "Correct the file or leave it out."
_WIDE = ("utf-16", "utf-32", "ucs-2", "ucs-4")


def xml_start(path: Path) -> str:
    """Return the first kilobytes of an XML file without its comments, enough to tell what it is."""
    try:
        with path.open("rb") as file:
            text = file.read(_PEEK).replace(b"\0", b"").decode("utf-8", "replace")
    except OSError:  # reading it whole says what is wrong
        return ""
    return re.sub(r"(?s)<!--.*?-->|<\?.*?\?>|<!DOCTYPE[^>\[]*>", "", text).lstrip("\ufeff \t\r\n\ufffd")


def xml_elements(path: Path, name: str, *tags: str) -> Iterator[Element]:
    """Give the elements with these tags one after another, each whole; memory holds one at a time.

    ``name`` is what the person calls the file.

    Raises:
        InputError: It is not valid XML, in another encoding than it says, or defines entities; names file and line.
    """
    try:
        _check_encoding(path, name)
        with path.open("rb") as file:
            yield from _elements(file, tags)
    except ParseError as error:
        line = error.position[0] if hasattr(error, "position") else 0
        raise InputError(f"{name} is not valid XML: line {line} cannot be read.", _HINT) from error
    except DefusedXmlException as error:
        raise InputError(
            f"{name} defines entities, which no annotation needs and which can fill the memory.", _HINT
        ) from error
    except OSError as error:
        raise InputError(f"{name} cannot be read: {error.strerror}.", "Check the permissions of the file.") from error
    except (ValueError, LookupError, RecursionError) as error:
        raise InputError(f"{name} is not XML that can be read.", _HINT) from error


def _elements(file: BinaryIO, tags: tuple[str, ...]) -> Iterator[Element]:
    inside = 0
    for event, element in SafeTree.iterparse(file, events=("start", "end")):
        if element.tag in tags:
            inside += 1 if event == "start" else -1
            if inside == 0:
                yield element
                element.clear()


def _check_encoding(path: Path, name: str) -> None:
    """Refuse a file that is UTF-8 and says that it is something else: its names would come out as other letters."""
    if path.stat().st_size > _MAX_BYTES:
        raise InputError(f"{name} is larger than {_MAX_BYTES // 2**20} MB.", "Export it in several parts.")
    with path.open("rb") as file:
        declared = _DECLARED.match(file.read(_PEEK))
        encoding = declared[1].decode().lower() if declared else "utf-8"
        if encoding in ("utf-8", "utf8", "us-ascii", "ascii") or encoding.startswith(_WIDE):
            return
        file.seek(0)
        content = file.read()
    if content.isascii():
        return
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return
    hint = f'Write encoding="UTF-8" into its first line in place of {encoding}.'
    raise InputError(f"{name} says that it is {encoding}, but it is UTF-8.", hint)


def text_of(element: Element, path: str) -> str:
    """Return the text of an element inside, without space around; empty if there is none."""
    return (element.findtext(path) or "").strip()
