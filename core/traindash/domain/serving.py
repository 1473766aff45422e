"""Models that are served: what a serving task says of itself."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployedModel:
    """The model of a serving task, as ``get_deploy_info`` of Supervisely's serving apps tells it (``DeployInfo``)."""

    checkpoint_name: str
    model_name: str | None = None
    architecture: str | None = None  # the framework
    custom_checkpoint_path: str | None = None  # in Team Files; `None` of a model with published weights
    task_type: str | None = None
    device: str | None = None
    runtime: str | None = None
    hardware: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingFigures:
    """What a serving task has done since its server began to count; the embedded platform alone tells it."""

    requests: int = 0
    failed: int = 0  # of the requests
    open: int = 0  # requests that are not answered yet
    images: int = 0
    p50_seconds: float | None = None  # from a request to its end, of the last ones; `None` before the first
    p95_seconds: float | None = None
    image_milliseconds: float | None = None  # median of what the model takes for an image
    is_loaded: bool = False  # its process runs; otherwise the next request starts it
    pid: int | None = None
    memory: int = 0  # resident bytes of the process
    idle_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingStatus:
    """How a serving task is, as ``get_status`` tells it."""

    is_deployed: bool  # a model is there to be asked
    figures: ServingFigures | None = None
