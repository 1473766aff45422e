"""Images as clients bring and change them: upload, add, edit, remove."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, cast

from msgspec import Meta

from traindash.errors import InputError, NotFoundError
from traindash.platform.multipart import Form
from traindash.platform.routes.endpoint import AnyMethod, ApiContext, Method, UploadMethod
from traindash.platform.routes.images import image_json
from traindash.platform.store.image_writes import ByHash, ById, ImageOrigin, NewImage
from traindash.platform.wire import DOCUMENT, Body, FilePath, Id, Ids, Text, Word, shortened

_MOST_IMAGES = 10_000  # in one call; the SDK sends 50 unless told otherwise
_MOST_HASHES = 10_000  # the SDK asks for 900
# The one body that is a list. A cast, for Python has no type of such a type.
_HASHES = cast("type[tuple[str, ...]]", Annotated[tuple[Word, ...], Meta(max_length=_MOST_HASHES)])


class _Image(Body, kw_only=True):
    title: Word | None = None
    name: Word | None = None
    hash: Word | None = None
    image_id: Id | None = None
    link: FilePath | None = None
    meta: dict[str, Any] | None = None
    parent_id: Id | None = None


class _Add(Body):
    dataset_id: Id
    images: Annotated[tuple[_Image, ...], Meta(max_length=_MOST_IMAGES)]


class _Remove(Body):
    image_ids: Ids


class _Edit(Body):
    id: Id
    name: Word | None = None
    description: Text | None = None
    meta: dict[str, Any] | None = None


class _SortKey(Body):
    id: Id
    custom_sort: Word


class _SortKeys(Body):
    images: Annotated[tuple[_SortKey, ...], Meta(max_length=_MOST_IMAGES)]


class _Link(Body):
    id: Id
    link: FilePath


class _Links(Body):
    images: Annotated[tuple[_Link, ...], Meta(max_length=_MOST_IMAGES)]


def _known_hashes(api: ApiContext, body: tuple[str, ...]) -> object:
    known = api.services.loose_images.known(body).keys() | api.services.uploads.pending(body)
    return [digest for digest in dict.fromkeys(body) if digest in known]


def _upload(api: ApiContext, form: Form) -> object:
    # Whether they are pictures is told when they are added, for only then they have names.
    return [{"hash": digest} for digest in api.services.uploads.accept(form)]


def _add(api: ApiContext, body: _Add) -> object:
    links = [image.link for image in body.images if image.link is not None]
    fetched = dict(zip(links, api.services.links.fetch(links), strict=True)) if links else {}
    ids = api.services.image_writes.add(body.dataset_id, [_new_image(image, fetched) for image in body.images])
    return [image_json(api.services, row) for row in api.services.images.rows(ids)]


def _added(api: ApiContext, ids: tuple[int, ...]) -> object | None:
    try:
        return [image_json(api.services, row) for row in api.services.images.rows(ids)]
    except NotFoundError:  # removed since
        return None


def _new_image(sent: _Image, fetched: Mapping[str, str]) -> NewImage:
    name = sent.title or sent.name or ""
    if sent.parent_id is not None:
        msg = f"The image {shortened(name)!r} is to lie over image {sent.parent_id}; this server has no such images."
        raise InputError(msg, "Add it as an image of its own.")
    origin: ImageOrigin
    if sent.hash is not None:
        origin = ByHash(sent.hash)
    elif sent.image_id is not None:
        origin = ById(sent.image_id)
    elif sent.link is not None:
        origin = ByHash(fetched[sent.link])
    else:
        msg = f"The image {shortened(name)!r} has neither 'hash' nor 'imageId'."
        raise InputError(msg, "Upload its file first and send its hash.")
    return NewImage(name=name, origin=origin, meta=sent.meta or {})


def _remove(api: ApiContext, body: _Remove) -> object:
    api.services.image_writes.remove(body.image_ids)
    return {"success": True}


def _edit(api: ApiContext, body: _Edit) -> object:
    api.services.image_writes.edit(body.id, name=body.name, description=body.description, meta=body.meta)
    return image_json(api.services, api.services.images.row(body.id))


def _set_links(api: ApiContext, body: _Links) -> object:
    fetched = api.services.links.fetch([image.link for image in body.images])
    hashes = {image.id: digest for image, digest in zip(body.images, fetched, strict=True)}
    api.services.image_writes.set_files(hashes)
    return {"success": True}


def _sort_keys(api: ApiContext, body: _SortKeys) -> object:
    api.services.image_writes.set_sort_keys({item.id: item.custom_sort for item in body.images})
    return {"success": True}


METHODS: Sequence[AnyMethod] = (
    Method("images.internal.hashes.list", _HASHES, _known_hashes),
    UploadMethod("images.bulk.upload", _upload),
    Method("images.bulk.add", _Add, _add, bounds=DOCUMENT, in_rows=True, again=_added),
    Method("images.bulk.remove", _Remove, _remove, heavy=True),
    Method("images.editInfo", _Edit, _edit),
    Method("images.update.links", _Links, _set_links, bounds=DOCUMENT, heavy=True),
    Method("images.bulk.set-custom-sort", _SortKeys, _sort_keys),
)
