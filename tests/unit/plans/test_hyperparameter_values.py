"""What is said about single values, and what the fixes make of the text."""

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from tests.fakes.real_apps import FOLDER
from traindash.frameworks.hyperparameter_text import HyperparameterDumper, with_values
from traindash.frameworks.registry import FRAMEWORKS
from traindash.plans.hyperparameters import read_text

REFERENCE = FRAMEWORKS["YOLO"].reference


@pytest.mark.parametrize(
    ("line", "words", "fixed"),
    [
        ("epochs: many", "has to be a whole number, 1 or more", None),
        ("epochs: 0", "epochs is 0", None),
        ("epochs: 2.5", "epochs is 2.5", None),
        ("epochs:", "epochs is empty", "epochs: 100"),
        ("epochs: '12'", "epochs is “12”", "epochs: 12"),
        ("lr0: 1e-3", "lr0 is “1e-3”", "lr0: 1.0e-3"),
        ("lr0: 3", "number from 0 to 1", None),
        ("lr0: true", "lr0 is True", None),
        ("amp: 'off'", "amp is “off”", "amp: False"),
        ("cos_lr: 1", "True or False", None),
        ("optimizer: Adamm", "SGD, MuSGD", None),
        ("freeze: 'none'", "freeze is “none”", "freeze: null"),
        ("imgsz: 064", "“imgsz: 064” is read as 52: a number that begins with 0 is octal to YAML", "imgsz: 64"),
        ("epochs: 089", "“epochs: 089” is read as 089: YAML reads it as text", "epochs: 89"),
        ("warmup_epochs: 1:30", "is read as 90: numbers with colons are hours, minutes and seconds", None),
        ("epochs:\u00a010", "has an invisible character (no-break space, U+00A0)", "epochs: 10"),
        ("epochs: 1\u200b0", "has an invisible character (zero width space, U+200B)", "epochs: 10"),
        ("epochs: 10\u3000", "has an invisible character (ideographic space, U+3000)", "epochs: 10 "),
        ("optimizer: “AdamW”", "has an odd character (left double quotation mark, U+201C)", 'optimizer: "AdamW"'),
        ("save_period: \u22121", "(minus sign, U+2212)", "save_period: -1"),
        ("epochs\uff1a 10", "(fullwidth colon, U+FF1A)", "epochs: 10"),
        ("imgsz: 8", "32 or more", None),
        ("mosaic: {a: 1}", "mosaic is a group of values", None),
    ],
)
def test_a_value_that_the_framework_does_not_take(line: str, words: str, fixed: str | None) -> None:
    text = f"# mine\nbatch: 4 # few\n{line}\nseed: 1\n"
    found = read_text(text, REFERENCE)
    assert [problem.line for problem in found.errors] == [3]
    assert words in found.errors[0].message
    fix = found.errors[0].fix
    assert (fix.text if fix else None) == (text.replace(line, fixed) if fixed else None)
    if fix:
        assert read_text(fix.text, REFERENCE).errors == ()


@pytest.mark.parametrize(
    ("line", "words", "fixed"),
    [
        ("epoch: 3", "“epoch” is not known", "epochs: 3"),
        ("my_key: 3", "“my_key” is not known", None),
        ("device: 0", "the agent decides", None),
        ("single_cls: true", "cannot be used here", None),
        ("format: onnx", "is for export", None),
        ("dfl: 30", "dfl is 30, which is unusual", None),
        ("epochs: 100000", "unusual", None),
    ],
)
def test_what_is_allowed_and_suspicious(line: str, words: str, fixed: str | None) -> None:
    text = f"batch: 4\n{line}\n"
    found = read_text(text, REFERENCE)
    assert found.errors == ()
    assert [problem.line for problem in found.warnings] == [2]
    assert words in found.warnings[0].message
    fix = found.warnings[0].fix
    assert (fix.text if fix else None) == (text.replace(line, fixed) if fixed else None)


@pytest.mark.parametrize(
    "line", ["optimizer: adamw", "cache: RAM", "freeze: [1, 2]", "imgsz: 640.0", "amp: bf16", "batch: 0.7"]
)
def test_what_the_framework_takes_in_several_ways(line: str) -> None:
    found = read_text(line, REFERENCE)
    assert (found.errors, found.warnings) == ((), ())


@pytest.mark.parametrize(
    ("text", "fixed"),
    [
        ("epochs: 3\n\tbatch: 8\n", "epochs: 3\nbatch: 8\n"),
        ("epochs: 3\nbatch 8\nseed: 1\n", "epochs: 3\nbatch: 8\nseed: 1\n"),
        ("epochs: 3\nbatch = 8\n", "epochs: 3\nbatch: 8\n"),
        ("epochs: 3\nseed: 1\nepochs: 4 # again\n", "epochs: 3\nseed: 1\n"),
    ],
)
def test_slips_of_the_pen_have_a_way_out(text: str, fixed: str) -> None:
    fix = read_text(text, REFERENCE).errors[0].fix
    assert fix is not None
    assert fix.text == fixed


