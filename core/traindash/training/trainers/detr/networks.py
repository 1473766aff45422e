"""Models of transformers: built from an architecture, saved as one file, loaded again, also for other classes.

A checkpoint is a ``.safetensors`` file: tensors, and a JSON text in its metadata (key ``traindash``) with what is
needed to build the model. Nothing in it is code. Files in the form of the models' authors (``.pth``) are read, too, see
:mod:`traindash.training.trainers.detr.original_weights`.
"""

import copy
import itertools
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import transformers
import yaml
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from traindash.domain.task import ExitCause
from traindash.files import replacing
from traindash.frameworks.registry import FRAMEWORKS
from traindash.training.trainers.checkpoint_files import CheckpointFormat, is_torch_file
from traindash.training.trainers.detr import original_weights
from traindash.training.trainers.detr.original_weights import OriginalFile
from traindash.training.trainers.entry import RunError

_KNOWN = Path(__file__).with_name("architectures.yaml")
_KEY = "traindash"
_TRAINER = "detr"  # the name of this package in the catalogues
_USUAL_SIZE = (640, 640)
_WEIGHTS = "model."
# `model_type` of an architecture → classes of transformers
_MODELS: Mapping[str, tuple[str, str]] = {
    "rt_detr_v2": ("RTDetrV2Config", "RTDetrV2ForObjectDetection"),
    "d_fine": ("DFineConfig", "DFineForObjectDetection"),
    "deimv2": ("Deimv2Config", "Deimv2ForObjectDetection"),
}
# Where the first numbers of transformers are those of the original code, and what that code begins otherwise than torch
_AS_THEY_ARE = re.compile(r"^model\.backbone\.|class_embed|enc_score_head|\.encoder_attn\.")
_XAVIER = re.compile(r"\.(query_pos_head|enc_output|decoder_input_proj)\.|\.decoder\.layers\.\d+\.mlp\.")
_BOX_HEAD = re.compile(r"(bbox_embed\.\d+|enc_bbox_head)$")
# Layers with a row for each class, and one more for "nothing" in the last of them
_PER_CLASS = ("class_embed", "enc_score_head", "denoising_class_embed")


def _is_whole(path: Path) -> bool:
    """Whether a file is a complete file of safetensors, or one of torch in its authors' form."""
    try:
        with safe_open(path, framework="pt") as content:
            return len(content.keys()) > 0
    except (OSError, SafetensorError):
        return is_torch_file(path)


def published_weights(config: str) -> tuple[str, str] | None:
    """Return file and address of published weights by the name of an architecture; ``None`` where nobody has any."""
    weights = yaml.safe_load(_KNOWN.read_bytes()).get(config, {}).get("weights")
    return None if weights is None else (weights["file"], weights["url"])


def _reads_original(config: str) -> bool:
    """Whether files in their authors' form are read for an architecture, by its name."""
    return "original" in yaml.safe_load(_KNOWN.read_bytes()).get(config, {})


