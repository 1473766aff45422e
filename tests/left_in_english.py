"""What of a text in another language is still a message in English."""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from html.parser import HTMLParser
from string import Formatter

from tools.catalogue import translated
from traindash.language import Language

_READ_OUT = {"title", "alt", "aria-label", "placeholder"}
_SHORTEST = 3  # letters of a message that a name could not be by accident


@cache
def _messages(language: Language) -> tuple[frozenset[str], tuple[re.Pattern[str], ...]]:
    """Return messages that other words stand for: those without placeholders, and patterns of those with some."""
    plain, spoken, patterns = set(), set[str](), []
    for message in translated(language):
        if message.context:
            continue  # the same word stands for something else elsewhere: “random” is a value of a plan, too
        ids = message.id if isinstance(message.id, list | tuple) else (message.id,)
        forms = message.string if isinstance(message.string, list | tuple) else (message.string,)
        spoken.update(form for form in forms if form)
        for one in ids:
            if not one or one in forms:
                continue
            words = [text for text, _name, _format, _conversion in Formatter().parse(one)]
            if "{" not in one:
                plain.add(one)
            elif len(re.findall(r"[A-Za-z]{2,}", " ".join(words))) > 1:
                patterns.append(re.compile(".+?".join(map(re.escape, words)), re.DOTALL))
    # What is a translation of another message may be that: “Start” is German for “Launch”
    return frozenset(plain - spoken), tuple(patterns)


def left_in_english(texts: Iterable[str], language: Language = Language.GERMAN) -> list[str]:
    """Return the texts that are messages in English, though the catalogue has others for them."""
    plain, patterns = _messages(language)

    def is_english(text: str) -> bool:
        return len(text) > _SHORTEST and (text in plain or any(one.fullmatch(text) for one in patterns))

    return sorted({text for text in (one.strip() for one in texts) if is_english(text)})


class _Texts(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._hidden = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden = tag in {"script", "style"}
        self.found += [value for name, value in attrs if name in _READ_OUT and value]

    def handle_data(self, data: str) -> None:
        if not self._hidden and data.strip():
            self.found.append(data)

    def handle_endtag(self, tag: str) -> None:
        del tag
        self._hidden = False


def texts_of_html(html: str) -> list[str]:
    """Return what is read in HTML and read out of it."""
    reader = _Texts()
    reader.feed(html)
    return reader.found


def texts_of_json(value: object) -> Iterator[str]:
    """Yield all texts of a decoded JSON value but single small words, which are keys of programs."""
    if isinstance(value, str) and not re.fullmatch("[a-z]+", value):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ():
        yield from texts_of_json(inner)
