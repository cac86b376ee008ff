"""A broker whose messages are in PostgreSQL, which is late, dies and comes back: nobody but who reads old history notices,
and in the end everything is there, once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import trio

from tests.broker.persistence.proxy import proxied
from tests.journeys.programs import Host
from tests.journeys.wire import Peer, json_peer, read_all
from tests.postgres import Server, execute, own_server

OPERATOR = {"Authorization": "Bearer the-operators-token"}
STORAGE_UNAVAILABLE, HISTORY_UNAVAILABLE = 5030, 5032
PASSWORD = "hunter2"
OUTAGES, OUTAGE_SECONDS = 3, 60.0
"""With a crash behind each."""


@pytest.fixture
def server() -> Iterator[Server]:
    """One that is made and not running."""
    found = own_server()
    try:
        execute(found.url("postgres"), "CREATE DATABASE parley")
        found.stop()
        yield found
    finally:
        found.stop()
        found.remove()


def host_with(folder: Path, url: str, **more: Any) -> Host:
    store = {
        **more,
        "url": url.replace("postgres@", f"postgres:{PASSWORD}@"),
        "answer_seconds": 1,
        "segment_bytes": 65_536,
        "tail_bytes": 16_384,
    }
    return Host(folder, store=store, admin={"operator_token": "the-operators-token"})


@pytest.fixture
def host(tmp_path: Path, server: Server) -> Iterator[Host]:
    with host_with(tmp_path, server.url("parley")) as host:
        yield host


async def say(peer: Peer, conversation: str, first: int, last: int) -> None:
    for number in range(first, last + 1):
        data = await peer.ok("msg.send", conv_id=conversation, type=-1, text=f"message {number}", client_msg_id=f"c{number}")
        assert data["seq"] == number


async def figures(host: Host) -> dict[str, float]:
    async with httpx.AsyncClient(base_url=host.admin_url, headers=OPERATOR) as http:
        answer = await http.get("/-/metrics")
    lines = answer.text.splitlines() if answer.status_code == 200 else []
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))}


async def ready(host: Host) -> Any:
    async with httpx.AsyncClient(base_url=host.admin_url) as http:
        answer = await http.get("/-/ready")
    assert answer.status_code == 200
    return answer.json()


async def until(host: Host, condition: Callable[[dict[str, float]], bool], seconds: float = 45) -> dict[str, float]:
    with trio.fail_after(seconds):
        while not condition(found := await figures(host)):
            await trio.sleep(0.1)
        return found


def drained(found: dict[str, float]) -> bool:
    return found.get("parley_postgresql_lag_commits") == 0


async def stored(url: str) -> tuple[int, int, int]:
    """How many messages, of how many ids, up to which seq."""
    sql = "SELECT count(*), count(DISTINCT id), max(seq) FROM messages"
    [row] = await trio.to_thread.run_sync(execute, url, sql)
    return (row[0], row[1], row[2])


@pytest.mark.F9
async def test_sends_go_on_and_everything_is_there_once_when_it_is_back(host: Host, server: Server) -> None:
    host.broker()
    host.admin()
    async with json_peer(host.url) as peer:
        await peer.login("ann")
        conversation = (await peer.ok("conv.create", conv_type=3, to_client_ids=[]))["conv_id"]
        await say(peer, conversation, 1, 40)  # it was never there
        assert len(await read_all(peer, conversation)) == 40
        late = await until(host, lambda found: found["parley_postgresql_available"] == 0)
        assert late["parley_postgresql_lag_commits"] > 0
        assert late["parley_store_available"] == 1

        server.start()
        await until(host, drained)
        assert await stored(server.url("parley")) == (40, 40, 40)
        with trio.fail_after(10):
            while await ready(host) != {"ready": True}:
                await trio.sleep(0.1)

        server.stop()
        await say(peer, conversation, 41, 200)
        newest = await peer.ok("msg.history", conv_id=conversation, after=150, limit=50)
        assert [message["seq"] for message in newest["messages"]] == list(range(151, 201))
        from_journal = await peer.ok("msg.history", conv_id=conversation, after=40, limit=50)
        assert [message["seq"] for message in from_journal["messages"]] == list(range(41, 91))
        assert await peer.refused("msg.history", conv_id=conversation, after=0, limit=50) == HISTORY_UNAVAILABLE
        await until(host, lambda found: found["parley_postgresql_available"] == 0)
        with trio.fail_after(10):
            while "warnings" not in (warned := await ready(host)):
                await trio.sleep(0.1)
        assert "PostgreSQL" in warned["warnings"][0]

    host.kill()  # what is not applied is on the journal
    host.broker()
    async with json_peer(host.url) as peer:
        await peer.login("ann")
        again = await peer.ok("msg.send", conv_id=conversation, type=-1, text="message 200", client_msg_id="c200")
        assert again["seq"] == 200  # the retry of an answer that was lost
        await say(peer, conversation, 201, 220)
        server.start()
        await until(host, drained)
        assert await stored(server.url("parley")) == (220, 220, 220)
        history = await read_all(peer, conversation)
        assert [message["text"] for message in history] == [f"message {number}" for number in range(1, 221)]
    assert host.stop() == 0
    for program in host.programs:
        assert not any(PASSWORD in line for line in program.lines)


@pytest.mark.F9
@pytest.mark.soak
@pytest.mark.timeout(900)
async def test_minutes_without_it_under_load_and_through_crashes(host: Host, server: Server) -> None:
    """Longer than any pause between two attempts, over many segments; a send whose answer a crash took is repeated."""
    server.start()
    host.broker()
    host.admin()
    last = 100
    async with json_peer(host.url) as peer:
        await peer.login("ann")
        conversation = (await peer.ok("conv.create", conv_type=3, to_client_ids=[]))["conv_id"]
        await say(peer, conversation, 1, last)
        await until(host, drained)
    server.stop()
    for _ in range(OUTAGES):
        async with json_peer(host.url) as peer:
            await peer.login("ann")
            await say(peer, conversation, last, last)  # again: it is the same message
            ends = trio.current_time() + OUTAGE_SECONDS
            while trio.current_time() < ends:
                await say(peer, conversation, last + 1, last + 10)
                last += 10
                first = max(last - 50, 100)
                page = await peer.ok("msg.history", conv_id=conversation, after=first, limit=50)
                assert [message["seq"] for message in page["messages"]] == list(range(first + 1, last + 1))
                await trio.sleep(0.05)
            found = await until(host, lambda found: found["parley_postgresql_available"] == 0)
            assert found["parley_postgresql_lag_commits"] >= last - 100
            assert found["parley_store_lag_commits"] < 1_000
            assert await peer.refused("msg.history", conv_id=conversation, after=0, limit=50) == HISTORY_UNAVAILABLE
        host.kill()
        host.broker()
    server.start()
    async with json_peer(host.url) as peer:
        await peer.login("ann")
        await say(peer, conversation, last + 1, last + 100)
        last += 100
        await until(host, drained, 120)
        assert await stored(server.url("parley")) == (last, last, last)
        history = await read_all(peer, conversation)
        assert [message["text"] for message in history] == [f"message {number}" for number in range(1, last + 1)]
    assert host.stop() == 0


@pytest.mark.F10
async def test_a_server_that_hangs_for_a_while_and_cuts_its_connections_is_no_other(tmp_path: Path, database: str) -> None:
    async with proxied(database) as proxy:
        with host_with(tmp_path, proxy.url) as host:
            await trio.to_thread.run_sync(host.broker)
            await trio.to_thread.run_sync(host.admin)
            async with json_peer(host.url) as peer:
                await peer.login("ann")
                conversation = (await peer.ok("conv.create", conv_type=3, to_client_ids=[]))["conv_id"]
                await say(peer, conversation, 1, 20)
                await until(host, drained)
                proxy.clog()
                await say(peer, conversation, 21, 60)
                await until(host, lambda found: found["parley_postgresql_available"] == 0)
                async with json_peer(host.url) as other:
                    await other.login("bob")
                    await peer.ok("conv.create", conv_type=3, to_client_ids=["bob"])
                    assert (await other.push("conv.joined"))["by"] == "ann"
                await say(peer, conversation, 61, 120)
                proxy.unclog()
                for first in range(121, 201, 20):
                    proxy.cut()
                    await say(peer, conversation, first, first + 19)
                await until(host, drained)
                assert await stored(database) == (200, 200, 200)
                assert len(await read_all(peer, conversation)) == 200
                proxy.clog()
                await say(peer, conversation, 201, 210)
            assert await trio.to_thread.run_sync(host.stop) == 0  # it is not waited for


@pytest.mark.F9
async def test_while_the_journal_is_full_durable_requests_are_refused_and_then_go_on(tmp_path: Path, database: str) -> None:
    async with proxied(database) as proxy:
        with host_with(tmp_path, proxy.url, journal_bytes=1 << 20) as host:
            await trio.to_thread.run_sync(host.broker)
            async with json_peer(host.url) as peer:
                await peer.login("ann")
                conversation = (await peer.ok("conv.create", conv_type=3, to_client_ids=[]))["conv_id"]
                proxy.clog()
                kept = 0
                with trio.fail_after(30):
                    while True:
                        frame = await peer.request("msg.send", conv_id=conversation, type=-1, text="x" * 4000)
                        if frame["type"] == "msg.send.error":
                            break
                        kept += 1
                        await trio.sleep(0.005)
                assert frame["code"] == STORAGE_UNAVAILABLE
                newest = (await peer.ok("msg.history", conv_id=conversation, after=kept - 1, limit=5))["messages"]
                assert [message["seq"] for message in newest] == [kept]
                proxy.unclog()
                with trio.fail_after(45):
                    while frame["type"] == "msg.send.error":
                        await trio.sleep(0.2)
                        frame = await peer.request("msg.send", conv_id=conversation, type=-1, text="again")
                assert frame["data"]["seq"] == kept + 1
                with trio.fail_after(20):
                    while await stored(database) != (kept + 1, kept + 1, kept + 1):
                        await trio.sleep(0.1)


async def test_messages_move_to_postgresql_and_are_read_all_the_while(tmp_path: Path, database: str) -> None:
    with Host(tmp_path) as host:
        await trio.to_thread.run_sync(host.broker)
        async with json_peer(host.url) as peer:
            await peer.login("ann")
            conversation = (await peer.ok("conv.create", conv_type=3, to_client_ids=[]))["conv_id"]
            await say(peer, conversation, 1, 50)
        await trio.to_thread.run_sync(host.stop)
    async with proxied(database) as proxy:
        with host_with(tmp_path, proxy.url) as host:
            proxy.clog()
            await trio.to_thread.run_sync(host.broker)
            await trio.to_thread.run_sync(host.admin)
            async with json_peer(host.url) as peer:
                await peer.login("ann")
                await say(peer, conversation, 51, 60)
                assert len(await read_all(peer, conversation)) == 60
                proxy.unclog()
                await until(host, drained)
                assert await stored(database) == (60, 60, 60)
                assert len(await read_all(peer, conversation)) == 60
            assert await trio.to_thread.run_sync(host.stop) == 0
        refused = Host(tmp_path).start("-m", "broker")  # with SQLite again
        assert await trio.to_thread.run_sync(refused.wait) == 78
        assert "the messages of this data directory are in PostgreSQL" in refused.lines[-1]
