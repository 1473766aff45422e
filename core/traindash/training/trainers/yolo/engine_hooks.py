"""Everything that reaches into Ultralytics: overrides, callbacks and inner attributes, read in version 8.4.190.

Ultralytics has no public way to stop between two batches with a checkpoint that can be resumed, to resume to the same
numbers, to look at the predictions of its validation, or to tell apart what an epoch spends its time on. So its trainer
class is derived from here. :data:`READ` names each function whose inner workings that relies on;
``tests/unit/training/yolo/test_engine_hooks.py`` fails with a sentence when one of them is another in a new version.

Order of the engine's calls in an epoch (``BaseTrainer._do_train``): ``on_train_epoch_start`` → for each batch
``on_train_batch_start``, step, ``on_train_batch_end`` → ``on_train_epoch_end`` → validation → ``save_model``,
``on_model_save`` → ``on_fit_epoch_end``. The last one comes once more after the last epoch, for the final validation of
``best.pt``.
"""

import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch.utils.data import RandomSampler
from ultralytics.utils import patches
from ultralytics.utils.torch_utils import unwrap_model

from traindash.datasets.contours import trace
from traindash.domain.annotation import Point
from traindash.domain.experiment import SampleBox, flat_borders
from traindash.files import copy_whole
from traindash.training.trainers.entry import StopSwitch
from traindash.training.trainers.exported import session_options
from traindash.training.trainers.reporting import Observations, TrainingReporter
from traindash.training.trainers.resume_state import (
    STATE_FILE,
    EpochOrder,
    epoch_seed,
    packed,
    random_state,
    save_at_once,
    set_random_state,
    unpack,
)
from traindash.training.trainers.samples import LEAST_SCORE, MOST_BOXES, MOST_MASKS, TOLERANCE, SampleRecorder

# Ultralytics puts a function of its own in the place of Pillow's, which installs a package from the internet when a
# file is no picture (``image_open`` in ``utils/patches.py``). A training installs nothing; what is no picture is told.
Image.open = patches._image_open  # noqa: SLF001 - the only name that Pillow's own has left

VERSION = "8.4.190"
# What is relied on → first 16 digits of the SHA-256 of its source as it was read in :data:`VERSION`.
READ: Mapping[str, str] = {
    # the order of its calls, and how it counts batches and ends early
    "ultralytics.engine.trainer:BaseTrainer._do_train": "87a635e3bfc4fd3f",
    # overridden: StepScheduler and Observations follow its events
    "ultralytics.engine.trainer:BaseTrainer.run_callbacks": "049f548711515e03",
    "ultralytics.engine.trainer:BaseTrainer.optimizer_step": "bec16cbc552a8f2d",
    "ultralytics.engine.trainer:BaseTrainer.validate": "e56ca46cb1e38615",
    # overridden; what it rounds and leaves out is in the state beside it
    "ultralytics.engine.trainer:BaseTrainer.save_model": "47f61ede98e6f12b",
    "ultralytics.engine.trainer:BaseTrainer.final_eval": "398e74e935f34789",
    "ultralytics.engine.trainer:BaseTrainer.check_resume": "8cc8f082c77b2878",
    "ultralytics.engine.trainer:BaseTrainer.resume_training": "a43cef5955c0cf67",
    "ultralytics.engine.trainer:BaseTrainer._load_checkpoint_state": "1c4472505c34ed5e",
    "ultralytics.engine.trainer:BaseTrainer._handle_nan_recovery": "e465d82576a3bc80",
    # calls update_metrics with the predictions of each batch
    "ultralytics.engine.validator:BaseValidator.__call__": "29da273b2118ebb6",
    # hands our trainer class on, and callbacks to it
    "ultralytics.engine.model:Model.train": "478371e11f2ad0ac",
    # overridden: the order of the images
    "ultralytics.models.yolo.detect:DetectionTrainer.get_dataloader": "981b10cf054f7a1b",
    "ultralytics.models.yolo.detect:DetectionTrainer.build_dataset": "2d004adb8adc8a0f",
    # names of the losses in the live chart
    "ultralytics.models.yolo.detect:DetectionTrainer.label_loss_items": "40327b5bc978184c",
    # replaced on the object: sample predictions
    "ultralytics.models.yolo.detect:DetectionValidator.update_metrics": "c8043746aafaa866",
    "ultralytics.models.yolo.detect:DetectionValidator.postprocess": "0fcb34c909736510",
    "ultralytics.models.yolo.segment:SegmentationValidator.postprocess": "1c548030fe9c0235",
    # fills the buffer for mosaics
    "ultralytics.data.base:BaseDataset.load_image": "088d1a203d122cdd",
    # where its sampler lies
    "ultralytics.data.build:InfiniteDataLoader": "7b232ee7c2d3e888",
    "ultralytics.data.build:_RepeatSampler": "2582f0c6ead5b2f2",
    # engine.py writes labels where this looks
    "ultralytics.data.utils:img2label_paths": "ecc069842dba68d9",
    # AP of a class
    "ultralytics.utils.metrics:Metric.class_result": "e0354046485d2c31",
    # looks up the class of an exported model in _BACKEND_MAP
    "ultralytics.nn.autobackend:AutoBackend.__init__": "0afe7f239bf114c3",
    "ultralytics.nn.backends.onnx:ONNXBackend.__init__": "d9c8525ba2a01516",
    # takes NUM_THREADS
    "ultralytics.utils.torch_utils:select_device": "47809a19a310316c",
    "ultralytics.utils.torch_utils:strip_optimizer": "ff25c3f06964d958",
    "ultralytics.utils.torch_utils:unwrap_model": "62ff09972ca6cae8",
}

