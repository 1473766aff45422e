"""What a run is asked to do and what it answers, with strict JSON reading and writing."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias, TypeVar

import msgspec

from traindash.domain.ids import DatasetId, ImageId, ProjectId, TaskId
from traindash.domain.jobs import DryRunFigures
from traindash.domain.plan import Side
from traindash.domain.prediction import ImagePrediction
from traindash.domain.project import ProjectMeta
from traindash.errors import InputError
from traindash.files import write_whole
from traindash.training.runs.predicting import PredictorSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainSpec:
    """One training, with everything resolved: no id has to be looked up, no network is needed."""

    kind: Literal["train"] = "train"
    trainer: str  # package under `traindash.training.trainers` that runs this
    task_id: TaskId
    project_id: ProjectId
    project_name: str
    project_version: Mapping[str, int] | None = None
    framework: str
    app_name: str  # title of the training app; part of the evaluation directory's name
    model_name: str  # catalogue name, e.g. `YOLO26n-det`
    task_type: str  # `object detection` or `instance segmentation`
    custom_weights: str | None = None  # absolute path of the checkpoint to start from; `None` for a catalogue model
    base_checkpoint_link: str | None = None  # path of that checkpoint in Team Files; `None` for a catalogue model
    base_checkpoint: str | None = None  # name of what training starts from as the experiment record shall show it
    classes: tuple[str, ...]  # names of the classes to train on, in the order of the project meta; never empty
    meta: ProjectMeta  # meta of the project, all classes
    hyperparameters: str  # YAML text, already known to be a mapping
    convert_class_shapes: bool  # convert shapes to what the task needs; otherwise unsuitable objects are an error
    enable_benchmark: bool
    enable_speedtest: bool
    export_onnx: bool
    export_tensorrt: bool
    experiment_name: str
    app_state: Mapping[str, object]  # the `guiState` as really used, without `start_training` and `experiment_name`
    split_method: Literal["random", "datasets", "tags", "collections"]
    train_dataset_ids: tuple[DatasetId, ...] = ()
    val_dataset_ids: tuple[DatasetId, ...] = ()
    artifacts_dir: str  # path in Team Files that `artifacts/` will get
    evaluation_dir: str  # path in Team Files that `evaluation/` will get
    server_address: str  # address that links in written files shall start with
    threads: int = 1  # CPU threads the process may use, at least 1
    device: str = "cpu"  # `cpu` or a CUDA index such as `0`
    weights_dir: str  # folder where published weights are kept between runs
    offline: bool = False  # never try the network
    resume_from: str | None = None  # absolute path of a resumable checkpoint of an earlier run; `None` for a new start
    resume_seconds: float = 0.0  # what the epochs before that checkpoint took; reported times go on from there
    # the id that the first prediction of the evaluation gets on the server, the others follow; `None` where it has none
    first_found_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationSource:
    """An evaluation to compare."""

    path: str  # its directory in Team Files, e.g. `/model-benchmark/1_Sample/12_Train YOLO v8 - 26`
    folder: str  # absolute local folder with the same content
    label: str  # name of the model in the comparison
    # absolute local folder with the artifacts of the experiment; `None` where this server has none
    artifacts: str | None = None
    # ids of the images it was trained on, where the artifacts do not list them; `None` where nobody knows
    train_images: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareSpec:
    """One model comparison, as the module ``compare_models`` makes it."""

    kind: Literal["compare"] = "compare"
    trainer: str = "compare"
    task_id: TaskId
    sources: tuple[EvaluationSource, ...]
    output_dir: str  # path in Team Files that `evaluation/` will get, e.g. `/model-comparison/…`
    server_address: str
    # id of an evaluated image → absolute path of its file, for the pictures of the report; never written to, and
    # possibly gone by the time they are read
    image_files: Mapping[int, str] = field(default_factory=dict)
    threads: int = 1  # CPU threads that speed tests may use, at least 1
    device: str = "cpu"  # `cpu` or a CUDA index such as `0`


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRunSpec:
    """The first batches of a training, to learn what the whole of it will need; nothing of it is kept.

    The run's image list is a sample: the first images of each side have objects if any has.
    """

    kind: Literal["dry_run"] = "dry_run"
    training: TrainSpec  # the training as planned


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportSpec:
    """A checkpoint of an earlier training that shall become an ONNX file, ``artifacts/<name>.onnx``."""

    kind: Literal["export"] = "export"
    trainer: str = "export"
    engine: str  # package under `traindash.training.trainers` whose engine the checkpoint belongs to
    file: str  # absolute path of the checkpoint; never written to
    task_type: str  # `object detection` or `instance segmentation`
    threads: int = 1  # CPU threads that it may use, at least 1


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelSpec:
    """A model that labels the images of the run's list; what it finds is a line each of ``found.jsonl``.

    The images have no sides.
    """

    kind: Literal["label"] = "label"
    trainer: str = "label"
    task_id: TaskId
    project_id: ProjectId
    model: PredictorSpec
    name: str  # what people call the model
    confidence: float  # of objects that are kept, 0 to 1
    class_confidence: Mapping[str, float] = field(default_factory=dict)  # of classes that have another one


RunSpec: TypeAlias = TrainSpec | CompareSpec | DryRunSpec | ExportSpec | LabelSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class RunImage:
    """An image of a training run."""

    id: ImageId
    name: str
    dataset_id: DatasetId
    dataset_name: str
    path: str  # absolute path of the image file; never written to
    width: int
    height: int
    hash: str  # Base64 of the SHA-256 of the file
    sides: tuple[Side, ...]  # which sets it belongs to; both is possible
    annotation: Mapping[str, object]  # the image's annotation in Supervisely JSON format


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluatedImage:
    """An image of an evaluation, for the projects that the platform makes of it.

    Annotations are in Supervisely's JSON without ids. The predictions of all images are in the order of
    ``cocoDt.json``.
    """

    dataset_id: DatasetId
    dataset_name: str
    name: str
    hash: str  # Base64 of the SHA-256 of the file
    truth: msgspec.Raw  # annotation with the objects as they were evaluated: chosen classes, shapes of the task
    found: msgspec.Raw  # annotation with the predictions, each with its confidence as a tag


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainResult:
    """What a finished training answers; the platform adds file ids and registers the experiment."""

    kind: Literal["train"] = "train"
    # keys of `experiment_info.json` that the trainer knows (all required ones, see
    # :class:`traindash.domain.experiment.ExperimentInfo`)
    experiment: Mapping[str, object]
    has_evaluation: bool  # `evaluation/` holds a complete evaluation with `visualizations/template.vue`
    # sentences about optional steps that did not work (benchmark, export); the training still counts
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareResult:
    """What a finished comparison answers; ``evaluation/`` holds ``template.vue`` and what belongs to it."""

    kind: Literal["compare"] = "compare"
    title: str
    problems: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRunResult:
    """What a dry run answers; ``problems`` as those of a training."""

    kind: Literal["dry_run"] = "dry_run"
    figures: DryRunFigures
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportResult:
    """What an export answers."""

    kind: Literal["export"] = "export"
    file: str  # name of the ONNX file in `artifacts/`
    difference: float  # largest difference to the checkpoint's outputs, relative to the largest of them
    seconds: float
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelResult:
    """What a labelling answers; the platform draws what was found."""

    kind: Literal["label"] = "label"
    classes: tuple[str, ...]  # that the model knows, by number
    images: int  # that were looked at
    objects: int
    problems: tuple[str, ...] = ()


RunResult: TypeAlias = TrainResult | CompareResult | DryRunResult | ExportResult | LabelResult

_T = TypeVar("_T")
MOST_FOUND = 300  # predictions of an image that an evaluation keeps; Ultralytics' own default, for every engine
_Kind: TypeAlias = Literal["train", "compare", "dry_run", "export", "label"]
_SPECS: Mapping[_Kind, type[RunSpec]] = {
    "train": TrainSpec,
    "compare": CompareSpec,
    "dry_run": DryRunSpec,
    "export": ExportSpec,
    "label": LabelSpec,
}
_RESULTS: Mapping[_Kind, type[RunResult]] = {
    "train": TrainResult,
    "compare": CompareResult,
    "dry_run": DryRunResult,
    "export": ExportResult,
    "label": LabelResult,
}


class _Tag(msgspec.Struct):
    """What decides the type of the rest: msgspec tells only structs apart by a tag, and these are dataclasses."""

    kind: _Kind


def write_spec(path: Path, spec: RunSpec) -> None:
    """Write ``spec.json`` in one step: it is complete or not there."""
    write_whole(path, _json(spec))


def read_spec(path: Path) -> RunSpec:
    """Read ``spec.json``.

    Raises:
        InputError: It is missing or not valid; names the field.
    """
    return _read(path, _SPECS)


def write_result(path: Path, result: RunResult) -> None:
    """Write ``result.json`` in one step."""
    write_whole(path, _json(result))


def read_result(path: Path) -> RunResult:
    """Read ``result.json``.

    Raises:
        InputError: It is missing or not valid; names the field.
    """
    return _read(path, _RESULTS)


def write_images(path: Path, images: Iterator[RunImage]) -> int:
    """Write the image list a line at a time; returns the number of images."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # A line each: a hundred thousand images never lie in memory at once, on neither side
    encoder = msgspec.json.Encoder()
    count = 0
    with path.open("wb") as file:
        for image in images:
            file.write(encoder.encode(image) + b"\n")
            count += 1
    return count


