"""Team Files (docs/supervisely-api.md 3.3)."""

import base64
import hashlib
import io
import tarfile
from typing import Any

import httpx
import pytest

from tests.fakes.live_platform import API, LivePlatform

HOSTILE = [
    "/../escape.txt",
    "/a/../../escape.txt",
    "..",
    "/a/..",
    "/a\x00b",
    "/a\nb",
    "/" + "x" * 300,
    "/" + "y/" * 3000,
]
TOLERATED = ["/a//b.txt", "/./c.txt", "no-slash.txt", "/%2e%2e/d.txt", "/C:\\e.txt", "/f;rm -rf.txt", "/<b>g</b>.txt"]


def _call(server: LivePlatform, method: str, **body: object) -> Any:  # noqa: ANN401 - JSON
    return server.call(method, **body)


def _put(server: LivePlatform, path: str, content: bytes = b"hello") -> httpx.Response:
    return server.http.post(API + "file-storage.upload", params={"teamId": 1, "path": path}, content=content)


def _paths(server: LivePlatform, path: str, *, recursive: bool = True) -> list[str]:
    return [row["path"] for row in _call(server, "file-storage.list", teamId=1, path=path, recursive=recursive)]


@pytest.fixture
def files(own_server: LivePlatform) -> LivePlatform:
    for path in ("/exp/1_My Projekt ü/2_YOLO/checkpoints/best.pt", "/exp/1_My Projekt ü/info.json", "/exp2/x"):
        assert _put(own_server, path, path.encode()).status_code == 200
    return own_server


def test_nothing_there_is_an_empty_list(files: LivePlatform) -> None:
    for path in ("/YOLO/YOLO26s-det", "/YOLO/YOLO26s-det/", "/ex", "", "x", *HOSTILE[:4]):
        assert _paths(files, path) == ([] if path else _paths(files, "/"))
        assert _paths(files, path, recursive=False) == ([] if path else _paths(files, "/", recursive=False))


def test_a_file_lists_itself_under_the_same_path(files: LivePlatform) -> None:
    path = "/exp/1_My Projekt ü/info.json"
    assert _paths(files, path) == [path]
    assert _paths(files, path + "/") == []


def test_a_folder_lists_everything_below_with_and_without_slash(files: LivePlatform) -> None:
    below = ["/exp/1_My Projekt ü/2_YOLO/checkpoints/best.pt", "/exp/1_My Projekt ü/info.json"]
    assert _paths(files, "/exp") == _paths(files, "/exp/") == below


def test_one_level_shows_folders(files: LivePlatform) -> None:
    rows = _call(files, "file-storage.list", teamId=1, path="/exp/1_My Projekt ü/", recursive=False)
    assert [(row["path"], row["isDir"]) for row in rows] == [
        ("/exp/1_My Projekt ü/2_YOLO", True),
        ("/exp/1_My Projekt ü/info.json", False),
    ]


def test_v2_lists_with_types_and_goes_on(files: LivePlatform) -> None:
    body = {"teamId": 1, "path": "/", "recursive": False, "withMetadata": True, "files": True, "folders": True}
    first = _call(files, "file-storage.v2.list", limit=1, **body)
    assert [(row["path"], row["type"]) for row in first["entities"]] == [("/exp", "folder")]
    rest = _call(files, "file-storage.v2.list", limit=1, continuationToken=first["continuationToken"], **body)
    assert [row["path"] for row in rest["entities"]] == ["/exp2"]
    assert rest["continuationToken"] is None
    only_files = _call(files, "file-storage.v2.list", teamId=1, path="/exp", recursive=True, folders=False)
    assert {row["type"] for row in only_files["entities"]} == {"file"}


def test_a_file_has_what_clients_read(files: LivePlatform) -> None:
    listed = _call(files, "file-storage.list", teamId=1, path="/exp/1_My Projekt ü/info.json", recursive=True)[0]
    assert _call(files, "file-storage.info", id=listed["id"]) == listed
    content = b"/exp/1_My Projekt \xc3\xbc/info.json"
    assert listed["hash"] == base64.b64encode(hashlib.sha256(content).digest()).decode()
    assert listed["meta"] == {"ext": "json", "mime": "application/json", "size": len(content)}
    assert listed["name"] == "info.json"
    linked = httpx.get(listed["fullStorageUrl"])
    assert linked.content == content
    assert "attachment" in linked.headers["content-disposition"]
    assert httpx.get(listed["fullStorageUrl"].replace("-", "-0")).status_code == 404


def test_an_unknown_file_is_404(files: LivePlatform) -> None:
    assert files.post("file-storage.info", id=999).status_code == 404
    assert files.post("file-storage.download", teamId=1, path="/none").status_code == 404
    assert files.post("file-storage.download", teamId=1, path="/none/").status_code == 404
    assert files.post("file-storage.list", teamId=99, path="/").status_code == 404


def test_download_of_a_file(files: LivePlatform) -> None:
    answer = files.post("file-storage.download", teamId=1, path="/exp2/x")
    assert answer.content == b"/exp2/x"
    assert answer.headers["content-length"] == "7"


