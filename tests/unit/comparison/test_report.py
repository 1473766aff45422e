"""The one-file report."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.fakes.evaluations import Made, evaluation, speed_test_json, write_pair
from tests.unit.comparison.builders import HOSTILE, bare, comparison, experiment, photograph, together
from traindash.comparison.advice import advise
from traindash.comparison.charts.echarts import LIBRARY
from traindash.comparison.decision import GOALS, Requirements, contenders_of, decide
from traindash.comparison.decision_words import threshold_text
from traindash.comparison.experiment import Comparison
from traindash.comparison.folder import compare_folders, images_in
from traindash.comparison.report.page import render_report
from traindash.comparison.rows import read_metric
from traindash.comparison.significance import significance_of
from traindash.errors import InputError
from traindash.evaluation.operating_points import RecallAtLeast
from traindash.formatting import metric, moment, percent


class _Reader(HTMLParser):
    """Collects tags, and the data of the script elements."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.panels = ""
        self._in_panels = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._in_panels = ("id", "panels") in attrs

    def handle_data(self, data: str) -> None:
        if self._in_panels:
            self.panels += data

    def handle_endtag(self, tag: str) -> None:
        del tag
        self._in_panels = False


def _read(html: str) -> _Reader:
    reader = _Reader()
    reader.feed(html)
    return reader


@pytest.mark.parametrize("count", [0, 1, 2, pytest.param(12, marks=pytest.mark.slow)])
def test_any_number_of_experiments(count: int) -> None:
    reader = _read(render_report(comparison(count)))
    panels = json.loads(reader.panels)["panels"]
    figures = [int(attrs["data-panel"] or "") for tag, attrs in reader.tags if tag == "figure"]
    assert figures == list(range(len(panels)))
    assert bool(panels) == (count > 0)