# The engine's word for “no step yet”: the first batch makes one.
_NEVER = -1
# What another form of the predictions brings; samples are not worth a training.
_SAMPLE_ERRORS = (KeyError, IndexError, TypeError, ValueError, AttributeError, RuntimeError)


def limit_threads(threads: int) -> None:
    """Hold the engine to the threads of the run: it takes all cores but one whenever it picks the CPU."""
    # ``select_device`` calls torch.set_num_threads(NUM_THREADS), a constant that it imported under its own name
    for name in ("ultralytics.utils", "ultralytics.utils.torch_utils"):
        module: Any = importlib.import_module(name)
        module.NUM_THREADS = threads
    # An exported model would take all cores; its options have no other way in
    backends: Any = importlib.import_module("ultralytics.nn.autobackend").AutoBackend._BACKEND_MAP  # noqa: SLF001
    onnx = importlib.import_module("ultralytics.nn.backends").ONNXBackend
    backends["onnx"] = lambda *given, **named: onnx(*given, session_options=session_options(threads), **named)


class Callbacks:
    """Tells of a training what the engine calls back."""

    def __init__(self, reporter: TrainingReporter, samples: SampleRecorder) -> None:
        self._reporter = reporter
        self._samples = samples
        self._epoch_open = False

    def attach(self, model: Any) -> None:  # noqa: ANN401 - ultralytics.YOLO; the engine has no types
        """Register with a model before its ``train()`` is called."""
        for event in (
            "on_train_start",
            "on_train_epoch_start",
            "on_train_batch_end",
            "on_val_batch_start",
            "on_fit_epoch_end",
        ):
            model.add_callback(event, getattr(self, event))

    def on_train_start(self, trainer: Any) -> None:  # noqa: ANN401
        """Before the first batch: data are loaded, the model is built."""
        trainer.train_time_start -= self._reporter.seconds_before  # its results.csv has a column of them
        self._reporter.train_started(
            trainer.start_epoch,
            trainer.epochs,
            train_images=len(trainer.train_loader.dataset),
            val_images=len(trainer.test_loader.dataset),
        )
        self._samples.announce()
        self._watch_validation(trainer.validator)

    def on_train_epoch_start(self, trainer: Any) -> None:  # noqa: ANN401
        """Before an epoch."""
        self._epoch_open = True
        self._reporter.epoch_started(len(trainer.train_loader))
        self._samples.epoch_started(trainer.epoch + 1, trainer.epochs)

    def on_train_batch_end(self, _trainer: Any) -> None:  # noqa: ANN401
        """After a batch."""
        self._reporter.batch_done()

    def on_val_batch_start(self, _validator: Any) -> None:  # noqa: ANN401
        """Before a batch of the validation."""
        self._reporter.validation_batch()

    def on_fit_epoch_end(self, trainer: Any) -> None:  # noqa: ANN401
        """After training and validation of an epoch."""
        if not self._epoch_open:
            return  # the call after the final validation
        self._epoch_open = False
        wants_end = self._reporter.epoch_done(trainer.epoch + 1, trainer.epochs, epoch_values(trainer))
        self._samples.epoch_done(trainer.epoch + 1)
        if wants_end and not trainer.stop:
            self._reporter.ends_early(trainer.epochs)
            trainer.stop = True

    def _watch_validation(self, validator: Any) -> None:  # noqa: ANN401
        """Look over the validator's shoulder from now on: nothing has to be predicted for the samples."""
        measure = validator.update_metrics

        def look_and_measure(preds: Any, batch: Any) -> None:  # noqa: ANN401
            self.take_samples(preds, batch, validator.names)
            measure(preds, batch)

        validator.update_metrics = look_and_measure

    def take_samples(
        self, preds: Sequence[Mapping[str, Any]], batch: Mapping[str, Any], names: Mapping[int, str]
    ) -> None:
        """Hand on what was found on the sample images of a batch of the validation."""
        try:
            for index, file in enumerate(batch["im_file"]):
                if self._samples.wants(str(file)):
                    self._samples.take(str(file), _sample_boxes(preds[index], batch, index, names))
        except _SAMPLE_ERRORS as error:
            self._samples.give_up(error)


