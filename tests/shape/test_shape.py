"""The shape of the project: sizes, names, and documents that name real files."""

import ast
import functools
import re
from pathlib import Path
from typing import get_args

import pytest

from tests.outside import ROOT
from traindash.frameworks.registry import FRAMEWORKS
from traindash.frameworks.spec import Role

PYTHON_FILES = sorted(
    path.relative_to(ROOT) for folder in ("core", "pages", "tests") for path in (ROOT / folder).rglob("*.py")
)
CODE_FILES = [path for path in PYTHON_FILES if path.parts[0] != "tests"]
BANNED_NAMES = {"utils", "helpers", "manager", "helper", "util", "managers", "misc", "common"}
STREAMLIT_HOMES = ("pages", "core/traindash/ui", "core/traindash/frame")
HEAVY = {"torch", "ultralytics", "transformers", "onnx", "onnxruntime", "torchvision"}


def _imports(path: Path) -> set[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("path", CODE_FILES, ids=str)
def test_no_file_is_crowded(path: Path) -> None:
    limit = 80 if path.parts[0] == "pages" else 500
    lines = len((ROOT / path).read_text(encoding="utf-8").splitlines())
    assert lines <= limit, f"{path} has {lines} lines, {limit} are allowed: split it"


@pytest.mark.parametrize("path", CODE_FILES, ids=str)
def test_names_say_what_is_inside(path: Path) -> None:
    assert not BANNED_NAMES & {part.removesuffix(".py") for part in path.parts}


@pytest.mark.parametrize("path", CODE_FILES, ids=str)
def test_heavy_and_framed_imports_stay_at_home(path: Path) -> None:
    names = _imports(path)
    if not str(path).startswith(("core/traindash/training/trainers", "core/traindash/handover/runner")):
        assert not names & HEAVY, f"{path} imports {names & HEAVY}; only core/traindash/training/trainers may"
    if not str(path).startswith(STREAMLIT_HOMES):
        assert "streamlit" not in names or path == Path("core/traindash/cli.py"), f"{path} imports Streamlit"
    if path != Path("core/traindash/supervisely/transport.py"):
        assert "httpx" not in names, f"{path} imports httpx; only core/traindash/supervisely/transport.py may"
    assert "pickle" not in names, f"{path} imports pickle"


# Keys that are also words of something else: of our own records, or the names of roles
_OTHER_MEANINGS = {*get_args(Role), "time", "use_ema"}
_OWN_RECORDS = {
    # rows of the log, kept samples, the name of an axis
    "epochs": {"runs/events.py", "trainers/samples.py", "tasks/log_reading.py", "charts/training.py"},
    "batch_size": {"trainers/benchmark.py"},  # rows of a speed test
    "imgsz": {"handover/description.py"},  # notes of an ONNX file
}


@functools.cache
def _keys() -> frozenset[str]:
    every = {key for known in FRAMEWORKS.values() for key in (*known.roles.keys.values(), *known.telling)}
    return frozenset(every - _OTHER_MEANINGS)


@pytest.mark.parametrize("path", CODE_FILES, ids=str)
def test_only_frameworks_and_engines_know_keys_of_hyperparameters(path: Path) -> None:
    place = path.as_posix()
    if re.search(r"/frameworks/|/trainers/(yolo|detr)/", place):
        return
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    docstrings = {id(node.body[0]) for node in ast.walk(tree) if isinstance(node, documented) and node.body}
    said = {
        node.value
        for parent in ast.walk(tree)
        for node in ast.iter_child_nodes(parent)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(parent) not in docstrings
    }
    known = {
        key
        for key in _keys()
        if not any(place.endswith(home) for home in _OWN_RECORDS.get(key, ()))
        if any(re.search(rf"^{re.escape(key)}$|[“`]{re.escape(key)}[”`:]|^{re.escape(key)}:", text) for text in said)
    }
    assert not known, f"{path} names hyperparameters ({', '.join(sorted(known))}): ask for them by their roles"


@pytest.mark.parametrize(
    "document",
    [
        *("README.md", "CONTRIBUTING.md"),
        *(f"docs/{name}.md" for name in ("architecture", "frameworks", "security", "supervisely-api")),
    ],
)
def test_documents_name_real_files(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:core|pages|tests|\.ci|\.streamlit|docs)/[\w./-]*|app\.py|pyproject\.toml)`", text))
    linked = set(re.findall(r"\]\((?!https?:)([\w./-]+)", text))
    assert named | linked, f"{document} names no file"
    missing = sorted(name for name in named if not (ROOT / name).exists())
    missing += sorted(name for name in linked if not ((ROOT / document).parent / name).exists())
    assert not missing, f"{document} names what does not exist: {missing}"


def test_every_package_says_what_it_is() -> None:
    folders = {path.parent for path in CODE_FILES if path.parts[0] == "core"}
    silent = [str(f) for f in folders if not (ROOT / f / "__init__.py").exists()]
    undocumented = [
        str(f)
        for f in folders
        if (ROOT / f / "__init__.py").exists()
        and ast.get_docstring(ast.parse((ROOT / f / "__init__.py").read_text(encoding="utf-8"))) is None
    ]
    assert not silent
    assert not undocumented


@pytest.mark.parametrize("path", PYTHON_FILES, ids=str)
def test_cited_sections_exist(path: Path) -> None:
    """Code cites documents as ``docs/supervisely-api.md 3.2``; several numbers are separated by commas and "and"."""
    text = (ROOT / path).read_text(encoding="utf-8")
    for document, numbers in re.findall(r"(docs/[\w-]+\.md) (\d[\d.]*(?:(?:,| and|, and) \d[\d.]*)*)", text):
        for number in re.findall(r"\d+(?:\.\d+)?", numbers):
            assert number in _sections(document), f"{path} cites {document} {number}, which is not there"


@functools.cache
def _sections(document: str) -> frozenset[str]:
    text = (ROOT / document).read_text(encoding="utf-8")
    return frozenset(re.findall(r"^#+ (\d+(?:\.\d+)?)\b", text, re.MULTILINE))
