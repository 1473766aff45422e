"""Formats that are not read are called by their names, with the next step."""

from pathlib import Path

import pytest

from tests.unit.datasets import layouts
from traindash.datasets.importing import Layout, open_import
from traindash.errors import InputError


@pytest.mark.parametrize(
    ("name", "content", "title"),
    [
        ("train/cats.tfrecord", "x", "TFRecord"),
        ("train/cats.tfrecord-00000-of-00010", "x", "TFRecord"),
        ("train/_classes.csv", "filename, cat, dog\na.jpg, 1, 0\n", "multi-class CSV of Roboflow"),
        ("train/_classes.csv", "Pixel Value, Class\n0, background\n", "masks of a semantic segmentation of Roboflow"),
        ("train/_annotations.txt", "a.jpg 1,2,30,40,0 3,4,20,20,1\n", "YOLOv4 in PyTorch"),
        ("labels/a.txt", "cat 0.5 0.5 0.2 0.2\n", "names in place of class numbers"),
        ("masks/a.png", "x", "masks in files of their own"),
        ("coco.json.gz", "x", "archives that are not looked into"),
        ("export.ndjson", '{"data_row": {"id": "1"}, "projects": {}}', "Labelbox"),
        ("train.jsonl", '{"messages": []}', "language model"),
        ("output.manifest", '{"source-ref": "s3://a/b.jpg"}', "SageMaker"),
        ("via.json", '{"_via_settings": {}, "_via_img_metadata": {}}', "VGG Image Annotator"),
        ("via.csv", "filename,file_size,region_count,region_shape_attributes\n", "VGG Image Annotator"),
        ("boxes.csv", "ImageID,Source,LabelName,Confidence,XMin,XMax\n", "Open Images"),
        ("_annotations.csv", "a.jpg,1,2,30,40,cat\n", "without a header"),
        (
            "label_2/000001.txt",
            "Car 0.00 0 -1.58 587.0 173.3 614.1 200.1 1.65 1.67 3.64 -0.65 1.71 46.70 -1.59\n",
            "KITTI",
        ),
        ("wider_face_train_bbx_gt.txt", "0--Parade/a.jpg\n1\n1 2 3 4 0\n", "WIDER FACE"),
        ("clip.mp4", "x", "a video"),
        ("boxes.csv", "image_id,label,x_min,y_min\na.jpg,cat,1,2\n", "a table with other columns"),
        (
            "project.csv",
            "annotation_id,annotator,id,image,label,lead_time\n1,1,1,a.png,[],3\n",
            "a table of Label Studio",
        ),
        ("boxes.xlsx", "x", "a spreadsheet"),
        ("export/images.zip", "x", "archives that are not looked into"),
        ("train.parquet", "x", "Parquet"),
        ("gt/gt.txt", "1,1,10,20,30,40,1\n", "MOT"),
    ],
)
def test_foreign_formats_are_named(tmp_path: Path, name: str, content: str, title: str) -> None:
    root = tmp_path / "set"
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(content)
    layouts.write_image(root / "pictures" / "a.png")
    with pytest.raises(InputError, match=title) as refused:
        open_import(root, work=tmp_path / "work")
    assert name in refused.value.message
    assert refused.value.hint


def test_images_alone_become_a_project_without_labels(tmp_path: Path) -> None:
    layouts.write_image(tmp_path / "set" / "a.png")
    (tmp_path / "set" / "README.txt").write_text("taken in May")
    opened = open_import(tmp_path / "set", work=tmp_path / "work")
    assert opened.candidate.layout is Layout.IMAGES
    (dataset,) = opened.source.datasets
    assert [(image.name, image.annotation.labels) for image in dataset.images] == [("a.png", ())]
    assert (opened.report().images, opened.report().objects, opened.report().problems) == (1, 0, ())


def test_folders_of_images_become_datasets_not_classes(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        layouts.write_image(tmp_path / "set" / "train" / name / "a.png")
    source = open_import(tmp_path / "set", work=tmp_path / "work").source
    assert [(item.name, len(list(item.images))) for item in source.datasets] == [("cat", 1), ("dog", 1)]
    assert source.meta.classes == ()


def test_what_is_not_told_of_lies_beside_images_is_no_layout(tmp_path: Path) -> None:
    layouts.write_image(tmp_path / "set" / "a.png")
    (tmp_path / "set" / "boxes.txt").write_text("somewhere")
    with pytest.raises(InputError, match="no layout that can be read"):
        open_import(tmp_path / "set", work=tmp_path / "work")


def test_a_folder_without_images_says_so(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "readme.md").write_text("hello")
    with pytest.raises(InputError, match="not one image"):
        open_import(tmp_path / "set", work=tmp_path / "work")
