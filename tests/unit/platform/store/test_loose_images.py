"""Image files that no image uses: found while they are kept, collected after a day, never while somebody needs them."""

import base64
import os
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from uuid import uuid4

import pytest
from PIL import Image

from tests.fakes.small_platform import tiny_project
from traindash.errors import InputError
from traindash.platform.agents import Hardware
from traindash.platform.multipart import Form
from traindash.platform.services import Services
from traindash.platform.store.image_writes import ByHash, NewImage

_OLD = "2020-01-01T00:00:00.000Z"


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    made = Services(tmp_path / "home", address="http://x", environment={}, hardware=Hardware(list_gpus=tuple, cores=1))
    made.layout.make_folders()
    made.database.open()
    made.accounts.ensure_home()
    made.imports.run(tiny_project(tmp_path / "tiny", "Shapes"), made.accounts.home())
    yield made
    made.uploads.close()
    made.database.close()


def _upload(services: Services, *contents: bytes) -> list[str]:
    boundary = uuid4().hex
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="0-file"\r\n\r\n'.encode()
    form = services.layout.incoming / "form"
    form.write_bytes(b"".join(head + content + b"\r\n" for content in contents) + f"--{boundary}--\r\n".encode())
    return services.uploads.accept(Form(content_type=f"multipart/form-data; boundary={boundary}", path=form))


def _picture(color: str) -> bytes:
    file = BytesIO()
    Image.new("RGB", (8, 6), color).save(file, "PNG")
    return file.getvalue()


def _age(services: Services) -> None:
    """Make everything look as if nobody had asked for it in years."""
    with services.database.write() as connection:
        connection.execute("UPDATE loose_images SET seen_at = ?", (_OLD,))
    for path in services.layout.images.rglob("*.*"):
        os.utime(path, (0, 0))


def _files(services: Services) -> int:
    return sum(path.is_file() for path in services.layout.images.rglob("*"))


def test_what_nobody_adds_is_collected_after_a_day(services: Services) -> None:
    before = _files(services)
    hashes = _upload(services, _picture("red"), _picture("blue"))
    assert services.uploads.settled(hashes) == {}
    services.uploads.unpack()
    assert services.loose_images.known(hashes).keys() == set(hashes)
    assert services.loose_images.collect() == 0
    services.image_writes.add(1, [NewImage(name="red.png", origin=ByHash(hashes[0]), meta={})])
    _age(services)
    services.loose_images.known([hashes[1]])  # who asks wants to add it
    assert services.loose_images.collect() == 0
    _age(services)
    assert services.loose_images.collect() == 1
    assert services.loose_images.known(hashes).keys() == {hashes[0]}
    assert _files(services) == before + 1


def test_files_of_removed_images_are_collected_unless_another_has_them(services: Services) -> None:
    row = services.images.row(1)
    services.image_writes.add(2, [NewImage(name="same.png", origin=ByHash(row["hash"]), meta={})])
    before = _files(services)
    services.image_writes.remove([1, 2])
    _age(services)
    services.loose_images.collect()
    assert _files(services) == before - 1
    assert services.loose_images.known([row["hash"]]).keys() == {row["hash"]}


def test_a_lost_file_is_not_said_to_be_here(services: Services) -> None:
    row = services.images.row(1)
    services.blobs.path(row["hash"], row["mime"]).write_bytes(b"")
    assert services.loose_images.known([row["hash"]]) == {}


def test_what_is_no_picture_is_told_by_the_name_of_its_image(services: Services) -> None:
    cut = _picture("red")[:-30]
    hashes = _upload(services, _picture("red"), cut, b"text")
    good, *bad = (NewImage(name=f"{n}.png", origin=ByHash(digest), meta={}) for n, digest in enumerate(hashes))
    for image in bad:
        with pytest.raises(InputError, match=f"'{image.name}' cannot be used"):
            services.image_writes.add(1, [good, image])
    assert len(services.image_writes.add(1, [good])) == 1
    services.uploads.unpack()
    assert not any(services.layout.uploads.iterdir())


def test_an_image_has_a_file_when_somebody_asks_for_it(services: Services) -> None:
    before = _files(services)
    pictures = [_picture(color) for color in ("red", "blue", "green")]
    hashes = _upload(services, *pictures)
    services.image_writes.add(1, [NewImage(name=digest[:3], origin=ByHash(digest), meta={}) for digest in hashes])
    assert _files(services) == before, "they are in the form that they came in"
    assert services.blobs.path(hashes[1], "image/png").read_bytes() == pictures[1]
    address = services.blobs.url_path(hashes[2], "image/png").rsplit("/", 1)[1]
    assert services.blobs.resolve(address)[0].read_bytes() == pictures[2]
    assert _files(services) == before + 2
    services.uploads.unpack()
    assert _files(services) == before + 3
    assert not any(services.layout.uploads.iterdir())
    assert [services.blobs.path(digest, "image/png").read_bytes() for digest in hashes] == pictures


def test_a_file_that_never_came_to_the_disk_is_written_again(services: Services) -> None:
    picture = _picture("red")
    (digest,) = hashes = _upload(services, picture)
    services.image_writes.add(1, [NewImage(name="red.png", origin=ByHash(digest), meta={})])
    services.uploads.close()  # as if killed before it had a file
    again = Services(services.layout.root, address="http://x", environment={})
    again.database.open()
    target = services.layout.images / (name := base64.b64decode(digest).hex())[:2] / f"{name}.png"
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(bytes(len(picture)))  # as a power cut leaves one
    again.uploads.recover()
    assert again.loose_images.known(hashes).keys() == {digest}
    again.uploads.unpack()
    assert target.read_bytes() == picture
    assert not any(services.layout.uploads.iterdir())
    again.uploads.close()
    again.database.close()


def test_an_upload_goes_on_after_a_restart(services: Services) -> None:
    services.uploads.close()  # as if killed: nothing is taken from here on
    hashes = _upload(services, _picture("red"))
    assert services.loose_images.known(hashes) == {}
    again = Services(services.layout.root, address="http://x", environment={})
    again.database.open()
    again.uploads.recover()
    assert again.uploads.settled(hashes) == {}
    assert again.loose_images.known(hashes).keys() == set(hashes)
    again.uploads.close()
    again.database.close()
