"""The catalogues of messages, brought up to date with the code: ``python -m tools.catalogue``.

Extraction is Babel's. What differs from ``pybabel extract`` and ``update`` is how the files are written, so that
several people can add to them at once: sorted by the file that a message stands in, each message on one line, without
line numbers or dates, nothing guessed and nothing obsolete kept. Git joins both sides of a conflict
(``.gitattributes``); running this again puts them in order.
"""

import ast
import json
import re
import sys
from collections.abc import Collection, Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import IO, Any

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po, write_po

from traindash.frameworks.reference import Reference, load_reference
from traindash.frameworks.spec import Preset, load_presets
from traindash.language import DOMAIN, LOCALES, Language

ROOT = Path(__file__).parents[1]
TEMPLATE = LOCALES / f"{DOMAIN}.pot"
_FOLDERS = ("core/traindash", "pages")
# plural(number, one, many) and nouns(one, many) of traindash.formatting; the others are gettext's own
_KEYWORDS = {**DEFAULT_KEYWORDS, "plural": (2, 3), "nouns": (1, 2)}
_COMMENTS = ("Translators:",)
_NEW: Mapping[str, Any] = {
    "project": DOMAIN,
    "version": "",
    "msgid_bugs_address": "",
    "last_translator": "",
    "language_team": "",
    "fuzzy": False,
    "header_comment": "# Messages of Traindash. Written by python -m tools.catalogue; translations are edited by hand.",
}


def extracted() -> Catalog:
    """Return all messages of the code."""
    catalogue = Catalog(**_NEW)
    for folder in _FOLDERS:
        found = extract_from_dir(
            ROOT / folder, method_map=_METHODS, keywords=_KEYWORDS, comment_tags=_COMMENTS, strip_comment_tags=True
        )
        for name, _line, message, comments, context in found:
            place = Path(folder, name).as_posix()
            catalogue.add(message, locations=[(place, 0)], auto_comments=comments, context=context)
    return catalogue


def _messages_of_python(
    file: IO[bytes], keywords: Mapping[str, object], comment_tags: Collection[str], options: Mapping[str, Any]
) -> Iterator[tuple[int, str, tuple[str | None, ...], list[str]]]:
    """Yield the calls that mark messages, as Babel's extractors do.

    Babel's own reads tokens, and so finds what stands inside of f-strings with Python 3.12 and not with 3.11.
    """
    del options  # there are none
    text = file.read().decode("utf-8")
    if not any(f"{name}(" in text for name in keywords):
        return
    lines = text.splitlines()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and (called := _called(node.func)) in keywords:
            said = tuple(part.value if isinstance(part, ast.Constant) else None for part in node.args)
            messages = tuple(part if isinstance(part, str) else None for part in said)
            above = lines[node.lineno - 2].strip().removeprefix("#").strip() if node.lineno > 1 else ""
            yield node.lineno, called, messages, [above] if above.startswith(tuple(comment_tags)) else []


def _called(function: ast.expr) -> str:
    """Return the name of a function, that of another module's too: ``formatting.plural``."""
    match function:
        case ast.Name(id=name) | ast.Attribute(value=ast.Name(), attr=name):
            return name
        case _:
            return ""


_CALL = re.compile(r'(?<![\w.])_\(\s*(?:("(?:[^"\\]|\\.)*")|\S)')


def _messages_of_scripts(
    file: IO[bytes], keywords: Collection[str], comment_tags: Collection[str], options: Mapping[str, Any]
) -> Iterator[tuple[int, str, str, list[str]]]:
    """Yield the calls that mark messages, which stand between double quotes.

    Babel's own extractor loses its way in quotes within templates, and with it messages.

    Raises:
        ValueError: Something else than a text is marked.
    """
    del keywords, comment_tags, options
    text = file.read().decode("utf-8")
    for call in _CALL.finditer(text):
        if call[1] is None:
            raise ValueError(f"Not a text between double quotes: {text[call.start() : call.start() + 60]}")
        yield text.count("\n", 0, call.start()) + 1, "_", json.loads(call[1]), []


def _messages_of_frameworks(
    file: IO[bytes], keywords: Collection[str], comment_tags: Collection[str], options: Mapping[str, Any]
) -> Iterator[tuple[int, str, str, list[str]]]:
    """Yield what people read of a framework's data, which stays data: the texts of its reference and its presets."""
    del keywords, comment_tags, options
    path = Path(file.name)
    texts = _of_presets(load_presets(path)) if path.name == "presets.yaml" else _of_reference(load_reference(path))
    for text in texts:
        yield 0, "_", text, []


def _of_reference(reference: Reference) -> Iterator[str]:
    for key in reference.keys.values():
        yield from (key.group, key.meaning)
    for names in (reference.decided, reference.refused, reference.unused, reference.outdated):
        yield from names.values()
    yield from (rule.why for rule in reference.idle)


def _of_presets(presets: tuple[Preset, ...]) -> Iterator[str]:
    for preset in presets:
        yield from (preset.name, preset.about)


_METHODS: Any = [  # Babel takes functions, too; its types do not say so
    ("**.min.js", "ignore"),
    ("**.py", _messages_of_python),
    ("**/templates/*.html", "jinja2"),
    ("**.js", _messages_of_scripts),
    ("**/frameworks/*/reference.yaml", _messages_of_frameworks),
    ("**/frameworks/*/presets.yaml", _messages_of_frameworks),
]


def path_of(language: Language) -> Path:
    """Return where the catalogue of a language is."""
    return LOCALES / language.value / "LC_MESSAGES" / f"{DOMAIN}.po"


def translated(language: Language) -> Catalog:
    """Return the catalogue of a language as it is kept; empty where there is none yet."""
    path = path_of(language)
    if not path.exists():
        return Catalog(locale=language.value, **_NEW)
    with path.open("rb") as file:
        return read_po(file, locale=language.value, domain=DOMAIN)


def missing(catalogue: Catalog) -> Iterator[Message]:
    """Yield the messages without a translation."""
    for message in catalogue:
        forms = message.string if isinstance(message.string, tuple) else (message.string,)
        if message.id and not all(forms):
            yield message


def _written(catalogue: Catalog, *, head: bool) -> bytes:
    text = BytesIO()
    write_po(
        text, catalogue, width=0, sort_by_file=True, include_lineno=False, ignore_obsolete=True, omit_header=not head
    )
    return text.getvalue()


def main() -> int:
    """Bring the template and every catalogue up to date; returns 1 where translations are missing."""
    template, lacking = extracted(), 0
    TEMPLATE.write_bytes(_written(template, head=False))
    for language in Language:
        if language is Language.ENGLISH:
            continue
        catalogue = translated(language)
        catalogue.update(template, no_fuzzy_matching=True, update_creation_date=False)
        path_of(language).parent.mkdir(parents=True, exist_ok=True)
        path_of(language).write_bytes(_written(catalogue, head=True))
        for message in missing(catalogue):
            lacking += 1
            sys.stdout.write(f"{language.value}: not translated: {message.id!r} ({message.locations[0][0]})\n")
    sys.stdout.write(f"{len(template)} messages, {lacking} translations are missing\n")
    return 1 if lacking else 0


if __name__ == "__main__":
    raise SystemExit(main())
