"""Projects in Supervisely's layout: what is imported and written again is what was there; damage is told."""

import json
import random
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.datasets import strategies
from tests.unit.datasets.layouts import take, write_image, write_supervisely
from traindash.datasets.annotation_json import annotation_to_json, meta_to_json
from traindash.datasets.supervisely_format import open_project
from traindash.domain.annotation import Annotation
from traindash.domain.project import ObjectClass, ProjectMeta
from traindash.errors import InputError

SIDE = strategies.SIDE
_NAMES = st.text("abcÄß 0.1", min_size=1, max_size=6).map(str.strip).filter(lambda name: name.strip(". ") == name != "")
_DATASETS = st.lists(st.lists(_NAMES, min_size=1, max_size=3).map(tuple), min_size=1, max_size=3, unique=True)


def _write(root: Path, meta: ProjectMeta, images: dict[tuple[str, ...], Annotation], picture: Path) -> None:
    root.mkdir()
    (root / "meta.json").write_text(json.dumps(meta_to_json(meta)))
    for names, annotation in images.items():
        folder = root.joinpath(*"/datasets/".join(names).split("/"))
        (folder / "img").mkdir(parents=True)
        (folder / "ann").mkdir()
        shutil.copy(picture, folder / "img" / "a.png")
        (folder / "ann" / "a.png.json").write_text(json.dumps(annotation_to_json(annotation)))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(paths=_DATASETS, annotations=st.lists(strategies.annotations, min_size=3, max_size=3))
def test_a_project_that_is_written_reads_as_it_was(
    tmp_path: Path, paths: list[tuple[str, ...]], annotations: list[Annotation]
) -> None:
    root, picture = tmp_path / "project", tmp_path / "picture.png"
    shutil.rmtree(root, ignore_errors=True)
    write_image(picture, size=(SIDE, SIDE))
    names = sorted({label.class_name for annotation in annotations for label in annotation.labels})
    meta = ProjectMeta(
        classes=tuple(
            ObjectClass(name=name, shape="any", color="#00FF00", extra={"of ours": {"x": 1}}) for name in names
        ),
        extra={"projectSettings": {"labelingInterface": "default"}},
    )
    images = dict(zip(paths, annotations, strict=False))
    _write(root, meta, images, picture)
    source = open_project(root)
    read = {dataset.path: image.annotation for dataset in source.datasets for image in dataset.images}
    assert source.meta == meta
    assert read == {"/".join(path): annotation for path, annotation in images.items()}


@pytest.mark.parametrize("file", ["meta.json", "ds/ann/a.png.json", "collections.json"])
@pytest.mark.parametrize("seed", range(12))
def test_damaged_bytes_are_refused_or_told(tmp_path: Path, file: str, seed: int) -> None:
    root = tmp_path / "pets"
    write_supervisely(root)
    dice = random.Random(f"{file} {seed}")  # noqa: S311 - the same damage in every run
    content = bytearray((root / file).read_bytes())
    if seed % 3 == 0:
        content = content[: dice.randrange(len(content))]
    for _ in range(0 if seed % 3 == 0 else 1 + seed):
        content[dice.randrange(len(content))] = dice.randrange(256) if seed % 3 == 1 else dice.choice(b'0-{}[],":e9')
    (root / file).write_bytes(content)
    refusal: InputError | None = None
    found: int | None = 3
    try:
        found = take(root).report.images_found  # which are those that were taken and skipped, as it asserts
    except InputError as error:
        refusal = error
    assert found == 3
    assert refusal is None or refusal.hint
