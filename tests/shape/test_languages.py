"""The catalogues say what the code says: nothing is missing, nothing is left over, nothing was filled in wrongly."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest
import yaml
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

from tests.outside import ROOT
from tools.catalogue import TEMPLATE, extracted, missing, translated
from traindash.language import Language

OTHERS = [language for language in Language if language is not Language.ENGLISH]
RENEW = "run python -m tools.catalogue"
FILES = [path for folder in ("core/traindash", "pages") for path in sorted((ROOT / folder).rglob("*.py"))]
MARKS = {"_", "ngettext", "pgettext"}


@pytest.fixture(scope="module")
def messages() -> Catalog:
    return extracted()


def keys(catalogue: Catalog) -> set[tuple[object, str | None]]:
    return {(message.id, message.context) for message in catalogue if message.id}


def placeholders(text: str) -> set[str]:
    return {name for _text, name, _format, _conversion in Formatter().parse(text) if name is not None}


def forms(value: object) -> tuple[str, ...]:
    return tuple(value) if isinstance(value, list | tuple) else (str(value),)


def test_the_template_has_the_messages_of_the_code(messages: Catalog) -> None:
    with TEMPLATE.open("rb") as file:
        kept = keys(read_po(file))
    assert kept == keys(messages), f"{TEMPLATE.name} differs from the code: {RENEW}"


@pytest.mark.parametrize("language", OTHERS)
def test_every_message_is_translated(language: Language, messages: Catalog) -> None:
    catalogue = translated(language)
    assert keys(catalogue) == keys(messages), f"{language} differs from the code: {RENEW}"
    assert not [message.id for message in missing(catalogue)]
    assert not [message.id for message in catalogue if message.id and message.fuzzy]


@pytest.mark.parametrize("language", OTHERS)
def test_translations_have_the_placeholders_of_their_messages(language: Language) -> None:
    def differs(message: Message) -> bool:
        wanted = set().union(*map(placeholders, forms(message.id)))
        return any(placeholders(form) != wanted for form in forms(message.string))

    wrong = [(message.id, message.string) for message in translated(language) if message.id and differs(message)]
    assert not wrong


def read_by_people(data: object) -> Iterator[str]:
    """Yield the texts of decoded data that have more than one word; a title is a name."""
    if isinstance(data, str) and " " in data:
        yield data
    inner = [*data, *(value for key, value in data.items() if key != "title")] if isinstance(data, dict) else data
    for part in inner if isinstance(inner, list) else ():
        yield from read_by_people(part)


def test_what_people_read_of_a_framework_is_a_message(messages: Catalog) -> None:
    folder = ROOT / "core" / "traindash" / "frameworks"
    files = [path for name in ("reference.yaml", "presets.yaml") for path in folder.glob(f"*/{name}")]
    said = {text for path in files for text in read_by_people(yaml.safe_load(path.read_text(encoding="utf-8")))}
    assert len(said) > 100
    assert not said - {str(message.id) for message in messages}


# Rooms whose errors are read by people; the others speak to programs and on the command line, in English
READ_ROOMS = ("datasets", "experiments", "handover", "plans", "projects", "supervisely", "tasks", "ui")


def unmarked(call: ast.Call) -> list[str]:
    """Return the sentences that an error or a log of an import gets without a mark."""
    name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
    if name not in {*ERRORS, *LOGS}:
        return []
    parts = [one.values if isinstance(one, ast.JoinedStr) else [one] for one in call.args]
    said = [" ".join(str(part.value) for part in some if isinstance(part, ast.Constant)) for some in parts]
    return [text for text in said[0 if name in ERRORS else 2 :] if len(re.findall("[A-Za-z]{2,}", text)) > 1]


ERRORS = {"AppError", "EncodingError", "InputError", "NotFoundError", "StateError", "StorageError"}
LOGS = {"skip_image", "skip_object", "skip_file", "change", "note"}  # of traindash.datasets.import_log
NEVER_READ = {"id is none."}  # becomes a part of another message


def test_what_errors_and_imports_say_is_marked() -> None:
    rooms = [ROOT / "core" / "traindash" / room for room in READ_ROOMS]
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}: {text}"
        for path in FILES
        if any(room in path.parents for room in rooms)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        for text in unmarked(node)
        if text not in NEVER_READ
    ]
    assert not found, f"mark with _: {found}"


def is_page(path: Path) -> bool:
    return path.parent == ROOT / "pages"


def test_messages_are_translated_when_they_are_used() -> None:
    """A message that is translated while a module is imported stays in the language of whoever came first."""
    early, hidden = [], []
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        if "traindash.language import" not in text:
            continue
        tree = ast.parse(text)
        # A file of a page runs anew each time that the page is drawn.
        places = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.Lambda) or is_page(path)]
        later = {id(inner) for place in places for inner in ast.walk(place)}
        for node in ast.walk(tree):
            where = f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MARKS:
                early += [where] if id(node) not in later else []
            if "gettext as _" in text and isinstance(node, ast.Name) and node.id == "_":
                hidden += [where] if isinstance(node.ctx, ast.Store) else []
    assert not early, f"mark with N_ and translate where it is used: {early}"
    assert not hidden, f"_ is the function that translates; call a value that nobody needs _name: {hidden}"
