"""A package is run where nothing of this project is, and finds what the evaluation found; with masks."""

import json
import re
from pathlib import Path

import pytest

from tests.training.packages import bare_python, furthest, import_file, package_of, unpacked
from tests.training.run_folders import TINY, tiny_images, train_spec, write_run
from tests.training.trainer_process import FinishedRun, TrainerNursery
from traindash.handover.package import Form

pytestmark = pytest.mark.slow
# Of a picture of 96 x 60 the checkpoint gets 96 x 64, and a file for squares would get 96 x 96
SETTINGS = TINY.replace("epochs: 2", "epochs: 30").replace("imgsz: 64", "imgsz: 96")
CLOSE = 1e-4


@pytest.fixture(scope="module")
def learned(nursery: TrainerNursery, tmp_path_factory: pytest.TempPathFactory) -> FinishedRun:
    """A small segmenter that finds most objects, on images that are not square."""
    home = tmp_path_factory.mktemp("packages")
    spec = train_spec(
        home,
        model_name="Pico-seg (CPU demo)",
        task_type="instance segmentation",
        hyperparameters=SETTINGS,
        export_onnx=True,
    )
    finished = nursery.run(write_run(home, spec, tiny_images(home / "images", train=24, val=6, height=60)))
    assert finished.exit_code == 0, finished.output[-3000:]
    return finished


@pytest.mark.parametrize("form", ["folder", "mlflow", "huggingface"])
def test_the_same_objects_are_found(learned: FinishedRun, tmp_path: Path, form: Form) -> None:
    packed = package_of(learned, tmp_path / "model.zip", threshold=0.1, form=form)
    assert packed.problems == (), packed.checked
    top = unpacked(tmp_path / "model.zip", tmp_path / "unpacked")
    home = top / "data" if form == "mlflow" else top
    checked = bare_python(home, tmp_path, "check.py")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    said = re.search(r"(\d+) expected, scores at most (\S+) and corners at most (\S+) pixels apart", checked.stdout)
    assert said is not None, checked.stdout
    assert int(said[1]) > 0
    assert float(said[2]) <= CLOSE
    assert float(said[3]) <= 1e-3 + CLOSE, "files of evaluations have three digits"
    count, apart, overlap = furthest(learned, home)
    assert count > 0
    assert apart <= CLOSE
    assert overlap > 0.999
    if form == "mlflow":
        loaded = import_file(top / "code" / "packaged_model.py")._load_pyfunc(str(home))
        (answer,) = loaded.predict([str(home / "check" / "image.png")], {"threshold": 0.05})
        assert {"class", "score", "box", "mask"} == set(answer[0])


def test_a_check_notices_what_differs(learned: FinishedRun, tmp_path: Path) -> None:
    package_of(learned, tmp_path / "model.zip", threshold=0.1)
    top = unpacked(tmp_path / "model.zip", tmp_path / "unpacked")
    file = top / "check" / "expected.json"
    expected = json.loads(file.read_text(encoding="utf-8"))
    expected["objects"] = [{**one, "score": one["score"] + 0.3} for one in expected["objects"]]
    file.write_text(json.dumps(expected), encoding="utf-8")
    checked = bare_python(top, tmp_path, "check.py")
    assert checked.returncode == 1
    assert "DIFFERENT" in checked.stdout
