"""Abuse of the admin API (F37, F30; CVE): too large, too slow, too much, guessed keys, and two requests in one."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx
import pytest
import trio

from tests.attacks.strangers import GONE, descriptors, memory, pulse, put, rest, stranger
from tests.attacks.web import PROOF, ask, request, status
from tests.journeys.programs import Host

PATH = "/im/conversations"
GROWTH = 48 << 20
HOSTILE = [
    b"[" * 100_000 + b"]" * 100_000,
    b'{"a":' * 100_000,
    b"9" * 900_000,
    b'{"client_id":1e999}',
    b'{"client_id":"a","client_id":"b"}',
    b'{"client_id":"\\ud800"}',
    b'{"client_id":"\xff"}',
    b'{"client_id":NaN}',
    b"\x00",
    b"[]",
    b"null",
]


@pytest.fixture
def patience() -> dict[str, float]:
    """Settings of `[admin]`; a test that wants others is parametrized with them."""
    return {}


@pytest.fixture
async def running(host: Host, patience: dict[str, float]) -> AsyncIterator[int]:
    """Both programs; the admin port. The broker must not have felt anything."""
    host.configure(admin=patience)
    host.broker()
    admin = host.admin()
    async with pulse(host.url) as beats:
        yield admin.doors["admin"]
    beats.check()
    assert admin.process.poll() is None
    assert not [line for line in admin.lines if "Traceback" in line or "unforeseen" in line]


SHORT = {"head_seconds": 1.0, "body_seconds": 1.0, "stalled_seconds": 1.0, "answer_seconds": 4.0}


@pytest.mark.F37
@pytest.mark.CVE
async def test_a_gigabyte_is_refused_before_it_is_sent(host: Host, running: int) -> None:
    """F37; CVE-2024-49767: 1 GiB as a JSON body, as a file, as a text field of a form, in chunks."""
    before = memory(host.admin_program.process.pid)
    form = PROOF + b"Content-Type: multipart/form-data; boundary=x\r\n"
    part = b'--x\r\nContent-Disposition: form-data; name="%s"\r\n\r\n'
    file = part % b'file"; filename="a.bin'
    much = b"x" * (40 << 20)
    chunks = b"100000\r\n" + b"x" * (1 << 20) + b"\r\n"
    for raw in (
        request("POST", PATH, body=much, length=1 << 30),
        request("POST", "/im/file/upload", form, file + much, length=1 << 30),
        request("POST", "/im/file/upload", form, part % b"text" + much, length=1 << 30),
        request("POST", "/im/file/upload", form, b"--x\r\nA: " + much, length=1 << 30),
        request("POST", PATH, PROOF + b"Transfer-Encoding: chunked\r\n", chunks * 40, length=0).replace(
            b"Content-Length: 0\r\n", b""
        ),
    ):
        answer = await ask(running, raw)
        assert status(answer) in (200, 413), answer[:300]
        assert b'"code":4030' in answer, answer[-300:]
    assert memory(host.admin_program.process.pid) - before < GROWTH


@pytest.mark.F37
@pytest.mark.F16
@pytest.mark.parametrize("patience", [SHORT])
async def test_slow_heads_bodies_uploads_and_readers_are_ended(host: Host, running: int) -> None:
    """F16, F37: a byte now and then in each part of a request, and an answer nobody reads; others are served meanwhile."""
    form = PROOF + b"Content-Type: multipart/form-data; boundary=x\r\n"
    part = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n\r\n'
    ended: dict[str, float] = {}

    async def dribble(name: str, first: bytes) -> None:
        began = trio.current_time()
        async with stranger(running) as stream:
            await put(stream, first)
            with trio.move_on_after(12):
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(bytewise, stream)
                    await rest(stream)
                    nursery.cancel_scope.cancel()
                ended[name] = trio.current_time() - began

    async def bytewise(stream: trio.SocketStream) -> None:
        while await put(stream, b"x"):
            await trio.sleep(0.1)

    async with trio.open_nursery() as nursery:
        for number in range(30):
            nursery.start_soon(dribble, f"head {number}", b"GET / HTTP/1.1\r\nX-Long: ")
            nursery.start_soon(dribble, f"body {number}", request("POST", PATH, length=100_000))
        nursery.start_soon(dribble, "upload", request("POST", "/im/file/upload", form, part, length=100_000))
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{running}") as http:
            assert (await http.get("/-/ready")).status_code == 200
    assert len(ended) == 61
    assert max(seconds for name, seconds in ended.items() if name.startswith("head")) < 4
    assert max(seconds for name, seconds in ended.items() if name.startswith("body")) < 9  # what remains is read for 3 s
    assert ended["upload"] < 11


@pytest.mark.F37
@pytest.mark.parametrize("patience", [SHORT])
async def test_who_does_not_read_his_answer_is_cut_off(host: Host, running: int) -> None:
    """F37: a download nobody takes. The kernel ends it after `stalled_seconds`, and no descriptor stays."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{running}") as http:
        made = await http.post(
            "/im/file/upload",
            headers={"app-id": "666666", "app-key": "master"},
            files={"file": ("a.bin", bytes(19 << 20), "application/octet-stream")},
        )
        url = httpx.URL(str(made.json()["data"]["url"] if isinstance(made.json()["data"], dict) else made.json()["data"]))
    pid = host.admin_program.process.pid
    before = descriptors(pid)
    async with stranger(running) as stream:
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        await put(stream, request("GET", url.path))
        while descriptors(pid) <= before:
            await trio.sleep(0.01)
        with trio.fail_after(10):
            while descriptors(pid) > before:
                await trio.sleep(0.05)


