"""What an ONNX file says of itself, held against the onnx package."""

from dataclasses import replace
from pathlib import Path

import pytest
from onnx import TensorProto, helper

from traindash.domain.handover import ChosenModel, Need, Thresholds
from traindash.domain.ids import ProjectId, TaskId
from traindash.errors import InputError
from traindash.handover.description import MOST_FOUND, NMS_IOU, describe
from traindash.handover.onnx_file import OnnxFacts, read_onnx
from traindash.training.trainers.engine import MAX_DETECTIONS
from traindash.training.trainers.engine import NMS_IOU as ENGINES

CHOICE = ChosenModel(
    version=1,
    project_id=ProjectId(1),
    project_name="Fruit",
    task_id=TaskId(2),
    experiment_name="A",
    who="Ada",
    why="fast",
    need=Need(),
    thresholds=Thresholds(default=0.4, classes={"apple": 0.6}),
    chosen_at="2026-12-01T10:00:00+00:00",
)


def write(path: Path) -> Path:
    given = helper.make_tensor_value_info("images", TensorProto.FLOAT, ["N", 3, 96, 128])
    answer = helper.make_tensor_value_info("output0", TensorProto.FLOAT, [1, 6, 315])
    node = helper.make_node("Identity", ["images"], ["output0"])
    weights = helper.make_tensor("w", TensorProto.FLOAT, [1000], [0.5] * 1000)
    graph = helper.make_graph([node], "ü", [given], [answer], initializer=[weights])
    model = helper.make_model(graph)
    helper.set_model_props(model, {"names": "{0: 'pear', 1: 'apple'}", "end2end": "False"})
    path.write_bytes(model.SerializeToString())
    return path


def test_inputs_outputs_and_notes_are_those_of_the_file(tmp_path: Path) -> None:
    facts = read_onnx(write(tmp_path / "model.onnx"))
    assert facts.inputs == {"images": (None, 3, 96, 128)}
    assert facts.outputs == {"output0": (1, 6, 315)}
    assert facts.notes == {"names": "{0: 'pear', 1: 'apple'}", "end2end": "False"}


@pytest.mark.parametrize("content", [b"", b"no onnx at all", b"\x3a\xff\xff\x03"])
def test_what_is_no_onnx_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"model\.onnx is no complete ONNX file"):
        read_onnx(path)


def test_a_file_that_breaks_off_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "model.onnx")
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(InputError):
        read_onnx(path)


def test_the_description_says_what_the_file_wants(tmp_path: Path) -> None:
    found = describe(CHOICE, "object detection", ("b", "a"), read_onnx(write(tmp_path / "model.onnx")), "model.onnx")
    assert found.runner == "predict_yolo.py"
    assert found.size == (128, 96)
    assert found.content["classes"] == ["pear", "apple"], "the order of the file counts"
    assert found.content["thresholds"] == {"default": 0.4, "classes": {"apple": 0.6}}
    after = found.content["postprocessing"]
    assert isinstance(after, dict)
    assert (after["form"], after["masks"]) == ("all places", False)


def test_free_sides_are_told_by_the_notes() -> None:
    notes = {"imgsz": "[96, 128]", "stride": "32", "end2end": "False"}
    facts = OnnxFacts(inputs={"images": (None, 3, None, None)}, outputs={"output0": (None, 7, None)}, notes=notes)
    found = describe(CHOICE, "object detection", ("a", "b", "c"), facts, "m.onnx")
    assert (found.size, found.is_padded_alike) == ((128, 96), True)
    before = found.content["preprocessing"]
    assert isinstance(before, dict)
    assert before["resize"]["multiple_of"] == 32
    with pytest.raises(InputError, match="does not say the size"):
        describe(CHOICE, "object detection", ("a",), replace(facts, notes={"imgsz": "640"}), "m.onnx")


@pytest.mark.parametrize(
    ("outputs", "notes", "form"),
    [
        ({"output0": (1, 300, 6)}, {"end2end": "True"}, "end to end"),
        ({"output0": (1, 300, 6)}, {}, "end to end"),
        ({"output0": (1, 7, 8400)}, {}, "all places"),
        ({"output0": (1, 300, 38), "output1": (1, 32, 24, 24)}, {"end2end": "True"}, "end to end"),
    ],
)
def test_the_form_of_the_answers_is_told(outputs: dict[str, tuple[int, ...]], notes: dict[str, str], form: str) -> None:
    facts = OnnxFacts(inputs={"images": (1, 3, 64, 64)}, outputs=outputs, notes=notes)
    after = describe(CHOICE, "object detection", ("a", "b", "c"), facts, "m.onnx").content["postprocessing"]
    assert isinstance(after, dict)
    assert after["form"] == form


def test_a_network_that_nobody_knows_is_refused() -> None:
    facts = OnnxFacts(inputs={"x": (1, 3, 64, 64), "y": (1,)}, outputs={"z": (1,)}, notes={})
    with pytest.raises(InputError, match="Nobody here knows"):
        describe(CHOICE, "object detection", ("a",), facts, "m.onnx")


def test_packages_predict_as_engines_do() -> None:
    assert (NMS_IOU, MOST_FOUND) == (ENGINES, MAX_DETECTIONS)
