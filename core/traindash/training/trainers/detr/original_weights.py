"""Weights in their authors' own form (``.pth``): read without running anything, named as transformers names them.

A file of RT-DETRv2, of D-FINE or of a training app of Supervisely is a dictionary that torch has pickled. It is read
with ``weights_only``, which builds tensors and plain values and refuses whatever else a file asks for.

Which name stands for which layer is what transformers' own conversion scripts say, which it does not install:
``convert_rt_detr_v2_weights_to_hf.py`` (03bb2cc) and ``convert_d_fine_original_pytorch_checkpoint_to_hf.py`` (1e98d00),
and its ``conversion_mapping.py`` (5.24) for names that have changed since. The original names are those of
lyuwenyu/RT-DETR (068dfde, ``rtdetrv2_pytorch``) and Peterande/D-FINE (4a1f73a). ``tests.benchmarks.original_models``
compares the outputs of the original code with ours, and a test does with outputs that were kept.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from traindash.domain.task import ExitCause
from traindash.training.trainers.entry import RunError

SUFFIXES = (".pth", ".pt")
_CHOOSE = "Choose another checkpoint."

# Pattern → replacement, each tried on every name, in this order
_Rules = Sequence[tuple[str, str]]
_RESNET: _Rules = (
    (r"^backbone\.conv1\.conv1_1\.", "model.backbone.model.embedder.embedder.0."),
    (r"^backbone\.conv1\.conv1_2\.", "model.backbone.model.embedder.embedder.1."),
    (r"^backbone\.conv1\.conv1_3\.", "model.backbone.model.embedder.embedder.2."),
    (r"^backbone\.res_layers\.(\d+)\.blocks\.", r"model.backbone.model.encoder.stages.\1.layers."),
    (r"\.short\.conv\.(conv|norm)\.", r".shortcut.1.\1."),  # behind an average pooling
    (r"\.short\.(conv|norm)\.", r".shortcut.\1."),
    (r"\.branch2a\.", ".layer.0."),
    (r"\.branch2b\.", ".layer.1."),
    (r"\.branch2c\.", ".layer.2."),
    (r"^(model\.backbone\..*)\.conv\.", r"\1.convolution."),
    (r"^(model\.backbone\..*)\.norm\.", r"\1.normalization."),
)
_HGNET: _Rules = (
    (r"^backbone\.stem\.", "model.backbone.model.embedder."),
    (r"^backbone\.stages\.", "model.backbone.model.encoder.stages."),
    (r"^(model\.backbone\..*)\.conv\.", r"\1.convolution."),
    (r"^(model\.backbone\..*)\.bn\.", r"\1.normalization."),
)
_TRANSFORMER: _Rules = (
    (r"^encoder\.input_proj\.(\d+)\.conv\.", r"model.encoder_input_proj.\1.0."),
    (r"^encoder\.input_proj\.(\d+)\.norm\.", r"model.encoder_input_proj.\1.1."),
    (r"^encoder\.encoder\.(\d+)\.layers\.(\d+)\.norm2\.", r"encoder.aifi.\1.layers.\2.final_layer_norm."),
    (r"^encoder\.encoder\.", "encoder.aifi."),
    (r"^encoder\.", "model.encoder."),
    (r"^decoder\.input_proj\.(\d+)\.conv\.", r"model.decoder_input_proj.\1.0."),
    (r"^decoder\.input_proj\.(\d+)\.norm\.", r"model.decoder_input_proj.\1.1."),
    (r"^decoder\.enc_output\.proj\.", "model.enc_output.0."),
    (r"^decoder\.enc_output\.norm\.", "model.enc_output.1."),
    (r"^decoder\.(enc_score_head|enc_bbox_head|denoising_class_embed)\.", r"model.\1."),
    (r"^decoder\.dec_score_head\.", "model.decoder.class_embed."),
    (r"^decoder\.dec_bbox_head\.", "model.decoder.bbox_embed."),
    (r"^decoder\.(query_pos_head|pre_bbox_head)\.", r"model.decoder.\1."),
    (r"^decoder\.(?:decoder\.)?(up|reg_scale)$", r"model.decoder.\1"),
    (r"^decoder\.decoder\.", "model.decoder."),
    (r"\.layers\.(\d+)\.norm1\.", r".layers.\1.self_attn_layer_norm."),
    (r"\.layers\.(\d+)\.norm2\.", r".layers.\1.encoder_attn_layer_norm."),
    (r"\.layers\.(\d+)\.norm3\.", r".layers.\1.final_layer_norm."),
    (r"\.cross_attn\.", ".encoder_attn."),
    (r"\.self_attn\.out_proj\.", ".self_attn.o_proj."),
)
_RULES: Mapping[str, _Rules] = {
    "rt_detr_v2": (
        *_RESNET,
        *_TRANSFORMER,
        (r"\.linear([12])\.", r".mlp.fc\1."),
        (r"\.num_points_scale$", ".n_points_scale"),
    ),
    "d_fine": (
        *_HGNET,
        *_TRANSFORMER,
        (r"\.linear1\.", ".mlp.layers.0."),
        (r"\.linear2\.", ".mlp.layers.1."),
        (r"\.(fpn|pan)_blocks\.(\d+)\.cv([14])\.", r".\1_blocks.\2.conv\3."),
        (r"\.(fpn|pan)_blocks\.(\d+)\.cv2\.0\.", r".\1_blocks.\2.csp_rep1."),
        (r"\.(fpn|pan)_blocks\.(\d+)\.cv2\.1\.", r".\1_blocks.\2.conv2."),
        (r"\.(fpn|pan)_blocks\.(\d+)\.cv3\.0\.", r".\1_blocks.\2.csp_rep2."),
        (r"\.(fpn|pan)_blocks\.(\d+)\.cv3\.1\.", r".\1_blocks.\2.conv3."),
        (r"\.downsample_convs\.(\d+)\.0\.cv([12])\.", r".downsample_convs.\1.conv\2."),
    ),
}
# Follow from the image size, or are computed by transformers where they are needed
_NOT_LEARNT = re.compile(r"^decoder\.(anchors|valid_mask)$")
_LAYER = re.compile(r"^model\.decoder\.(?:layers|lqe_layers|class_embed|bbox_embed)\.(\d+)\.")
_USUAL_LAYERS = 6  # of transformers' configurations
_TOGETHER = re.compile(r"^(.*)\.in_proj_(weight|bias)$")  # queries, keys and values in one matrix
COUNTER = "num_batches_tracked"  # of norms; frozen ones have none


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginalFile:
    """What a file of the authors' form holds."""

    weights: Mapping[str, torch.Tensor]  # under the names that the file gives them
    model_name: str | None = None  # row of the catalogue, in files of Supervisely's training apps
    classes: tuple[str, ...] | None = None  # by number, in those files


