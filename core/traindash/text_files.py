"""Text that people's tools wrote: read for certain, or refused by the file's name with what to do.

UTF-8 is read, with and without a byte order mark; so are UTF-16 and UTF-32, by their mark or by the zero bytes that
their letters have. All other encodings are refused: a class name has a handful of bytes beyond ASCII, and on 730 such
samples in 20 encodings the better of two detectors (chardet 7.7, charset-normalizer 3.5) read half of them wrong,
without a confidence that told which. Its opinion is good enough for a hint only.
"""

import codecs
import re
import unicodedata
from pathlib import Path

from traindash.errors import InputError
from traindash.language import gettext as _

UNREADABLE = "\ufffd"  # what stands for a byte that cannot be read, see :func:`decode_partly`

# The marks of UTF-32 first: the little-endian one begins as that of UTF-16 does
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_WIDE = ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be")
_MARK = "\ufeff"
_LINE_END = re.compile(r"\r\n|\n|\r")
# What no text has: a control character that is neither a tab nor ends a line or page
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_SAMPLE = 2**16
_LONGEST_QUOTE = 60


class EncodingError(InputError):
    """A file whose characters cannot be told for certain."""


def read_text(path: Path, name: str | None = None) -> str:
    """Read a text file; ``name`` is what the person calls it, by default the file's own name.

    Raises:
        InputError: It cannot be read.
        EncodingError: Its characters cannot be told for certain; names the line.
    """
    return decode_text(read_bytes(path, name), name or path.name)


