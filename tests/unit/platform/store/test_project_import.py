"""Bringing projects in: all or nothing."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from tests.fakes.small_platform import tiny_project
from traindash.datasets.annotation_json import annotation_to_json
from traindash.datasets.source import Lazy, ProjectSource, SourceCollection, SourceDataset, SourceImage
from traindash.domain.annotation import Label, Rectangle, Tag
from traindash.domain.ids import ProjectId
from traindash.errors import InputError
from traindash.platform.agents import Hardware
from traindash.platform.services import Services


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    made = Services(tmp_path / "home", address="http://x", environment={}, hardware=Hardware(list_gpus=tuple, cores=1))
    made.layout.make_folders()
    made.database.open()
    made.accounts.ensure_home()
    yield made
    made.database.close()


@pytest.fixture
def source(tmp_path: Path) -> ProjectSource:
    return tiny_project(tmp_path / "tiny", "Shapes")


def _import(services: Services, source: ProjectSource, *, link: bool = False) -> ProjectId:
    return services.imports.run(source, services.accounts.home(), link=link)


def _blobs(services: Services) -> list[Path]:
    return sorted(path for path in services.layout.images.rglob("*") if path.is_file())


def test_counts_and_sizes(services: Services, source: ProjectSource) -> None:
    project = services.projects.get(_import(services, source))
    assert (project.name, project.items_count, project.datasets_count) == ("Shapes", 9, 3)
    assert project.size_bytes == sum(path.stat().st_size for path in _blobs(services))
    assert services.projects.meta(project.id) == source.meta
    assert services.projects.use(project.id) == {"id": 1, "version": 1}
    assert [(row["name"], row["images"], row["objects"]) for row in services.projects.class_counts(1)] == [
        ("blob", 6, 6),
        ("box", 6, 6),
        ("blob", 3, 3),
        ("box", 3, 3),
    ]


def test_annotations_come_back_with_ids_added(services: Services, source: ProjectSource) -> None:
    project = _import(services, source)
    images = list(services.images.of_run(dict.fromkeys(services.images.ids(project), ("train",))))
    originals = [image for dataset in source.datasets for image in dataset.images]
    assert [image.name for image in images] == [original.name for original in originals]
    for image, original in zip(images, originals, strict=True):
        assert _without_ids(image.annotation) == annotation_to_json(original.annotation)
        assert Path(image.path).read_bytes() == original.path.read_bytes()


def _without_ids(annotation: Mapping[str, object]) -> object:
    added = {"id", "classId", "tagId"}

    def strip(value: object) -> object:
        match value:
            case dict():
                return {key: strip(inner) for key, inner in value.items() if key not in added}
            case list():
                return [strip(inner) for inner in value]
            case _:
                return value

    return strip(dict(annotation))


def test_ids_go_on_from_project_to_project(services: Services, source: ProjectSource) -> None:
    _import(services, source)
    second = services.projects.meta_json(_import(services, source))
    first = services.projects.meta_json(1)
    assert str(first["classes"]) != str(second["classes"])


def test_equal_images_are_kept_once(services: Services, source: ProjectSource) -> None:
    _import(services, source)
    before = _blobs(services)
    _import(services, source)
    assert _blobs(services) == before
    assert len(before) == 9


@pytest.mark.parametrize("link", [True, False])
def test_files_are_linked_only_when_told(services: Services, source: ProjectSource, link: bool) -> None:  # noqa: FBT001 - a parameter of the test
    _import(services, source, link=link)
    original = next(iter(source.datasets[0].images)).path
    assert any(blob.samefile(original) for blob in _blobs(services)) is link


def test_membership(services: Services, source: ProjectSource) -> None:
    project = _import(services, source)
    first, second, _ = services.collections.of_project(project)
    assert services.images.ids(project, collections=[first.id]) == (1, 2)
    assert services.images.ids(project, collections=[first.id, second.id]) == (1, 2, 7)
    assert services.images.ids(project, tag="val", collections=[first.id]) == (2,)


def _refused(services: Services, source: ProjectSource, said: str) -> None:
    with pytest.raises(InputError, match=said):
        _import(services, source)
    with services.database.read() as connection:
        for table in ("projects", "datasets", "images", "annotations", "collections"):
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] == 0, table  # noqa: S608 - constant
    assert _blobs(services) == []
    assert list(services.layout.incoming.iterdir()) == []


def _with_last_image(source: ProjectSource, image: SourceImage) -> ProjectSource:
    dataset = source.datasets[0]
    return replace(source, datasets=(replace(dataset, images=(*dataset.images, image)), *source.datasets[1:]))


def test_a_bad_annotation_leaves_nothing(services: Services, source: ProjectSource) -> None:
    good = next(iter(source.datasets[0].images))
    unknown = replace(good.annotation, tags=(Tag(name="nobody"),))
    _refused(services, _with_last_image(source, replace(good, name="z.png", annotation=unknown)), "nobody")
    wrong_size = replace(good.annotation, width=40, height=40)
    _refused(services, _with_last_image(source, replace(good, name="z.png", annotation=wrong_size)), "40 x 40")
    cat = Label(class_name="cat", geometry=Rectangle(left=1, top=1, right=2, bottom=2))
    stranger = replace(good.annotation, labels=(cat,))
    _refused(services, _with_last_image(source, replace(good, name="z.png", annotation=stranger)), "cat")
    damaged = replace(good, name="z.png", damaged={3: "points is missing."})
    _refused(services, _with_last_image(source, damaged), r"z\.png, object 3: points is missing")


def test_a_file_that_is_no_image_leaves_nothing(services: Services, source: ProjectSource, tmp_path: Path) -> None:
    good = next(iter(source.datasets[0].images))
    text = tmp_path / "text.png"
    text.write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    _refused(services, _with_last_image(source, replace(good, name="z.png", path=text)), r"z\.png: It is not an image")
    missing = replace(good, name="z.png", path=tmp_path / "missing.png")
    _refused(services, _with_last_image(source, missing), r"z\.png: The file is missing")


def test_names_must_be_unique_within_a_dataset(services: Services, source: ProjectSource) -> None:
    _refused(services, _with_last_image(source, next(iter(source.datasets[0].images))), r"a0\.png")


def test_a_name_that_is_no_text_leaves_nothing(services: Services, source: ProjectSource) -> None:
    good = next(iter(source.datasets[0].images))
    _refused(services, _with_last_image(source, replace(good, name="\udcff.png")), "Unicode")


def test_a_collection_of_something_else_leaves_nothing(services: Services, source: ProjectSource) -> None:
    stray = SourceCollection(name="stray", images=(("train", "none.png"),))
    _refused(services, replace(source, collections=(*source.collections, stray)), r"train/none\.png")


def test_a_reader_that_fails_in_the_middle_leaves_nothing(services: Services, source: ProjectSource) -> None:
    def read() -> Iterator[SourceImage]:
        yield from source.datasets[0].images
        raise InputError("The fourth file is torn.")

    torn = SourceDataset(name="torn", parent=None, images=Lazy(read))
    _refused(services, replace(source, datasets=(torn,), collections=()), "torn")


def test_what_another_project_uses_survives_a_failed_import(services: Services, source: ProjectSource) -> None:
    _import(services, source)
    before = _blobs(services)
    with pytest.raises(InputError):
        _import(services, _with_last_image(source, next(iter(source.datasets[0].images))))
    assert _blobs(services) == before


def test_images_are_known_by_content_not_by_name(services: Services, source: ProjectSource, tmp_path: Path) -> None:
    good = next(iter(source.datasets[0].images))
    jpeg = tmp_path / "really_a_jpeg.png"
    Image.new("RGB", (32, 32)).save(jpeg, "JPEG")
    project = _import(services, _with_last_image(source, replace(good, name="z.png", path=jpeg)))
    row = next(row for row in services.images.rows(services.images.ids(project)) if row["name"] == "z.png")
    assert row["mime"] == "image/jpeg"
