"""Plans at random: every field, every variant, names in any script."""

from hypothesis import strategies as st

from traindash.domain.experiment import ExperimentInfo
from traindash.domain.ids import AgentId, CollectionId, DatasetId, ProjectId, TaskId
from traindash.domain.plan import (
    CollectionsSplit,
    CustomCheckpoint,
    DatasetsSplit,
    PretrainedModel,
    RandomSplit,
    TagsSplit,
    TrainingPlan,
)
from traindash.domain.project import ObjectClass, ProjectMeta, TagMeta

CLASSES = ("person", "car", "Öl & Gas", "犬", "a/b", "42", "true", " spaced ", "null", 'it\'s "quoted"')
META = ProjectMeta(
    classes=tuple(ObjectClass(name=name, shape="rectangle", color="#112233") for name in CLASSES),
    tags=(TagMeta(name="train", value_type="none"), TagMeta(name="val", value_type="none")),
)
ARTIFACTS = "/experiments/6_Früchte & Co/456_YOLO"

_ids = st.integers(1, 2**40)
_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
_names = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)
_flags = st.booleans()
_yaml_texts = st.dictionaries(
    st.text("abclr0_", min_size=1, max_size=5), st.integers() | st.floats(0, 1), min_size=1
).map(lambda values: "".join(f"{key}: {value}  # ü\n" for key, value in values.items()))

splits = st.one_of(
    st.builds(RandomSplit, percent=st.integers(1, 99), split=st.sampled_from(["train", "val"])),
    st.builds(
        DatasetsSplit,
        train_datasets=st.lists(_ids.map(DatasetId), max_size=4).map(tuple),
        val_datasets=st.lists(_ids.map(DatasetId), max_size=4).map(tuple),
    ),
    st.builds(
        TagsSplit,
        train_tag=_texts,
        val_tag=_texts,
        untagged_action=st.sampled_from(["train", "val", "ignore"]),
    ),
    st.builds(
        CollectionsSplit,
        train_collections=st.lists(_ids.map(CollectionId), max_size=4).map(tuple),
        val_collections=st.lists(_ids.map(CollectionId), max_size=4).map(tuple),
    ),
)

seeded = st.builds(
    RandomSplit, percent=st.integers(1, 99), split=st.sampled_from(["train", "val"]), seed=st.integers(0, 2**31)
)
"""Beyond ``TrainApi``: plan files and drafts know them, the state of a task and scripts do not."""

pretrained = st.builds(
    PretrainedModel,
    framework=st.sampled_from(["YOLO", "RT-DETRv2", "フレーム"]),
    name=st.sampled_from(["YOLO26n-det", "YOLOv8s-det (COCO)", "a/b"]) | _names,
)
custom = st.sampled_from(
    ["checkpoints/best.pt", "checkpoints/last ü.pth", "export/best.onnx", "export/best.engine"]
).map(lambda relative: CustomCheckpoint(path=f"{ARTIFACTS}/{relative}"))

plans = st.builds(
    TrainingPlan,
    project_id=_ids.map(ProjectId),
    model=pretrained | custom,
    agent_id=st.none() | _ids.map(AgentId),
    classes=st.none() | st.lists(st.sampled_from(CLASSES) | _texts, max_size=6).map(tuple),
    train_val_split=splits,
    hyperparameters=st.none() | _texts | _yaml_texts,
    experiment_name=st.none() | _texts,
    convert_class_shapes=_flags,
    enable_benchmark=_flags,
    enable_speedtest=_flags,
    cache_project=_flags,
    export_onnx=_flags,
    export_tensorrt=_flags,
    autostart=_flags,
    description=st.none() | _texts,
)


def experiment(task_id: int = 456, task_type: str = "object detection") -> ExperimentInfo:
    """Return the record of the experiment that all custom checkpoints come from."""
    return ExperimentInfo(
        experiment_name="456 Früchte YOLO26n-det",
        framework_name="YOLO",
        model_name="YOLO26n-det",
        task_type=task_type,
        project_id=ProjectId(6),
        task_id=TaskId(task_id),
        model_files={},
        model_meta="model_meta.json",
        checkpoints=("checkpoints/best.pt",),
        best_checkpoint="best.pt",
        hyperparameters="hyperparameters.yaml",
        artifacts_dir=ARTIFACTS + "/",
    )