def read_bytes(path: Path, name: str | None = None) -> bytes:
    """Read a file whole; ``name`` as for :func:`read_text`.

    Raises:
        InputError: It cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        msg = _("{name} cannot be read: {reason}.").format(name=name or path.name, reason=error.strerror)
        raise InputError(msg, _("Check the path and the permissions of the file.")) from error


def decode_text(content: bytes, name: str) -> str:
    """Return the text of a file that the person calls ``name``, without byte order marks.

    Files that were put together keep the marks of all of them in their middle; no other use of the character is left
    (Unicode 3.2). Line ends stay as they are.

    Raises:
        EncodingError: Its characters cannot be told for certain; names the line.
    """
    # U+001A is how editors of DOS end a file
    text = _decoded(content, name).replace(_MARK, "").removesuffix("\x1a")
    if odd := _CONTROL.search(text):
        msg = _("{name} is not plain text: line {line} has the character {code}.").format(
            name=name, line=_line(text[: odd.start()]), code=f"U+{ord(odd[0]):04X}"
        )
        raise EncodingError(msg, _("Check that it is the right file, and save it as UTF-8."))
    return text


def as_utf8(content: bytes, name: str) -> bytes:
    """Return the content of a JSON file as UTF-8 without a mark; of one that is so already, nothing is copied.

    Whether it is valid UTF-8 is left to the reader of the JSON, who looks at every byte anyway.

    Raises:
        EncodingError: As :func:`decode_text`.
    """
    if b"\0" not in content and not content.startswith(tuple(mark for mark, _encoding in _MARKS)):
        return content
    return _decoded(content, name).replace(_MARK, "").encode()


def ascii_part(content: bytes) -> bytes:
    """Return the beginning of a text in any encoding with its ASCII characters as they are: enough to recognize it."""
    mark = next((mark for mark, _encoding in _MARKS if content.startswith(mark)), b"")
    return content.removeprefix(mark).replace(b"\0", b"")


def ascii_start(path: Path, size: int) -> bytes:
    """Return :func:`ascii_part` of the first bytes of a file; empty where it cannot be read."""
    try:
        with path.open("rb") as file:
            return ascii_part(file.read(size))
    except OSError:  # reading it whole says what is wrong
        return b""


def decode_partly(content: bytes) -> str:
    """Return what can be read of a file that :func:`decode_text` refuses.

    :data:`UNREADABLE` stands for every byte that is not UTF-8. No encoding in use has line ends, ``#``, ``:`` or quotes
    among the bytes of its other characters, so what is in a comment stays in the comment.
    """
    return content.decode("utf-8", "replace").replace(_MARK, "")


def lines_of(text: str) -> list[str]:
    """Split a text at the line ends of Windows, Unix and old Macs; ``str.splitlines`` also splits inside of names."""
    lines = _LINE_END.split(text)
    return lines[:-1] if lines[-1] == "" else lines


def _decoded(content: bytes, name: str) -> str:
    encoding = next((encoding for mark, encoding in _MARKS if content.startswith(mark)), None)
    if encoding is None and b"\0" in content:
        return _wide(content, name)
    try:
        return content.decode(encoding or "utf-8")
    except UnicodeDecodeError as error:
        if encoding in _WIDE:
            said = encoding.rpartition("-")[0].upper()
            line = _line(content[: error.start].decode(encoding))
            msg = _("{name} begins as {encoding}, but line {line} is not.")
            msg = msg.format(name=name, encoding=said, line=line)
            raise EncodingError(msg, _remedy(name, None)) from error
        raise not_utf8(content, error.start, name) from error


def _wide(content: bytes, name: str) -> str:
    """Read UTF-16 or UTF-32 without a mark.

    The wrong order of bytes gives characters that do not exist, or a text without a single letter, space or line end of
    ASCII. Where neither tells, nothing is certain.
    """
    found = {text for encoding in _WIDE if (text := _plain(content, encoding)) is not None}
    if len(found) > 1:
        found = {text for text in found if any(character.isascii() for character in text)}
    if len(found) != 1:
        msg = _("{name} is not a text that can be read: it has zero bytes, and is not UTF-16 for certain.")
        raise EncodingError(msg.format(name=name), _("Check that it is the right file, and save it as UTF-8."))
    return found.pop()


def _plain(content: bytes, encoding: str) -> str | None:
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        return None
    # A large file has few different characters. Cn: not assigned, Co: private, Cs: half of a pair
    return None if _CONTROL.search(text) or {"Cn", "Co", "Cs"} & set(map(unicodedata.category, set(text))) else text


def not_utf8(content: bytes, position: int, name: str) -> EncodingError:
    """Return the error for content whose byte at a position is not UTF-8: its line, and what it probably is."""
    number = _line(content[:position].decode("utf-8"))
    near = content[max(0, position - _SAMPLE) : position + _SAMPLE]  # enough to judge by; the file may be large
    rest = near.decode("utf-8", "replace")
    bad = rest.count(UNREADABLE)
    # Some of the characters of GBK are valid UTF-8, too, by chance
    if sum(not character.isascii() for character in rest) - bad > bad:
        msg = _("{name} is UTF-8, but line {line} has characters that are not.").format(name=name, line=number)
        return EncodingError(msg, _("Write them anew and save the file as UTF-8."))
    begin = max(content.rfind(end, 0, position) for end in (b"\n", b"\r")) + 1
    start = max(begin, position - _LONGEST_QUOTE // 2)  # JSON of a program is one long line
    encoding = likely_encoding(content[start : start + _SAMPLE])
    line = re.split(rb"[\r\n]", content[start : start + _SAMPLE], maxsplit=1)[0]
    seen = "" if encoding is None else line.decode(encoding, "replace").strip()
    looks = ""
    if encoding and seen and UNREADABLE not in seen:
        whole = _("It looks like {encoding} (line {line} would be “{text}”).")
        part = _("It looks like {encoding} (line {line} would have “{text}”).")
        looks = (whole if start == begin else part).format(encoding=encoding, line=number, text=seen[:_LONGEST_QUOTE])
    elif encoding:
        looks = _("It looks like {encoding}.").format(encoding=encoding)
    msg = _("{name} is not UTF-8: line {line} cannot be read for certain.").format(name=name, line=number)
    return EncodingError(f"{msg} {looks}".rstrip(), _remedy(name, encoding))


def likely_encoding(content: bytes) -> str | None:
    """Return the encoding that a text which is not UTF-8 is most likely in, as ``iconv`` spells it; a guess."""
    # Imported when a file is refused: it brings models of many languages.
    from chardet import EncodingEra, detect  # noqa: PLC0415

    # Right on four of five short samples, with these lines alone and without the encodings of DOS and mainframes
    sample = b"\n".join(line for line in re.split(rb"[\r\n]+", content) if not line.isascii())
    found = detect(sample, encoding_era=EncodingEra.MODERN_WEB)["encoding"]
    return None if found is None or found.lower().startswith(("utf", "ascii")) else found


def _remedy(name: str, encoding: str | None) -> str:
    if not encoding:
        return _("Save it as UTF-8: most editors offer the encoding under “Save as”.")
    command = _("Save it as UTF-8: most editors offer the encoding under “Save as”, or run “{command}”.")
    return command.format(command=f"iconv -f {encoding} -t UTF-8 {name}")


def _line(before: str) -> int:
    return len(_LINE_END.findall(before)) + 1