def test_without_a_reference_only_numbers_are_looked_at() -> None:
    found = read_text("epochs: many\nlr: 1e-3\n")
    assert ([problem.line for problem in found.errors], found.warnings) == ([2], ())


@pytest.mark.parametrize("framework", ["RT-DETRv2", "DEIM", "SparseInst", "MaskDINO"])
def test_the_defaults_of_other_frameworks_raise_no_objection(framework: str) -> None:
    found = read_text((FOLDER / framework / "hyperparameters.yaml").read_text(encoding="utf-8"))
    assert (found.is_readable, found.errors, found.warnings) == (True, (), ())


@pytest.mark.parametrize(
    ("line", "path", "better"),
    [
        ("my_key: 1e-3", "my_key", "1.0e-3"),
        ("optimizer: {type: AdamW, lr: 1e-4}", "optimizer.lr", "1.0e-4"),
        ("optimizer:\n  lr: 2.5e5", "optimizer.lr", "2.5e+5"),
        ("betas: [0.9, 9e-1]", "betas", "9.0e-1"),
    ],
)
def test_a_number_that_is_a_text_is_an_error_in_all_depths(line: str, path: str, better: str) -> None:
    for reference in (None, REFERENCE) if line.startswith("my_key") else (None,):
        (problem,) = read_text(f"{line}\n", reference).errors
        assert f"“{path}: " in problem.message
        assert problem.fix is not None
        assert better in problem.fix.text
        assert read_text(problem.fix.text, reference).errors == ()
    assert read_text("name: '1e-3'\n").errors == ()  # in quotes it is wanted as a text


@pytest.mark.parametrize(
    ("text", "name", "because"),
    [
        ("optimizer: auto\nlr0: 0.005\n", "lr0", "optimizer is “auto”"),
        ("lr0: 0.005\n", "lr0", "optimizer is “auto”"),  # the engine's own default
        ("epochs: 20\npatience: 30\n", "patience", "epochs is 20"),
        ("warmup_epochs: 0\nwarmup_bias_lr: 0.2\n", "warmup_bias_lr", "warmup_epochs is 0"),
        ("optimizer: SGD\nlr0: 0.005\n", None, ""),
        ("optimizer: auto\nlr0: 0.01\n", None, ""),  # nobody has changed it
        ("epochs: 20\npatience: 5\n", None, ""),
        ("epochs: 20\npatience: 100\n", None, ""),  # the default, which never ends a training early
    ],
)
def test_a_changed_value_without_effect_is_told(text: str, name: str | None, because: str) -> None:
    found = read_text(text, REFERENCE)
    assert found.errors == ()
    told = [problem.message for problem in found.warnings if "has no effect" in problem.message]
    assert [because in message and f" {name} " in message for message in told] == ([True] if name else [])


def test_other_values_leave_everything_else_as_it_was() -> None:
    text = "# mine\nepochs: 20 # few\nfreeze:\nnames: {a: 1}\nbatch: 8"
    changed = with_values(text, {"epochs": 3, "freeze": 2, "cache": "ram", "amp": False})
    assert changed == "# mine\nepochs: 3 # few\nfreeze: 2\nnames: {a: 1}\nbatch: 8\ncache: ram\namp: False\n"


_values = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20)


@given(
    before=st.dictionaries(st.sampled_from("abcd"), _values, min_size=1),
    after=st.dictionaries(st.sampled_from("abcdef"), _values),
)
@example(before={"a": None}, after={"a": "\x85"})
@example(before={"a": 1}, after={"b": "x\ny"})
@example(before={"a": None}, after={"a": "None", "b": ["None", None]})
def test_values_that_were_set_are_read_again(before: dict[str, object], after: dict[str, object]) -> None:
    changed = with_values(yaml.dump(before, Dumper=HyperparameterDumper), after)
    assert dict(read_text(changed).values) == {**before, **after}


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("freeze: None", None),
        ("freeze: null", None),
        ("freeze:", None),
        ("save: True", True),
        ("seed: 007", 7),
        ("epochs: 1_000", 1000),
        ("lr0: &rate .01", 0.01),
        ("name: 12:30", 750),
        ("epochs: 20 # “quoted” – and so on\u00a0", 20),
        ("\ufeffepochs: 20", 20),
    ],
)
def test_what_the_vendor_s_own_text_has_is_taken(line: str, value: object) -> None:
    found = read_text(line, REFERENCE)
    assert (found.errors, [entry.value for entry in found.entries]) == ((), [value])


def test_merged_groups_and_aliases_give_their_values() -> None:
    text = "lr0: &rate .01\nwarmup_bias_lr: *rate\n<<: {epochs: 5, batch: 4}\nbatch: 8\n"
    found = read_text(text, REFERENCE)
    assert (found.errors, found.warnings) == ((), ())
    assert found.values == {"lr0": 0.01, "warmup_bias_lr": 0.01, "epochs": 5, "batch": 8}
    assert read_text(with_values(text, {"epochs": 7})).values == {**found.values, "epochs": 7}


