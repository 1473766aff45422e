"""A person's own presets."""

from pathlib import Path

import pytest

from traindash.errors import InputError, StorageError
from traindash.plans.suggestions import LONGEST_NAME, PresetStore


def test_presets_are_kept_per_framework_and_over_restarts(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "presets.json"
    store = PresetStore(path)
    store.save("YOLO", "  my \n night run ", "epochs: 300")
    store.save("RT-DETRv2", "night", "epoch: 1")
    store.save("YOLO", "<script>", "epochs: 1")
    store.save("YOLO", "my night run", "epochs: 301")
    assert dict(PresetStore(path).of("YOLO")) == {"my night run": "epochs: 301", "<script>": "epochs: 1"}
    store.remove("YOLO", "my night run")
    store.remove("YOLO", "never there")
    assert list(store.of("YOLO")) == ["<script>"]
    assert list(store.of("other")) == []


@pytest.mark.parametrize("name", ["", " \n", "x" * (LONGEST_NAME + 1)])
def test_a_name_is_needed(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError):
        PresetStore(tmp_path / "p.json").save("YOLO", name, "epochs: 1")


def test_a_damaged_file_means_none(tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text("[1", encoding="utf-8")
    assert dict(PresetStore(tmp_path / "p.json").of("YOLO")) == {}


def test_a_disk_that_refuses_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(StorageError):
        PresetStore(tmp_path / "file" / "p.json").save("YOLO", "a", "b")
