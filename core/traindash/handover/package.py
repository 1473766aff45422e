"""A chosen model as an archive that runs without this program, in three forms.

``folder``: weights, ONNX, ``model.json``, ``predict.py``, ``check.py`` and the model card. ``mlflow`` lays that folder
into a model of MLflow, ``huggingface`` into a repository of Hugging Face. The files are written by their documented
layouts; neither program is needed for it.
"""

import importlib.util
import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import yaml

from traindash.comparison.experiment import ComparedExperiment
from traindash.domain.experiment import ExperimentInfo
from traindash.domain.handover import ChosenModel
from traindash.errors import AppError, InputError
from traindash.files import replacing, to_json
from traindash.handover.card import ModelCard, front_matter, html, markdown, model_card
from traindash.handover.description import Description, describe
from traindash.handover.expected import ALIKE, CLOSE, ExpectedImage, Tolerance, expected_json, telling_images
from traindash.handover.onnx_file import read_onnx
from traindash.language import N_
from traindash.language import gettext as _
from traindash.settings import bare_environment

Form = Literal["folder", "mlflow", "huggingface"]
FORMS: Mapping[Form, str] = {
    "folder": N_("Folder with a Python file"),
    "mlflow": N_("MLflow model"),
    "huggingface": N_("Hugging Face repository"),
}
_RUNNERS = Path(__file__).with_name("runner")
# Versions that the runner was tested with are the lower bounds of our own package
_NEEDS = ("onnxruntime>=1.22", "numpy>=1.26", "pillow>=10")
_CHECK_SECONDS = 300
_STORED = {".onnx", ".pt", ".safetensors", ".png", ".jpg", ".jpeg", ".webp"}  # packing them again gains nothing
_LOADER = "packaged_model"
_SHELL = """pip install -r requirements.txt
python check.py            # the same objects as when it was measured
python predict.py photo.jpg
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluated:
    """The evaluation of a model as files, and where its images come from."""

    truth: Path  # `cocoGt.json`
    predictions: Path  # `cocoDt.json`
    download: Callable[[int], bytes]  # an image's file by its id; raises an AppError where it is gone


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a package is made of."""

    choice: ChosenModel
    experiment: ComparedExperiment
    info: ExperimentInfo
    classes: tuple[str, ...]  # by number
    checkpoint: Path  # the best one
    onnx: Path | None  # the exported one; `None` where there is none
    evaluated: Evaluated | None = None  # `None` without an evaluation
    keep: Path | None = None  # folder that keeps resamples


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """What came of it."""

    size: int  # bytes of the archive
    files: tuple[str, ...]  # in it
    checked: str = ""  # what `check.py` said at the end; empty where it could not be run here
    is_same: bool | None = None  # whether it found the same objects; `None` where it was not run
    problems: tuple[str, ...] = field(default=())  # what the package lacks and why, sentences


def write_package(target: Path, parts: Parts, form: Form, tell: Callable[[str], None] = lambda _: None) -> Packed:
    """Write the archive and try it in a process of its own, where this machine can; ``tell`` gets each step.

    Raises:
        InputError: The model cannot be run by what is known here; says why.
        OSError: The archive cannot be written.
    """
    with TemporaryDirectory(prefix="traindash-package-") as scratch:
        folder = Path(scratch) / "package"
        packing = _Packing(parts, form, folder, tell)
        packing.write()
        checked, is_same = packing.check()
        tell(N_("Packing"))
        files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
        with replacing(target) as partial:
            _zip(partial, folder, files, root=_file_name(parts.choice))
        return Packed(
            size=target.stat().st_size,
            files=tuple(files),
            checked=checked,
            is_same=is_same,
            problems=tuple(packing.problems),
        )


