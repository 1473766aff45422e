"""Runs in the Python of the official SDK: pieces of code, one JSON request per line of standard input.

In:  ``{"server": address, "token": key, "code": body of a function with sly, api, arguments, "arguments": {…}}``
Out: a line when the SDK is imported, then ``{"value": …}`` or ``{"error": "TypeName: text"}``
"""

import contextlib
import importlib
import io
import json
import os
import sys
import warnings
from collections.abc import Callable
from typing import Any


def main() -> None:
    """Answer until the input ends. The SDK logs to standard output, so answers go to a copy of it."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    warnings.simplefilter("ignore")
    with contextlib.redirect_stdout(io.StringIO()):
        sly = importlib.import_module("supervisely")
    answers.write("ready\n")
    answers.flush()

    apis: dict[str, Any] = {}
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if request["server"] not in apis:
                apis[request["server"]] = sly.Api(request["server"], request["token"])
            value = _function(request["code"])(sly, apis[request["server"]], request["arguments"])
            answer = {"value": value}
        except Exception as error:  # noqa: BLE001 - whatever it is, the test shall see it
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer, default=_plain) + "\n")
        answers.flush()


def _function(code: str) -> Callable[[Any, Any, dict[str, Any]], Any]:
    body = "\n".join("    " + line for line in code.splitlines())
    names: dict[str, Any] = {}
    exec(f"def run(sly, api, arguments):\n{body}", names)  # noqa: S102 - code of our own tests
    function: Callable[[Any, Any, dict[str, Any]], Any] = names["run"]
    return function


def _plain(value: object) -> object:
    return str(value)


if __name__ == "__main__":
    main()
