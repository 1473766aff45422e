"""Methods of this server's own, ``traindash.…``: Supervisely has none of them, and answers 404.

We own both ends, so what goes over the wire are the domain's own types, their fields spelled as in Python.
"""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response

from traindash.datasets.importing import Layout
from traindash.domain.ids import ImageId, ProjectId, TeamId
from traindash.domain.jobs import DataImport
from traindash.domain.plan import CountableSplit, DatasetsSplit, ImagesSplit, SideCounts, SplitContent
from traindash.domain.prediction import ModelFile
from traindash.domain.task import TaskCompletion
from traindash.errors import InputError, StorageError
from traindash.platform.links import MOST_HOSTS
from traindash.platform.routes.endpoint import AnyMethod, ApiContext, Method, StreamMethod, json_response, receive
from traindash.platform.routes.workload import InThread
from traindash.platform.tasks.splits import resolve_split
from traindash.platform.wire import DOCUMENT, MEMBERS, Body, ById, FilePath, Id, Word, shortened

_SHOWN = 50
_WHOLE_PATH = "Give the path from the root of the disk, such as /home/me/data."
_SPARE_BYTES = 512 * 2**20
_LONGEST_NAME = 255  # bytes, of most file systems
_SAMPLE = 12
_MOST_IMAGES = 200_000  # beyond this, counting the sides of a split image by image takes many seconds

_Key = Annotated[str, Meta(max_length=200)]


class _DryRun(Body):
    """A training to try; ``task`` is what ``tasks.run.app`` would be sent."""

    key: _Key
    task: dict[str, object]


class _WithKey(Body):
    key: _Key = ""


class _Inspect(Body):
    path: Annotated[str, Meta(min_length=1, max_length=4096)]


class _Look(ById):
    layout: Layout


class _StartExport(Struct):
    team_id: Id
    path: FilePath


class _StartImport(ById):
    layout: Layout | None = None
    name: Annotated[str, Meta(max_length=255)] | None = None


class _Webhook(Body):
    url: Annotated[str, Meta(max_length=4000)]
    secret: Annotated[str, Meta(max_length=1000)] = ""


class _Statistics(Struct):
    project_id: Id
    split: CountableSplit


# An import begins with ``upload`` or ``inspect``, which recognise the layout; ``start`` takes the data in.


async def _upload(api: ApiContext, request: Request, in_thread: InThread) -> Response:
    """Begin with an archive: raw bytes, with its name in the address."""
    name = Path(request.query_params.get("name", "").replace("\\", "/")).name.strip()
    if name in {"", ".", ".."} or "\0" in name or len(name.encode("utf-8", "replace")) > _LONGEST_NAME:
        raise InputError("'name' is missing in the address, or too long.", "Send ?name=archive.zip.")
    await in_thread(lambda: _refuse_without_room(api, request.headers.get("content-length", "")))
    scratch = await in_thread(api.imports.scratch)
    target = scratch.folder / "received" / name
    try:
        target.parent.mkdir()
        await receive(request, target, in_thread)
        begun = await in_thread(lambda: api.imports.inspect(target, scratch=scratch))
    except BaseException:  # also when the client goes away: nothing of a half upload stays
        await in_thread(scratch.close)
        raise
    return json_response(begun)


def _refuse_without_room(api: ApiContext, declared: str) -> None:
    free = shutil.disk_usage(api.services.layout.incoming).free
    if declared.isdecimal() and int(declared) + _SPARE_BYTES > free:
        msg = f"The archive has {int(declared) / 2**20:,.0f} MB, and the disk has {free / 2**20:,.0f} MB left."
        raise StorageError(msg, "Free some space, or unpack it elsewhere and give the folder's path.")


def _inspect(api: ApiContext, body: _Inspect) -> DataImport:
    """Begin with a folder or archive on this machine."""
    given = body.path.strip()
    shown = shortened(given)
    try:
        path = Path(given).expanduser()
        path.exists()
    except RuntimeError as error:  # of expanduser
        raise InputError(f"{shown} begins with a person that this machine does not know.", _WHOLE_PATH) from error
    except (OSError, ValueError) as error:
        raise InputError(f"{shown} is a name that no disk has.", _WHOLE_PATH) from error
    if not path.is_absolute() or not given.isprintable():
        raise InputError(f"{shown} is not a complete path.", _WHOLE_PATH)
    return api.imports.inspect(path)