def test_nothing_is_asked_for_from_outside() -> None:
    html = render_report(comparison(2))
    library = LIBRARY.read_text(encoding="utf-8")
    assert library in html
    names = {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink", "http://www.w3.org/2000/xmlns/"}
    names |= {"http://www.w3.org/XML/1998/namespace", "https://github.com/ecomfe/zrender/blob/master/LICENSE"}
    assert set(re.findall(r"https?://[\w./-]+", library)) <= names  # names of namespaces, not addresses to fetch from
    html = html.replace(library, "")
    assert not re.search(r"(?:src|href)=[\"'](?!#)", html)
    assert "http" not in html.replace("http-equiv", "").replace("http://www.w3.org/2000/svg", "")
    policy = next(attrs["content"] for tag, attrs in _read(html).tags if attrs.get("http-equiv"))
    assert policy is not None
    assert policy.startswith("default-src 'none'")


def test_names_cannot_leave_their_place() -> None:
    hostile = together([replace(experiment(i + 1), label=name) for i, name in enumerate(HOSTILE)])
    plain = comparison(len(HOSTILE))
    reader, expected = _read(render_report(hostile, title=HOSTILE[0])), _read(render_report(plain, title="x"))
    assert [tag for tag, _ in reader.tags] == [tag for tag, _ in expected.tags]
    assert not any(key.startswith("on") for _, attrs in reader.tags for key in attrs)
    panels = json.loads(reader.panels)["panels"]
    names = {mark.get("name") for panel in panels for mark in panel["option"]["series"]}
    assert HOSTILE[0] in names


def test_missing_parts_are_named() -> None:
    html = render_report(together([experiment(1), bare(2)]))
    assert "“Bare 2” was trained without the benchmark." in html
    assert "There are no metrics." in render_report(
        together([replace(bare(1), info=None), replace(bare(2), info=None)])
    )


def test_four_models_with_pictures_stay_below_15_mb() -> None:
    html = render_report(comparison(4), load=photograph)
    tags = _read(html).tags
    crops = [attrs for tag, attrs in tags if tag == "img"]
    assert len(crops) > 60
    assert all((attrs["src"] or "").startswith("data:image/jpeg;base64,") and attrs["alt"] for attrs in crops)
    assert len(html) / len(crops) * 200 < 15_000_000
    assert sum(tag == "image" for tag, _ in tags) == 12  # each image of the gallery is in the file once


def test_without_images_the_report_says_so() -> None:
    assert "The images were not at hand when this file was made" in render_report(comparison(2))
    gone = render_report(comparison(2), load=lambda _: None)
    assert "cannot be had" in gone
    assert "<img" not in gone


def test_one_experiment_shows_its_mistakes() -> None:
    html = render_report(comparison(1), load=photograph)
    assert "with the most mistakes" in html
    assert "Gained and lost" not in html


def test_the_choice_in_the_file_follows_the_same_rules() -> None:
    """What the script of the report works with is what decides on the page."""
    chosen = comparison(3)
    html = render_report(chosen)
    data = json.loads(re.findall(r'<script type="application/json" id="choice">(.*?)</script>', html)[0])
    contenders = contenders_of(chosen, significance_of(chosen))
    for goal, shown in zip(GOALS, data["goals"], strict=True):
        decision = decide(Requirements(goal=goal), contenders, comparable=True)
        assert [one["threshold"] for one in shown["offers"]] == [threshold_text(one) for one in decision.candidates]
        assert [one["reached"] is not None for one in shown["offers"]] == [
            not one.shortfalls for one in decision.candidates
        ]
        if decision.equals:
            best = decision.candidates.index(decision.equals[0])
            equal = {decision.candidates[i].key for i, same in enumerate(shown["equal"][best]) if same}
            assert {one.key for one in decision.equals} == {one.key for one in decision.fulfilling if one.key in equal}


def test_the_need_of_the_page_is_what_the_file_begins_with() -> None:
    requirements = Requirements(goal=RecallAtLeast(recall=0.63), latency=1.0)
    html = render_report(comparison(3), requirements=requirements)
    data = json.loads(re.findall(r'<script type="application/json" id="choice">(.*?)</script>', html)[0])
    assert data["start"] == {"kind": "recall", "value": "0.63", "latency": 0, "size": None}
    recalls = [goal["value"] for goal in data["goals"] if goal["kind"] == "recall"]
    assert "0.63" in recalls
    assert recalls == sorted(recalls)
    assert "None of 3 experiments meets this need." in html


def test_images_of_a_folder(tmp_path: Path) -> None:
    write_pair(tmp_path / "first", Made(seed=1))
    chosen = compare_folders([tmp_path / "first"])
    (tmp_path / "images" / "ds").mkdir(parents=True)
    with pytest.raises(InputError, match="holds none of the evaluated images"):
        images_in(tmp_path / "images", chosen)
    with pytest.raises(InputError, match="is not a folder"):
        images_in(tmp_path / "nowhere", chosen)
    (tmp_path / "images" / "ds" / "0003.jpg").write_bytes(b"a picture")
    load = images_in(tmp_path / "images", chosen)
    assert load(903) == b"a picture"
    assert load(904) is None


def test_equal_data_give_equal_files_and_stay_small() -> None:
    first, second = render_report(comparison(4)), render_report(comparison(4))
    assert first == second
    assert len(first) - len(LIBRARY.read_text(encoding="utf-8")) < 1_000_000


def test_one_experiment_has_no_verdict_and_no_baseline() -> None:
    html = render_report(comparison(1), title="Evaluation of Experiment 1").split("</style>")[1].split("<script")[0]
    assert re.search("“Experiment 1” finds [0-9]+ of 100 objects", html)
    assert "which gives F1" in html
    assert "Which threshold to set" in html
    assert not any(word in html for word in (">baseline<", "Recommended", "Take “", "Which one to take"))


def _summary(html: str) -> str:
    return html.split('id="summary"')[1].split("</section>", maxsplit=1)[0]


def test_the_first_page_says_what_to_take_how_sure_and_how_it_was_measured() -> None:
    chosen = comparison(3)
    decision = decide(Requirements(), contenders_of(chosen, significance_of(chosen)), comparable=True)
    page = _summary(render_report(chosen, load=photograph))
    assert advise(decision).headline in page
    assert 'class="cx-sure"' in page
    assert page.count('class="cx-telling"') == 3
    assert "the same 40 images" in page
    rows = re.findall(r"<tr[^>]*><th scope=\"row\">.*?</tr>", page)
    for candidate in decision.candidates:
        row = next(row for row in rows if candidate.label in row)
        ap = read_metric(candidate.contender.experiment, "mAP")
        texts = [metric(ap), percent(candidate.point.recall), percent(candidate.point.precision)]
        assert re.findall("<td>(.*?)</td>", row) == texts
        assert ("cx-named" in row) == (candidate == decision.winner)


def test_the_first_page_ranks_nothing_that_was_not_measured_alike() -> None:
    other = replace(experiment(2), evaluation=evaluation(Made(images=30)))
    page = _summary(render_report(together([experiment(1), other]), load=photograph))
    assert "cannot be ranked" in page
    assert not any(mark in page for mark in ("cx-named", "cx-sure", "cx-telling", "Take “"))


def test_the_day_stands_on_every_printed_page() -> None:
    made = datetime(2026, 12, 1, 9, 30, tzinfo=UTC)
    html = render_report(comparison(2), title=HOSTILE[0], made_at=made)
    assert html.count(moment(made)) == 1  # at the top; below the pages its signs are escaped
    foot = re.findall("@page{(.*?)}}", html)[0]
    assert "<" not in foot
    assert "2026\\2d 12\\2d 01" in foot


def test_folders(tmp_path: Path) -> None:
    write_pair(tmp_path / "first" / "evaluation", Made(seed=1))
    (tmp_path / "first" / "speedtest").mkdir()
    (tmp_path / "first" / "speedtest" / "speedtest.json").write_bytes(speed_test_json())
    write_pair(tmp_path / "second", Made(seed=2))
    chosen: Comparison = compare_folders([tmp_path / "first", tmp_path / "second"])
    assert chosen.labels == ("first", "second")
    assert len(chosen.evaluated) == 2
    assert "was evaluated without the speed test" in render_report(chosen)


def test_a_folder_without_evaluation_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no evaluation"):
        compare_folders([tmp_path])
