"""Uploads: to disk and back, the ways a name could leave its folder, limits, and expiry."""

from __future__ import annotations

import os
import time
from pathlib import Path

import msgspec
import pytest
import trio

from adminapi import files as files_module
from adminapi.files import Files, folder_of
from protocol.apps import App, AppSettings
from protocol.errors import Refused
from tests.adminapi.conftest import APP, BARE, Served

UPLOAD = "/im/file/upload"


def stored(served: Served) -> list[Path]:
    return [path for path in served.files.root.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("name", "type", "shown"),
    [
        ("a.PNG", "image/png", True),
        ("a.mp3", "audio/mpeg", True),
        ("a.mp4", "video/mp4", True),
        ("a.svg", "application/octet-stream", False),
        ("a.html", "application/octet-stream", False),
        ("a", "application/octet-stream", False),
        ("../../etc/passwd", "application/octet-stream", False),
        ("a.tar.gz", "application/octet-stream", False),
        ("a.p/hp", "application/octet-stream", False),
        ("x.%2e%2e", "application/octet-stream", False),
    ],
)
async def test_what_browsers_could_run_is_a_download(served: Served, name: str, type: str, shown: bool) -> None:
    answer = await served.call("POST", UPLOAD, files={"file": (name, b"<script>", "text/html")})
    got = await served.client.get(answer.json()["data"])
    assert (got.status_code, got.content, got.headers["content-type"]) == (200, b"<script>", type)
    assert got.headers["x-content-type-options"] == "nosniff"
    assert got.headers["content-security-policy"] == "sandbox"
    assert got.headers.get("content-disposition", "").startswith("attachment") is not shown


async def test_ranges_are_served(served: Served) -> None:
    answer = await served.call("POST", UPLOAD, files={"file": ("a.mp4", bytes(range(200)))})
    got = await served.client.get(answer.json()["data"], headers={"range": "bytes=10-19"})
    assert (got.status_code, got.content) == (206, bytes(range(10, 20)))


async def test_a_large_file_is_whole_and_was_never_in_memory(served: Served) -> None:
    content = os.urandom(5_000_000)
    answer = await served.call("POST", UPLOAD, files={"file": ("a.bin", content)})
    assert (await served.client.get(answer.json()["data"])).content == content
    assert [path.stat().st_size for path in stored(served)] == [5_000_000]


async def test_a_file_over_the_apps_limit_is_4030_and_leaves_nothing(served: Served) -> None:
    for size, code in ((BARE.settings.file_bytes, 0), (BARE.settings.file_bytes + 1, 4030), (3_000_000, 4030)):
        answer = await served.call("POST", UPLOAD, files={"file": ("a", b"x" * size)}, headers={"app-id": "bare"})
        assert answer.json()["code"] == code
    assert len(stored(served)) == 1


async def test_nothing_is_written_for_a_caller_without_proof(served: Served) -> None:
    answer = await served.call("POST", UPLOAD, files={"file": ("a", b"x" * 100_000)}, headers={"app-id": APP.id})
    assert answer.json()["code"] == 4002
    assert stored(served) == []


@pytest.mark.parametrize(
    ("content", "content_type", "code"),
    [
        (b"", "multipart/form-data; boundary=b", 4601),
        (b"{}", "application/json", 4601),
        (b"x", "multipart/form-data", 4601),
        (b"--b\r\n\r\nx\r\n--b--\r\n", "multipart/form-data; boundary=b", 4601),
        (
            b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nx',
            "multipart/form-data; boundary=b",
            4601,
        ),
        (
            b'--b\r\nContent-Disposition: form-data; name="other"; filename="a"\r\n\r\nx\r\n--b--\r\n',
            "multipart/form-data; boundary=b",
            4001,
        ),
        (
            b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nno file\r\n--b--\r\n',
            "multipart/form-data; boundary=b",
            4001,
        ),
        (
            b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n\r\n--b--\r\n',
            "multipart/form-data; boundary=b",
            4601,
        ),
        (
            b'--b\r\nContent-Disposition: form-data; name="t"\r\n\r\n' + b"x" * 90_000 + b"\r\n--b--\r\n",
            "multipart/form-data; boundary=b",
            4030,
        ),
        (
            b'--b\r\nContent-Disposition: form-data; name="t"\r\n\r\n\r\n' * 30 + b"--b--",
            "multipart/form-data; boundary=b",
            4030,
        ),
    ],
)
async def test_bad_bodies_are_refused_and_leave_nothing(
    served: Served, content: bytes, content_type: str, code: int
) -> None:
    headers = {"app-id": APP.id, "app-key": APP.key, "content-type": content_type}
    answer = await served.call("POST", UPLOAD, content=content, headers=headers)
    assert answer.json()["code"] == code
    assert stored(served) == []


