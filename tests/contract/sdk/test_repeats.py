"""A call whose answer is lost on the way: the official SDK sends it again, and it is done once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from tests.contract.sdk.session import SdkSession
from tests.fakes.live_platform import LivePlatform
from tests.fakes.lossy_proxy import Cut, LossyProxy, lossy_proxy
from tests.fakes.small_platform import wait_for
from traindash.domain.ids import ProjectId
from traindash.platform.store.listing import Listing

pytestmark = pytest.mark.sdk
START = """
    module = next(row for row in api.app.get_list(1) if "Train" in row.name)
    return api.task.start(agent_id=1, module_id=module.id, workspace_id=1, params=arguments["params"])["id"]
"""


@pytest.fixture
def proxy(own_server: LivePlatform) -> Iterator[LossyProxy]:
    """A way to the server that can be broken."""
    with lossy_proxy(int(own_server.url.rpartition(":")[2])) as made:
        yield made


@pytest.fixture
def behind(own_server: LivePlatform, proxy: LossyProxy) -> Iterator[LivePlatform]:
    """The server as seen over that way."""
    seen = LivePlatform(own_server.platform, proxy.url)
    with seen.http:
        yield seen


def _params(server: LivePlatform) -> dict[str, object]:
    train, val, _ = (dataset.id for dataset in server.platform.services.projects.datasets(ProjectId(1)))
    split = {"method": "datasets", "train_datasets": [train], "val_datasets": [val]}
    model = {"source": "Pretrained models", "model_name": "YOLO26n-det"}
    gui = {"model": model, "classes": ["box"], "train_val_split": split, "hyperparameters": "epochs: 1\n"}
    return {"state": {"slyProjectId": 1, "guiState": {**gui, "start_training": True}}}


def test_a_start_is_made_once(sdk: SdkSession, behind: LivePlatform, proxy: LossyProxy) -> None:
    def count() -> int:
        return len(behind.platform.services.tasks.open_tasks())

    seen = []
    for made, cut in enumerate((*Cut, Cut.BEGUN), start=1):
        proxy.is_done = partial(lambda wanted: count() == wanted, made)
        proxy.drop("tasks.run.app", cut)
        seen.append(sdk.run(behind, START, params=_params(behind)))
        assert (proxy.dropped, count()) == (made, made), cut
    assert len(set(seen)) == len(seen)


def test_what_was_answered_is_made_again(sdk: SdkSession, behind: LivePlatform) -> None:
    first, second = (sdk.run(behind, START, params=_params(behind)) for _ in range(2))
    assert first != second


def test_an_answer_is_lost_twice_and_the_repeat_comes_while_the_first_works(
    sdk: SdkSession, behind: LivePlatform, proxy: LossyProxy
) -> None:
    with behind.platform.services.database.write():  # the start waits until two repeats wait for it
        proxy.drop("tasks.run.app", Cut.BEFORE)
        proxy.drop("tasks.run.app", Cut.BEFORE)
        starting = ThreadPoolExecutor(1).submit(sdk.run, behind, START, params=_params(behind))
        wait_for(lambda: proxy.dropped == 2, "two requests were dropped")
    task = starting.result(timeout=30)
    assert [open_task.id for open_task in behind.platform.services.tasks.open_tasks()] == [task]


def test_other_writes(sdk: SdkSession, behind: LivePlatform, proxy: LossyProxy, folder: str) -> None:
    code = """
        source = arguments["folder"] + "/source.txt"
        open(source, "w").write("hello")
        made = api.entities_collection.create(1, "mine")
        more = api.file.upload_bulk(1, [source, source], ["/in/1.txt", "/in/2.txt"])
        return [made.name, [item.path for item in more]]
    """
    proxy.drop("entities-collections.add", Cut.BEGUN)
    proxy.drop("file-storage.bulk.upload", Cut.BEGUN)
    assert sdk.run(behind, code, folder=folder) == ["mine", ["/in/1.txt", "/in/2.txt"]]
    assert proxy.dropped == 2


def test_images_are_added_once(sdk: SdkSession, behind: LivePlatform, proxy: LossyProxy) -> None:
    code = """
        import numpy as np
        pictures = [np.full((8, 6, 3), shade, np.uint8) for shade in (7, 77, 177)]
        dataset = api.dataset.create(arguments["project"], "sent twice").id
        infos = api.image.upload_nps(dataset, ["a.png", "b.png", "c.png"], pictures)
        meta = sly.ProjectMeta.from_json(api.project.get_meta(arguments["project"]))
        box = next(item for item in meta.obj_classes if item.geometry_type is sly.Rectangle)
        api.annotation.append_labels(infos[0].id, [sly.Label(sly.Rectangle(1, 1, 3, 3), box)])
        return [len(api.image.get_list(dataset)), len(api.annotation.download_json(infos[0].id)["objects"])]
    """
    project = behind.platform.services.projects.page(Listing())[1][0]["id"]
    for method in ("images.bulk.upload", "images.bulk.add", "figures.bulk.add"):
        proxy.drop(method, Cut.BEGUN)
    assert sdk.run(behind, code, project=project) == [3, 1]
    assert proxy.dropped == 3
