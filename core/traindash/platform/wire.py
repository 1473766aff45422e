"""What goes over the wire: requests checked into types, and rows as JSON (docs/supervisely-api.md 1 and 2).

The stores stand on this too, so nothing of a web server is imported here: ``traindash env`` needs none.
"""

from collections.abc import Hashable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from sqlite3 import Row
from typing import Annotated, Any, TypeAlias, TypeVar, cast
from unicodedata import category

import msgspec

from traindash.errors import InputError, issue_of

_MAX_INTEGER = 2**63 - 1  # of SQLite
MAX_DEPTH = 100  # of JSON, and of names that lead into it; no state or widget of an app is a tenth of that deep
_UNSEEN = frozenset({"Cc", "Cs"})  # categories of control characters and of halves of characters

Json: TypeAlias = dict[str, Any]  # an object of JSON as it is read and written

# an id; one that does not exist is a matter of the handler
Id: TypeAlias = Annotated[int, msgspec.Meta(ge=-_MAX_INTEGER, le=_MAX_INTEGER)]

Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=_MAX_INTEGER)]
Positive: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=_MAX_INTEGER)]
Text: TypeAlias = Annotated[str, msgspec.Meta(max_length=100_000)]
Word: TypeAlias = Annotated[str, msgspec.Meta(max_length=1000)]  # a name, a word of the API, a moment
Name: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]  # of something new; see `checked_name`
FilePath: TypeAlias = Annotated[str, msgspec.Meta(max_length=4096)]  # longer ones are on no disk

# Every list and text has a bound, or one request could keep a thread for minutes (docs/supervisely-api.md 1.2).
# The SDK sends the ids of what it reads in batches of 50 to 100, those of a collection all at once.
Ids: TypeAlias = Annotated[tuple[Id, ...], msgspec.Meta(max_length=10_000)]
MemberIds: TypeAlias = Annotated[tuple[Id, ...], msgspec.Meta(max_length=500_000)]
Names: TypeAlias = Annotated[tuple[FilePath, ...], msgspec.Meta(max_length=10_000)]

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyBounds:
    """How much a JSON body may hold. The parser does not let other threads work, so both bound how long they wait."""

    megabytes: int = 1
    parts: int = 100_000  # commas and opening brackets, those in texts too: a little more than there are values


USUAL = BodyBounds()
MEMBERS = BodyBounds(megabytes=12, parts=1_100_000)  # the ids of a collection or a split
DRAWN = BodyBounds(megabytes=64, parts=6_000_000)  # what is drawn on 50 images, each read by itself
DOCUMENT = BodyBounds(megabytes=8, parts=300_000)  # what an app keeps


class DetailedError(InputError):
    """A refusal with more than a message, which clients read: keys of the error's ``details``."""

    def __init__(self, message: str, hint: str, details: Mapping[str, object]) -> None:
        super().__init__(message, hint)
        self.details = details


class Body(msgspec.Struct, rename="camel"):
    """Base of request bodies: camelCase on the wire, unknown keys are ignored as Supervisely does."""


class ById(Body):
    """Names one thing."""

    id: Id


def decoded(method: str, body: type[_T], content: bytes, bounds: BodyBounds = USUAL) -> _T:
    """Read a JSON body straight into a :class:`Body`, or any other type that msgspec can check.

    The first wrong field ends the reading. Numbers that come as texts are numbers, as in :func:`checked`.

    Raises:
        InputError: It is no JSON object, nested too deeply, holds too much, or a field is missing or not usable.
    """
    if content.count(b",") + content.count(b"[") + content.count(b"{") > bounds.parts:
        raise InputError(f"{method}: the body holds more than {bounds.parts:,} values.", "Send fewer items at once.")
    if is_deep(content):
        raise InputError(f"{method}: the JSON is nested more than {MAX_DEPTH} levels deep.", "Send flatter values.")
    try:
        read: _T = _decoder(cast("Hashable", body)).decode(content)
    except msgspec.ValidationError as error:
        if " - at `$" not in str(error) and not content.lstrip().startswith(b"{"):
            raise InputError("The body must be a JSON object.") from error
        raise _refusal(method, error) from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"The body is not valid JSON: {error}.", "Send a JSON object.") from error
    return read


@lru_cache(maxsize=200)
def _decoder(body: Any) -> msgspec.json.Decoder[Any]:  # noqa: ANN401 - any type
    # A number beyond the range of a float becomes infinity, as in Python's own reader; it is answered as null.
    return msgspec.json.Decoder(body, strict=False, float_hook=float)