def read_images(path: Path) -> Iterator[RunImage]:
    """Yield the images of a run in the order they were written.

    Raises:
        InputError: A line is not valid; names the line.
    """
    return _records(path, RunImage, f"{path.name} is not an image record")


def read_found(path: Path) -> Iterator[ImagePrediction]:
    """Yield what a labelling found, in the order of its images.

    Raises:
        InputError: A line is not valid; names the line.
    """
    return _records(path, ImagePrediction, f"{path.name} is not what was found on an image")


def read_evaluated(path: Path) -> Iterator[EvaluatedImage]:
    """Yield the images of an evaluation in the order they were written.

    Raises:
        InputError: A line is not valid; names the line.
    """
    return _records(path, EvaluatedImage, f"{path} is not an evaluated image")


def _records(path: Path, kind: type[_T], wrong: str) -> Iterator[_T]:
    decoder = msgspec.json.Decoder(kind)
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                yield decoder.decode(line)
            except msgspec.DecodeError as error:
                raise InputError(f"Line {number} of {wrong}: {error}") from error


def _json(value: RunSpec | RunResult) -> bytes:
    # Indented: people look into run folders when something is odd
    return msgspec.json.format(msgspec.json.encode(value), indent=2)


def _read(path: Path, types: Mapping[_Kind, type[_T]]) -> _T:
    try:
        content = path.read_bytes()
        # Read twice, which costs microseconds: first the tag, then the type that it stands for
        return msgspec.json.decode(content, type=types[msgspec.json.decode(content, type=_Tag).kind])
    except FileNotFoundError as error:
        raise InputError(f"{path.name} does not exist.") from error
    except msgspec.DecodeError as error:
        raise InputError(f"{path.name} is not valid: {error}") from error


