"""Mistakes in hyperparameters are named before the training."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from traindash.domain.task import ExitCause
from traindash.frameworks.registry import FRAMEWORKS
from traindash.training.trainers.entry import RunError
from traindash.training.trainers.hyperparameters import Hyperparameters, check_each, parse_hyperparameters

REFERENCE = FRAMEWORKS["YOLO"].reference
KNOWN = {"epochs", "lr0", "batch", "imgsz", "optimizer"}


def engine_check(values: Mapping[str, object]) -> None:
    """Stands in for the engine's check: numbers only, but for the optimizer."""
    for key, value in values.items():
        if key != "optimizer" and not isinstance(value, (int, float, list)):
            message = f"'{key}={value}' is of invalid type"
            raise TypeError(message)


def parsed_from(text: str) -> Hyperparameters:
    return parse_hyperparameters(text, REFERENCE, FRAMEWORKS["YOLO"].roles)


@pytest.fixture
def refusal(yolo: Any) -> Callable[[str], RunError]:  # noqa: ANN401 - a module
    """Return the failure that a text ends in."""

    def check(text: str) -> None:
        values = parsed_from(text).values
        check_each(values, KNOWN, engine_check, engine="Ultralytics")
        yolo.check_late_ones(values)

    def refused(text: str) -> RunError:
        with pytest.raises(RunError) as caught:
            check(text)
        assert caught.value.cause is ExitCause.BAD_HYPERPARAMETER
        return caught.value

    return refused


Refusal = Callable[[str], RunError]


@pytest.mark.parametrize("device", ["cpu", "gpu"])
def test_the_defaults_are_read_unchanged(device: str) -> None:
    text = FRAMEWORKS["YOLO"].hyperparameters("cpu" if device == "cpu" else "gpu")
    parsed = parsed_from(text)
    assert parsed.values["epochs"]
    assert not parsed.ignored


def test_an_empty_text_means_the_engines_defaults() -> None:
    assert parsed_from("# nothing\n").values == {}


def test_broken_yaml_names_the_line(refusal: Refusal) -> None:
    assert "line 2" in refusal("epochs: 3\nbatch: 8: 9\n").message


@pytest.mark.parametrize("text", ["- epochs\n- lr0\n", "hello", "3: 4"])
def test_what_is_no_mapping_of_names_is_refused(refusal: Refusal, text: str) -> None:
    assert "key: value" in refusal(text).message


def test_an_unknown_key_is_named_with_a_suggestion(refusal: Refusal) -> None:
    error = refusal("epochs: 3\nepoch: 4\n")
    assert "“epoch”" in error.message
    assert "epochs" in error.hint


def test_a_number_that_yaml_reads_as_text_is_explained(refusal: Refusal) -> None:
    error = refusal("lr0: 1e-3\n")
    assert "“lr0”" in error.message
    assert "0.001" in error.hint


def test_the_engines_own_words_are_passed_on(refusal: Refusal) -> None:
    assert "invalid type" in refusal("epochs: many\n").hint


@pytest.mark.parametrize(
    "text",
    [
        *("imgsz: 16", "imgsz: '640'", "imgsz: true", "imgsz: [640, 8]", "optimizer: Magic"),
        *("epochs: 0", "epochs: -3", "batch: 0", "batch: -2", "batch: 2.5"),
    ],
)
def test_values_that_the_engine_finds_out_too_late_are_refused(refusal: Refusal, text: str) -> None:
    assert text.partition(":")[0] in refusal(text).message


@pytest.mark.parametrize("text", ["single_cls: true", "classes: [0]", "cfg: my.yaml", "distill_model: big.pt"])
def test_keys_that_change_what_a_run_means_are_refused(refusal: Refusal, text: str) -> None:
    assert text.partition(":")[0] in refusal(text).message


def test_weights_cannot_be_named_by_path(refusal: Refusal) -> None:
    assert "pretrained" in refusal("pretrained: /tmp/x.pt").message


def test_agreement_with_the_platform_is_not_mentioned() -> None:
    parsed = parsed_from("save: true\nexist_ok: true\nresume: false\n")
    assert not parsed.values
    assert not parsed.ignored


def test_keys_of_the_platform_are_set_aside_with_a_reason() -> None:
    parsed = parsed_from("device: cuda:3\nproject: x\nepochs: 2\nresume:\nsingle_cls: false\n")
    assert parsed.values == {"epochs": 2}
    assert dict(parsed.ignored) == {"device": REFERENCE.decided["device"], "project": REFERENCE.decided["project"]}


def test_keys_of_older_versions_are_left_out_and_told_when_they_said_something() -> None:
    found = parsed_from("epochs: 3\nfreeze: None\nlabel_smoothing: 0.1\nhalf: false\nkeras: False\nhide_labels: true\n")
    assert found.values == {"epochs": 3, "freeze": None}
    assert set(found.ignored) == {"label_smoothing", "hide_labels"}
