"""Routing, bodies and connections over real sockets: slashes, methods, limits, and the two cured faults."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
import trio

from adminapi import app as app_module
from adminapi.settings import Settings
from protocol.commands import InspectSessions, ListMembers, MemberList, SessionsSeen
from tests.adminapi.conftest import APP, Served

HEADERS = f"app-id: {APP.id}\r\napp-key: {APP.key}\r\n"


class Peer:
    """A client that says exactly what it is told to, byte by byte."""

    def __init__(self, served: Served, stream: trio.SocketStream) -> None:
        self.host, self.stream, self.gathered = served.host, stream, b""

    async def send(self, text: str | bytes) -> None:
        await self.stream.send_all(text.encode() if isinstance(text, str) else text)

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        """One answer: status, headers, body."""
        with trio.fail_after(3):
            while b"\r\n\r\n" not in self.gathered:
                self.gathered += await self.piece()
            head, _, self.gathered = self.gathered.partition(b"\r\n\r\n")
            first, *lines = head.decode().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            size = int(headers.get("content-length", "0"))
            while len(self.gathered) < size:
                self.gathered += await self.piece()
        body, self.gathered = self.gathered[:size], self.gathered[size:]
        return int(first.split()[1]), headers, body

    async def piece(self) -> bytes:
        data = await self.stream.receive_some()
        if not data:
            raise EOFError
        return bytes(data)

    async def wait_end(self) -> None:
        with trio.fail_after(3):
            assert await self.stream.receive_some() == b""


async def peer(served: Served) -> Peer:
    return Peer(served, await served.stream())


def head(served: Served, method: str, path: str, more: str = "") -> str:
    return f"{method} {path} HTTP/1.1\r\nHost: {served.host}\r\n{more}"


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("POST", "/nowhere", "", 404),
        ("PATCH", "/-/health", "", 405),
        ("POST", "/-/api/apps/666666/system", "", 401),
        ("POST", "/im/conversations", "", 200),
        ("POST", "/im/file/upload", "", 200),
        ("POST", "/-/files/666666/x", "", 405),
        ("GET", "/-/files/666666/x", "", 404),
    ],
)
async def test_an_answer_that_needs_no_body_leaves_the_connection_usable(
    served: Served, method: str, path: str, headers: str, status: int
) -> None:
    """stack.md 3.4: headers and body in two packets hung every later request on the connection."""

    async def trial() -> None:
        talker = await peer(served)
        async with talker.stream:
            await talker.send(head(served, method, path, headers + "Content-Length: 11\r\n\r\n"))
            await trio.sleep(0.01)
            await talker.send(b'{"a": "bc"}')
            assert (await talker.answer())[0] == status
            await talker.send(head(served, "GET", "/-/health", "\r\n"))
            status_then, _, body = await talker.answer()
            assert (status_then, body) == (200, b'{"alive":true}')

    async with trio.open_nursery() as nursery:
        for _ in range(30):
            nursery.start_soon(trial)


@pytest.mark.parametrize("admin_settings", [Settings(graceful_seconds=0.5, body_seconds=0.05)])
async def test_a_body_that_never_comes_whole_costs_its_connection_only(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app_module, "SURPLUS_SECONDS", 0.05)
    for path, status in (("/nowhere", 404), ("/im/conversations", 200)):
        talker = await peer(served)
        async with talker.stream:
            await talker.send(head(served, "POST", path, HEADERS + "Content-Length: 11\r\n\r\n") + '{"a"')
            assert (await talker.answer())[0] == status
            await talker.wait_end()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/-/health", 200), ("POST", "/nowhere", 404), ("GET", "/-/api/apps", 401), ("PUT", "/-/health", 405)],
)
async def test_connection_close_closes(served: Served, method: str, path: str, status: int) -> None:
    async def trial(body: str) -> None:
        talker = await peer(served)
        async with talker.stream:
            size = f"Content-Length: {len(body)}\r\n" if method in ("POST", "PUT") else ""
            await talker.send(head(served, method, path, f"Connection: close\r\n{size}\r\n"))
            if size:
                await trio.sleep(0.005)
                await talker.send(body)
            assert (await talker.answer())[0] == status
            await talker.wait_end()

    async with trio.open_nursery() as nursery:
        for _ in range(30):
            nursery.start_soon(trial, '{"a": "bc"}')


async def test_requests_in_one_packet_are_answered_in_order(served: Served) -> None:
    talker = await peer(served)
    async with talker.stream:
        await talker.send((head(served, "GET", "/-/health", "\r\n") + head(served, "GET", "/nowhere", "\r\n")) * 5)
        assert [(await talker.answer())[0] for _ in range(10)] == [200, 404] * 5


async def test_with_and_without_trailing_slash_is_the_same_and_never_a_redirect(served: Served) -> None:
    served.broker.on(ListMembers, MemberList(members=[], total=0))
    for path in ("/-/health", "/im/conversations/1/members"):
        plain, slash = await served.call("GET", path), await served.call("GET", path + "/")
        assert plain.status_code == slash.status_code == 200
        assert plain.content == slash.content
    for path in ("//-/health", "/-//health", "/im//conversations", "/im/conversations//members", "/-/health//"):
        assert (await served.call("GET", path)).status_code in (200, 404)
        assert (await served.call("POST", path)).status_code in (200, 404, 405)


async def test_who_owns_the_path_shapes_the_refusal(served: Served) -> None:
    neutral = await served.call("GET", "/im/elsewhere")
    assert neutral.status_code == 404
    assert neutral.json()["code"] == 404
    assert set(neutral.json()) == {"code", "error"}
    assert (await served.call("GET", "/im/conversationsx")).json()["code"] == 404
    ours = await served.call("DELETE", "/-/health")
    assert ours.status_code == 405
    assert ours.json()["error"]["reason"] == "bad_method"
    assert "GET" in ours.headers["allow"]
    native = await served.call("DELETE", "/im/file/upload")
    assert native.json()["code"] == 1
    assert "POST" in native.headers["allow"]


async def test_head_is_get_without_a_body(served: Served) -> None:
    answer = await served.client.head("/-/health")
    assert answer.status_code == 200
    assert answer.content == b""
    assert (await served.client.head("/nowhere")).status_code == 404


@pytest.mark.parametrize("path", ["/-/api/apps/666666/system", "/nowhere", "/im/conversations"])
async def test_a_body_over_the_limit_is_refused_and_the_answer_is_read(served: Served, path: str) -> None:
    proof = {"app-key": APP.master_key} if path.startswith("/im") else {"authorization": f"Bearer {APP.master_key}"}
    answer = await served.client.post(path, content=b" " * 3_000_000, headers={**proof, "app-id": APP.id})
    if path.startswith("/-/"):
        assert answer.status_code == 413
        assert answer.json()["error"]["reason"] == "too_large"
    elif path == "/nowhere":
        assert answer.status_code == 404
    else:
        assert answer.json()["code"] == 4030
    assert (await served.client.get("/-/health")).status_code == 200


async def test_a_chunked_body_is_a_body(served: Served) -> None:
    served.broker.on(ListMembers, MemberList(members=[], total=0))
    talker = await peer(served)
    async with talker.stream:
        body = json.dumps({"client_id": "a", "to_client_ids": "b", "conv_type": 1})
        await talker.send(head(served, "POST", "/im/conversations", HEADERS + "Transfer-Encoding: chunked\r\n\r\n"))
        for piece in (body[:9], body[9:]):
            await talker.send(f"{len(piece):x}\r\n{piece}\r\n")
            await trio.sleep(0.01)
        await talker.send("0\r\n\r\n")
        status, _, content = await talker.answer()
        assert (status, json.loads(content)["code"]) == (200, 4406)


@pytest.mark.parametrize(
    "query",
    ["?%", "?where=%ff%fe", "?=&&==", "?page[]=1", "?a=%00", "?" + "a=1&" * 3000],
)
async def test_no_query_string_is_a_500(served: Served, query: str) -> None:
    served.broker.on(InspectSessions, SessionsSeen(sessions=[], total=0))
    for path in ("/im/conversations", "/-/api/apps/666666/sessions", "/-/health"):
        talker = await peer(served)
        async with talker.stream:
            more = HEADERS + f"authorization: Bearer {APP.master_key}\r\n\r\n"
            await talker.send(head(served, "GET", path + query, more))
            status, _, content = await talker.answer()
            assert status < 500
            assert b"Traceback" not in content


@pytest.mark.parametrize(
    "raw",
    ["\r\n\r\n", "nonsense\r\n\r\n", "GET /\x80 HTTP/1.1\r\nHost: x\r\n\r\n", "GET /-/health HTTP/1.1\r\n\r\n"],
)
async def test_what_is_not_http_ends_its_connection_only(served: Served, raw: str) -> None:
    talker = await peer(served)
    async with talker.stream:
        await talker.send(raw.encode("latin-1"))
        try:
            while True:
                assert (await talker.answer())[0] < 500
        except (EOFError, trio.BrokenResourceError):
            pass
    assert (await served.client.get("/-/health")).status_code == 200


async def test_a_client_that_leaves_takes_its_call_with_it(served: Served) -> None:
    waiting = trio.Event()

    async def never(command: object, managed: object) -> None:
        waiting.set()
        await trio.sleep_forever()

    served.broker.on(ListMembers, never)
    talker = await peer(served)
    async with talker.stream:
        await talker.send(head(served, "GET", "/im/conversations/1/members", HEADERS + "\r\n"))
        await waiting.wait()
    link = served.channel._link
    assert link is not None
    await until(lambda: not link.waiting)


async def until(holds: Callable[[], bool]) -> None:
    with trio.fail_after(2):
        while not holds():  # noqa: ASYNC110  # nothing announces it
            await trio.sleep(0.001)


async def test_a_strangers_body_is_read_and_not_kept(served: Served) -> None:
    answer = await served.client.post("/im/conversations", content=b" " * 3_000_000, headers={"app-id": APP.id})
    assert answer.json()["code"] == 4002
    assert (await served.client.get("/-/health")).status_code == 200