def _split_content(api: ApiContext, body: _Statistics) -> SplitContent:
    """Count what each side has; in large projects only what is known without looking at every image."""
    project_id = ProjectId(body.project_id)
    api.services.projects.meta_json(project_id)  # raises when there is no such project
    total = sum(item.items_count for item in api.services.projects.datasets(project_id))
    if total <= _MOST_IMAGES:
        train, val = _members(api, project_id, body.split)
        found = api.services.images.split_content(train, val)
        return replace(found, train_sample=_some(train), val_sample=_some(val))
    if isinstance(body.split, DatasetsSplit):
        return SplitContent(classes=_of_datasets(api, project_id, body.split), shared_contents=None)
    msg = f"Sides are counted in projects of up to {_MOST_IMAGES:,} images."
    raise InputError(msg, "Split by datasets, which are always counted.")


def _members(api: ApiContext, project_id: ProjectId, split: CountableSplit) -> tuple[list[ImageId], list[ImageId]]:
    """Return the images of both sides.

    Raises:
        InputError: The split names what is not there, or leaves a side empty.
    """
    if isinstance(split, ImagesSplit):
        known = frozenset(api.services.images.ids(project_id))
        return [item for item in split.train if item in known], [item for item in split.val if item in known]
    sides = resolve_split(api.services, project_id, split).items()
    return [image for image, on in sides if "train" in on], [image for image, on in sides if "val" in on]


def _some(images: Sequence[ImageId]) -> tuple[ImageId, ...]:
    return tuple(images[:: max(1, -(-len(images) // _SAMPLE))][:_SAMPLE])


def _of_datasets(api: ApiContext, project_id: ProjectId, split: DatasetsSplit) -> dict[str, SideCounts]:
    """Add up the counts that every import keeps per dataset."""
    counts: dict[str, list[int]] = {}
    for row in api.services.projects.class_counts(project_id):
        own = counts.setdefault(row["name"], [0, 0, 0, 0])
        for start, datasets in ((0, split.train_datasets), (2, split.val_datasets)):
            if row["dataset_id"] in datasets:
                own[start] += row["images"]
                own[start + 1] += row["objects"]
    return {
        name: SideCounts(train_images=a, train_objects=b, val_images=c, val_objects=d)
        for name, (a, b, c, d) in sorted(counts.items())
    }


class _LinkHosts(Body):
    hosts: Annotated[tuple[Word, ...], Meta(max_length=MOST_HOSTS)]


METHODS: Sequence[AnyMethod] = (
    Method("traindash.splits.statistics", _Statistics, _split_content, bounds=MEMBERS, heavy=True),
    Method(
        "traindash.dryruns.start",
        _DryRun,
        lambda api, body: api.dry_runs.start(body.task, body.key),
        bounds=DOCUMENT,
        heavy=True,
    ),
    Method("traindash.dryruns.info", ById, lambda api, body: api.dry_runs.get(body.id)),
    Method("traindash.dryruns.list", _WithKey, lambda api, body: list(islice(api.dry_runs.of_key(body.key), _SHOWN))),
    Method("traindash.dryruns.cancel", ById, lambda api, body: api.dry_runs.cancel(body.id)),
    StreamMethod("traindash.imports.upload", _upload),
    Method("traindash.imports.inspect", _Inspect, _inspect, heavy=True),
    Method(
        "traindash.imports.start",
        _StartImport,
        lambda api, body: api.imports.start(body.id, layout=body.layout, name=body.name),
        heavy=True,
    ),
    Method("traindash.imports.look", _Look, lambda api, body: api.imports.look(body.id, body.layout), heavy=True),
    Method("traindash.imports.info", ById, lambda api, body: api.imports.get(body.id)),
    Method("traindash.imports.list", Body, lambda api, _: list(islice(api.imports.all(), _SHOWN))),
    Method("traindash.imports.cancel", ById, lambda api, body: api.imports.cancel(body.id)),
    Method(
        "traindash.exports.start",
        _StartExport,
        lambda api, body: api.exports.start(ModelFile(team_id=TeamId(body.team_id), path=body.path)),
    ),
    Method("traindash.exports.info", ById, lambda api, body: api.exports.get(body.id)),
    Method("traindash.exports.list", Body, lambda api, _: list(islice(api.exports.all(), _SHOWN))),
    Method("traindash.exports.cancel", ById, lambda api, body: api.exports.cancel(body.id)),
    Method("traindash.links.info", Body, lambda api, _: {"hosts": api.services.links.hosts()}),
    Method("traindash.links.set", _LinkHosts, lambda api, body: {"hosts": api.services.links.allow(body.hosts)}),
    Method("traindash.webhook.info", Body, lambda api, _: api.webhook.info()),
    Method("traindash.webhook.set", _Webhook, lambda api, body: api.webhook.set(body.url, body.secret)),
    Method("traindash.webhook.remove", Body, lambda api, _: api.webhook.remove()),
    Method("traindash.webhook.test", Body, lambda api, _: api.webhook.send_trial()),
    Method("traindash.webhook.tell", TaskCompletion, lambda api, completion: api.webhook.tell(completion)),
)