async def test_mux12_curls_two_semicolons_are_understood(served: Served) -> None:
    content = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nx\r\n--b--\r\n'
    headers = {"app-id": APP.id, "app-key": APP.key, "content-type": "multipart/form-data;; boundary=b"}
    assert (await served.call("POST", UPLOAD, content=content, headers=headers)).json()["code"] == 0


async def test_an_upload_that_breaks_off_leaves_nothing(served: Served) -> None:
    stream = await served.stream()
    head = f"POST {UPLOAD} HTTP/1.1\r\nHost: x\r\napp-id: {APP.id}\r\napp-key: {APP.key}\r\n"
    head += "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 9000000\r\n\r\n"
    part = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n' + b"x" * 600_000
    async with stream:
        await stream.send_all(head.encode() + part)
        with trio.fail_after(2):
            while not stored(served):  # noqa: ASYNC110  # the disk has no Event
                await trio.sleep(0.005)
    with trio.fail_after(2):
        while stored(served):  # noqa: ASYNC110
            await trio.sleep(0.005)


async def test_a_full_disk_is_5030(served: Served) -> None:
    served.files.free_bytes = 1 << 60
    answer = await served.call("POST", UPLOAD, files={"file": ("a", b"x")})
    assert answer.json()["code"] == 5030
    assert stored(served) == []


@pytest.mark.A3
async def test_no_path_leaves_the_folder(served: Served) -> None:
    root = served.files.root / "666666"
    root.mkdir(parents=True)
    (served.files.root.parent / "secret.txt").write_text("secret")
    (root / ("a" * 32)).symlink_to(served.files.root.parent / "secret.txt")
    (root / "plain.txt").write_text("not a name of ours")
    (root / f".{'b' * 32}.part").write_text("unfinished")
    for path in (
        "666666/../../secret.txt",
        "../secret.txt",
        "..%2fsecret.txt",
        "666666/..%2f..%2fsecret.txt",
        "666666/%2e%2e/%2e%2e/secret.txt",
        "666666/" + "a" * 32,
        "666666/plain.txt",
        f"666666/.{'b' * 32}.part",
        "666666/",
        "%00/" + "a" * 32,
        "666666/" + "a" * 32 + "%00.png",
        "~/" + "a" * 32,
    ):
        stream = await served.stream()
        async with stream:
            await stream.send_all(f"GET /-/files/{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            gathered = b""
            with trio.fail_after(2):
                while data := await stream.receive_some():
                    gathered += data
        assert gathered.startswith(b"HTTP/1.1 404"), path
        assert b"secret" not in gathered.split(b"\r\n\r\n", 1)[1]


def test_a_folder_is_a_safe_name_for_every_app() -> None:
    assert folder_of("666666") == "666666"
    for app in ("..", "a/b", "ä", ".", "a b", "x" * 65, "~" + "0" * 32):
        assert files_module.FOLDER.fullmatch(folder_of(app))
        assert folder_of(app) != app


async def test_files_expire_by_their_apps_days(folder: Path) -> None:
    store = Files(folder / "files")
    kept = App(id="kept", key="", master_key="", secret="")
    days = msgspec.structs.replace(kept, id="days", settings=AppSettings(file_days=2))
    urls = []
    for app in (kept, days, days):
        incoming = await store.begin(app, "http://h", field="file", name="a.png", type="")
        await incoming.write(b"x")
        urls.append(await incoming.keep())
        await incoming.discard()
    unfinished = await store.begin(kept, "http://h", field="file", name="a", type="")
    now = time.time()
    old = folder / "files" / urls[1].removeprefix("http://h/-/files/")
    os.utime(old, (now - 3 * 86_400, now - 3 * 86_400))
    apps = {app.id: app for app in (kept, days)}
    assert store.expire(apps, now) == 1
    assert not old.exists()
    assert store.expire(apps, now + 2 * 86_400) == 2
    assert [path.parent.name for path in (folder / "files").rglob("*") if path.is_file()] == ["kept"]
    await unfinished.discard()


async def test_a_disk_that_refuses_is_said_so(folder: Path) -> None:
    (folder / "files").write_text("a file where the folder should be")
    with pytest.raises(Refused, match="storage_unavailable"):
        await Files(folder / "files").begin(APP, "", field="file", name="a", type="")