@pytest.mark.F22
async def test_without_descriptors_the_admin_api_comes_back_and_says_so_once(host: Host) -> None:
    """F22: 150 silent connections on a limit of 60. They go after `head_seconds`; the log is no second victim."""
    host.configure(admin={"head_seconds": 1.0})
    host.broker()
    admin = host.start("-m", "adminapi", command=("prlimit", "--nofile=60", sys.executable, "-u"))
    admin.wait_line("broker there")
    port = admin.doors["admin"]
    async with AsyncExitStack() as stack:
        for _ in range(150):
            await stack.enter_async_context(stranger(port))
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20) as http:
            assert (await http.get("/-/ready")).status_code == 200
    assert len([line for line in admin.lines if "accepting rests why=" in line]) == 1
    assert not [line for line in admin.lines if "Traceback" in line]


@pytest.mark.F37
@pytest.mark.CVE
async def test_heads_beyond_the_limits_are_431(host: Host, running: int) -> None:
    """F37: 65 lines, 10^4 lines, 1 MiB in one, in one packet or not."""
    for many in (65, 10_000):
        lines = b"".join(b"X-%d: y\r\n" % number for number in range(many))
        assert status(await ask(running, request("GET", "/-/health", lines))) == 431
    for size in (17_000, 60_000, 1 << 20):
        assert status(await ask(running, request("GET", "/-/health", b"X: " + b"y" * size + b"\r\n"))) in (431, 0)
        assert status(await ask(running, request("GET", "/-/health?" + "y" * size))) in (431, 0)
    sixty = b"".join(b"X-%d: y\r\n" % number for number in range(60))
    assert status(await ask(running, request("GET", "/-/health", sixty))) == 200


@pytest.mark.F37
@pytest.mark.parametrize("patience", [{"wrong_proof_seconds": 3.0}])
async def test_guessing_is_slow_and_the_right_key_never_waits(host: Host, running: int) -> None:
    """F37: bad keys without end from one address; ten are answered at once, right ones always."""
    wrong = {"X-Forwarded-For": "203.0.113.9", "app-id": "666666", "app-key": "guess"}
    answered = 0
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{running}", timeout=20) as http:

        async def guess() -> None:
            nonlocal answered
            assert (await http.get(PATH, headers=wrong)).json()["code"] != 0
            answered += 1

        async with trio.open_nursery() as nursery:
            for _ in range(40):
                nursery.start_soon(guess)
            while answered < 10:
                await trio.sleep(0.01)
            said = await http.get(PATH, params={"where": "[]"}, headers={**wrong, "app-key": "master"})
            assert said.status_code == 200
            assert answered == 10
    assert answered == 40


@pytest.mark.F30
async def test_hostile_bodies_are_refused_in_the_dialects_form(host: Host, running: int) -> None:
    """F30 over HTTP, in all five dialects: never a 500, never slow, the same process."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{running}", timeout=20) as http:
        for path, headers in (
            (PATH, {"app-id": "666666", "app-key": "master"}),
            ("/1.2/rtm/conversations", {"X-LC-Id": "666666", "X-LC-Key": "the-master-key,master"}),
            ("/ctx", {"X-ML-AppId": "666666", "X-ML-APIKey": "master"}),
            ("/v1/users/", {"Authorization": httpx.BasicAuth("666666", "the-master-key")._auth_header}),
            ("/im/group", {"Authorization": "Bearer the-master-key", "app-id": "666666"}),
        ):
            for body in HOSTILE:
                began = time.monotonic()
                said = await http.post(path, content=body, headers={**headers, "Content-Type": "application/json"})
                assert time.monotonic() - began < 2, (path, body[:30])
                assert said.status_code < 500, (path, body[:30], said.text[:200])
                assert said.headers["content-type"].startswith("application/json"), (path, body[:30])


@pytest.mark.A4
@pytest.mark.CVE
async def test_no_second_request_is_smuggled_in(host: Host, running: int) -> None:
    """CVE-2025-43859 (h11): what two servers could cut in two ways is refused, and the connection ends."""
    hidden = b"GET /-/health HTTP/1.1\r\nHost: hidden\r\n\r\n"
    start = b"POST " + PATH.encode() + b" HTTP/1.1\r\nHost: x\r\n" + PROOF
    for framing, body in (
        (b"Content-Length: 5\r\nContent-Length: 0\r\n", b""),
        (b"Content-Length: 4\r\nTransfer-Encoding: chunked, identity\r\n", b"0\r\n\r\n"),
        (b"Transfer-Encoding: xchunked\r\n", b"0\r\n\r\n"),
        (b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", b"0\r\n\r\n"),
        (b"Content-Length: +0\r\n", b""),
        (b"Content-Length : 0\r\n", b""),
        (b"X: a\r\n b\r\n\x00\r\n", b""),
        (b"Transfer-Encoding: chunked\r\n", b"5xx\r\nhello\r\n0\r\n\r\n"),
        (b"Transfer-Encoding: chunked\r\n", b"1\r\naXX0\r\n\r\n"),
    ):
        async with stranger(running) as stream:
            try:
                await stream.send_all(start + framing + b"\r\n" + body + hidden)
                answer = await rest(stream)
            except GONE:
                continue
            assert b"alive" not in answer, (framing, answer)
