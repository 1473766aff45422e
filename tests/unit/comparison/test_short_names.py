"""Labels say what tells experiments apart, and are always different."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.comparison.builders import HOSTILE, bare, record
from traindash.comparison.experiment import ComparedExperiment
from traindash.comparison.short_names import LONGEST, short_labels


def _made(number: int, model: str = "Pico-det", name: str | None = None, **settings: object) -> ComparedExperiment:
    whole = f"{number} Still life {model}" if name is None else name
    return replace(
        bare(number),
        label=whole,
        name=whole,
        info=record(number, whole, model_name=model, evaluation_metrics={}),
        hyperparameters={"epochs": 10, "optimizer": {"lr": 0.01}, "mosaic": True, **settings},
    )


def test_names_that_the_app_made_give_way_to_what_differs() -> None:
    assert short_labels([_made(1), _made(2, epochs=25)]) == ("epochs 10", "epochs 25")
    assert short_labels([_made(1), _made(2, "YOLO26s")]) == ("Pico-det", "YOLO26s")
    assert short_labels([_made(1, mosaic=False), _made(2)]) == ("without mosaic", "with mosaic")
    assert short_labels([_made(1), _made(2, optimizer={"lr": 0.1})]) == ("lr 0.01", "lr 0.1")


def test_only_who_shares_a_label_gets_another_part() -> None:
    runs = [_made(1, seed=1), _made(2, seed=2), _made(3, "YOLO26s", seed=1)]
    assert short_labels(runs) == ("Pico-det, seed 1", "Pico-det, seed 2", "YOLO26s")


def test_letters_where_nothing_differs() -> None:
    assert short_labels([_made(1), _made(2)]) == ("A", "B")
    assert short_labels([_made(1), _made(2), _made(3, epochs=25)]) == ("epochs 10 A", "epochs 10 B", "epochs 25")


def test_names_that_people_chose_stay_without_what_all_begin_with() -> None:
    chosen = [_made(1, name="bccd-coco imgsz 96, long run of autumn"), _made(2, name="bccd-coco imgsz 160")]
    assert short_labels(chosen) == ("A", "B")  # too long, and their settings are equal
    chosen = [_made(1, name="bccd-coco run imgsz 96"), _made(2, name="bccd-coco run imgsz 160")]
    assert short_labels(chosen) == ("imgsz 96", "imgsz 160")
    assert short_labels([_made(1, name="Run 1"), _made(2, name="Run 2")]) == ("Run 1", "Run 2")


def test_what_a_person_called_it_comes_first() -> None:
    assert short_labels([_made(1), _made(2, epochs=25)], {"2": "in use"}) == ("epochs 10", "in use")


def test_one_alone_keeps_its_whole_name() -> None:
    assert short_labels([_made(1)]) == ("1 Still life Pico-det",)


@given(
    drawn=st.lists(
        st.tuples(st.sampled_from(["Pico-det", "YOLO26s", *HOSTILE]), st.integers(1, 3), st.booleans()),
        min_size=2,
        max_size=40,
    ),
    named=st.booleans(),
)
def test_labels_are_different_and_short(drawn: list[tuple[str, int, bool]], *, named: bool) -> None:
    runs = [
        _made(i, model, name=model if named else None, epochs=epochs, mosaic=mosaic)
        for i, (model, epochs, mosaic) in enumerate(drawn, start=1)
    ]
    labels = short_labels(runs)
    assert len(set(labels)) == len(runs)
    assert all(0 < len(label) <= 3 * LONGEST for label in labels)
