"""The edge of the API: whatever happens inside, clients get JSON that says what to do."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from traindash.domain.ids import TaskId
from traindash.domain.task import TaskStatus
from traindash.errors import AppError, InputError, NotFoundError, StateError, StorageError
from traindash.platform.dry_runs import DryRuns
from traindash.platform.exports import ModelExports
from traindash.platform.imports import Imports
from traindash.platform.ready_models import Predictors
from traindash.platform.routes.endpoint import API, ApiContext, ApiEndpoint, Method, fault_response
from traindash.platform.routes.workload import Workload
from traindash.platform.services import Services
from traindash.platform.serving.service import Serving
from traindash.platform.tasks.admission import Admission
from traindash.platform.webhook import WebhookWorker
from traindash.platform.wire import Body

TOKEN = "right"  # noqa: S105 - of a server that exists for a moment


class _Idle:
    def wake(self) -> None:
        """Do nothing."""

    def request_stop(self, task_id: TaskId) -> TaskStatus:
        """Say that it is over."""
        del task_id
        return TaskStatus.STOPPED


class _Number(Body):
    number: int = 0


@pytest.fixture
def workload() -> Iterator[Workload]:
    made = Workload()
    yield made
    made.close()


def _ask(method: Method[_Number], home: Path, workload: Workload) -> httpx.Response:
    services = Services(home, address="http://x", environment={})
    admission = Admission(services)
    api = ApiContext(
        services=services,
        admission=admission,
        control=_Idle(),
        imports=Imports(services),
        dry_runs=DryRuns(services, admission),
        predictors=Predictors(services.layout.predictors, {}),
        serving=Serving(services),
        exports=ModelExports(services),
        webhook=WebhookWorker(services),
    )
    endpoint = ApiEndpoint(api, [method], lambda: TOKEN, workload)

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(endpoint), base_url="http://x") as client:
            return await client.post(f"{API}v3/do.it", json={}, headers={"x-api-key": TOKEN})

    return asyncio.run(ask())


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (InputError("What", "next"), 400),
        (NotFoundError("What", "next"), 404),
        (StateError("What", "next"), 409),
        (StorageError("What", "next"), 507),
        (AppError("What", "next"), 400),
    ],
)
def test_each_kind_of_error_has_its_status(tmp_path: Path, workload: Workload, error: AppError, status: int) -> None:
    def fail(_api: ApiContext, _body: _Number) -> object:
        raise error

    answer = _ask(Method("do.it", _Number, fail), tmp_path, workload)
    assert answer.status_code == status
    assert answer.json() == {"error": "What", "details": {"message": "What", "hint": "next"}}


def test_a_mistake_of_ours_is_json_without_inner_details(
    tmp_path: Path, workload: Workload, caplog: pytest.LogCaptureFixture
) -> None:
    answer = _ask(Method("do.it", _Number, lambda _api, body: 1 / body.number), tmp_path, workload)
    assert answer.status_code == 500
    assert "division" not in answer.text
    assert "details" in answer.json()
    [record] = caplog.records
    assert "'do.it' failed" in record.message
    assert "ZeroDivisionError" in record.message
    assert record.exc_info is None, "one line and no traceback"
    reference = answer.json()["details"]["hint"].rstrip(".").rsplit(" ", 1)[1]
    assert f"(reference {reference})" in record.message


def test_a_full_disk_is_no_500(tmp_path: Path, workload: Workload) -> None:
    def fail(_api: ApiContext, _body: _Number) -> object:
        raise OSError(28, "No space left on device")

    answer = _ask(Method("do.it", _Number, fail), tmp_path, workload)
    assert answer.status_code == 507
    assert "No space left" in answer.json()["error"]


def test_no_client_is_told_where_the_data_directory_lies(tmp_path: Path) -> None:
    error = StorageError(f"{tmp_path}/projects/a.png cannot be read.", f"Look at {tmp_path}.")
    told = bytes(fault_response(error, "The address", tmp_path).body).decode()
    assert "a.png cannot be read" in told
    assert str(tmp_path) not in told
