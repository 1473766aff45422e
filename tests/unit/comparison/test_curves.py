"""Curves of trainings: a file of ours, results.csv, TensorBoard's event files; from anybody."""

import math
import re
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.evaluations import results_csv
from tests.fakes.event_files import detr_events, mask_dino_events, record, scalar
from tests.unit.comparison.builders import experiment, together
from tests.unit.comparison.builders import record as info
from traindash.comparison.artifacts import with_artifacts
from traindash.comparison.charts.drawing import Line, View
from traindash.comparison.charts.training import MOST_PANELS, axis_name, draw_training_curves
from traindash.comparison.curve_names import meaning_of
from traindash.comparison.curves import (
    FILE_NAME,
    MOST_BYTES,
    MOST_KEPT,
    curve_files,
    parse_events,
    parse_own,
    parse_results_csv,
    read_curves,
    smoothed,
    thinned,
    write_own,
)
from traindash.comparison.event_files import MOST_TAGS, masked_checksum, read_event_file
from traindash.comparison.experiment import ComparedExperiment, Missing
from traindash.domain.curves import Curve, TrainingCurves
from traindash.errors import InputError

RECORDED = Path(__file__).parents[2] / "data" / "curves"


def _curve(text: str, name: str) -> Curve:
    return parse_results_csv(text).curves[name]


def test_results_csv_with_padded_names() -> None:
    curves = parse_results_csv(results_csv(epochs=4)).curves
    assert curves["metrics/mAP50-95(B)"].steps == (1, 2, 3, 4)
    assert curves["metrics/mAP50-95(B)"].seconds == pytest.approx((5.1, 10.2, 15.3, 20.4))
    assert not {"epoch", "time"} & curves.keys()


def test_time_grows_over_a_resume() -> None:
    curve = _curve("epoch,time,train/box_loss\n1,5,1\n2,10,1\n3,4,1\n4,9,1\n", "train/box_loss")
    assert curve.seconds == (5.0, 10.0, 14.0, 19.0)


def test_odd_rows_do_not_break_it() -> None:
    curve = _curve("epoch,a\n1,0.5\n\n2,nan\n3,\n4,torn,row\n", "a")
    assert curve.steps == (1, 2, 3)
    assert curve.values[0] == 0.5
    assert all(math.isnan(value) for value in curve.values[1:])
    assert not curve.has_seconds
    assert curve.best == (1, 0.5)


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "epoch,time\n"])
def test_a_table_without_epochs_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="no epochs"):
        parse_results_csv(text)


def test_the_first_of_equal_bests_counts() -> None:
    assert _curve("epoch,m\n1,0.1\n2,0.9\n3,0.9\n", "m").best == (2, 0.9)


def test_smoothing_keeps_a_constant_and_gaps() -> None:
    assert smoothed([2.0, 2.0, 2.0], 0.9) == pytest.approx((2.0, 2.0, 2.0))
    values = smoothed([1.0, math.nan, 3.0], 0.5)
    assert values[0] == 1.0
    assert math.isnan(values[1])
    assert values[2] == pytest.approx(1 + 2 * 2 / 3)


def test_thinning_keeps_both_ends() -> None:
    assert thinned(5) == (0, 1, 2, 3, 4)
    kept = thinned(10_000)
    assert (kept[0], kept[-1], len(kept)) == (0, 9999, 400)
    assert list(kept) == sorted(set(kept))


def test_our_file_comes_back_as_it_was_written() -> None:
    curve = Curve(axis="iteration", steps=(1, 5), seconds=(1.5, math.nan), values=(math.nan, 0.25))
    read = parse_own(write_own({"train/loss": curve})).curves["train/loss"]
    assert (read.axis, read.steps, read.values[1], read.seconds[0]) == ("iteration", (1, 5), 0.25, 1.5)
    assert math.isnan(read.values[0])
    assert math.isnan(read.seconds[1])


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)))
def test_whatever_is_called_our_file_is_read_or_refused(content: bytes) -> None:
    for read in (parse_own, lambda given: parse_results_csv(given.decode("utf-8", errors="replace"))):
        try:
            curves = read(content)
        except InputError:
            continue
        assert all(len(one.steps) == len(one.values) == len(one.seconds) for one in curves.curves.values())


def test_the_checksum_is_castagnoli_s() -> None:
    turned = (masked_checksum(b"123456789") - 0xA282EAD8) & 0xFFFF_FFFF
    assert (turned >> 17 | turned << 15) & 0xFFFF_FFFF == 0xE3069283  # RFC 3720, B.4