def epoch_values(trainer: Any) -> dict[str, float]:  # noqa: ANN401
    """Collect the numbers of an epoch under the engine's own names, and the AP of each class.

    Returns:
        ``train/…`` and ``val/…`` losses, ``metrics/…``, ``lr/…``, and ``per_class/<name>`` = AP at IoU 0.50 to 0.95
        (of masks for a segmentation model) for the classes that have objects in the validation set.
    """
    numbers = {**trainer.label_loss_items(trainer.tloss), **(trainer.metrics or {}), **trainer.lr}
    values = {name: float(value) for name, value in numbers.items()}
    found = getattr(trainer.validator, "metrics", None)
    if found is None:
        return values
    part = getattr(found, "seg", None) or found.box
    for position, index in enumerate(part.ap_class_index):
        values[f"per_class/{found.names[int(index)]}"] = float(part.class_result(position)[-1])
    return values


def _sample_boxes(
    pred: Mapping[str, Any], batch: Mapping[str, Any], index: int, names: Mapping[int, str]
) -> list[SampleBox]:
    """Return the best boxes of an image in pixels of the image itself; the engine's are in those of its input."""
    scores, numbers, boxes = pred["conf"].tolist(), pred["cls"].tolist(), pred["bboxes"].tolist()
    best = sorted((row for row, score in enumerate(scores) if score >= LEAST_SCORE), key=lambda row: -scores[row])
    height, width = batch["ori_shape"][index]
    (down, across), (pad_x, pad_y) = batch["ratio_pad"][index]

    def inside(x: float, y: float) -> Point:
        return min(max((x - pad_x) / across, 0.0), width), min(max((y - pad_y) / down, 0.0), height)

    found = []
    for place, row in enumerate(best[:MOST_BOXES]):
        (left, top), (right, bottom) = inside(*boxes[row][:2]), inside(*boxes[row][2:])
        parts = _mask_outlines(pred, row, batch["img"].shape[2:]) if "masks" in pred and place < MOST_MASKS else ()
        found.append(
            SampleBox(
                class_name=names[int(numbers[row])],
                left=left,
                top=top,
                width=right - left,
                height=bottom - top,
                score=scores[row],
                borders=flat_borders((inside(x, y) for x, y in outline) for outline in parts),
            )
        )
    return found


def _mask_outlines(pred: Mapping[str, Any], row: int, size: Sequence[int]) -> list[tuple[Point, ...]]:
    """Return the borders of a mask in pixels of the engine's input; it computes masks in a quarter of that size.

    The masks are (N, height, width); ``size`` is height and width of the input.
    """
    mask = pred["masks"][row].cpu().numpy() > 0
    down, across = size[0] / mask.shape[0], size[1] / mask.shape[1]
    parts = trace(mask, tolerance=TOLERANCE, corners=True)
    return [
        tuple((x * across, y * down) for x, y in outline)
        for part in parts
        for outline in (part.exterior, *part.interior)
    ]


def keep_order(loader: Any, seed: int, epoch: int) -> None:  # noqa: ANN401
    """Give the engine's loader of training images an :class:`EpochOrder`, unless it does not shuffle at all."""
    batches = loader.batch_sampler.sampler  # _RepeatSampler repeats it for ever
    if isinstance(batches.sampler, RandomSampler):
        batches.sampler = EpochOrder(len(loader.dataset), seed)
    if isinstance(batches.sampler, EpochOrder):
        batches.sampler.epoch = epoch
    if epoch:
        loader.generator.manual_seed(
            epoch_seed(seed, epoch)
        )  # worker processes shall not repeat what they did at first


