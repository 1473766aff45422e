"""Labelling with models: the method ``traindash.labelling.start`` of this server's own."""

from collections.abc import Sequence

from traindash.domain.labelling import LabelOrder
from traindash.platform.routes.endpoint import AnyMethod, ApiContext, Method
from traindash.platform.routes.tasks import tasks_json
from traindash.platform.tasks.labelling import labelling_task


def _start(api: ApiContext, order: LabelOrder) -> object:
    task = api.services.tasks.create(labelling_task(api.services, order), api.call)
    api.services.events(task.id).log("Waiting for a free agent.")
    api.control.wake()
    return tasks_json(api.services, [task])[0]


METHODS: Sequence[AnyMethod] = (
    Method(
        "traindash.labelling.start",
        LabelOrder,
        _start,
        heavy=True,
        given=lambda api: api.services.tasks.answered(api.call),
    ),
)
