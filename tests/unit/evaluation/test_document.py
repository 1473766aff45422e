"""What docs/evaluation.md says is complete; that its differences are real is shown in tests/contract/evaluation."""

import re
from dataclasses import fields

from tests.evaluation_document import deviations, table
from tests.outside import ROOT
from traindash.evaluation.metrics import ClassMetrics, KeyMetrics


def test_every_key_metric_is_defined_in_its_order() -> None:
    assert [row[0].strip("`") for row in table("Key metrics")] == [field.name for field in fields(KeyMetrics)]


def test_every_figure_of_a_class_is_defined() -> None:
    named = [name for row in table("Figures of a class") for name in re.findall(r"`(\w+)`", row[0])]
    assert named == [field.name for field in fields(ClassMetrics) if field.name != "name"]


def test_every_row_says_everything() -> None:
    differences = table("Deliberate differences from Supervisely's evaluator")
    assert len(set(deviations())) == len(differences) > 0
    rows = [*differences, *table("Matching"), *table("Key metrics"), *table("Figures of a class")]
    assert all(cell for row in rows for cell in row)


def test_the_tests_it_names_exist() -> None:
    text = (ROOT / "docs" / "evaluation.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(?:[\w/]*/)?(test_\w+\.py)`", text))
    assert named
    assert all(list((ROOT / "tests").rglob(name)) for name in named)