def test_download_of_a_folder_is_a_tar_with_one_top_folder(files: LivePlatform) -> None:
    answer = files.post("file-storage.download", teamId=1, path="/exp/1_My Projekt ü/")
    with tarfile.open(fileobj=io.BytesIO(answer.content)) as archive:
        names = archive.getnames()
        member = archive.extractfile("1_My Projekt ü/2_YOLO/checkpoints/best.pt")
        assert member is not None
        assert member.read() == "/exp/1_My Projekt ü/2_YOLO/checkpoints/best.pt".encode()
    assert names == ["1_My Projekt ü/2_YOLO/checkpoints/best.pt", "1_My Projekt ü/info.json"]


@pytest.mark.parametrize("path", HOSTILE)
def test_hostile_names_are_refused_and_write_nothing(own_server: LivePlatform, path: str) -> None:
    home = own_server.platform.services.layout.root
    before = sorted(item for item in home.parent.rglob("*") if "platform.db" not in item.name)
    assert _put(own_server, path).status_code == 400
    for method in ("file-storage.download", "file-storage.remove"):
        assert own_server.post(method, teamId=1, path=path).status_code == 400
    assert sorted(item for item in home.parent.rglob("*") if "platform.db" not in item.name) == before


@pytest.mark.parametrize("path", TOLERATED)
def test_odd_names_stay_inside(own_server: LivePlatform, path: str) -> None:
    stored = _put(own_server, path).json()
    root = own_server.platform.services.layout.team_files / "1"
    local = own_server.platform.services.files.get(stored["id"]).local_path
    assert local.is_file()
    assert local.resolve().is_relative_to(root.resolve())
    assert own_server.post("file-storage.download", teamId=1, path=stored["path"]).content == b"hello"


def test_a_replaced_file_keeps_its_id(own_server: LivePlatform) -> None:
    first = _put(own_server, "/a.txt", b"one").json()
    second = _put(own_server, "/a.txt", b"two").json()
    assert first["id"] == second["id"]
    assert first["hash"] != second["hash"]
    assert own_server.post("file-storage.download", teamId=1, path="/a.txt").content == b"two"


def test_a_file_and_a_folder_cannot_share_a_name(own_server: LivePlatform) -> None:
    _put(own_server, "/a/b.txt")
    assert _put(own_server, "/a").status_code == 400
    assert _put(own_server, "/a/b.txt/c").status_code == 400
    assert _put(own_server, "/").status_code == 400


def test_bulk_upload_answers_in_order(own_server: LivePlatform) -> None:
    fields: list[tuple[str, tuple[str | None, bytes, str | None]]] = []
    for number in range(3):
        name = f"f{number}.bin"
        fields += [
            ("name", (None, name.encode(), None)),
            ("path", (None, f"/dir {number}/".encode(), None)),
            ("file", (name, bytes([number]) * 3, "application/octet-stream")),
        ]
    url = API + "file-storage.bulk.upload"
    answer = own_server.http.post(url, params={"teamId": 1}, files=fields)
    assert [row["path"] for row in answer.json()] == ["/dir 0/f0.bin", "/dir 1/f1.bin", "/dir 2/f2.bin"]
    assert own_server.post("file-storage.download", teamId=1, path="/dir 2/f2.bin").content == b"\2\2\2"


@pytest.mark.parametrize(
    "content", [b"", b"--x", b"garbage", b'--x\r\nContent-Disposition: form-data; name="n"\r\n\r\n1\r\n--x--\r\n']
)
def test_forms_that_are_none(own_server: LivePlatform, content: bytes) -> None:
    headers = {"content-type": "multipart/form-data; boundary=x"}
    for method in ("file-storage.bulk.upload", "file-storage.upload"):
        answer = own_server.http.post(API + method, params={"teamId": 1}, content=content, headers=headers)
        assert answer.status_code == 400
        assert "form" in answer.json()["error"]


def test_uploads_need_a_team_and_a_path(own_server: LivePlatform) -> None:
    url = API + "file-storage.upload"
    assert own_server.http.post(url, params={"path": "/a"}, content=b"x").status_code == 400
    assert own_server.http.post(url, params={"teamId": 1}, content=b"x").status_code == 400
    assert own_server.http.post(url, params={"teamId": 9, "path": "/a"}, content=b"x").status_code == 404
    assert own_server.http.post(url, params={"teamId": "x", "path": "/a"}, content=b"x").status_code == 400
    assert own_server.http.post(API + "file-storage.bulk.upload", params={"teamId": 1}, json={}).status_code == 400
    assert list(own_server.platform.services.layout.incoming.iterdir()) == []


def test_removal(files: LivePlatform) -> None:
    folder = files.platform.services.files.local_folder(files.platform.services.accounts.home().team_id, "/exp")
    assert _call(files, "file-storage.remove", teamId=1, path="/exp2/x") == {"removed": 1}
    assert _call(files, "file-storage.bulk.remove", teamId=1, paths=["/exp/", "/none"]) == {"removed": 2}
    assert _paths(files, "/") == []
    assert not folder.exists()
    assert files.post("file-storage.remove", teamId=1, path="/").status_code == 400