class StepScheduler:
    """Lets the optimizer make its steps where it would have made them without the stop.

    The engine counts batches since its last step in a local variable of ``_do_train``, which nothing can restore.
    Hand this each event of the engine before the callbacks are run, and ask it whether a step is due.

    Attributes:
        last_step: Number of the batch after which the optimizer made its last step, counted from the first epoch.
    """

    def __init__(self) -> None:
        self.last_step = _NEVER
        self._batch = 0
        self._state: Mapping[str, Any] | None = None
        self._continues = False
        self._epoch = -1

    def take_up(self, trainer: Any) -> None:  # noqa: ANN401
        """Restore all numbers; the rest follows when the first epoch begins. Does nothing without a state that fits."""
        path = Path(trainer.last).with_name(STATE_FILE)
        state = torch.load(path, map_location="cpu", weights_only=True) if path.is_file() else {}
        if state.get("epoch") != trainer.start_epoch - 1:
            return  # a kill between the two files: the engine's own, rounded numbers have to do
        self._state = state
        self._continues = True
        unpack(state["numbers"], _numbers(trainer))

    def on(self, event: str, trainer: Any) -> None:  # noqa: ANN401
        """Follow the engine."""
        match event:
            case "on_train_epoch_start":
                if trainer.epoch == self._epoch:
                    self.last_step = _NEVER  # after running out of memory or of numbers the engine begins it again
                self._epoch, self._batch = trainer.epoch, trainer.epoch * len(trainer.train_loader) - 1
                if self._state is not None:
                    self._restore(trainer, self._state)
                    self._state = None
            case "on_train_batch_start":
                self._batch += 1
            case _:
                pass

    def engine_decides(self) -> bool:
        """Return whether the engine's own count of batches is right: in a continued training it begins anew."""
        return not self._continues

    def is_due(self, accumulate: int) -> bool:
        """Return whether the optimizer makes a step after this batch of a continued training."""
        return self._continues and self._batch - self.last_step >= accumulate

    def stepped(self) -> None:
        """Take note of a step."""
        self.last_step = self._batch

    def _restore(self, trainer: Any, state: Mapping[str, Any]) -> None:  # noqa: ANN401
        self.last_step = state["last_step"]
        weights = dict(unwrap_model(trainer.model).named_parameters())
        for name in state["with_gradient"]:
            weights[name].grad = torch.empty_like(weights[name])
        unpack(state["gradients"], [weights[name].grad for name in state["with_gradient"]])
        keep_order(trainer.train_loader, trainer.args.seed, trainer.epoch)
        for index in state["buffer"]:  # of images for mosaics; loading them fills it again
            trainer.train_loader.dataset.load_image(index)
        set_random_state(state["random"])  # last: loading images may draw random numbers


def _save_state(trainer: Any, target: Path) -> None:  # noqa: ANN401
    """Write what the engine's checkpoint, which is just written, rounds or leaves out."""
    weights = dict(unwrap_model(trainer.model).named_parameters())
    gradients = {name: weight.grad for name, weight in weights.items() if weight.grad is not None}
    state = {
        "epoch": trainer.epoch,
        "numbers": packed(_numbers(trainer)),
        "with_gradient": list(gradients),
        "gradients": packed(list(gradients.values())),
        "last_step": trainer.step_scheduler.last_step,
        "random": random_state(),
        "buffer": list(trainer.train_loader.dataset.buffer),
    }
    save_at_once(state, target)


def _numbers(trainer: Any) -> list[torch.Tensor]:  # noqa: ANN401
    """Return the tensors that change during a training, the same ones in the same order in each process."""
    optimizer = trainer.optimizer
    kept = (optimizer.state.get(weight, {}) for group in optimizer.param_groups for weight in group["params"])
    return [
        *unwrap_model(trainer.model).state_dict().values(),
        *trainer.ema.ema.state_dict().values(),
        *(item[key] for item in kept for key in sorted(item) if isinstance(item[key], torch.Tensor)),
    ]


