"""What the verdict says and what the tables show are one thing, for any small evaluations."""

import re
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.evaluations import Made, evaluation
from tests.unit.comparison.builders import bare, experiment, record, together
from traindash.comparison.comparison_basis import on_fair_basis
from traindash.comparison.experiment import Comparison
from traindash.comparison.rows import MetricRow, key_metric_rows
from traindash.comparison.significance import ON_IMAGES, Significance
from traindash.comparison.verdict import Verdict, judge
from traindash.evaluation.evaluation import Evaluation, size_slices
from traindash.formatting import metric, points

NAMES = ("apple", "leaf", "lemon", "pear")
MADE = st.builds(
    Made,
    seed=st.integers(0, 3),
    quality=st.sampled_from((-1.0, 0.5, 0.6, 0.95)),
    images=st.sampled_from((6, 9)),
    classes=st.sampled_from((NAMES, NAMES[:2])),
    data_seed=st.sampled_from((1, 1, 1, 2)),
)
BEHIND = re.compile(r"“(\w+)” \((−[\d.]+ pt)\)")
SIZE_BEHIND = re.compile(r"(small|medium|large) \((−[\d.]+ pt)\)")


SEEN = st.sampled_from((frozenset[int](), frozenset({901, 902}), None))


def _built(models: list[tuple[Made, frozenset[int] | None]], *, recorded: bool, decimals: int) -> Comparison:
    experiments = [
        replace(experiment(number), evaluation=evaluation(made), train_image_ids=seen)
        for number, (made, seen) in enumerate(models, start=1)
    ]
    if recorded:
        experiments.append(replace(bare(9), info=record(9, evaluation_metrics={"mAP": 0.99})))
    return replace(together(experiments), decimals=decimals)


@settings(max_examples=15, deadline=None)
@given(
    models=st.lists(st.tuples(MADE, SEEN), min_size=2, max_size=3),
    recorded=st.booleans(),
    decimals=st.sampled_from((3, 4)),
)
def test_verdict_and_tables_agree(
    models: list[tuple[Made, frozenset[int] | None]], *, recorded: bool, decimals: int
) -> None:
    measured = _built(models, recorded=recorded, decimals=decimals)
    fair, significance = on_fair_basis(measured)
    verdict, rows = judge(fair, significance), key_metric_rows(fair, significance)
    match verdict.kind:
        case "winner":
            _check_winner(verdict, fair, significance)
        case "tie":
            _check_tie(verdict, fair, significance)
        case "unlike":
            _check_unlike(rows)
        case "nothing" | "open" | "none":
            assert verdict.winner is None
            assert verdict.kind == "nothing"  # the resamples are there, and no requirements were asked for
    assert "0.99" not in verdict.headline or verdict.kind == "nothing"


def _map_row(fair: Comparison, significance: Significance) -> MetricRow:
    return next(row for row in key_metric_rows(fair, significance) if row.metric.key == "mAP")


def _check_winner(verdict: Verdict, fair: Comparison, significance: Significance) -> None:
    place = next(i for i, e in enumerate(fair.experiments) if e.key == verdict.winner)
    cells = _map_row(fair, significance).cells
    assert [i for i, cell in enumerate(cells) if cell.best] == [place]
    assert f"{cells[place].text}: " in verdict.headline
    for i, other in enumerate(fair.experiments):
        against = _map_row(replace(fair, baseline=i), significance).cells[place]
        assert i == place or against.change in {"better", "none"}
        if verdict.headline.endswith(f"more than “{other.label}”."):
            amount = against.delta.lstrip("+").replace(" pt", " points")
            assert f": {amount} more" in verdict.headline
            _check_weak_sides(verdict, (place, i), fair)


def _check_weak_sides(verdict: Verdict, pair: tuple[int, int], fair: Comparison) -> None:
    winner, other = (fair.experiments[i].evaluation for i in pair)
    if not isinstance(winner, Evaluation) or not isinstance(other, Evaluation):
        return
    text = " ".join(sentence for sentence in verdict.sentences if "behind on" in sentence)
    theirs = {item.name: item.ap for item in other.per_class}
    gaps = {item.name: points(item.ap - theirs[item.name], fair.decimals) for item in winner.per_class}
    for name, gap in BEHIND.findall(text):
        assert gaps[name] == gap
    sizes = zip(size_slices(winner), size_slices(other), strict=True)
    size_gaps = {mine.name: points(mine.ap - one.ap, fair.decimals) for mine, one in sizes}
    for name, gap in SIZE_BEHIND.findall(text):
        assert size_gaps[name] == gap
    if "not clearly behind" in " ".join(verdict.sentences):
        assert not any(item.ap - theirs[item.name] <= -0.005 for item in winner.per_class)


def _check_tie(verdict: Verdict, fair: Comparison, significance: Significance) -> None:
    assert verdict.winner is None
    cells = _map_row(fair, significance).cells
    ranked = [i for i, cell in enumerate(cells) if cell.value is not None and not cell.recorded]
    top = max(ranked, key=lambda i: cells[i].value or 0.0)
    named = [i for i in ranked if f"“{fair.experiments[i].label}”" in verdict.headline]
    assert top in named or "same mAP" in verdict.headline
    for i in named:
        if "same mAP" in verdict.headline:
            assert cells[i].text == metric(cells[top].value, fair.decimals)
        elif i != top:
            assert _map_row(replace(fair, baseline=i), significance).cells[top].change in {"unsure", "same"}


def _check_unlike(rows: tuple[MetricRow, ...]) -> None:
    assert not any(cell.best or cell.delta for row in rows if row.metric.key in ON_IMAGES for cell in row.cells)
