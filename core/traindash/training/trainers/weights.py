"""What a training starts from: published weights, a checkpoint of an earlier experiment, or random numbers."""

import http.client
import shutil
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from traindash.domain.task import ExitCause
from traindash.errors import NotFoundError
from traindash.files import replacing
from traindash.frameworks.spec import Framework, FrameworkModel
from traindash.training.runs.events import EventWriter
from traindash.training.runs.spec import TrainSpec
from traindash.training.trainers.checkpoint_files import CheckpointFormat
from traindash.training.trainers.entry import RunError

# Seconds without an answer after which the download is given up; the training then starts without it.
CONNECT_TIMEOUT = 5.0
_CHUNK = 1 << 20

Fetch = Callable[[str, Path], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class StartingPoint:
    """What the engine loads."""

    source: str  # path of a checkpoint, or an architecture the engine knows or finds in a file
    is_random: bool  # weights are random numbers
    base_checkpoint: str  # what the experiment record names
    # where that is published, or the path of a checkpoint in Team Files (ModelSelector.get_checkpoint_link of the SDK)
    base_checkpoint_link: str | None = None
    config: str | None = None  # the architecture of the weights, for files that do not tell it


class IncompleteError(Exception):
    """A download is not what it was said to be."""


def find_start(
    spec: TrainSpec,
    framework: Framework,
    events: EventWriter,
    *,
    fetch: Fetch | None,
    checkpoints: CheckpointFormat,
    wants_random: bool = False,
) -> StartingPoint:
    """Decide what to start from, and say it in the log.

    ``fetch`` downloads a URL to a path; ``None`` on a machine that shall stay offline. ``checkpoints`` is what the
    engine reads. A person may want random initialisation.

    Raises:
        RunError: The custom checkpoint cannot be used.
    """
    # What the person chose comes before everything else, the wish for random numbers too
    if spec.custom_weights is not None:
        path = custom_checkpoint(Path(spec.custom_weights), checkpoints)
        events.log(f"Training starts from the checkpoint {spec.base_checkpoint or path.name}.")
        return StartingPoint(
            source=str(path),
            is_random=False,
            base_checkpoint=spec.base_checkpoint or path.name,
            base_checkpoint_link=spec.base_checkpoint_link,
            config=None if path.suffix == checkpoints.suffix else _config_of(spec, framework),
        )
    model = _as_published(framework.model(spec.model_name), Path(spec.weights_dir), checkpoints)
    config = framework.config_source(model)
    random = StartingPoint(source=config, is_random=True, base_checkpoint=f"random initialisation ({model.config})")
    if wants_random:
        events.log(
            f"Training of {model.name} starts from random initialisation, as the hyperparameters ask.", "warning"
        )
        return random
    path = Path(spec.weights_dir) / (model.weights_file or "")
    if (reason := _missing(model, path, fetch, checkpoints)) is not None:
        events.log(reason, "warning")
        return random
    events.log(f"Training starts from the published weights {path.name}.")
    return StartingPoint(
        source=str(path),
        is_random=False,
        base_checkpoint=path.name,
        base_checkpoint_link=model.weights_url,
        config=config,
    )


def _missing(model: FrameworkModel, path: Path, fetch: Fetch | None, checkpoints: CheckpointFormat) -> str | None:
    """Return why a training cannot start from the published weights of a model; ``None`` if they lie at ``path``."""
    if model.weights_file is None:
        return f"{model.name} has no published weights: training starts from random initialisation."
    if not (model.weights_file.endswith(checkpoints.suffix) or checkpoints.reads_original(model.config)):
        return (
            f"The published weights {model.weights_file} are in their authors' own form, which is not read here: "
            f"training of {model.name} starts from random initialisation. To start from learned weights, choose a "
            "checkpoint of an experiment."
        )
    # Looked into, not only for: a download that was cut off leaves a file of the right name
    problem = None if checkpoints.is_complete(path) else _obtain(model, path, fetch, checkpoints)
    problem = problem or checkpoints.trouble_with_original(path)
    if problem is None:
        return None
    return (
        f"{problem} Training of {model.name} starts from random initialisation: expect a lower accuracy than with "
        f"pretrained weights. To use them, put {model.weights_file} into the folder "
        f"“{path.parent.name}” of the data directory."
    )


def _as_published(model: FrameworkModel, folder: Path, checkpoints: CheckpointFormat) -> FrameworkModel:
    """Return a model with the weights to look for: what a person has put into the folder goes before other forms."""
    converted = checkpoints.published(model.config)
    if converted is None:
        return model
    path = folder / (model.weights_file or "")
    if path.is_file() and checkpoints.reads_original(model.config) and checkpoints.trouble_with_original(path) is None:
        return model
    return replace(model, weights_file=converted[0], weights_url=converted[1])


def _config_of(spec: TrainSpec, framework: Framework) -> str | None:
    """Return the architecture of the model that a checkpoint is of, ``None`` where the catalogue has it no more."""
    with suppress(NotFoundError):
        return framework.config_source(framework.model(spec.model_name))
    return None


def custom_checkpoint(path: Path, checkpoints: CheckpointFormat) -> Path:
    """Return the trainable checkpoint that a chosen file stands for.

    An exported model (``export/best.onnx``) cannot be trained on; the checkpoint it was made from can, where it lies
    beside it as Supervisely's layout has it.

    Raises:
        RunError: There is no trainable checkpoint.
    """
    found = path
    if path.suffix.lower() in {".onnx", ".engine"}:
        found = path.parent.parent / "checkpoints" / f"{path.stem}{checkpoints.suffix}"
        if not found.is_file():
            message = f"Training cannot start from the exported model {path.name}."
            raise RunError(ExitCause.BAD_INPUT, message, f"Choose a {checkpoints.suffix} checkpoint of the experiment.")
    if not checkpoints.is_complete(found):
        message = f"The checkpoint {found.name} is missing or damaged."
        raise RunError(ExitCause.BAD_INPUT, message, "Choose another checkpoint.")
    return found


def _obtain(model: FrameworkModel, path: Path, fetch: Fetch | None, checkpoints: CheckpointFormat) -> str | None:
    """Download published weights; returns what went wrong, ``None`` if all is well."""
    name = model.weights_file
    if fetch is None or model.weights_url is None:
        return f"The published weights {name} are not on this machine, and the machine is offline."
    try:
        # Two trainings may fetch the same file at once; each writes its own, the last one stays
        with replacing(path) as partial:
            fetch(model.weights_url, partial)
            _check(partial, checkpoints)
    except IncompleteError:
        return f"The download of {name} is not a complete checkpoint."
    except (OSError, http.client.HTTPException) as error:
        return f"The published weights {name} are not on this machine and could not be downloaded ({error})."
    return None


def _check(path: Path, checkpoints: CheckpointFormat) -> None:
    if not checkpoints.is_complete(path):
        raise IncompleteError


def download(url: str, path: Path) -> None:
    """Fetch a file over HTTPS.

    Raises:
        OSError: The server does not answer in time, refuses, or the file is not complete.
    """
    request = urllib.request.Request(url, headers={"User-Agent": "traindash"})  # noqa: S310 - https, from our own table
    with urllib.request.urlopen(request, timeout=CONNECT_TIMEOUT) as answer, path.open("wb") as file:  # noqa: S310
        shutil.copyfileobj(answer, file, _CHUNK)
        expected = answer.headers.get("Content-Length")
    # urllib takes a connection that was closed early for the end of the file
    if expected is not None and path.stat().st_size != int(expected):
        raise OSError(f"{path.stat().st_size} of {expected} bytes arrived")
