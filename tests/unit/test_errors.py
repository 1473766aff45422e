"""Messages name files as people know them."""

from pathlib import Path

import pytest

from traindash.errors import reason_of, without_folders

DATA = Path("/srv/traindash data")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"{DATA}/incoming/import-0af3/unpacked/Fruit and veg/a.txt: bad", "Fruit and veg/a.txt: bad"),
        (f"No such file: '{DATA}/runs/12/work/data.yaml'", "No such file: 'work/data.yaml'"),
        (f"{DATA}/team_files/1/experiments/a b/best.pt is gone", "/experiments/a b/best.pt is gone"),
        (f"{DATA} is full", "the data directory is full"),
        (f"Look at {DATA}. It is full.", "Look at the data directory. It is full."),
        (f"{DATA}.old/mine", f"{DATA}.old/mine"),
        (f"{DATA}/platform.db", "platform.db"),
        (f"{DATA}2/mine", f"{DATA}2/mine"),
        (f"in {Path.home()}/pictures/a.jpg", "in ~/pictures/a.jpg"),
        ("/opt/venv/lib/python3.11/site-packages/torch/nn.py, line 3", "torch/nn.py, line 3"),
        ("https://example.org/srv/traindash data", "https://example.org/srv/traindash data"),
        ("/experiments/1_Fruit/best.pt", "/experiments/1_Fruit/best.pt"),
    ],
)
def test_folders_of_this_machine_are_left_out(text: str, said: str) -> None:
    assert without_folders(text, DATA) == said


def test_what_the_system_says_keeps_the_name_alone() -> None:
    assert reason_of(OSError(28, "No space left on device", "/srv/x/best.pt")) == "No space left on device (best.pt)"
    assert reason_of(OSError(5, "Input/output error")) == "Input/output error"