@dataclass(frozen=True, slots=True)
class RunLayout:
    """Paths of one run folder."""

    root: Path  # the folder, absolute; named after the task id

    @property
    def spec(self) -> Path:
        """What to do, a :data:`RunSpec` as JSON. Written once, before the process starts."""
        return self.root / "spec.json"

    @property
    def images(self) -> Path:
        """The images of a training, one :class:`traindash.training.runs.spec.RunImage` as JSON a line."""
        return self.root / "inputs" / "images.jsonl"

    @property
    def events(self) -> Path:
        """What happened, one event a line, appended by the trainer only. See :mod:`traindash.training.runs.events`."""
        return self.root / "events.jsonl"

    @property
    def platform_events(self) -> Path:
        """The same for what the platform has to say of the task (queued, started, uploaded); it alone appends."""
        return self.root / "platform_events.jsonl"

    @property
    def output(self) -> Path:
        """Standard output and error of the process, raw text; read for the cause when it dies."""
        return self.root / "output.log"

    @property
    def process(self) -> Path:
        """Identity of the process (pid and start time), written by the platform right after the start."""
        return self.root / "process.json"

    @property
    def result(self) -> Path:
        """What came out, a :data:`RunResult` as JSON. It exists only if everything worked."""
        return self.root / "result.json"

    @property
    def evaluated(self) -> Path:
        """What was evaluated and found, one :class:`EvaluatedImage` as JSON a line. Deleted after a good end."""
        return self.root / "evaluated.jsonl"

    @property
    def stop_after_epoch(self) -> Path:
        """An empty file that asks the trainer to end well after the running epoch."""
        return self.root / "stop_after_epoch"

    @property
    def work(self) -> Path:
        """Scratch space of the trainer: converted labels, framework folders. Deleted after a good end."""
        return self.root / "work"

    @property
    def resume_checkpoint(self) -> Path:
        """From here another run can go on.

        The trainer writes it in one step after each epoch that is not the last one, with what belongs to it beside it,
        and removes it when no epoch is left. Its form is the engine's own.
        """
        return self.work / "training" / "weights" / "resume"

    @property
    def artifacts(self) -> Path:
        """Becomes the experiment's artifacts directory in Team Files, file by file."""
        return self.root / "artifacts"

    @property
    def found(self) -> Path:
        """What a labelling found, one :class:`ImagePrediction` as JSON a line, with the ids of their images."""
        return self.root / "found.jsonl"

    @property
    def evaluation(self) -> Path:
        """Becomes the evaluation directory (or, for a comparison, the comparison directory) in Team Files."""
        return self.root / "evaluation"
