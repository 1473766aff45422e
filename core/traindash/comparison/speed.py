"""What a speed test measured: ``speedtest/speedtest.json`` of an evaluation directory (docs/supervisely-api.md 7.2)."""

import json
import math
from dataclasses import dataclass

from msgspec import Struct, ValidationError, convert

from traindash.errors import InputError, issue_of
from traindash.language import gettext as _

_BESIDE = 0.2  # from this share of the processor time on, other programs are told; a desktop at rest has less
NOTICEABLE = 0.05  # smaller differences of two times, as a share of the shorter one, are not called a difference


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeedRow:
    """Times of one batch size, in milliseconds per batch."""

    batch_size: int  # images in a batch
    total: float  # mean time of a batch, preprocessing and postprocessing included
    total_std: float | None = None  # its standard deviation over the iterations; `None` where the file does not say
    preprocess: float | None = None  # part of `total`
    inference: float | None = None  # part of `total`
    postprocess: float | None = None  # part of `total`
    iterations: int | None = None  # number of measured batches

    @property
    def images_per_second(self) -> float:
        """Throughput."""
        return 1000 / self.total * self.batch_size

    @property
    def images_per_second_std(self) -> float | None:
        """Spread of the throughput to first order; ``None`` where the spread of the time is not known."""
        return None if self.total_std is None else self.images_per_second * self.total_std / self.total


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeedTest:
    """A speed test, smallest batch first."""

    rows: tuple[SpeedRow, ...]
    device: str = ""  # e.g. `cpu` or `cuda:0`
    hardware: str = ""  # name of the processor or card
    runtime: str = ""  # e.g. `PyTorch`
    how: str = ""  # a sentence on how it was measured, where it was not measured as usual
    others: float = 0.0  # share of the used processor time that other programs had meanwhile, where it is known

    @property
    def machine(self) -> str:
        """What it ran on and how; times of different machines say nothing about the models.

        Nor do those of a machine that did something else besides, as one does that trains several at a time.
        """
        named = f"{self.hardware or self.device or _('an unnamed device')}, {self.runtime or _('unnamed runtime')}"
        return f"{named}, {_('beside other programs')}" if self.others > _BESIDE else named

    def row(self, batch_size: int) -> SpeedRow | None:
        """Return the row of a batch size."""
        return next((row for row in self.rows if row.batch_size == batch_size), None)


def times_differ(first: SpeedRow, second: SpeedRow) -> bool:
    """Return whether two times of a batch differ by more than they scatter.

    The gap has to exceed both standard deviations taken together, where they are known, and 5 % of the shorter time:
    another run of the same test differs by as much.
    """
    scatter = math.hypot(first.total_std or 0.0, second.total_std or 0.0)
    return abs(first.total - second.total) > max(scatter, NOTICEABLE * min(first.total, second.total))


class _Times(Struct):
    total: float | None = None
    preprocess: float | None = None
    inference: float | None = None
    postprocess: float | None = None


class _Row(Struct):
    batch_size: int
    benchmark: _Times
    benchmark_std: _Times | None = None
    device: str | None = None
    runtime: str | None = None
    hardware: str | None = None
    num_iterations: int | None = None


class _File(Struct):
    speedtest: tuple[_Row, ...]
    how: str = ""
    others: float = 0.0  # ours: Supervisely's files do not have it


def parse_speed_test(content: bytes) -> SpeedTest:
    """Read ``speedtest.json``: the rows that have a total time; a batch size that could not be measured has none.

    Raises:
        InputError: The file is not what its name says.
    """
    try:
        # Python's own reader: files of Supervisely may have NaN, which is no JSON.
        file = convert(json.loads(content), _File, strict=False)
    except ValidationError as error:
        raise InputError(f"speedtest.json is not valid: {issue_of(error)}.", "Run the speed test again.") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"speedtest.json is not valid JSON: {error}.", "Run the speed test again.") from error
    rows = sorted(
        (
            SpeedRow(
                batch_size=row.batch_size,
                total=row.benchmark.total,
                total_std=row.benchmark_std.total if row.benchmark_std else None,
                preprocess=row.benchmark.preprocess,
                inference=row.benchmark.inference,
                postprocess=row.benchmark.postprocess,
                iterations=row.num_iterations,
            )
            for row in file.speedtest
            if row.benchmark.total
        ),
        key=lambda row: row.batch_size,
    )
    first_row = file.speedtest[0] if file.speedtest else None
    return SpeedTest(
        rows=tuple(rows),
        device=(first_row and first_row.device) or "",
        hardware=(first_row and first_row.hardware) or "",
        runtime=(first_row and first_row.runtime) or "",
        how=file.how,
        others=file.others,
    )
