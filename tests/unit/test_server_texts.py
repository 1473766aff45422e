"""Texts that were made in English elsewhere, told in German."""

from string import Formatter

import pytest

from traindash.language import Language, messages, speaking
from traindash.server_texts import told

FOLDERS = ("core/traindash/datasets/", "core/traindash/platform/", "core/traindash/training/")
MESSAGES = tuple(messages(Language.GERMAN, FOLDERS))


def in_german(text: str) -> str:
    with speaking(Language.GERMAN):
        return told(text)


def filled(message: str) -> str:
    """Fill a message in with a value for each placeholder, the same in every language."""
    parts = Formatter().parse(message)
    return "".join(text + (f"<{name}>" if name else "") for text, name, _format, _conversion in parts)


def test_what_imports_and_the_ends_of_tasks_say_is_told_in_german() -> None:
    """Of each message a text is made, as the platform does in English, and told as the German message says it."""
    sentences = [(ids[0], forms[-1]) for ids, forms in MESSAGES if len(ids) == 1 and len(ids[0].split()) > 2]
    assert len(sentences) > 300
    wrong = {
        filled(one): in_german(filled(one)) for one, german in sentences if in_german(filled(one)) != filled(german)
    }
    assert not wrong


@pytest.mark.parametrize(
    ("text", "german"),
    [
        ("a/b.json, object 3", "a/b.json, Objekt 3"),
        ("The polygon lies outside the image.", "Das Objekt (Polygon) liegt außerhalb des Bildes."),
        ("A box of 0.5 x 1,200 pixels has no area.", "Eine Box von 0,5 x 1.200 Pixeln hat keine Fläche."),
        (
            "1 image has no label file and is taken as without objects.",
            "1 Bild hat keine Label-Datei und gilt als ohne",
        ),
        (
            "2 images have no label file and are taken as without objects.",
            "2 Bilder haben keine Label-Datei und gelten",
        ),
        ("Its outline has no area. The box is taken.", "Der Umriss hat keine Fläche. Die Box gilt."),
        (
            "No image can be taken in: 2 images that cannot be read. The first: a.jpg: It is damaged or not complete.",
            "Kein Bild lässt sich hereinholen: 2 Bilder",
        ),
        (
            "x.yaml is not valid YAML in line 3: a value is missing.",
            "x.yaml ist in Zeile 3 kein gültiges YAML: ein Wert",
        ),
        ("These layouts are read:\nYOLO has images, labels and data.yaml.", "Diese Layouts werden gelesen:\nYOLO hat"),
        ("Stopped by you.", "Von Hand angehalten."),
        (
            "The process ended with exit code 3 and gave no reason.",
            "Der Prozess endete mit Exit-Code 3 und ohne Grund.",
        ),
        ("photo.jpg: It is damaged or not complete.", "photo.jpg: Beschädigt oder unvollständig."),
    ],
)
def test_values_places_and_several_sentences(text: str, german: str) -> None:
    assert in_german(text).startswith(german)


@pytest.mark.parametrize(
    "text", ["", "Out of luck.", "The pod was evicted: no memory.", "Fruit and vegetables", "a, b"]
)
def test_what_no_message_has_made_stays(text: str) -> None:
    assert in_german(text) == text


def test_english_stays_english() -> None:
    assert told("The polygon lies outside the image.") == "The polygon lies outside the image."