def test_what_the_apps_of_a_server_leave() -> None:
    detr = parse_events([detr_events(epochs=3, batches=4)]).curves
    assert (detr["Test/coco_eval_bbox_0"].axis, detr["Test/coco_eval_bbox_0"].steps) == ("epoch", (1, 2, 3))
    assert (detr["Loss/total"].axis, detr["Loss/total"].steps) == ("iteration", tuple(range(1, 13)))
    assert detr["Loss/total"].seconds[:3] == (0.0, 1.0, 2.0)
    dino = parse_events([mask_dino_events()]).curves
    assert (dino["sem_seg/mIoU"].axis, dino["sem_seg/mIoU"].steps) == ("iteration", (100, 200))
    assert dino["sem_seg/mIoU"].values == pytest.approx((0.3, 0.6))
    assert dino["total_loss"].steps[0] == 20
    unknown = parse_events([scalar("reward", 0, 1.5)]).curves["reward"]
    assert (unknown.axis, unknown.steps, unknown.values) == ("step", (0,), (1.5,))


def test_files_that_other_writers_have_written() -> None:
    """Recorded from tensorboardX 2.6 and from TensorFlow 2's way to write a number as a tensor."""
    curves = parse_events([path.read_bytes() for path in sorted(RECORDED.glob("*tfevents*"))]).curves
    assert curves["Loss/total"].values == pytest.approx((3.0, 2.0, 1.5))
    assert curves["Test/coco_eval_bbox_0"].steps == (1, 2)
    assert curves["as a tensor"].values == pytest.approx((0.5,))
    assert "a picture" not in curves


def test_a_resumed_training_goes_on_in_a_second_file() -> None:
    first = scalar("Loss/total", 0, 3.0) + scalar("Loss/total", 1, 2.0)
    second = scalar("Loss/total", 1, 1.0) + scalar("Loss/total", 2, 0.5)
    assert parse_events([first, second]).curves["Loss/total"].values == (3.0, 1.0, 0.5)


def test_what_is_damaged_is_left_out_and_told() -> None:
    good, torn = scalar("a", 0, 1.0), bytearray(scalar("a", 1, 2.0))
    torn[-8] ^= 1
    curves = parse_events([good + bytes(torn) + scalar("a", 2, 3.0)])
    assert curves.curves["a"].values == (1.0, 3.0)
    assert curves.notes == ("1 record of the event files is damaged and left out.",)
    # nobody knows where the next record begins behind a damaged length
    lost = parse_events([good + b"\xff" * 8 + bytes(4) + scalar("a", 2, 3.0)])
    assert lost.curves["a"].values == (1.0,)
    assert "What comes behind it cannot be read" in lost.notes[0]
    # a training that was killed leaves half a record, which is no damage
    assert parse_events([good + scalar("a", 1, 2.0)[:-3]]).notes == ()
    with pytest.raises(InputError, match="hold no curve"):
        parse_events([b"", b"nonsense"])


def test_very_many_tags_and_points_are_bounded() -> None:
    found = read_event_file(b"".join(scalar(f"tag {number}", 0, 1.0) for number in range(MOST_TAGS + 3)))
    assert (len(found.scalars), found.left_out) == (MOST_TAGS, 3)
    lines = "\n".join(f"{epoch},0.5" for epoch in range(1, MOST_KEPT + 500))
    assert len(_curve(f"epoch,a\n{lines}\n", "a").steps) == MOST_KEPT


_CHUNKS = st.one_of(
    st.binary(max_size=60),
    st.binary(max_size=60).map(record),
    st.builds(scalar, st.text(max_size=20), st.integers(-(2**63), 2**63 - 1), st.floats(width=32)),
)


@given(st.lists(_CHUNKS, max_size=8), st.integers(0, 80))
def test_hostile_event_files_are_read_or_refused(chunks: list[bytes], cut: int) -> None:
    content = b"".join(chunks)
    content = content[: len(content) - cut] if cut else content
    found = read_event_file(content)
    assert all(len(one.steps) == len(one.values) == len(one.moments) for one in found.scalars.values())
    try:
        curves = parse_events([content, content])
    except InputError:
        assert not found.scalars
        return
    shown = together([replace(experiment(1), training=curves)])
    for view in (View(), View(time_axis=True, smoothing=0.6)):
        draw_training_curves(shown, view)