def hooked_trainer(model: Any, stop: StopSwitch, resumable: Path, seen: Observations | None) -> type:  # noqa: ANN401
    """Return the engine's trainer class for a model, with checkpoints that no stop can tear and that lack nothing.

    ``resumable`` gets a copy of ``last.pt`` after each epoch but the last, with what that lacks beside it: a kill can
    tear ``last.pt`` itself, and at the end the engine strips it of what a continued training needs. ``seen`` is told
    how long everything takes.
    """
    base: Any = _continuing_trainer(model.task_map[model.task]["trainer"])

    class SafeTrainer(base):  # type: ignore[misc, unused-ignore]
        """Writes a checkpoint completely or not at all."""

        def save_model(self) -> bool:
            """Write ``last.pt`` and ``best.pt``; a stop waits until both are there."""
            with stop.held():
                saved = bool(super().save_model())
                if self.stop:
                    resumable.unlink(missing_ok=True)
                else:
                    _save_state(self, resumable.with_name(STATE_FILE))
                    copy_whole(Path(self.last), resumable)
                return saved

        def final_eval(self) -> None:
            """Evaluate the best checkpoint; no epoch is left to continue with."""
            resumable.unlink(missing_ok=True)
            super().final_eval()

    return SafeTrainer if seen is None else _observed_trainer(SafeTrainer, seen)


def _continuing_trainer(base: Any) -> type:  # noqa: ANN401
    """Return a trainer class of the engine that goes on from a checkpoint with its state as if there was no stop."""

    class ContinuingTrainer(base):  # type: ignore[misc, unused-ignore]
        """Works as its base, except that the order of the images follows from the epoch."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
            self.step_scheduler = StepScheduler()
            super().__init__(*args, **kwargs)

        def get_dataloader(self, *args: Any, mode: str = "train", **kwargs: Any) -> Any:  # noqa: ANN401
            """Return a loader of images."""
            loader = super().get_dataloader(*args, mode=mode, **kwargs)
            if mode == "train":
                keep_order(loader, self.args.seed, self.start_epoch)
            return loader

        def resume_training(self, ckpt: Mapping[str, Any] | None) -> None:
            """Take up a training."""
            super().resume_training(ckpt)
            if self.resume:
                self.step_scheduler.take_up(self)

        def run_callbacks(self, event: str) -> None:
            """Run callbacks; a continued training makes its steps right before those of the end of a batch."""
            self.step_scheduler.on(event, self)
            if event == "on_train_batch_end" and self.step_scheduler.is_due(self.accumulate):
                super().optimizer_step()
                self.step_scheduler.stepped()
            super().run_callbacks(event)

        def optimizer_step(self) -> None:
            """Make a step where the engine's count of batches says so."""
            if self.step_scheduler.engine_decides():
                super().optimizer_step()
                self.step_scheduler.stepped()

    return ContinuingTrainer


def _observed_trainer(base: Any, seen: Observations) -> type:  # noqa: ANN401
    """Return a trainer class with a stopwatch in every place that a forecast needs to know of."""

    class ObservedTrainer(base):  # type: ignore[misc, unused-ignore]
        """Works as its base."""

        def build_dataset(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
            """Open a data set: labels are read, images cached if asked for."""
            began = seen.clock()
            dataset = super().build_dataset(*args, **kwargs)
            cached = sum(image.nbytes for image in getattr(dataset, "ims", ()) if image is not None)
            seen.dataset_opened(seen.clock() - began, len(dataset), cached)
            return dataset

        def run_callbacks(self, event: str) -> None:
            """Run callbacks."""
            match event:
                case "on_train_start":
                    on_gpu = self.device.type == "cuda"
                    seen.train_started(int(torch.cuda.memory_reserved(self.device)) if on_gpu else None)
                case "on_train_epoch_start":
                    seen.epoch_started()
                case "on_train_batch_end" if seen.batch_done(int(self.batch_size)):
                    self.stop = True  # the engine leaves the epoch here and ends well
                case "on_fit_epoch_end" if seen.is_last_epoch():
                    self.stop = True
                case _:
                    pass
            super().run_callbacks(event)
            if event == "on_fit_epoch_end":
                seen.epoch_done()

        def validate(self) -> Any:  # noqa: ANN401
            """Validate after an epoch."""
            began = seen.clock()
            answer = super().validate()
            seen.validated(seen.clock() - began)
            return answer

        def final_eval(self) -> None:
            """Validate the best checkpoint."""
            began = seen.clock()
            super().final_eval()
            seen.final = seen.clock() - began

    return ObservedTrainer
