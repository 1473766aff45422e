"""Code to copy."""

from dataclasses import replace

from tests.unit.handover.test_onnx_file import CHOICE
from traindash.domain.handover import Thresholds
from traindash.domain.ids import TeamId
from traindash.handover.snippets import snippets
from traindash.settings import bare_environment

CHECKPOINT = "/experiments/1_Fruit & veg/12_YOLO/checkpoints/best.pt"


def test_python_is_python_and_addresses_are_quoted() -> None:
    choice = replace(CHOICE, thresholds=Thresholds(default=0.4))
    ways = {way.title: way for way in snippets(choice, TeamId(3), CHECKPOINT)}
    assert len(ways) == 4
    for way in ways.values():
        if way.language == "python":
            compile(way.text, way.title, "exec")
    assert f'model="{CHECKPOINT}"' in ways["Supervisely SDK"].text
    assert "conf=0.400" in ways["Supervisely SDK"].text
    assert "team_id=3&path=/experiments/1_Fruit%20%26%20veg/12_YOLO/checkpoints/best.pt" in ways["curl"].text


def test_a_check_gets_no_secrets() -> None:
    assert not {"API_TOKEN", "SERVER_ADDRESS", "TRAINDASH_HOME", "PYTHONPATH"} & bare_environment().keys()
