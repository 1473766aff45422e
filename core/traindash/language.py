"""The language that texts for people are in: marked where they are written, translated where they are used.

Texts in the code are English and are the keys of the catalogues in ``locales``, as is usual with gettext. The language
belongs to who reads: each person's page runs in a thread of its own, and what is made for an audience is made inside
:func:`speaking`. Whatever machines read (the wire, CSV, plan files, code, logs) is never translated.

``CONTRIBUTING.md`` says how texts are marked and how the catalogues are brought up to date.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from enum import StrEnum
from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from babel.messages.catalog import Message

LOCALES = Path(__file__).with_name("locales")
DOMAIN = "traindash"  # name of the catalogues
_SCRIPT = ".js"


class Language(StrEnum):
    """A language that Traindash speaks, by its code in BCP 47; each but English has a catalogue."""

    ENGLISH = "en"
    GERMAN = "de"

    @property
    def own_name(self) -> str:
        """The language's name in itself."""
        return _OWN_NAMES[self]


_OWN_NAMES: Mapping[Language, str] = {Language.ENGLISH: "English", Language.GERMAN: "Deutsch"}
_current: ContextVar[Language | None] = ContextVar("language", default=None)
_sources: list[Callable[[], Language | None]] = []


def ask(source: Callable[[], Language | None]) -> None:
    """Let ``source`` say which language a thread speaks that nobody has told; ``None`` where it does not know either.

    A page script knows its person. Callbacks and parts of a page run without the frame around them, so the frame alone
    could not say it.
    """
    _sources.append(source)


def current() -> Language:
    """Return the language of this thread: the one told, that of the person whose page runs, else English."""
    told = _current.get()
    if told is not None:
        return told
    for source in _sources:
        if (known := source()) is not None:
            _current.set(known)
            return known
    return Language.ENGLISH


@contextmanager
def speaking(language: Language) -> Iterator[None]:
    """Make texts in a language: that of an audience, or of the person for whom another thread works."""
    token = _current.set(language)
    try:
        yield
    finally:
        _current.reset(token)


def negotiated(chosen: str | None, accepted: str = "") -> Language:
    """Return the language for somebody who has chosen one, or whose browser accepts some (``Accept-Language``)."""
    if chosen in set(Language):
        return Language(chosen)
    ranges = [(part.partition(";q=")[2] or "1", part.partition(";")[0].strip()) for part in accepted.split(",")]
    for _weight, wanted in sorted(ranges, key=lambda item: item[0], reverse=True):
        if (code := wanted.partition("-")[0].lower()) in set(Language):
            return Language(code)
    return Language.ENGLISH


# Marks. Extraction knows these names (the module tools.catalogue); import gettext as _.


def gettext(message: str) -> str:
    """Return a message in the current language; placeholders in braces are filled in afterwards with ``format``."""
    return _translations(current()).gettext(message) if message else ""  # the empty message is the catalogue's head


def ngettext(one: str, many: str, number: float) -> str:
    """Return the message for a number of things: ``one`` and ``many`` in English, as many forms as others have."""
    return _translations(current()).ngettext(one, many, _whole(number))


def pgettext(context: str, message: str) -> str:
    """Return a message whose English word means several things; ``context`` says which, and is not shown."""
    return _translations(current()).pgettext(context, message)


def N_(message: str) -> str:  # noqa: N802 - gettext's own name
    """Mark a message that is made when a module is imported; whoever uses it translates it then with ``_``."""
    return message


def script_messages() -> Mapping[str, str]:
    """Return the messages of scripts that run in the browser, in the current language; empty for English."""
    return _catalogue(current()).of_scripts


def messages(language: Language, places: tuple[str, ...]) -> Iterator[tuple[Sequence[str], Sequence[str]]]:
    """Yield the messages of some folders and files in English with their translations: one form, or those of a plural.

    Those with a context are left out: in English they cannot be told from others.
    """
    for message in _catalogue(language).known:
        if (
            message.id
            and not message.context
            and any(str(file).startswith(places) for file, _line in message.locations)
        ):
            yield _forms(message.id), _forms(message.string)


class _Catalogue(NamedTuple):
    translations: NullTranslations
    of_scripts: Mapping[str, str]
    known: Iterable["Message"]


def _translations(language: Language) -> NullTranslations:
    return _catalogue(language).translations


@cache
def _catalogue(language: Language) -> _Catalogue:
    """Read the catalogue once; it is kept as text alone, so what is spoken is what was written."""
    if language is Language.ENGLISH:
        return _Catalogue(NullTranslations(), {}, ())
    # Only whoever speaks another language pays for it (0.1 s).
    from babel.messages.mofile import write_mo  # noqa: PLC0415
    from babel.messages.pofile import read_po  # noqa: PLC0415

    path = LOCALES / language.value / "LC_MESSAGES" / f"{DOMAIN}.po"
    with path.open("rb") as file:
        known = read_po(file, locale=language.value, domain=DOMAIN)
    compiled = BytesIO()
    write_mo(compiled, known)
    compiled.seek(0)
    of_scripts = {
        message.id: message.string
        for message in known
        if isinstance(message.id, str) and isinstance(message.string, str) and message.string
        if any(str(place).endswith(_SCRIPT) for place, _line in message.locations)
    }
    return _Catalogue(GNUTranslations(compiled), of_scripts, known)


def _forms(value: str | Sequence[str] | None) -> Sequence[str]:
    return (value or "",) if isinstance(value, str | None) else value


def _whole(number: float) -> int:
    """Return a number that plural rules can be asked with: a fraction is several things."""
    return int(number) if number == int(number) else 2
