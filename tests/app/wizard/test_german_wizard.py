"""The steps in German: nothing of what a person reads is left in English."""

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.app.results.test_german_pages import speaking_german, texts_of
from tests.app.wizard.stage import Stage
from tests.left_in_english import left_in_english
from traindash.plans.steps import STEPS


@pytest.fixture(autouse=True)
def german() -> Iterator[None]:
    with speaking_german():
        yield


def test_every_step_is_wholly_german(stage: Stage) -> None:
    draft = stage.draft()
    left = {step.id: left_in_english(texts_of(stage.open(step.id, draft=draft.id))) for step in STEPS}
    assert not any(left.values()), json.dumps(left)


def test_the_reference_speaks_german_and_keeps_names_and_values(stage: Stage) -> None:
    texts = texts_of(stage.open("hyperparameters", draft=stage.draft().id))
    assert "Lernrate am Anfang: zu hoch, und der Loss springt; zu niedrig, und nichts bewegt sich." in " ".join(texts)
    assert {"Dauer und Größe", "Ausgewogen", "Kurztest", "lr0", "cos_lr"} <= set(texts)


@pytest.mark.parametrize("text", ["epochs: [1", "lr0: fast\ndata: x\nsource: x\nlabel_smoothing: 0.1\nepoch: 3"])
def test_what_is_wrong_in_a_text_is_told_in_german(stage: Stage, text: str) -> None:
    draft = stage.draft(lambda draft: replace(draft, hyperparameters=text))
    texts = texts_of(stage.open("hyperparameters", draft=draft.id))
    assert left_in_english(texts) == []
    assert sum(line.startswith("Zeile ") for line in texts) >= text.count("\n") + 1
