"""Semantic segmentations side by side, and beside detectors."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fakes.event_files import mask_dino_events
from tests.fakes.pixels import CLASSES, eval_archive, figures
from tests.unit.comparison.builders import experiment, record, together
from traindash.comparison.charts.drawing import Bars, View
from traindash.comparison.charts.registry import CHARTS, SECTIONS, chart, rows_of
from traindash.comparison.comparison_basis import on_fair_basis, standing_of
from traindash.comparison.curves import parse_events
from traindash.comparison.experiment import IS_SEMANTIC, ComparedExperiment
from traindash.comparison.report.page import render_report
from traindash.comparison.rows import key_metric_rows, overview_of
from traindash.comparison.significance import Significance
from traindash.comparison.story import build_slides
from traindash.comparison.verdict import judge
from traindash.evaluation.semantic import read_semantic


def pixels(
    number: int,
    tmp_path: Path,
    classes: Mapping[str, float] = CLASSES,
    images: tuple[str, ...] = ("a.png", "b.png"),
) -> ComparedExperiment:
    path = tmp_path / f"{number}.zip"
    path.write_bytes(eval_archive(classes, images))
    info = record(
        number,
        f"Dino {number}",
        framework_name="MaskDINO",
        model_name="R50-90k",
        task_type="semantic segmentation",
        evaluation_metrics=figures(classes),
        primary_metric="mIoU",
    )
    return replace(
        experiment(number),
        label=f"Dino {number}",
        info=info,
        evaluation=IS_SEMANTIC,
        semantic=read_semantic(path),
        training=parse_events([mask_dino_events()]),
    )


def better(by: float) -> dict[str, float]:
    return {name: min(1.0, value + by) for name, value in CLASSES.items()}


def test_the_higher_mean_iou_is_ahead(tmp_path: Path) -> None:
    shown = together([pixels(1, tmp_path), pixels(2, tmp_path, better(0.04))])
    verdict = judge(shown)
    assert (verdict.kind, verdict.winner) == ("winner", "2")
    assert verdict.headline == "“Dino 2” has the highest mIoU, 0.833: 4.0 points more than “Dino 1”."
    assert verdict.warnings == ("How sure the difference is, is not measured for semantic segmentations.",)
    rows = {row.metric.key: row for row in key_metric_rows(shown)}
    assert [cell.best for cell in rows["mIoU"].cells] == [False, True]
    assert rows["mIoU"].cells[1].delta == "+4.0 pt"
    assert "mAP" not in rows
    assert [card.score_title for card in overview_of(shown)] == ["mIoU on 2 images"] * 2
    assert standing_of(shown, on_fair_basis(shown)[1]).kind == "reserved"


@pytest.mark.parametrize(
    ("classes", "images", "said"),
    [
        ({**CLASSES, "plum": 0.5}, ("a.png", "b.png"), "not all of them have “plum”"),
        (better(0.1), ("a.png", "c.png"), "1 image in common"),
    ],
)
def test_other_classes_or_images_name_no_winner(
    tmp_path: Path, classes: dict[str, float], images: tuple[str, ...], said: str
) -> None:
    shown = together([pixels(1, tmp_path), pixels(2, tmp_path, classes, images)])
    verdict = judge(shown)
    assert (verdict.kind, verdict.winner) == ("unlike", None)
    assert said in " ".join(verdict.sentences)
    assert not any(
        cell.best or cell.delta for row in key_metric_rows(shown) for cell in row.cells if row.metric.key == "mIoU"
    )
    assert standing_of(shown, on_fair_basis(shown)[1]).words == "Not measured alike"


def test_a_detector_beside_one_is_not_comparable_and_says_why(tmp_path: Path) -> None:
    shown = together([pixels(1, tmp_path), experiment(2)])
    verdict = judge(shown)
    assert (verdict.kind, verdict.headline) == ("unlike", "These models do different work and cannot be ranked.")
    assert "measured by mIoU: “Dino 1”" in verdict.sentences[0]
    assert "measured by mAP: “Experiment 2”" in verdict.sentences[0]
    standing = standing_of(shown, on_fair_basis(shown)[1])
    assert (standing.kind, standing.words) == ("unlike", "Not comparable")


def test_charts_of_objects_are_left_out_where_there_are_none(tmp_path: Path) -> None:
    only = together([pixels(1, tmp_path), pixels(2, tmp_path, better(0.04))])
    shown = [item for section in SECTIONS for row in rows_of(section, only) for item in row]
    assert {item.key for item in shown} == {"pixel_metrics", "iou_by_class", "inference_speed", "training_curves"}
    assert all(item.draw(only, View()).panels for item in shown)
    mixed = together([pixels(1, tmp_path), experiment(2)])
    assert len([item for section in SECTIONS for row in rows_of(section, mixed) for item in row]) == len(CHARTS)
    for item in CHARTS:
        drawing = item.draw(mixed, View())
        assert drawing.panels or drawing.empty


def test_the_iou_of_each_class_says_what_does_not_count(tmp_path: Path) -> None:
    shown = together([pixels(1, tmp_path, {**CLASSES, "never": float("nan")})])
    drawing = chart("iou_by_class").draw(shown, View())
    (bars,) = drawing.panels[0].marks
    assert isinstance(bars, Bars)
    assert drawing.panels[0].x.categories == ("background", "leaf", "lemon", "never")
    assert bars.values == (0.95, 0.62, 0.81, None)
    assert "1 class of 4 is neither annotated nor predicted" in drawing.notes[0]
    assert drawing.notes[1] == "“background” counts in the mean as any other class."


def test_report_and_slides_speak_of_the_mean_iou(tmp_path: Path) -> None:
    only = together([pixels(1, tmp_path), pixels(2, tmp_path, better(0.04))])
    page = render_report(only, load=None)
    assert "has the highest mIoU" in page
    assert "IoU of each class" in page
    assert "mAP on" not in page
    for shown in (only, together([pixels(1, tmp_path)])):
        told = " ".join(
            f"{slide.title} {slide.bars_title} {slide.sentences}"
            for slide in build_slides(shown, Significance()).slides
        )
        assert "mIoU" in told
        assert "mAP" not in told
