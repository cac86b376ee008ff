"""The door of the admin API: how many come in, and what happens to one too many."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
import trio

from adminapi.door import Door, listening
from adminapi.metrics import Metrics
from adminapi.settings import Settings
from tests.adminapi.conftest import Served

ALIVE = b"GET /-/health HTTP/1.1\r\nHost: x\r\n\r\n"


@asynccontextmanager
async def three(served: Served) -> AsyncIterator[list[trio.SocketStream]]:
    """Connections, in the order in which they came."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(await served.stream()) for _ in range(3)]


async def until(true: Callable[[], bool]) -> None:
    with trio.fail_after(5):
        while not true():  # noqa: ASYNC110  # it tells nobody
            await trio.sleep(0.001)


async def said(stream: trio.SocketStream) -> bytes:
    """Everything until the end, which has to come."""
    data = b""
    with trio.fail_after(5):
        while chunk := await stream.receive_some(65_536):
            data += chunk
    return data


async def served_at_last(stream: trio.SocketStream) -> bool:
    with trio.fail_after(5):
        return (await stream.receive_some(65_536)).startswith(b"HTTP/1.1 200")


@pytest.mark.F37
@pytest.mark.parametrize("admin_settings", [Settings(graceful_seconds=0.5, connections_per_address=2, trusted_proxies=())])
async def test_one_too_many_of_an_address_is_told_so_and_a_slot_comes_back(served: Served, metrics: Metrics) -> None:
    async with three(served) as (first, second, third):
        await third.send_all(ALIVE)
        answer = await said(third)
        assert answer.startswith(b"HTTP/1.1 429 ")
        assert b"connections_per_address" in answer
        text = metrics.text({}, True).decode()
        assert "parley_admin_connections_crowded_total 1.0" in text
        assert "parley_admin_connections 2.0" in text
        await first.aclose()
        await until(lambda: "parley_admin_connections 1.0" in metrics.text({}, True).decode())
        async with await served.stream() as fourth:
            for stream in (second, fourth):
                await stream.send_all(ALIVE)
                assert await served_at_last(stream)


@pytest.mark.parametrize("admin_settings", [Settings(graceful_seconds=0.5, connections_per_address=1)])
async def test_a_trusted_proxy_is_not_counted_by_address(served: Served) -> None:
    async with three(served) as streams:
        for stream in streams:
            await stream.send_all(ALIVE)
            assert await served_at_last(stream)


@pytest.mark.F37
@pytest.mark.parametrize("admin_settings", [Settings(graceful_seconds=0.5, connections=2)])
async def test_beyond_the_limit_of_all_who_comes_waits_until_somebody_leaves(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "adminapi.door")
    async with three(served) as (first, _, third):
        await third.send_all(ALIVE)
        await until(lambda: "why=limit connections=2" in caplog.text)
        with trio.move_on_after(0.3) as waited:
            await third.receive_some(65_536)
        assert waited.cancelled_caught
        await first.aclose()
        assert await served_at_last(third)


async def test_a_bug_in_one_connection_ends_that_one_alone(caplog: pytest.LogCaptureFixture) -> None:
    metrics, sock = Metrics(), listening("127.0.0.1:0")
    door = Door(sock, Settings(), metrics)

    async def broken(stream: object) -> None:
        await trio.lowlevel.checkpoint()
        raise RuntimeError("a bug")

    async with await trio.open_tcp_stream(*sock.getsockname()) as client, door._listener:
        stream = await door._listener.accept()
        door._counted(1)
        await door._run(broken, stream, "")
        assert await client.receive_some() == b""
    assert "a bug" in caplog.text
    assert "parley_admin_connections 0.0" in metrics.text({}, True).decode()
