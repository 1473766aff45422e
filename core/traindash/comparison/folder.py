"""Evaluation directories on this machine (docs/supervisely-api.md 7.2) → a comparison."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from traindash.comparison.artifacts import with_artifacts
from traindash.comparison.experiment import ComparedExperiment, Comparison, Maybe, Missing, unique_labels
from traindash.comparison.palette import SeriesStyle, styles_together
from traindash.comparison.pictures.crops import LoadImage
from traindash.comparison.short_names import short_labels
from traindash.comparison.speed import SpeedTest, parse_speed_test
from traindash.errors import InputError
from traindash.evaluation.evaluation import evaluate_files
from traindash.language import N_
from traindash.language import gettext as _

TRUTH, FOUND = "cocoGt.json", "cocoDt.json"


def compare_folders(folders: Sequence[Path]) -> Comparison:
    """Read evaluation directories and put them side by side, the first one as baseline.

    Each holds ``evaluation/cocoGt.json`` and ``evaluation/cocoDt.json``, or the two files themselves;
    ``speedtest/speedtest.json`` is read where it is.

    Raises:
        InputError: A folder lacks the files, or one of them cannot be used.
    """
    keys = [str(number) for number in range(1, len(folders) + 1)]
    names = [folder.resolve().name for folder in folders]
    # nothing is stored for folders: colours follow their order
    styles = styles_together(range(len(folders)))
    experiments = tuple(
        _read(folder, key, label, style)
        for folder, key, label, style in zip(folders, keys, unique_labels(names, keys), styles, strict=True)
    )
    return Comparison(experiments=experiments)


class EvaluatedFolder(Protocol):
    """An evaluation directory, and what is known of the experiment it belongs to."""

    @property
    def folder(self) -> str:
        """Absolute path of the directory."""

    @property
    def label(self) -> str:
        """Name of the model where nothing else tells the experiments apart."""

    @property
    def artifacts(self) -> str | None:
        """Absolute path of the artifacts directory of the experiment; ``None`` where there is none."""

    @property
    def train_images(self) -> Sequence[int] | None:
        """Ids of the images it was trained on, where the artifacts do not list them; ``None`` where nobody knows."""


def compare_experiments(sources: Sequence[EvaluatedFolder]) -> Comparison:
    """Read evaluations with what their experiments left, and put them side by side under names that tell them apart.

    Raises:
        InputError: A folder lacks the files, or one of them cannot be used.
    """
    comparison = compare_folders([Path(source.folder) for source in sources])
    experiments = [_known(one, source) for one, source in zip(comparison.experiments, sources, strict=True)]
    wanted = [source.label for source in sources]
    names = {one.name for one in experiments}
    # two of one model: what differs between the experiments tells them apart; an experiment that was evaluated several
    # times is told by where each evaluation is
    if len(set(wanted)) < len(wanted) and all(names):
        several = len(names) < len(wanted)
        wanted = [Path(source.folder).name for source in sources] if several else list(short_labels(experiments))
    labels = unique_labels(wanted, [str(n) for n in range(1, len(sources) + 1)])
    tasks = [one.info.task_id for one in experiments if one.info is not None]
    styles = [one.style for one in experiments]
    if len(set(tasks)) == len(experiments):  # otherwise their order has to do
        styles = list(styles_together(tasks))
    labelled = (
        replace(one, label=label, style=style) for one, label, style in zip(experiments, labels, styles, strict=True)
    )
    return replace(comparison, experiments=tuple(labelled))


def _known(experiment: ComparedExperiment, source: EvaluatedFolder) -> ComparedExperiment:
    """Add what the artifacts of an experiment say: curves, settings, training images, size."""
    if source.artifacts is None:
        return experiment
    trained_on = None if source.train_images is None else frozenset(source.train_images)
    known = with_artifacts(experiment, Path(source.artifacts), trained_on)
    return known if known.info is None else replace(known, name=known.info.experiment_name)


def images_in(folder: Path, comparison: Comparison) -> LoadImage:
    """Return what gives the evaluated images from a folder, found by dataset and file name.

    It has the images themselves, a folder for each dataset, or Supervisely's layout.

    Raises:
        InputError: It is no folder, or holds none of the images.
    """
    if not folder.is_dir():
        raise InputError(
            _("{folder} is not a folder.").format(folder=folder), _("Name the folder that holds the evaluated images.")
        )
    files: dict[int, Path] = {}
    for _experiment, evaluation in comparison.evaluated:
        images = evaluation.pair.images
        for number, dataset, name in zip(images.sly_ids.tolist(), images.datasets, images.file_names, strict=True):
            # with folders for datasets, as Supervisely lays a project out, and flat
            places = (Path(dataset) / name, Path(dataset) / "img" / name, Path(name))
            # names come from the COCO files, so they must not lead out of the folder
            inside = (folder / place for place in places if not place.is_absolute() and ".." not in place.parts)
            found = next((file for file in inside if file.is_file()), None)
            if found is not None:
                files[number] = found
    if not files:
        msg = _("{folder} holds none of the evaluated images.").format(folder=folder)
        raise InputError(msg, _("The images are looked for by the name of their dataset and of their file."))
    return disk_images(files)


def disk_images(files: Mapping[int, Path]) -> LoadImage:
    """Return what gives a report the images on this disk, by their id on the platform."""

    def load(image: int) -> bytes | None:
        try:
            return files[image].read_bytes()
        except (KeyError, OSError):  # deleted since: the report says so
            return None

    return load


def _read(folder: Path, key: str, label: str, style: SeriesStyle) -> ComparedExperiment:
    places = (folder / "evaluation", folder)
    place = next((place for place in places if (place / TRUTH).is_file() and (place / FOUND).is_file()), None)
    if place is None:
        msg = _("{folder} holds no evaluation: {truth} and {found} are missing.").format(
            folder=folder, truth=TRUTH, found=FOUND
        )
        raise InputError(msg, _("Name the evaluation directory of an experiment."))
    file = folder / "speedtest" / "speedtest.json"
    speed: Maybe[SpeedTest] = Missing(reason=N_("was evaluated without the speed test"))
    if file.is_file():
        try:
            speed = parse_speed_test(file.read_bytes())
        except InputError as error:
            speed = Missing(reason=N_("has a speed test that cannot be read: {about}"), about=error.message.rstrip("."))
    return ComparedExperiment(
        key=key,
        label=label,
        style=style,
        evaluation=evaluate_files(place / TRUTH, place / FOUND),
        speed=speed,
        training=Missing(reason=N_("is read from its evaluation alone, which holds no training curves")),
        hyperparameters=Missing(reason=N_("is read from its evaluation alone, which holds no hyperparameters")),
    )
