"""What is tried after a training ran out of memory."""

import pytest
import yaml

from traindash.tasks.again import safer_setting

TEXT = "# mine\nepochs: 5\nbatch: 16  # images\nimgsz: 640\nmini_batch: 16\n"


def test_half_the_batch_first() -> None:
    safer = safer_setting(TEXT, "YOLO")
    assert safer is not None
    assert (safer.name, safer.before, safer.after) == ("batch", 16, 8)
    assert safer.hyperparameters == TEXT.replace("batch: 16  #", "batch: 8  #")


def test_smaller_images_when_the_batch_is_one() -> None:
    text = "batch: 1\nimgsz: 416\n"
    safer = safer_setting(text, "YOLO")
    assert safer is not None
    assert yaml.safe_load(safer.hyperparameters) == {"batch": 1, "imgsz": 192}


def test_images_with_two_sides_keep_their_shape() -> None:
    safer = safer_setting("batch_size: 1\neval_spatial_size: [640, 320] # h, w\n", "RT-DETRv2")
    assert safer is not None
    assert safer.hyperparameters == "batch_size: 1\neval_spatial_size: [320, 160] # h, w\n"
    assert safer.sentence.startswith("The same settings with eval_spatial_size [320, 160] instead of [640, 320] need")
    guessed = safer_setting("data: {x: 1}\ntrain:\n  batch_size: 4 # mine\n", None)
    assert guessed is not None
    assert guessed.hyperparameters == "data: {x: 1}\ntrain:\n  batch_size: 2 # mine\n"


@pytest.mark.parametrize("text", ["{batch: 16, imgsz: 64}", "batch: 0x10\nimgsz: 64\n"])
def test_however_it_is_written(text: str) -> None:
    safer = safer_setting(text, "YOLO")
    assert safer is not None
    assert yaml.safe_load(safer.hyperparameters) == {"batch": 8, "imgsz": 64}


@pytest.mark.parametrize(
    "text",
    [
        "batch: 1\nimgsz: 96\n",
        "batch: -1\n",
        "batch: true\n",
        "a: [",
        "- 1\n",
    ],
)
def test_nothing_is_proposed_where_nothing_can_be_halved(text: str) -> None:
    assert safer_setting(text, "YOLO") is None