SAFETENSORS = CheckpointFormat(
    suffix=".safetensors",
    is_complete=_is_whole,
    resumable_factor=4,
    published=published_weights,
    reads_original=_reads_original,
    trouble_with_original=original_weights.trouble_with,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """A model without its weights."""

    config: Mapping[str, Any]  # of transformers, `model_type` included; what is not named has its default there
    recipe: Mapping[str, Any] = field(default_factory=dict)  # what its authors train it with: `lr`

    @property
    def queries(self) -> int:
        """Most objects that it finds in an image."""
        return int(self.config.get("num_queries", 300))

    def fitted(self, sizes: Collection[tuple[int, int]]) -> "Architecture":
        """Return it with no more queries than small images have places for; sizes are (height, width) in pixels."""
        strides = self.config.get("feat_strides", (8, 16, 32))
        places = min(sum((height // s) * (width // s) for s in strides) for height, width in sizes)
        if places >= self.queries:
            return self
        return Architecture(config={**self.config, "num_queries": places}, recipe=self.recipe)


def read_architecture(source: str, *, original: bool = False) -> Architecture:
    """Return an architecture by the name of its configuration, or from a file of that form (``config``, ``recipe``).

    ``original`` is for weights in their authors' form, whose model may differ from what transformers makes of its name.

    Raises:
        RunError: It is not known, or the file is none of an architecture.
    """
    file = Path(source)
    try:
        content = yaml.safe_load((file if file.is_file() else _KNOWN).read_bytes())
        entry = content if file.is_file() else content[source]
        theirs = entry["original"] if original else {}
        return Architecture(config={**entry["config"], **theirs}, recipe=entry.get("recipe", {}))
    except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
        message = f"The architecture {file.name} is not known to this engine ({error})."
        raise RunError(ExitCause.BAD_INPUT, message, "Choose another model.") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What a checkpoint says of its model."""

    architecture: Architecture
    classes: tuple[str, ...]  # by number
    size: tuple[int, int]  # height and width of its images in pixels
    facts: Mapping[str, Any] = field(default_factory=dict)  # further keys, see `Engine.finish_checkpoint`

    def as_text(self) -> str:
        """Return it as JSON."""
        content = {
            **self.facts,
            "config": dict(self.architecture.config),
            "recipe": dict(self.architecture.recipe),
            "classes": list(self.classes),
            "image_size": list(self.size),
        }
        return json.dumps(content, ensure_ascii=False)


def build(architecture: Architecture, classes: Sequence[str]) -> Any:  # noqa: ANN401 - a model of transformers
    """Return a model with random weights.

    Raises:
        RunError: The architecture is not known here.
    """
    config: dict[str, Any] = copy.deepcopy(dict(architecture.config))  # transformers takes its parts apart
    kind, loss = config.pop("model_type", None), config.pop("loss", None)
    heads, position_layers = config.pop("heads", None), config.pop("query_pos_layers", None)
    if kind not in _MODELS:
        message = f"This engine does not know the architecture “{kind}”."
        raise RunError(ExitCause.BAD_INPUT, message, "Choose a model of RT-DETRv2 or DEIM.")
    config_class, model_class = (getattr(transformers, name) for name in _MODELS[kind])
    names = dict(enumerate(classes))
    model = model_class(config_class(**config, id2label=names, label2id={name: key for key, name in names.items()}))
    if loss is not None:
        model.loss_type = _MODELS[loss][1]  # losses go by the class of the model that they were made for
    if position_layers is not None:
        widths = (4, *[model.config.d_model] * position_layers)
        layers = [torch.nn.Linear(before, after) for before, after in itertools.pairwise(widths)]
        model.model.decoder.query_pos_head.layers = torch.nn.ModuleList(layers)
        model.model.decoder.query_pos_head.num_layers = position_layers
    if heads == "silu":
        _use_silu(model)
    return model


class SiluHead(torch.nn.Module):  # type: ignore[misc, unused-ignore]
    """Linear layers with SiLU between them: heads of DEIM, which have ReLU in transformers."""

    def __init__(self, layers: torch.nn.ModuleList) -> None:
        super().__init__()
        self.layers = layers

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Return what the last layer gives."""
        *first, last = self.layers
        for layer in first:
            values = torch.nn.functional.silu(layer(values))
        return last(values)  # type: ignore[no-any-return, unused-ignore]


def _use_silu(model: torch.nn.Module) -> None:
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            # The feed-forward part of a layer of the transformer has the activation that the configuration names
            if type(child).__name__.endswith(("MLP", "MLPPredictionHead")) and name != "mlp":
                setattr(parent, name, SiluHead(child.layers))


def initialise(model: torch.nn.Module) -> None:
    """Give an RT-DETRv2 that shall learn from nothing the first numbers of its authors' code.

    Those of transformers are made to be replaced by learned ones: nearly zero everywhere but in the backbone, scales of
    norms included. Only its sampling points and class heads begin as in the original.

    Source: ``_reset_parameters`` of ``rtdetrv2_decoder.py`` (lyuwenyu/RT-DETR, 068dfde), and torch's own beginnings.
    """
    for name, module in model.named_modules():
        if not _AS_THEY_ARE.search(name):
            if isinstance(module, torch.nn.Linear | torch.nn.Conv2d | torch.nn.BatchNorm2d | torch.nn.LayerNorm):
                module.reset_parameters()
            if name.endswith((".q_proj", ".k_proj", ".v_proj")):  # the original has them in one matrix
                torch.nn.init.xavier_uniform_(module.weight, gain=0.5**0.5)
                torch.nn.init.zeros_(module.bias)
            elif _XAVIER.search(name) and isinstance(module, torch.nn.Linear | torch.nn.Conv2d):
                torch.nn.init.xavier_uniform_(module.weight)
        if _BOX_HEAD.search(name):  # boxes begin where their queries are
            torch.nn.init.zeros_(module.layers[-1].weight)
            torch.nn.init.zeros_(module.layers[-1].bias)
        if isinstance(module, torch.nn.Embedding):
            torch.nn.init.normal_(module.weight)
            module.weight.data[-1] = 0.0  # "nothing"


def unfrozen(architecture: Architecture) -> Architecture:
    """Return it with a backbone whose norms learn: frozen ones are for backbones that have learned before."""
    return Architecture(
        config={**architecture.config, "freeze_backbone_batch_norms": False}, recipe=architecture.recipe
    )


def weights_of(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Return the numbers of a model, each under one name even where layers share it."""
    kept = model.state_dict()
    named: Iterator[tuple[str, torch.Tensor]] = iter((*model.named_parameters(), *model.named_buffers()))
    return {name: tensor.detach() for name, tensor in named if name in kept}


def set_weights(model: torch.nn.Module, weights: Mapping[str, torch.Tensor]) -> None:
    """Put numbers of :func:`weights_of` into a model of the same architecture.

    Raises:
        RunError: They are those of another one.
    """
    own = weights_of(model)
    if missing := own.keys() - weights.keys():
        message = f"The checkpoint lacks {len(missing)} of the model's {len(own)} weights, {min(missing)} for example."
        raise RunError(ExitCause.BAD_INPUT, message, "Choose another checkpoint.")
    if wrong := [name for name, tensor in own.items() if tensor.shape != weights[name].shape]:
        message = (
            f"The checkpoint is one of a model of another size: {len(wrong)} weights differ, {wrong[0]} for example."
        )
        raise RunError(ExitCause.BAD_INPUT, message, "Choose another checkpoint.")
    with torch.no_grad():
        for name, tensor in own.items():
            tensor.copy_(weights[name])


def save(
    path: Path,
    model: torch.nn.Module,
    card: Card,
    extra: Mapping[str, torch.Tensor] | None = None,
) -> None:
    """Write a checkpoint so that it is complete at any moment; ``extra`` are tensors that no prediction needs."""
    tensors = {f"{_WEIGHTS}{name}": tensor for name, tensor in weights_of(model).items()} | dict(extra or {})
    write_tensors(path, tensors, card.as_text())


def write_tensors(path: Path, tensors: Mapping[str, torch.Tensor], text: str) -> None:
    """Write tensors and a JSON text as one file, complete at any moment."""
    # A tensor that is a view of another one would be refused
    whole = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    with replacing(path) as partial:
        save_file(whole, partial, metadata={_KEY: text})


def read_tensors(path: Path, prefix: str = "") -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Return the tensors whose names begin in a way, without that begin, and the JSON of a file.

    Raises:
        RunError: It is none of this engine.
    """
    try:
        with safe_open(path, framework="pt") as content:
            text = (content.metadata() or {}).get(_KEY)
            tensors = {
                name.removeprefix(prefix): content.get_tensor(name)
                for name in content.keys()  # noqa: SIM118 - no dictionary
                if name.startswith(prefix)
            }
        return tensors, json.loads(text) if text is not None else {}
    except (OSError, SafetensorError, ValueError) as error:
        message = f"The checkpoint {path.name} cannot be read ({error})."
        raise RunError(ExitCause.BAD_INPUT, message, "Choose another checkpoint.") from error


def read_card(path: Path, content: Mapping[str, Any]) -> Card:
    """Read what :func:`read_tensors` found beside the tensors.

    Raises:
        RunError: It describes no model.
    """
    try:
        height, width = content["image_size"]
        return Card(
            architecture=Architecture(config=content["config"], recipe=content["recipe"]),
            classes=tuple(content["classes"]),
            size=(height, width),
            facts={key: content[key] for key in content.keys() - {"config", "recipe", "classes", "image_size"}},
        )
    except (KeyError, TypeError, ValueError) as error:
        message = f"{path.name} is no checkpoint of RT-DETRv2 or DEIM that was trained here."
        raise RunError(ExitCause.BAD_INPUT, message, "Choose another checkpoint.") from error


def load(path: Path, named: str | None = None) -> tuple[Any, Card]:
    """Return the model of a checkpoint; ``named`` as in :func:`_read_checkpoint`.

    Raises:
        RunError: It is none of this engine.
    """
    weights, card = _read_checkpoint(path, named)
    model = build(card.architecture, card.classes)
    set_weights(model, _fitting(weights, model))
    return model.eval(), card


def _read_checkpoint(path: Path, named: str | None = None) -> tuple[dict[str, torch.Tensor], Card]:
    """Return the weights of a checkpoint by name, and what it says of its model.

    A file in its authors' form says nothing but the name of its model, if that: ``named`` is its architecture then.

    Raises:
        RunError: It is none of this engine.
    """
    if path.suffix.lower() not in original_weights.SUFFIXES:
        tensors, content = read_tensors(path, _WEIGHTS)
        return tensors, read_card(path, content)
    original = original_weights.read_original(path)
    source = _source_of(original, path) or named
    if source is None or not _reads_original(source):
        of = "a model that is not known here" if source is None else f"a model ({source}) whose files are not read here"
        message = f"{path.name} is a checkpoint in its authors' own form, of {of}."
        raise RunError(ExitCause.BAD_INPUT, message, "Choose a checkpoint of an experiment of this machine.")
    architecture = read_architecture(source, original=True)
    weights = original_weights.renamed(original.weights, architecture.config)
    rows = weights.get("model.enc_score_head.bias")
    if rows is None:
        message = f"{path.name} holds none of the weights of {source}."
        raise RunError(ExitCause.BAD_INPUT, message, "Choose another checkpoint.")
    known = yaml.safe_load(_KNOWN.read_bytes())
    named_classes = [names for names in (original.classes, known["_coco"]) if names and len(names) == len(rows)]
    classes = named_classes[0] if named_classes else [f"class {number}" for number in range(1, len(rows) + 1)]
    height, width = known[source].get("image_size", _USUAL_SIZE)
    return weights, Card(architecture=architecture, classes=tuple(classes), size=(height, width))


def _source_of(original: OriginalFile, path: Path) -> str | None:
    """Return the architecture of a file that names its model or has the name under which one is published."""
    rows = [(asked, row) for asked in FRAMEWORKS.values() if asked.trainer == _TRAINER for row in asked.models]
    named = (asked.config_source(row) for asked, row in rows if row.name == original.model_name)
    published = (asked.config_source(row) for asked, row in rows if row.weights_file == path.name)
    known: Mapping[str, Any] = yaml.safe_load(_KNOWN.read_bytes())
    others = (source for source, entry in known.items() if "file" in entry and path.name.startswith(entry["file"]))
    return next(itertools.chain(named, published, others), None)


def _fitting(weights: Mapping[str, torch.Tensor], model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Return weights with those that the authors' form leaves out: counters, and second names of the heads.

    Raises:
        RunError: There are others than the model has.
    """
    own, found = weights_of(model), dict(weights)
    if unknown := found.keys() - own.keys():
        message = f"The checkpoint has {len(unknown)} weights that the model has not, {min(unknown)} for example."
        raise RunError(ExitCause.BAD_INPUT, message, "Choose another checkpoint.")
    for name in own.keys() - found.keys():
        if name.endswith(original_weights.COUNTER):
            found[name] = own[name]
        elif (first := f"model.decoder.{name}") in found:
            found[name] = found[first]
    return found


def add_facts(path: Path, facts: Mapping[str, object]) -> None:
    """Add keys to what a checkpoint says of its model."""
    tensors, content = read_tensors(path)
    write_tensors(path, tensors, json.dumps({**facts, **content}, ensure_ascii=False))


def for_classes(
    path: Path, classes: Sequence[str], sizes: Collection[tuple[int, int]], named: str | None = None
) -> tuple[Any, Architecture]:
    """Return the model of a checkpoint for other classes: those with the same name keep what was learnt about them.

    ``named`` as in :func:`_read_checkpoint`.

    Raises:
        RunError: The checkpoint is none of this engine.
    """
    weights, card = _read_checkpoint(path, named)
    architecture = card.architecture.fitted(sizes)
    model = build(architecture, classes)
    _take_over(model, weights, {name: number for number, name in enumerate(card.classes)}, classes)
    return model, architecture


def from_published(
    path: Path, architecture: Architecture, classes: Sequence[str]
) -> tuple[Any, Architecture]:  # a model of transformers
    """Return a model with published weights, as transformers' authors converted them, for other classes.

    Raises:
        RunError: The file holds another model.
    """
    try:
        with safe_open(path, framework="pt") as content:
            weights = {name: content.get_tensor(name) for name in content.keys()}  # noqa: SIM118
        model = build(architecture, classes)
        # Older files have older names for layers, which transformers itself knows
        loaded, told = type(model).from_pretrained(
            None, config=model.config, state_dict=weights, ignore_mismatched_sizes=True, output_loading_info=True
        )
    except (OSError, SafetensorError, ValueError, RuntimeError) as error:
        message = f"The published weights {path.name} cannot be loaded ({error})."
        raise RunError(ExitCause.BAD_INPUT, message, "Remove the file, so that it is fetched again.") from error
    # Frozen norms of the published backbones do not count batches
    given = (*_PER_CLASS, "num_batches_tracked")
    missing = [name for name in told["missing_keys"] if not any(part in name for part in given)]
    if missing:
        message = f"{path.name} is no file for this model: it lacks {len(missing)} weights, {min(missing)} for example."
        raise RunError(ExitCause.BAD_INPUT, message, "Remove the file, so that it is fetched again.")
    loaded.loss_type = model.loss_type
    return loaded, architecture


def _take_over(
    model: torch.nn.Module,
    weights: Mapping[str, torch.Tensor],
    before: Mapping[str, int],
    classes: Sequence[str],
) -> None:
    """Copy weights; of layers with a row for each class those of the classes that both have."""
    pairs = [(number, before[name]) for number, name in enumerate(classes) if name in before]
    new, old = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    taken = dict(weights_of(model))
    for name, tensor in _fitting(weights, model).items():
        if name in taken and any(part in name for part in _PER_CLASS):
            taken[name] = taken[name].clone()
            taken[name][new] = tensor[old]
            if "denoising" in name:
                taken[name][-1] = tensor[-1]  # "nothing"
        else:
            taken[name] = tensor
    set_weights(model, taken)