class _Packing:
    """A package under way.

    Attributes:
        problems: Sentences, filled on the way.
    """

    def __init__(self, parts: Parts, form: Form, folder: Path, tell: Callable[[str], None]) -> None:
        self.problems: list[str] = []
        self._parts, self._form, self._folder, self._tell = parts, form, folder, tell
        # Where the model itself lies in the form
        self._home = folder / "data" if form == "mlflow" else folder
        self._onnx = "onnx/model.onnx" if form == "huggingface" else "model.onnx"

    def write(self) -> None:
        """Write the folder."""
        self._home.mkdir(parents=True)
        parts = self._parts
        self._tell(N_("Copying the weights"))
        shutil.copyfile(parts.checkpoint, self._home / parts.checkpoint.name)
        description = self._write_runner()
        if description is not None and parts.evaluated is not None:
            self._tell(N_("Choosing an image for the check"))
            self._write_check(parts.evaluated, ALIKE if description.is_padded_alike else CLOSE)
        self._tell(N_("Writing the model card"))
        size = None if description is None else description.size
        card = model_card(parts.choice, parts.experiment, parts.info, size, parts.keep)
        (self._home / "choice.json").write_bytes(to_json(parts.choice))
        self._write_card(card)
        match self._form:
            case "folder":
                pass
            case "mlflow":
                self._write_mlflow()
            case "huggingface":
                self._write_hugging_face(description)

    def check(self) -> tuple[str, bool | None]:
        """Run ``check.py`` in a process of its own; what it said last, and whether the objects are the same."""
        if not (self._home / "check" / "expected.json").is_file():
            return "", None
        if importlib.util.find_spec("onnxruntime") is None:
            self.problems.append(
                N_("It was not tried here: this machine has no onnxruntime. Run check.py where it has.")
            )
            return "", None
        self._tell(N_("Running check.py"))
        # Not in this process: a network of whatever origin may take memory or crash
        command = [sys.executable, "-E", "-s", "-B", "check.py"]
        try:
            done = subprocess.run(  # noqa: S603 - a list, no shell; our own file
                command,
                cwd=self._home,
                env=bare_environment(),
                capture_output=True,
                text=True,
                timeout=_CHECK_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            self.problems.append(f"check.py did not end within {_CHECK_SECONDS} seconds here.")
            return "", None
        said = (done.stdout or done.stderr).strip().splitlines()
        if done.returncode:
            self.problems.append(N_("Where this was packed, check.py found other objects than the evaluation."))
        return (said[-1] if said else ""), done.returncode == 0

    def _write_runner(self) -> Description | None:
        """Write what runs the model; nothing where there is no ONNX file."""
        parts = self._parts
        if parts.onnx is None:
            self.problems.append(N_("There is no ONNX file, so the package runs only with the engine that trained it."))
            return None
        facts = read_onnx(parts.onnx)
        description = describe(parts.choice, parts.info.task_type, parts.classes, facts, self._onnx)
        (self._home / self._onnx).parent.mkdir(exist_ok=True)
        shutil.copyfile(parts.onnx, self._home / self._onnx)
        files = {"onnx": self._onnx, "checkpoint": parts.checkpoint.name}
        content = {**description.content, "experiment": _about(parts.info), "files": files}
        (self._home / "model.json").write_text(json.dumps(content, ensure_ascii=False, indent=2), encoding="utf-8")
        shutil.copyfile(_RUNNERS / description.runner, self._home / "predict.py")
        (self._home / "requirements.txt").write_text("\n".join(_NEEDS) + "\n", encoding="utf-8")
        return description

    def _write_check(self, evaluated: Evaluated, tolerance: Tolerance) -> None:
        threshold = self._parts.choice.thresholds.default
        found = self._image(evaluated, threshold)
        if found is None:
            self.problems.append(N_("None of the evaluated images is on the server any more, so there is no check."))
            return
        expected, content = found
        folder = self._home / "check"
        folder.mkdir()
        name = f"image{Path(expected.name).suffix.lower() or '.png'}"
        (folder / name).write_bytes(content)
        source = f"cocoDt.json of the evaluation of task {self._parts.info.task_id}, image {expected.id}"
        text = json.dumps(expected_json(expected, name, threshold, source, tolerance), ensure_ascii=False, indent=2)
        (folder / "expected.json").write_text(text, encoding="utf-8")
        shutil.copyfile(_RUNNERS / "check.py", self._home / "check.py")

    def _image(self, evaluated: Evaluated, threshold: float) -> tuple[ExpectedImage, bytes] | None:
        for image in telling_images(evaluated.truth, evaluated.predictions, threshold):
            try:
                return image, evaluated.download(image.id)
            except AppError:  # deleted since the training; another one will do
                continue
        return None

    def _write_card(self, card: ModelCard) -> None:
        (self._folder / "model_card.html").write_text(html(card), encoding="utf-8")
        text = markdown(card)
        if self._form == "huggingface":
            head = front_matter(card, self._parts.info, self._parts.classes)
            (self._folder / "README.md").write_text(f"{head}\n{text}\n{self._usage()}", encoding="utf-8")
        else:
            (self._folder / "MODEL_CARD.md").write_text(text, encoding="utf-8")
            (self._folder / "README.md").write_text(self._usage(), encoding="utf-8")

    def _usage(self) -> str:
        title = self._parts.choice.title
        if self._parts.onnx is None:
            said = f"The weights are in {self._parts.checkpoint.name}; the engine that trained them runs them."
            return f"# {title}\n\n{said}\n"
        where = "cd data\n" if self._form == "mlflow" else ""
        text = f"## Use it\n\n```sh\n{where}{_SHELL}```\n\n```python\n{usage_python()}```\n"
        return text if self._form == "huggingface" else f"# {title}\n\n{text}"

    def _write_mlflow(self) -> None:
        """Write what makes a model of MLflow of the folder.

        The format is that of mlflow.org/docs/latest/python_api/mlflow.pyfunc.html, “Filesystem format”: a module with
        ``_load_pyfunc``, which gets the path of ``data``.
        """
        if self._parts.onnx is None:
            raise InputError(_("A model of MLflow needs an ONNX file."), _("Export the model to ONNX first."))
        code = self._folder / "code"
        code.mkdir()
        shutil.copyfile(_RUNNERS / "mlflow_loader.py", code / f"{_LOADER}.py")
        python = f"{sys.version_info.major}.{sys.version_info.minor}"
        flavor = {
            "loader_module": _LOADER,
            "code": "code",
            "data": "data",
            "python_version": python,
            "env": {"conda": "conda.yaml", "virtualenv": "python_env.yaml"},
        }
        _yaml(
            self._folder / "MLmodel",
            {
                "flavors": {"python_function": flavor},
                "utc_time_created": self._parts.choice.chosen_at.replace("T", " ")[:19],
                "metadata": {"name": self._parts.choice.title, "version": self._parts.choice.version},
            },
        )
        packages = [*_NEEDS, "mlflow"]
        conda = {"name": "mlflow-env", "channels": ["conda-forge"], "dependencies": [f"python={python}", "pip"]}
        conda["dependencies"] = [*conda["dependencies"], {"pip": packages}]  # type: ignore[list-item]
        _yaml(self._folder / "conda.yaml", conda)
        _yaml(self._folder / "python_env.yaml", {"python": python, "dependencies": ["-r requirements.txt"]})
        (self._folder / "requirements.txt").write_text("\n".join(packages) + "\n", encoding="utf-8")

    def _write_hugging_face(self, description: Description | None) -> None:
        """Write what programs look for in a repository: names of the classes, and how an image is prepared.

        Keys as in huggingface.co/docs/transformers: ``id2label`` of a configuration, those of an image processor.
        """
        numbers = {str(number): name for number, name in enumerate(self._parts.classes)}
        labels = {name: int(number) for number, name in numbers.items()}
        _json(self._folder / "config.json", {"id2label": numbers, "label2id": labels})
        if description is not None:
            width, height = description.size
            prepared = {
                "do_resize": True,
                "size": {"height": height, "width": width},
                "do_rescale": True,
                "rescale_factor": 1 / 255,
                "do_normalize": False,
                "do_pad": description.runner == "predict_yolo.py",
            }
            _json(self._folder / "preprocessor_config.json", prepared)


def usage_python() -> str:
    """Return a few lines of Python that use a package, for whoever stands in its folder."""
    return 'from predict import Model\n\nfor one in Model().predict("photo.jpg"):\n    print(one)\n'


def _about(info: ExperimentInfo) -> Mapping[str, object]:
    return {
        "name": info.experiment_name,
        "task_id": int(info.task_id),
        "project_id": int(info.project_id),
        "framework": info.framework_name,
        "model": info.model_name,
    }


def _file_name(choice: ChosenModel) -> str:
    clean = "".join(sign if sign.isalnum() else "_" for sign in choice.project_name).strip("_")
    return f"{clean or 'model'}_v{choice.version}"


def package_name(choice: ChosenModel, form: Form) -> str:
    """Return the file name of a package."""
    return f"{_file_name(choice)}{'' if form == 'folder' else f'_{form}'}.zip"


def _zip(target: Path, folder: Path, files: Sequence[str], root: str) -> None:
    with zipfile.ZipFile(target, "w") as archive:
        for name in files:
            kind = zipfile.ZIP_STORED if Path(name).suffix in _STORED else zipfile.ZIP_DEFLATED
            archive.write(folder / name, f"{root}/{name}", compress_type=kind)


def _json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def _yaml(path: Path, content: object) -> None:
    path.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), encoding="utf-8")
