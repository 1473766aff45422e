"""What is tried after a training ran out of memory."""

import pytest
import yaml

from traindash.tasks.again import safer_setting

TEXT = "# mine\nepochs: 5\nbatch: 16  # images\nimgsz: 640\nmini_batch: 16\n"


def test_half_the_batch_first() -> None:
    safer = safer_setting(TEXT)
    assert safer is not None
    assert (safer.name, safer.before, safer.after) == ("batch", 16, 8)
    assert safer.hyperparameters == TEXT.replace("batch: 16  #", "batch: 8  #")


def test_smaller_images_when_the_batch_is_one() -> None:
    text = "batch: 1\nimgsz: 416\n"
    safer = safer_setting(text)
    assert safer is not None
    assert yaml.safe_load(safer.hyperparameters) == {"batch": 1, "imgsz": 192}


@pytest.mark.parametrize("text", ["{batch: 16, imgsz: 64}", "batch: 0x10\nimgsz: 64\n"])
def test_however_it_is_written(text: str) -> None:
    safer = safer_setting(text)
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
    assert safer_setting(text) is None
