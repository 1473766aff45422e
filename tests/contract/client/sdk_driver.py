"""Runs in the Python of the official SDK: one ``TrainApi.run`` per line of standard input.

In:  ``{"arguments": {…}, "split": {"class": "TagsSplit", "arguments": {…}} | null}``
Out: ``{"id": task id}`` or ``{"error": "TypeName: text"}``
"""

import contextlib
import importlib
import json
import sys
from typing import Any

TRAIN_API = "supervisely.api.nn.train_api"


def run(api: Any, question: dict[str, Any]) -> dict[str, Any]:  # noqa: ANN401 - the SDK is not installed here
    """Start one training."""
    train_api = importlib.import_module(TRAIN_API)
    arguments = question["arguments"]
    if question["split"] is not None:
        arguments["train_val_split"] = getattr(train_api, question["split"]["class"])(**question["split"]["arguments"])
    return {"id": train_api.TrainApi(api).run(**arguments)["id"]}


def main() -> None:
    """Answer until the input ends."""
    answers = sys.stdout
    with contextlib.redirect_stdout(sys.stderr):  # the SDK prints its log
        api = importlib.import_module("supervisely").Api.from_env()
        for line in sys.stdin:
            try:
                answer = run(api, json.loads(line))
            except Exception as error:  # noqa: BLE001 - the test decides what an error means
                answer = {"error": f"{type(error).__name__}: {error}"}
            answers.write(json.dumps(answer) + "\n")
            answers.flush()


if __name__ == "__main__":
    main()
