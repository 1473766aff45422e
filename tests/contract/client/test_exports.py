"""ONNX files that are made when somebody needs one."""

from collections.abc import Iterator
from pathlib import PurePosixPath

import pytest

from tests.contract.client.conftest import connected
from tests.fakes.live_platform import LivePlatform, live_platform
from tests.fakes.quick_models import QUICK_ENGINE, add_experiment, model_text
from tests.fakes.small_platform import wait_for
from traindash.domain.ids import TeamId
from traindash.domain.jobs import JobStatus, ModelExport
from traindash.supervisely.client import SuperviselyClient
from traindash.supervisely.errors import MissingError, RejectedError

TEAM = TeamId(1)


def ended(client: SuperviselyClient, export: ModelExport) -> ModelExport:
    def look() -> ModelExport | None:
        found = client.exports.info(export.id)
        return found if found.status.is_over else None

    return wait_for(look, "the export is over")


def test_a_checkpoint_becomes_an_onnx_file_beside_it(quick: LivePlatform) -> None:
    model = add_experiment(quick.platform.services, quick.platform.services.layout.root / "scratch", 21, model_text())
    with connected(quick) as client:
        assert client.exports.are_possible()
        begun = client.exports.start(TEAM, model.path)
        assert client.exports.start(TEAM, model.path).id == begun.id or begun.status.is_over
        made = ended(client, begun)
        assert made.status is JobStatus.FINISHED, made.message
        assert made.path == str(PurePosixPath(model.path).parent.parent / "export" / "best.onnx")
        assert client.files.read(TEAM, made.path) == model_text()
        assert made.seconds is not None
        again = ended(client, client.exports.start(TEAM, model.path))
        assert again.expected_seconds == made.seconds, "the next one knows how long it takes"
    assert not list(quick.platform.services.layout.incoming.glob("export-*"))


def test_what_is_no_model_says_why(quick: LivePlatform) -> None:
    services = quick.platform.services
    model = add_experiment(services, services.layout.root / "scratch", 22, b"no model")
    with connected(quick) as client:
        failed = ended(client, client.exports.start(TEAM, model.path))
        assert failed.status is JobStatus.ERROR
        assert failed.message == "best.pt is no model."
        with pytest.raises(RejectedError, match="no model of an experiment"):
            client.exports.start(TEAM, "/experiments/1_Shapes/22_YOLO/model_meta.json")
        with pytest.raises(MissingError):
            client.exports.start(TEAM, "/experiments/1_Shapes/99_YOLO/checkpoints/best.pt")


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivePlatform]:
    """A server whose models are those of the quick engine."""
    with live_platform(tmp_path_factory.mktemp("quick") / "home", working=True, trainer=QUICK_ENGINE) as live:
        yield live