def read_original(path: Path) -> OriginalFile:
    """Read a file; of a training with averaged weights those are taken, as the original code does for evaluation.

    Raises:
        RunError: It cannot be read, holds something that only running it could build, or no weights.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except Exception as error:
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        message = f"The checkpoint {path.name} cannot be read as plain weights ({reason})."
        hint = "Choose a file of weights; one that holds program code is not opened here."
        raise RunError(ExitCause.BAD_INPUT, message, hint) from error
    for found in (_at(content, "ema", "module"), _at(content, "model"), content):
        if weights := _weights(found):
            info, classes = _at(content, "model_info", "model_name"), _at(content, "model_meta", "classes")
            names = tuple(str(_at(item, "title")) for item in classes) if isinstance(classes, list) else None
            name = info if isinstance(info, str) else None
            return OriginalFile(weights=weights, model_name=name, classes=names)
    raise RunError(ExitCause.BAD_INPUT, f"The file {path.name} holds no weights of a model.", _CHOOSE)


def trouble_with(path: Path) -> str | None:
    """Return why a file in this form cannot be read, as a sentence; ``None`` if it can, or has another form.

    Some published files hold more than weights: that of RT-DETRv2-S wants a module of its author's own
    (https://github.com/lyuwenyu/RT-DETR/issues/430).
    """
    if path.suffix.lower() not in SUFFIXES:
        return None
    try:
        read_original(path)
    except RunError as error:
        return error.message
    return None


def _at(content: object, *keys: str) -> object:
    for key in keys:
        content = content.get(key) if isinstance(content, Mapping) else None
    return content


def _weights(content: object) -> dict[str, torch.Tensor]:
    """Return tensors by name; those of a training on several GPUs stand below ``module``."""
    if not isinstance(content, Mapping):
        return {}
    found = {str(name): value for name, value in content.items() if isinstance(value, torch.Tensor)}
    return {name.removeprefix("module."): value for name, value in found.items()}


def renamed(weights: Mapping[str, torch.Tensor], config: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    """Return weights under the names of transformers' model of a configuration.

    Decoder layers behind the last one of the configuration are left out: RT-DETRv2-M has some that only its own
    training uses (``eval_idx``).
    """
    rules = [(re.compile(pattern), new) for pattern, new in _RULES[config["model_type"]]]
    layers = config.get("decoder_layers", _USUAL_LAYERS)
    return {
        name: tensor
        for name, tensor in _renamed(weights, rules)
        if (numbered := _LAYER.match(name)) is None or int(numbered[1]) < layers
    }


def _renamed(
    weights: Mapping[str, torch.Tensor], rules: Sequence[tuple[re.Pattern[str], str]]
) -> Iterator[tuple[str, torch.Tensor]]:
    for original, tensor in weights.items():
        if _NOT_LEARNT.match(original) or original.endswith(COUNTER):
            continue
        name = original
        for pattern, new in rules:
            name = pattern.sub(new, name)
        if (together := _TOGETHER.match(name)) is None:
            yield name, tensor
        else:
            for letter, part in zip("qkv", tensor.chunk(3), strict=True):
                yield f"{together[1]}.{letter}_proj.{together[2]}", part
