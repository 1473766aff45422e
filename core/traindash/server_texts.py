"""Texts that were made in English for everybody, by a server or in a report that is kept, in the language of who reads.

The wire and what is stored are English, so that programs and people of any language find the same there. What the
embedded platform says is made of messages of the catalogues, though, and that is enough to say it again: a text that a
message has made is recognised by the message's words, and its values are put into the translation. A text that no
message has made, such as one of another server, stays as it is.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from string import Formatter
from typing import NamedTuple

from traindash.formatting import alternatives, local_number, shape_word
from traindash.language import Language, current, messages, speaking
from traindash.language import gettext as _

# Where texts are made that go over the wire or are kept
_MADE_IN = (
    *("core/traindash/datasets/", "core/traindash/frameworks/", "core/traindash/platform/", "core/traindash/training/"),
    *("core/traindash/text_files.py", "core/traindash/yaml_text.py"),
)
_FEWEST_LETTERS = 7  # of a message with placeholders; fewer would recognise what it has not made: “, line ” is one
_SENTENCES = re.compile(r"(?<=[.!?]) (?=[A-Z“])")
_PUNCTUATION = re.compile("[,:;“]")
_NUMBER = re.compile(r"[-−]?\d{1,3}(,\d{3})+|[-−]?\d+\.\d+")


class _Template(NamedTuple):
    """A message with placeholders."""

    longest: str  # of its words between two placeholders: what has to be in a text
    pattern: re.Pattern[str]  # a group for each placeholder
    letters: int  # of its words: the message with the most is the one that has made a text
    forms: Sequence[str]  # its translations, for one thing and for many


class _Known(NamedTuple):
    """What is recognised in a language."""

    plain: Mapping[str, str]  # message without placeholders → translation
    clauses: Sequence[str]  # those that may end a sentence, with the blank and the full stop around
    templates: Sequence[_Template]


def told(text: str) -> str:
    """Return a text of a server or a report as people read it in the current language."""
    language = current()
    return text if language is Language.ENGLISH or not text else _told(text, language)


@lru_cache(maxsize=10_000)
def _told(text: str, language: Language) -> str:
    with speaking(language):
        return "\n".join(map(_line, text.split("\n")))


def _line(line: str) -> str:
    if (known := _recognised(line)) is not None:
        return known
    # Sentences of several makers, and what is told of a place: “photo.jpg: It is damaged.”
    if len(sentences := _SENTENCES.split(line)) > 1:
        return " ".join(map(_line, sentences))
    place, colon, rest = line.partition(": ")
    known = _recognised(rest) if colon else None
    return line if known is None else f"{_recognised(place) or place}: {known}"


def _recognised(text: str) -> str | None:
    known = _known(current())
    if text in known.plain:
        return known.plain[text]
    fitting = ((one, one.pattern.fullmatch(text)) for one in known.templates if one.longest in text)
    found = max(((one, match) for one, match in fitting if match), key=lambda item: item[0].letters, default=None)
    # A name before a clause: “COCO has a .json file with images.”
    clause = max((one for one in known.clauses if text.endswith(one)), key=len, default="")
    if clause and not _PUNCTUATION.search(text.removesuffix(clause)):
        return f"{text.removesuffix(clause)} {known.plain[clause[1:-1]]}."
    if found is None:
        return None
    template, match = found
    values = match.groupdict()
    form = 0 if len(template.forms) == 1 or "1" in values.values() else 1  # all languages so far have two
    return _filled(template.forms[form], {name: _value(name, value) for name, value in values.items()})


def _value(name: str, value: str) -> str:
    match name:
        case "shape":
            return shape_word(value)
        case "layouts":
            return alternatives(value.split(" or "))
        case _ if _NUMBER.fullmatch(value):
            return local_number(value)
        case _:
            return "; ".join(_recognised(part) or _counted(part) or part for part in value.split("; "))


def _counted(text: str) -> str | None:
    """Return what :func:`traindash.datasets.import_words.in_words` has said: ``2 images that cannot be read``."""
    plain, words = _known(current()).plain, text.split(" ")
    for end in range(2, len(words)):
        noun, clause = " ".join(words[1:end]), " ".join(words[end:])
        if words[0][:1].isdigit() and noun in plain and clause in plain:
            things = f"{local_number(words[0])} {plain[noun]}"
            return _("{things} {clause}").format(things=things, clause=plain[clause])
    return None


def _filled(message: str, values: Mapping[str, str]) -> str:
    """Fill a message in; how it formats its values was done when the text was made."""
    parts = Formatter().parse(message)
    return "".join(text + (values.get(name, "") if name else "") for text, name, _format, _conversion in parts)


@cache
def _known(language: Language) -> _Known:
    plain: dict[str, str] = {}
    templates = []
    for ids, forms in messages(language, _MADE_IN):
        for place, text in enumerate(ids):
            if "{" not in text:
                plain[text] = forms[min(place, len(forms) - 1)]
            elif (template := _template(text, forms)) is not None:
                templates.append(template)
    return _Known(plain, [f" {text}." for text in plain if text.startswith("has ")], templates)


def _template(message: str, forms: Sequence[str]) -> _Template | None:
    pattern, words, seen = "", list[str](), set[str]()
    for text, name, _format, _conversion in Formatter().parse(message):
        words.append(text)
        pattern += re.escape(text)
        if name is not None:
            # A value is no end of a sentence with the next one; what a sentence begins with is a name without a colon
            value = r"(?:(?!\. [A-Z]).)+?" if pattern else r"(?:(?!: |\. [A-Z]).)+?"
            pattern += f"(?P={name})" if name in seen else f"(?P<{name}>{value})"
            seen.add(name)
    letters = sum(map(len, words))
    if letters < _FEWEST_LETTERS or not re.search("[A-Za-z]{2}", "".join(words)):
        return None
    return _Template(longest=max(words, key=len), pattern=re.compile(pattern), letters=letters, forms=forms)
