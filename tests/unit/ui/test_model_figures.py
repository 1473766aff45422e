"""The model table is typed by content, whatever form the figures of a framework have."""

import pytest

from tests.fakes.real_apps import models
from traindash.ui.wizard.tables import as_figures


def _column(framework: str, name: str) -> list[str | float | None]:
    return [row.get(name) for row in models(framework)]


@pytest.mark.parametrize(
    ("framework", "name", "first", "unit"),
    [
        ("YOLO", "mAP", 40.9, ""),
        ("YOLO", "params (M)", 2.4, ""),
        ("RT-DETRv2", "AP_val", 48.1, ""),
        ("DEIM", "Latency", 1.1, "ms"),
        ("SparseInst", "input", 608, ""),
        ("MaskDINO", "mIoU", 48.7, ""),
    ],
)
def test_figures_are_numbers_so_that_ten_comes_after_two(framework: str, name: str, first: float, unit: str) -> None:
    found = as_figures(_column(framework, name))
    assert found is not None
    assert (found.values[0], found.unit) == (first, unit)


def test_what_is_no_number_stays_as_it_is() -> None:
    assert as_figures(_column("MaskDINO", "Dataset")) is None
    assert as_figures(["1.1ms", "2s"]) is None
    assert as_figures(["-", None]) is None
    assert as_figures(["10.4", "-", "2.4"]) == ([10.4, None, 2.4], "")
