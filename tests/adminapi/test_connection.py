"""A connection of the admin API: how long it lasts, and in which pieces an answer leaves."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio

from adminapi.door import Door, listening
from adminapi.metrics import Metrics
from adminapi.settings import Settings

Send = Callable[[dict[str, Any]], Awaitable[None]]
Answering = Callable[[Send], Awaitable[None]]

ASKED = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
HEAD = {"type": "http.response.start", "status": 200}
LARGE = 3_000_000


async def whole(send: Send, body: bytes = b"hello") -> None:
    """In the pieces in which Quart answers."""
    await send({**HEAD, "headers": [(b"content-length", str(len(body)).encode())]})
    await send({"type": "http.response.body", "body": body, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


@asynccontextmanager
async def door(
    answering: Answering, *, head_seconds: float = 30.0, metrics: Metrics | None = None
) -> AsyncIterator[tuple[tuple[str, int], trio.Event]]:
    """Where it listens, and what tells it to stop."""

    async def app(scope: dict[str, Any], receive: Callable[[], Awaitable[dict[str, Any]]], send: Send) -> None:
        if scope["type"] == "lifespan":
            for word in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{word}.complete"})
        else:
            await answering(send)

    sock, stop = listening("127.0.0.1:0"), trio.Event()
    settings = Settings(head_seconds=head_seconds, graceful_seconds=5.0)
    with trio.fail_after(30):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(Door(sock, settings, metrics or Metrics()).serve, app, stop.wait)
            yield sock.getsockname()[:2], stop
            stop.set()


async def rest_of(stream: trio.SocketStream) -> bytes:
    return b"".join([piece async for piece in stream])


async def test_an_answer_leaves_in_one_piece() -> None:
    async with door(whole) as (address, _), await trio.open_tcp_stream(*address) as stream:
        for _ in range(3):
            await stream.send_all(ASKED)
            assert (await stream.receive_some()).endswith(b"\r\n\r\nhello")


async def test_a_head_whose_pieces_come_late_does_not_wait_for_them() -> None:
    heard = trio.Event()

    async def late(send: Send) -> None:
        await send({**HEAD, "headers": []})
        await heard.wait()
        await send({"type": "http.response.body", "body": b"late", "more_body": False})

    async with door(late) as (address, _), await trio.open_tcp_stream(*address) as stream:
        await stream.send_all(ASKED)
        head = await stream.receive_some()
        assert head.startswith(b"HTTP/1.1 200")
        assert b"late" not in head
        heard.set()
        assert b"late" in await stream.receive_some()


@pytest.mark.parametrize("method", [b"GET", b"HEAD"])
async def test_an_answer_without_a_body_leaves_too(method: bytes) -> None:
    async with door(lambda send: whole(send, b"")) as (address, _), await trio.open_tcp_stream(*address) as stream:
        await stream.send_all(ASKED.replace(b"GET", method))
        assert (await stream.receive_some()).endswith(b"\r\n\r\n")


async def test_an_answer_larger_than_the_kernel_takes_at_once_arrives_whole() -> None:
    body = bytes(range(250)) * (LARGE // 250)
    async with door(lambda send: whole(send, body)) as (address, _), await trio.open_tcp_stream(*address) as stream:
        for connection in (b"keep-alive", b"close"):
            await stream.send_all(ASKED.replace(b"Host: x", b"Host: x\r\nConnection: " + connection))
            got = b""
            while len(got) - got.find(b"\r\n\r\n") - 4 < LARGE:
                got += await stream.receive_some()
            assert got.endswith(body)
        assert await rest_of(stream) == b""


async def test_a_head_that_does_not_come_whole_and_an_idle_connection_end() -> None:
    async with door(whole, head_seconds=0.1) as (address, _):
        async with await trio.open_tcp_stream(*address) as stream:
            await stream.send_all(ASKED[:10])
            assert await rest_of(stream) == b""
        async with await trio.open_tcp_stream(*address) as stream:
            await stream.send_all(ASKED)
            assert (await rest_of(stream)).endswith(b"hello")


async def test_a_connection_that_waits_for_its_answer_is_not_idle() -> None:
    async def slow(send: Send) -> None:
        await trio.sleep(0.6)
        await whole(send)

    async with door(slow, head_seconds=0.3) as (address, _), await trio.open_tcp_stream(*address) as stream:
        await stream.send_all(ASKED)
        assert (await rest_of(stream)).endswith(b"hello")


async def test_at_the_end_idle_ones_go_at_once_and_the_others_with_their_answer() -> None:
    asked, answer = trio.Event(), trio.Event()

    async def slow(send: Send) -> None:
        asked.set()
        await answer.wait()
        await whole(send)

    async with door(slow) as (address, stop), await trio.open_tcp_stream(*address) as idle:
        async with await trio.open_tcp_stream(*address) as busy:
            await busy.send_all(ASKED)
            await asked.wait()
            stop.set()
            with trio.fail_after(2):  # the others have `graceful_seconds`, 5
                assert await rest_of(idle) == b""
            answer.set()
            assert (await rest_of(busy)).endswith(b"hello")


async def test_who_is_answered_before_he_has_sent_everything_holds_nothing() -> None:
    metrics, full = Metrics(), trio.Event()

    async def unread(send: Send) -> None:
        await full.wait()
        await whole(send)

    async with door(unread, metrics=metrics) as (address, _), await trio.open_tcp_stream(*address) as stream:
        size = 40_000_000
        await stream.send_all(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % size)
        with trio.move_on_after(0.5) as sending:
            await stream.send_all(bytes(size))
        assert sending.cancelled_caught  # nobody reads, so nobody takes it
        full.set()
        while b"parley_admin_connections 0.0" not in metrics.text(None, True):  # noqa: ASYNC110  # it tells nobody
            await trio.sleep(0.001)
