"""Team Files through the SDK."""

import pytest

from tests.contract.sdk.session import SdkSession
from tests.fakes.live_platform import LivePlatform

pytestmark = pytest.mark.sdk


def test_upload_list_download_remove(sdk: SdkSession, server: LivePlatform, folder: str) -> None:
    code = """
        import os
        source = arguments["folder"] + "/source.txt"
        open(source, "w").write("hello")
        info = api.file.upload(1, source, "/my dir ü/a b.txt")
        more = api.file.upload_bulk(1, [source, source], ["/my dir ü/in/1.txt", "/my dir ü/in/2.txt"])
        api.file.download(1, "/my dir ü/a b.txt", arguments["folder"] + "/back.txt")
        api.file.download_directory(1, "/my dir ü", arguments["folder"] + "/back")
        found = {
            "same": info.hash == sly.fs.get_file_hash(source),
            "by id": api.file.get_info_by_id(info.id).path,
            "by path": api.file.get_info_by_path(1, "/my dir ü/a b.txt").id == info.id,
            "bulk": [item.path for item in more],
            "exists": [api.file.exists(1, "/my dir ü/a b.txt"), api.file.exists(1, "/my dir ü/none")],
            "folder exists": [api.file.dir_exists(1, "/my dir ü/in"), api.file.dir_exists(1, "/none")],
            "listdir": api.file.listdir(1, "/my dir ü"),
            "list": [item["path"] for item in api.file.list(1, "/my dir ü")],
            "storage": [item.path for item in api.storage.list(1, "/my dir ü", recursive=False)],
            "free name": api.file.get_free_name(1, "/my dir ü/a b.txt") != "/my dir ü/a b.txt",
            "size": api.file.get_directory_size(1, "/my dir ü"),
            "content": open(arguments["folder"] + "/back.txt").read(),
            "tree": sorted(os.listdir(arguments["folder"] + "/back")),
        }
        api.file.remove(1, "/my dir ü/in/1.txt")
        api.file.remove_dir(1, "/my dir ü/")
        found["left"] = api.file.list(1, "/my dir ü")
        return found
    """
    assert sdk.run(server, code, folder=folder) == {
        "same": True,
        "by id": "/my dir ü/a b.txt",
        "by path": True,
        "bulk": ["/my dir ü/in/1.txt", "/my dir ü/in/2.txt"],
        "exists": [True, False],
        "folder exists": [True, False],
        "listdir": ["/my dir ü/in", "/my dir ü/a b.txt"],
        "list": ["/my dir ü/a b.txt", "/my dir ü/in/1.txt", "/my dir ü/in/2.txt"],
        "storage": ["/my dir ü/in", "/my dir ü/a b.txt"],
        "free name": True,
        "size": 15,
        "content": "hello",
        "tree": ["a b.txt", "in"],
        "left": [],
    }


def test_the_asynchronous_ways(sdk: SdkSession, server: LivePlatform, folder: str) -> None:
    code = """
        source, back = arguments["folder"] + "/source.bin", arguments["folder"] + "/back.bin"
        open(source, "wb").write(bytes(range(256)) * 10_000)
        sly.run_coroutine(api.file.upload_async(1, source, "/async/a.bin"))
        sly.run_coroutine(api.file.download_async(1, "/async/a.bin", back))
        images = [arguments["folder"] + "/1.png", arguments["folder"] + "/2.png"]
        sly.run_coroutine(api.image.download_paths_async([1, 2], images))
        return [open(source, "rb").read() == open(back, "rb").read(), [sly.fs.file_exists(path) for path in images]]
    """
    assert sdk.run(server, code, folder=folder) == [True, [True, True]]