@pytest.mark.parametrize("key", ["label_smoothing", "crop_fraction", "hide_labels", "line_thickness", "half", "keras"])
def test_keys_of_older_versions_are_left_out_with_a_warning(key: str) -> None:
    found = read_text(f"epochs: 3\n{key}: 0.1\n", REFERENCE)
    assert found.errors == ()
    assert [problem.line for problem in found.warnings] == [2]
    assert "of an older Ultralytics" in found.warnings[0].message


@given(text=st.text(max_size=80))
@example(text="a: " + "[" * 3000)
@example(text="a: " + "9" * 5000)
@example(text="a: 2024-13-45")
@example(text="a: !!timestamp soon")
@example(text="? [a]\n: b")
@example(text="a: &a [*a]")
@example(text="<<: 5")
@example(text="a: *nowhere")
@example(text="a: =")
def test_any_text_is_read_or_refused_in_words(text: str) -> None:
    for reference in (None, REFERENCE):
        for problem in read_text(text, reference).errors:
            assert "constructor" not in problem.message
            assert "tag:" not in problem.message
            assert problem.hint


@pytest.mark.parametrize(
    ("text", "words"), [("epochs:\u00a010", "no-break space"), ("lr0\uff1a0.1", "fullwidth colon")]
)
def test_an_odd_character_is_named_where_it_leaves_no_name_at_all(text: str, words: str) -> None:
    (problem,) = read_text(text, REFERENCE).errors
    assert words in problem.message


DETR = FRAMEWORKS["RT-DETRv2"].reference


@pytest.mark.parametrize(
    ("text", "words", "fixed"),
    [
        ("optimizer: AdamW\n", "optimizer has to be a group of values, for example {type: …}", None),
        ("epoches: {a: 1, b: 2}\n", "epoches is a group of values; it has to be a whole number", None),
        (
            "eval_spatial_size: 640\n",
            "a list of 2 numbers, 32 or more, divisible by 32",
            "eval_spatial_size: [640, 640]\n",
        ),
        ("eval_spatial_size: [100, 128]\n", "eval_spatial_size is [100, 128]", None),
        ("optimizer:\n  lr: 1e-3 # x\n", "optimizer.lr is “1e-3”", "optimizer:\n  lr: 1.0e-3 # x\n"),
        ("ema: {decay: 3}\n", "Line 1: ema.decay is 3; it has to be a number from 0 to 1", None),
        (
            "optimizer:\n  lr: 0.1\n  lr: 0.2\n",
            "“lr” is given twice, in line 2 and in line 3",
            "optimizer:\n  lr: 0.1\n",
        ),
        (
            "lr_scheduler: {milestones: [1e1, 20]}\n",
            "“lr_scheduler.milestones: 1e1” is read as text",
            "lr_scheduler: {milestones: [1.0e+1, 20]}\n",
        ),
        ("optimizer:\n\tlr: 0.1\n", "there is a tab", "optimizer:\n  lr: 0.1\n"),
    ],
)
def test_values_in_groups_are_checked_by_their_path(text: str, words: str, fixed: str | None) -> None:
    (problem,) = read_text(text, DETR).errors
    assert words in problem.message
    assert (problem.fix.text if problem.fix else None) == fixed
    assert fixed is None or read_text(fixed, DETR).errors == ()


@pytest.mark.parametrize(
    ("text", "words", "fixed"),
    [
        ("optimizer:\n  lrr: 0.1\n", "“optimizer.lrr” is not known to RT-DETRv2", "optimizer:\n  lr: 0.1\n"),
        ("lr: 0.1\n", "“lr” is not known", None),  # it belongs into a group, which the hint names
        ("val_dataloader: {x: 1}\n", "“val_dataloader.x” is not used: the validation images", None),
        ("ema: {decay: 0.9}\nuse_ema: False\n", "ema.decay has no effect while use_ema is False", None),
        ("epoches: 9\nlr_scheduler: {milestones: [9, 12]}\n", "lr_scheduler.milestones has no effect", None),
    ],
)
def test_what_changes_nothing_in_a_group_is_told(text: str, words: str, fixed: str | None) -> None:
    found = read_text(text, DETR)
    assert found.errors == ()
    (problem,) = found.warnings
    assert words in problem.message
    assert ("optimizer.lr" in problem.hint) == ("not known" in words)
    assert (problem.fix.text if problem.fix else None) == fixed


def test_groups_that_are_not_there_are_no_mistake() -> None:
    text = "optimizer: {}\nema: {decay: 0.99}\nlr_scheduler: {milestones: [3, 90]}\n"
    assert (read_text(text, DETR).errors, read_text(text, DETR).warnings) == ((), ())
