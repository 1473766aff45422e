"""The command line: exit codes, messages, and what a launch does not load."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from tests.fakes.evaluations import Made, coco_pair
from tests.outside import ROOT
from tests.unit.datasets.layouts import write_yolo
from traindash.cli import main
from traindash.datasets.importing import Layout
from traindash.settings import screens_folder

PLAN = "project_id: 1\nmodel: YOLO/YOLO26n-det\n"
NOWHERE = {"SERVER_ADDRESS": "http://127.0.0.1:9", "API_TOKEN": "t0ken"}


def _run(*words: str, **environment: str | None) -> Result:
    settings: dict[str, str | None] = {"SERVER_ADDRESS": None, "API_TOKEN": None, **environment}
    return CliRunner(env=settings).invoke(main, list(words))


def _plan(folder: Path, text: str = PLAN) -> str:
    path = folder / "plan.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_the_dashboard_s_file_is_there() -> None:
    assert (screens_folder() / "app.py").is_file()


def test_every_command_explains_itself() -> None:
    result = _run("--help")
    assert result.exit_code == 0
    for command in main.commands:
        assert command in result.stdout
        assert _run(command, "--help").exit_code == 0


@pytest.mark.parametrize(
    "words", [("nope",), ("launch",), ("env", "--port", "0"), ("env", "--port", "x"), ("evaluate", "--gt", "a")]
)
def test_wrong_usage_is_2(words: tuple[str, ...]) -> None:
    result = _run(*words)
    assert result.exit_code == 2
    assert result.stderr.startswith("Usage:")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("epochs: 3\n" + PLAN, "epochs is not a key of a plan"),
        ("model: YOLO/a", "project_id is missing"),
        ("", "The plan has no keys"),
    ],
)
def test_a_bad_plan_is_refused_before_any_server_is_asked(tmp_path: Path, text: str, words: str) -> None:
    result = _run("launch", _plan(tmp_path, text))
    assert (result.exit_code, result.stdout) == (1, "")
    assert words in result.stderr
    assert "Traceback" not in result.stderr


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    missing = _run("launch", str(tmp_path / "none.yaml"))
    assert (missing.exit_code, "none.yaml cannot be read" in missing.stderr) == (1, True)
    (tmp_path / "latin.yaml").write_bytes(b"model: \xff")
    assert "latin.yaml is not UTF-8: line 1" in _run("launch", str(tmp_path / "latin.yaml")).stderr


def test_a_launch_needs_a_server_and_a_token(tmp_path: Path) -> None:
    plan = _plan(tmp_path)
    assert "No server is named" in _run("launch", plan).stderr
    assert "API_TOKEN holds no API token" in _run("launch", plan, "--server", "127.0.0.1:9").stderr
    named = _run("launch", plan, "--server", "127.0.0.1:9", "--token-env", "MINE", API_TOKEN="x")
    assert (named.exit_code, "MINE holds no API token" in named.stderr) == (1, True)


def test_evaluate_prints_key_metrics_by_class_and_counts(tmp_path: Path) -> None:
    gt, dt = coco_pair(Made(images=12))
    (tmp_path / "gt.json").write_text(json.dumps(gt))
    (tmp_path / "dt.json").write_text(json.dumps(dt))
    files = ("--gt", str(tmp_path / "gt.json"), "--dt", str(tmp_path / "dt.json"))
    shown = _run("evaluate", *files)
    assert shown.exit_code == 0
    metrics = json.loads(shown.stdout)
    assert 0 < metrics["mAP"] < metrics["AP50"] <= 1
    assert list(metrics["AP_by_class"]) == [row["name"] for row in gt["categories"]]
    assert metrics["AP_by_class"]["apple"] == metrics["per_class"]["apple"]["AP"]
    assert metrics["counts"]["TP"] + metrics["counts"]["FN"] == len(gt["annotations"])
    written = _run("evaluate", *files, "--out", str(tmp_path / "m.json"))
    assert (written.exit_code, written.stdout) == (0, "")
    assert json.loads((tmp_path / "m.json").read_text()) == metrics


def test_evaluate_refuses_what_is_no_coco_file(tmp_path: Path) -> None:
    (tmp_path / "gt.json").write_text("{}")
    result = _run("evaluate", "--gt", str(tmp_path / "gt.json"), "--dt", str(tmp_path / "none.json"))
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")


def test_what_was_left_out_is_told_beside_the_figures(tmp_path: Path) -> None:
    folder = tmp_path / "b"
    for name in ("a", "b"):
        folder = Path(_evaluation(tmp_path / name))
        found = json.loads((folder / "cocoDt.json").read_text())["annotations"]
        (folder / "cocoDt.json").write_text(json.dumps([*found, found[0] | {"image_id": 4711}]))
    note = "1 detection has no image in the ground truth and is left out, the first one with image_id 4711."
    files = ("--gt", str(folder / "cocoGt.json"), "--dt", str(folder / "cocoDt.json"))
    shown = _run("evaluate", *files)
    assert (shown.exit_code, shown.stderr) == (0, f"Note: {note}\n")
    assert json.loads(shown.stdout)["notes"] == [note]
    report = tmp_path / "report.html"
    compared = _run("compare", str(tmp_path / "a"), str(tmp_path / "b"), "--html", str(report))
    assert f"Note: a: {note}\nNote: b: {note}\n" in compared.stderr
    assert f"a: {note}" in report.read_text(encoding="utf-8")


def _evaluation(folder: Path, **changes: Any) -> str:  # noqa: ANN401 - what to make up
    folder.mkdir()
    for name, content in zip(("cocoGt.json", "cocoDt.json"), coco_pair(Made(images=12, **changes)), strict=True):
        (folder / name).write_text(json.dumps(content))
    return str(folder)


def test_compare_writes_one_html_file(tmp_path: Path) -> None:
    folders = [_evaluation(tmp_path / name, seed=seed) for seed, name in enumerate(("a <b>", "c"))]
    report = tmp_path / "report.html"
    result = _run("compare", *folders, "--html", str(report))
    assert (result.exit_code, result.stdout.strip(), result.stderr) == (0, str(report), "")
    text = report.read_text(encoding="utf-8")
    assert "a &lt;b&gt;" in text
    assert "a <b>" not in text


def test_compare_says_what_makes_it_unfair_and_refuses_what_it_cannot_read(tmp_path: Path) -> None:
    first = _evaluation(tmp_path / "a")
    other = _evaluation(tmp_path / "b", data_seed=9)
    html = ("--html", str(tmp_path / "r.html"))
    warned = _run("compare", first, other, *html)
    assert (warned.exit_code, warned.stderr.startswith("Warning: ")) == (0, True)
    assert _run("compare", first, *html).exit_code == 2
    missing = _run("compare", first, str(tmp_path / "none"), *html)
    assert (missing.exit_code, "holds no evaluation" in missing.stderr) == (1, True)
    unwritable = _run("compare", first, other, "--html", str(tmp_path / "no" / "r.html"))
    assert (unwritable.exit_code, "cannot be written" in unwritable.stderr) == (1, True)


def test_env_of_a_folder_without_a_server_is_refused(tmp_path: Path) -> None:
    result = _run("env", TRAINDASH_HOME=str(tmp_path / "none"))
    assert (result.exit_code, "Start the dashboard once" in result.stderr) == (1, True)
    assert not (tmp_path / "none").exists()


def test_a_launch_that_reaches_nobody_keeps_the_token_to_itself(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "traindash.cli", "launch", _plan(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**NOWHERE, "API_TOKEN": "s3cret-t0ken"},
    )
    assert done.returncode == 1
    assert "127.0.0.1:9 cannot be reached" in done.stderr
    assert "s3cret-t0ken" not in done.stdout + done.stderr


def test_every_layout_can_be_asked_for() -> None:
    (asked,) = (option for option in main.commands["import"].params if option.name == "layout")
    assert isinstance(asked.type, click.Choice)
    assert tuple(asked.type.choices) == tuple(Layout)


def test_a_look_says_in_each_way_what_would_be_brought_in(tmp_path: Path) -> None:
    folder = tmp_path / "pets"
    write_yolo(folder)
    (folder / "images" / "train" / "broken.png").write_bytes(b"no image")
    (folder / "coco.json").write_text('{"images": [], "annotations": []}')
    lines = [line.strip() for line in _run("import", "--look", str(folder)).stdout.splitlines()]
    assert lines[0] == "COCO layout. It has COCO annotations: coco.json."
    assert lines[1].startswith("It cannot be read so:")
    facts = lines[lines.index("YOLO layout. It has data.yaml with class names.") :]
    assert facts[1:5] == [
        "Found     4 images, 3 objects",
        "Taken     3 images, 3 objects, in 2 classes",
        "Left out  1 image, 0 objects",
        "Changed   0",
    ]
    assert "1 image that cannot be read" in facts
    assert "cat: 2 objects" in facts
    (only,) = (line for line in _run("import", "--look", "--format", "yolo", str(folder)).stdout.splitlines()[:1])
    assert only.startswith("YOLO layout.")
