"""A sample image with its boxes."""

import re
from base64 import b64decode
from dataclasses import replace

from msgspec import structs

from traindash.domain.experiment import SampleBox, SampleImage
from traindash.domain.ids import ImageId
from traindash.ui.tasks.details import figure

BOX = SampleBox(class_name="pear", left=10, top=20, width=30, height=40)
IMAGE = SampleImage(id=ImageId(1), name="a.jpg", width=300, height=200, objects=(BOX, BOX))
FOUND = SampleBox(class_name="pear", left=11, top=2, width=30, height=40, score=0.914)


def test_what_is_annotated_and_what_is_found_are_told_apart_and_in_words() -> None:
    drawn = figure(IMAGE, [FOUND], colors={"pear": "#112233"}, picture="data:,x", with_truth=True)
    assert 'alt="a.jpg: annotated 2 × pear; found pear 0.91"' in drawn
    assert drawn.count('class="truth" style="left:3.33%;top:10.00%;width:10.00%;height:20.00%"') == 2
    assert "border-color:#112233" in drawn
    assert "background:#112233;color:#FFFFFF" in drawn
    assert '<img src="data:,x"' in drawn
    alone = figure(IMAGE, [], colors={}, picture="data:,x", with_truth=False)
    assert 'class="truth"' not in alone
    assert "Found: nothing" in alone


def test_a_missing_picture_is_said_and_names_stay_text() -> None:
    image = SampleImage(id=ImageId(1), name="<script>", width=300, height=200)
    found = SampleBox(class_name='"><b>', left=0, top=0, width=1, height=1, score=0.5)
    drawn = figure(image, [found], colors={}, picture="", with_truth=True)
    assert "The image cannot be loaded." in drawn
    assert "<img" not in drawn
    assert "<script>" not in drawn
    assert '"><b>' not in drawn


def test_masks_are_filled_and_what_is_annotated_is_an_outline() -> None:
    border = (10.0, 20.0, 40.0, 20.0, 40.0, 60.5)
    image = replace(IMAGE, objects=(structs.replace(BOX, borders=(border,)),))
    found = structs.replace(FOUND, borders=(border,))
    drawn = figure(image, [found], colors={"pear": "#112233"}, picture="", with_truth=True)
    (content,) = re.findall(r'src="data:image/svg\+xml;base64,([^"]+)"', drawn)
    masks = b64decode(content).decode()
    assert 'viewBox="0 0 300 200"' in masks
    assert '<path d="M10,20 40,20 40,60.5Z" fill="#112233" stroke="#112233"/>' in masks
    assert '<path class="truth" d="M10,20 40,20 40,60.5Z"/>' in masks
    assert "border-color:transparent" in drawn, "the box gives way to the mask and keeps its label"
    assert '<i class="truth"' not in drawn
    assert "truth" not in figure(image, [], colors={}, picture="", with_truth=False)


def test_only_the_best_of_many_have_a_label() -> None:
    many = [structs.replace(FOUND, score=score / 10) for score in range(9, 0, -1)]
    drawn = figure(IMAGE, many, colors={}, picture="", with_truth=False)
    assert drawn.count("border-color") == 9
    assert re.findall(r">pear (0\.\d+)</u>", drawn) == ["0.40", "0.50", "0.60", "0.70", "0.80", "0.90"]


def test_a_label_reaches_into_the_picture_from_the_nearer_side() -> None:
    def sides(left: float, top: float) -> list[str]:
        box = structs.replace(FOUND, left=left, top=top, width=20, height=10)
        return re.findall(r'<u class="(\w+ \w+)"', figure(IMAGE, [box], colors={}, picture="", with_truth=False))

    assert sides(5, 5) == ["top left"]
    assert sides(280, 190) == ["bottom right"]
