"""A served model against its evaluation: is it the same to the digit, how long does an answer take, alone and crowded.

Run as ``python -m tests.benchmarks.serving TASK`` with what ``traindash env`` prints in the environment; the task is a
finished training with an evaluation. It deploys the best checkpoint, asks, prints a line for each question and stops.
"""

import argparse
import json
import os
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from tests.benchmarks.large_data import say
from traindash.domain.experiment import ExperimentInfo
from traindash.domain.ids import TaskId, TeamId, WorkspaceId
from traindash.domain.serving import ServingFigures
from traindash.formatting import size
from traindash.supervisely.client import SuperviselyClient, connect
from traindash.supervisely.experiments import experiment_of_output
from traindash.tasks.deploying import Deployments, model_path
from traindash.tasks.launcher import TaskPlace
from traindash.tasks.model_comparison import evaluation_folder

LEAST = 0.05  # confidence from which on an evaluation keeps predictions
IMAGES = 50
CLIENTS = 50
ALONE = 30
_PATIENCE = 300.0  # seconds to load the model


def main() -> None:
    """Measure one training's model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("task", type=int)
    wanted = TaskId(parser.parse_args().task)
    token, team = os.environ["API_TOKEN"], TeamId(int(os.environ["TEAM_ID"]))  # noqa: TID251 - as the SDK's scripts
    place = TaskPlace(team_id=team, workspace_id=WorkspaceId(int(os.environ["WORKSPACE_ID"])))  # noqa: TID251
    with connect(os.environ["SERVER_ADDRESS"], token) as client:  # noqa: TID251
        experiment = experiment_of_output(client.tasks.get(wanted).output)
        if experiment is None:
            raise SystemExit(f"Task {wanted} left no experiment.")
        began = time.perf_counter()
        task = Deployments().begin(client, experiment, model_path(experiment), place)
        figures = _loaded(client, task)
        say(f"deployed in {time.perf_counter() - began:.1f} s, {size(figures.memory)}")
        address = f"{client.address}/net/{client.tasks.get(task).session_token}/inference_batch_ids"
        try:
            _measure(client, experiment, team, address, token)
        finally:
            client.tasks.stop(task)


def _loaded(client: SuperviselyClient, task: TaskId) -> ServingFigures:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        status = client.serving.status(task)
        if status.is_deployed and status.figures is not None:
            return status.figures
        time.sleep(0.1)
    raise SystemExit(f"The model of task {task} was not loaded.")


def _measure(client: SuperviselyClient, experiment: ExperimentInfo, team: TeamId, address: str, token: str) -> None:
    folder = f"{evaluation_folder(client, experiment)}/evaluation"
    truth, found = (json.loads(client.files.read(team, f"{folder}/coco{side}.json")) for side in ("Gt", "Dt"))
    images = truth["images"][:IMAGES]
    ids = [image["sly_id"] for image in images]

    def ask(wanted: list[int]) -> tuple[list[dict[str, Any]], float]:
        began = time.perf_counter()
        body = {"state": {"batch_ids": wanted, "settings": {"conf": LEAST}}, "api_token": token}
        answer = httpx.post(address, json=body, timeout=120)
        answer.raise_for_status()
        return answer.json(), time.perf_counter() - began

    results, seconds = ask(ids)
    names = {item["id"]: item["name"] for item in found["categories"]}
    expected = [_rows_of(found, image["id"], names) for image in images]
    told = [_rows_told(result) for result in results]
    objects = sum(map(len, expected))
    say(f"{len(images)} images in {seconds:.2f} s: {objects} objects, equal to cocoDt.json: {told == expected}")
    alone = sorted(ask([number])[1] for number in (ids * ALONE)[:ALONE])
    say(f"one picture: p50 {1000 * statistics.median(alone):.0f} ms, p95 {1000 * alone[int(0.95 * ALONE)]:.0f} ms")
    began = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as clients:
        crowd = [each for _, each in clients.map(lambda number: ask([number]), (ids * CLIENTS)[:CLIENTS])]
    total = time.perf_counter() - began
    say(
        f"{CLIENTS} clients at once: all in {total:.1f} s, p50 {statistics.median(crowd):.1f} s, max {max(crowd):.1f} s"
    )


def _rows_of(found: dict[str, Any], image: int, names: dict[int, str]) -> list[tuple[float, str, list[float]]]:
    rows = (row for row in found["annotations"] if row["image_id"] == image)
    return sorted((row["score"], names[row["category_id"]], row["bbox"]) for row in rows)


def _rows_told(result: dict[str, Any]) -> list[tuple[float, str, list[float]]]:
    pairs = zip(result["annotation"]["objects"], result["data"]["boxes"], strict=True)
    return sorted((item["tags"][0]["value"], item["classTitle"], box) for item, box in pairs)


if __name__ == "__main__":
    main()