def is_deep(content: bytes) -> bool:
    """Return whether valid JSON is nested more than :data:`MAX_DEPTH` levels deep; what is no JSON may be both."""
    if content.count(b"[") + content.count(b"{") <= MAX_DEPTH:
        return False
    # Brackets in texts are none. A text without any is two quotation marks next to each other here; where all marks go
    # in such pairs, from the first one on, none of them was the end of a text and the beginning of the next one.
    brackets = b"" if b"\\" in content else content.translate(_ONE_KIND, _NO_MARKS).replace(b'""', b"")
    if not brackets or b'"' in brackets:
        # Pairs of backslashes go first, so that the one before a quotation mark escapes it.
        plain = content.replace(b"\\\\", b"").replace(b'\\"', b"")
        brackets = b"".join(plain.split(b'"')[::2]).translate(_ONE_KIND, _NO_MARKS)
    for _ in range(MAX_DEPTH):  # each round takes the innermost level off
        if not brackets:
            return False
        brackets = brackets.replace(b"[]", b"")
    return bool(brackets)


_ONE_KIND = bytes.maketrans(b"{}", b"[]")
_NO_MARKS = bytes(byte for byte in range(256) if byte not in b'[]{}"')


def checked(method: str, body: type[_T], data: Mapping[str, object]) -> _T:
    """Check the parameters of a request against a :class:`Body`, or any other type that msgspec can check.

    ``data`` is parsed JSON, or texts from an address or a form: a number that comes as text is a number. ``method`` is
    the API method, named in the error.

    Raises:
        InputError: A field is missing or not usable; the first one is named.
    """
    try:
        return msgspec.convert(_with_lists(body, data), body, strict=False)
    except msgspec.ValidationError as error:
        raise _refusal(method, error) from error


def _refusal(method: str, error: msgspec.ValidationError) -> InputError:
    issue = issue_of(error)
    what = "is missing" if issue.kind == "missing" else f"is not valid: {shortened(issue.reason)}"
    return InputError(f"{method}: the field {shortened(issue.field)!r} {what}.", "Correct the request.")


def shortened(text: str, most: int = 200) -> str:
    """Return a text of a client for a message: its beginning, where it is long."""
    return text if len(text) <= most else text[:most] + "…"


def checked_name(name: str) -> str:
    """Return a name for something new.

    Raises:
        InputError: Nobody could read it.
    """
    if not name.strip() or any(category(letter) in _UNSEEN for letter in name):
        raise InputError("A name needs a character that can be seen, and none that cannot.", "Choose another name.")
    return name


def checked_folder(name: str) -> str:
    """Return a name for something new under which clients make a folder: the SDK joins it to a path as it is.

    Raises:
        InputError: Nobody could read it, or the folder would lie elsewhere.
    """
    parts = [part.strip() for part in checked_name(name).replace("\\", "/").split("/")]
    if not parts[0] or {".", ".."} & set(parts):
        msg = f"A download of {shortened(name, 80)!r} would lie outside its folder."
        raise InputError(msg, "Choose a name without '.' and '..' as parts, and without a slash at its beginning.")
    return name


def _with_lists(body: type, data: Mapping[str, object]) -> Mapping[str, object]:
    """In the query string of a GET, lists are JSON texts."""
    texts = {name: value for name, value in data.items() if isinstance(value, str) and value[:1] in {"[", "{"}}
    if not texts:
        return data
    kind = msgspec.inspect.type_info(body)
    fields = kind.fields if isinstance(kind, msgspec.inspect.StructType) else ()
    lists = {field.encode_name for field in fields if _is_list(field.type)}
    parsed: dict[str, object] = {}
    for name in texts.keys() & lists:
        with suppress(ValueError):  # the check will say that it is a text
            parsed[name] = parse_json(texts[name].encode("utf-8", "surrogatepass"))
    return {**data, **parsed}


def _is_list(kind: msgspec.inspect.Type) -> bool:
    if isinstance(kind, msgspec.inspect.UnionType):
        return any(map(_is_list, kind.types))
    return isinstance(kind, msgspec.inspect.VarTupleType)


def parse_json(content: bytes) -> object:
    """Parse JSON of a client.

    Raises:
        ValueError: It is not JSON, or nested too deeply.
    """
    if is_deep(content):
        raise ValueError("it is nested too deeply")
    try:
        read: object = _decoder(Any).decode(content)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    return read


def spelled(*columns: str) -> Mapping[str, str]:
    """Return the keys under which clients find columns of the database: camelCase → column."""
    return {_camel(*name.split("_")): name for name in columns}


def _camel(first: str, *rest: str) -> str:
    return first + "".join(word.capitalize() for word in rest)


def row_json(row: Row, keys: Mapping[str, str]) -> dict[str, Any]:
    """Return the columns of a row under the keys of :func:`spelled`."""
    return {key: row[column] for key, column in keys.items()}
