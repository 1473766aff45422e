"""Exports of checkpoints to ONNX: methods ``traindash.exports.…`` of this server's own."""

from collections.abc import Sequence
from itertools import islice

from msgspec import Struct

from traindash.domain.ids import TeamId
from traindash.domain.prediction import ModelFile
from traindash.platform.routes.endpoint import AnyMethod, Method
from traindash.platform.wire import Body, ById, FilePath, Id

_SHOWN = 50


class _Start(Struct):
    team_id: Id
    path: FilePath


METHODS: Sequence[AnyMethod] = (
    Method(
        "traindash.exports.start",
        _Start,
        lambda api, body: api.exports.start(ModelFile(team_id=TeamId(body.team_id), path=body.path)),
    ),
    Method("traindash.exports.info", ById, lambda api, body: api.exports.get(body.id)),
    Method("traindash.exports.list", Body, lambda api, _: list(islice(api.exports.all(), _SHOWN))),
    Method("traindash.exports.cancel", ById, lambda api, body: api.exports.cancel(body.id)),
)
