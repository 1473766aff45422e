"""Run folders for trainings of DEIM and RT-DETRv2: their smallest models on the images of ``run_folders``."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from tests.training.run_folders import train_spec
from traindash.training.runs.spec import TrainSpec

MODELS = {"DEIM": "D-FINE-Mini (CPU demo)", "RT-DETRv2": "RT-DETRv2-Mini (CPU demo)"}
_BOTH: dict[str, Any] = {
    "epoches": 2,
    "batch_size": 4,
    "eval_spatial_size": [64, 64],
    "optimizer": {"type": "AdamW", "lr": 0.002, "weight_decay": 0.0001},
    "clip_max_norm": 0.1,
    "use_ema": True,
    "ema": {"type": "ModelEMA", "decay": 0.9, "warmups": 4},
    "use_amp": False,
    "checkpoint_freq": 0,
}
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "DEIM": {
        **_BOTH,
        "lrsheduler": "flatcosine",
        "warmup_iter": 2,
        "flat_epoch": 1,
        "no_aug_epoch": 0,
        "train_dataloader": {
            "num_workers": 0,
            "dataset": {"transforms": {"policy": {"epoch": [0, 0, 0]}, "mosaic_prob": 0.0}},
            "collate_fn": {"base_size_repeat": None, "mixup_prob": 0.0, "copyblend_prob": 0.0},
        },
    },
    "RT-DETRv2": {
        **_BOTH,
        "lr_scheduler": {"type": "MultiStepLR", "milestones": [1], "gamma": 0.5},
        "lr_warmup_scheduler": {"type": "LinearWarmup", "warmup_duration": 2},
        "train_dataloader": {
            "num_workers": 0,
            "dataset": {"transforms": {"policy": {"epoch": 0}}},
            "collate_fn": {"scales": None},
        },
    },
}


def settings(framework: str, **changes: Any) -> str:  # noqa: ANN401 - hyperparameters
    """Return the YAML of a tiny training."""
    return yaml.safe_dump({**SETTINGS[framework], **changes})


def detr_spec(home: Path, framework: str, **changes: Any) -> TrainSpec:  # noqa: ANN401 - fields of the spec
    """Return the spec of a tiny training, with some fields changed."""
    spec = train_spec(
        home,
        trainer="detr",
        framework=framework,
        model_name=MODELS[framework],
        hyperparameters=settings(framework),
        artifacts_dir=f"/experiments/3_Tiny/7_{framework}/",
    )
    return replace(spec, **changes)
