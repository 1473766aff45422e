"""Apps, their models and their default hyperparameters."""

from typing import Any

import httpx
import pytest

from tests.unit.supervisely.scripted import Scripted, page, refusal
from traindash.supervisely.errors import ContractError, MissingError


def _module(number: int, framework: str, **files: str) -> dict[str, Any]:
    config = {"categories": ["train", f"framework:{framework}"], "files": files}
    return {"id": number, "slug": f"org/{framework}/train", "name": f"Train {framework}", "config": config}


MODELS = [
    {
        "Model": "A-det",
        "Size (pixels)": 640,
        "mAP": "40.9",
        "meta": {"task_type": "object detection", "model_name": "A-det", "pretrained": False, "note": "Small."},
    },
    {"model_name": "B-seg", "meta": {"task_type": "instance segmentation"}, "files": ["ignored"]},
    {"Size (pixels)": 1},
]


def test_the_framework_s_own_table_is_shown_as_it_is() -> None:
    server = Scripted()
    server.add("ecosystem.list", page([_module(4, "YOLO", models="models.json")]))
    server.add("ecosystem.file.download", httpx.Response(200, json=MODELS))
    with server.client() as client:
        first, second = client.ecosystem.models("YOLO")
    assert (first.framework, first.name, first.columns) == ("YOLO", "A-det", {"Size (pixels)": 640, "mAP": "40.9"})
    assert (first.pretrained, first.note) == (False, "Small.")
    assert (second.name, second.task_type, second.columns) == ("B-seg", "instance segmentation", {})
    assert server.calls[0][1]["categories"] == ["train", "framework:YOLO"]
    assert server.calls[1][1] == {"moduleId": 4, "fileKey": "models"}


@pytest.mark.parametrize("files", [{}, {"models": "models.json"}])
def test_the_server_s_list_stands_in_for_a_missing_table(files: dict[str, str]) -> None:
    server = Scripted()
    server.add("ecosystem.list", page([_module(4, "YOLO", **files)]))
    rows: list[dict[str, Any]] = [
        {"name": "A", "framework": "YOLO", "task": "object detection", "paramsM": 2.5, "GFLOPs": 6, "size": 640},
        {"name": "X", "framework": "Other"},
    ]
    server.add("ecosystem.models.list", page(rows, total=3, per_page=2, pages=2), page([], total=3, pages=2))
    with server.client() as client:
        models = client.ecosystem.models("YOLO")
    assert [model.name for model in models] == ["A"]
    assert models[0].columns == {"Size (pixels)": 640, "Params (M)": 2.5, "FLOPs (B)": 6.0}


def test_all_frameworks_come_in_the_server_s_order_each_once() -> None:
    server = Scripted()
    modules = [_module(4, "YOLO", models="m"), _module(5, "DEIM", models="m"), _module(6, "YOLO", models="m")]
    server.add("ecosystem.list", page(modules))
    server.add(
        "ecosystem.file.download",
        lambda body: [{"model_name": f"of {body['moduleId']}"}],
    )
    with server.client() as client:
        assert [(model.framework, model.name) for model in client.ecosystem.models()] == [
            ("YOLO", "of 4"),
            ("DEIM", "of 5"),
        ]


def test_an_unknown_framework_is_missing() -> None:
    server = Scripted()
    server.add("ecosystem.list", page([]))
    with server.client() as client:
        with pytest.raises(MissingError, match="trains Nope models"):
            client.ecosystem.train_module("Nope")
        assert client.ecosystem.models("Nope") == ()


@pytest.mark.parametrize("key", ["hyperparams", "hyperparameters"])
def test_default_hyperparameters_under_both_keys(key: str) -> None:
    server = Scripted()
    server.add("ecosystem.list", page([_module(4, "YOLO", **{key: "h.yaml"})]))
    server.add("ecosystem.file.download", httpx.Response(200, text="epochs: 3 # ü\n"))
    with server.client() as client:
        assert client.ecosystem.default_hyperparameters("YOLO") == "epochs: 3 # ü\n"
    assert server.calls[1][1]["fileKey"] == key


def test_a_framework_without_default_hyperparameters() -> None:
    server = Scripted()
    server.add("ecosystem.list", page([_module(4, "A")]), page([_module(4, "A", hyperparams="h.yaml")]))
    server.add("ecosystem.file.download", refusal(404, "no such file"))
    with server.client() as client:
        assert client.ecosystem.default_hyperparameters("A") is None
        assert client.ecosystem.default_hyperparameters("A") is None


@pytest.mark.parametrize("content", [b"<html>", b'{"a": 1}', b'["x"]'])
def test_a_broken_table_is_named(content: bytes) -> None:
    server = Scripted()
    server.add("ecosystem.list", page([_module(4, "YOLO", models="m")]))
    server.add("ecosystem.file.download", httpx.Response(200, content=content))
    with server.client() as client, pytest.raises(ContractError):
        client.ecosystem.models("YOLO")


def test_the_compare_app_is_found_by_its_slug() -> None:
    server = Scripted()
    server.add("ecosystem.list", page([{"id": 7, "slug": "a/b", "name": "Compare"}]), page([]))
    with server.client() as client:
        assert client.ecosystem.module_by_slug("a/b").framework is None
        with pytest.raises(MissingError, match="a/c"):
            client.ecosystem.module_by_slug("a/c")