def test_our_file_comes_before_others_and_sizes_are_bounded() -> None:
    files = {
        "ultralytics/results.csv": 10,
        "logs/events.out.tfevents.2": 5,
        "logs/events.out.tfevents.1": 5,
        "a.txt": 1,
    }
    assert curve_files({**files, FILE_NAME: 9}) == (FILE_NAME,)
    assert curve_files(files) == ("ultralytics/results.csv",)
    del files["ultralytics/results.csv"]
    assert curve_files(files) == ("logs/events.out.tfevents.1", "logs/events.out.tfevents.2")
    assert curve_files({"a.txt": 1}) == ()
    with pytest.raises(InputError, match=re.escape("65.0 MB in 1 file, and 64.0 MB are read at most")):
        curve_files({"logs/events.out.tfevents.1": MOST_BYTES + 1_000_000})


def test_an_experiment_on_this_machine_says_why_it_has_none(tmp_path: Path) -> None:
    (tmp_path / "experiment_info.json").write_bytes(msgspec.json.encode(info()))
    bare = ComparedExperiment(key="1", label="One")
    missing = with_artifacts(bare, tmp_path).training
    assert isinstance(missing, Missing)
    assert "left no curves" in missing.reason
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "events.out.tfevents.1").write_bytes(mask_dino_events())
    found = with_artifacts(bare, tmp_path).training
    assert isinstance(found, TrainingCurves)
    assert "sem_seg/mIoU" in found.curves


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("metrics/mAP50-95(B)", "mAP on validation images"),
        ("Test/coco_eval_bbox_0", "mAP on validation images"),
        ("bbox/AP", "mAP on validation images"),
        ("sem_seg/mIoU", "mIoU on validation images"),
        ("train/box_loss", "Box loss, training"),
        ("val/cls_loss", "Class loss, validation"),
        ("train/loss_vfl", "Class (varifocal) loss, training"),
        ("Loss/total", "Total loss, training"),
        ("total_loss", "Total loss, training"),
        ("train/loss", "Total loss, training"),
        ("Lr/pg_0", "Learning rate"),
        ("lr", "Learning rate"),
        ("reward", "reward"),
    ],
)
def test_names_mean_the_same_in_every_framework(name: str, title: str) -> None:
    meaning = meaning_of(name)
    assert meaning is not None
    assert meaning.title == title


@pytest.mark.parametrize(
    "name", ["Loss/loss_vfl_aux_0", "loss_ce_3", "loss_ce_dn", "Lr/pg_1", "lr/pg2", "data_time", "sem_seg/IoU-lemon"]
)
def test_what_only_helps_the_training_has_no_chart(name: str) -> None:
    assert meaning_of(name) is None


def test_two_frameworks_in_one_chart() -> None:
    yolo = experiment(1)
    detr = replace(experiment(2), training=read_curves([("logs/events.out.tfevents.1", detr_events())]))
    shown = together([yolo, detr])
    drawing = draw_training_curves(shown, View())
    panels = {panel.title: panel for panel in drawing.panels}
    both = panels["mAP on validation images"]
    assert [mark.name for mark in both.marks if isinstance(mark, Line)] == list(shown.labels)
    assert both.x.title == "Epoch"
    assert (panels["Total loss, training"].x.title, panels["Box loss, training"].x.title) == ("Iteration", "Epoch")
    assert [mark.name for mark in panels["Total loss, training"].marks if isinstance(mark, Line)] == [shown.labels[1]]
    assert not any("aux" in title for title in panels)
    assert axis_name(shown) == "Epoch or iteration"
    assert draw_training_curves(shown, View(time_axis=True)).panels[0].x.title == "Training time (s)"


def test_a_semantic_segmentation_over_its_iterations() -> None:
    dino = replace(experiment(1), training=parse_events([mask_dino_events()]))
    panel, *_ = draw_training_curves(together([dino]), View()).panels
    assert (panel.title, panel.x.title, panel.y.high) == ("mIoU on validation images", "Iteration", 1)
    (line,) = panel.marks
    assert isinstance(line, Line)
    assert (line.highlight, line.highlight_text) == (1, "0.600")


def test_very_many_curves_leave_some_out_and_say_which() -> None:
    curves = {f"odd number {place}": Curve(steps=(1, 2), seconds=(1.0, 2.0), values=(1.0, 2.0)) for place in range(30)}
    many = replace(experiment(1), training=TrainingCurves(curves=curves, source="x"))
    drawing = draw_training_curves(together([many]), View())
    assert len(drawing.panels) == MOST_PANELS
    assert "Not drawn" in drawing.notes[-1]
