"""Our own Trio client against a real broker: what its head promises, kill -9 in the middle included."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import trio

from protocol.clients.trio import Client, RequestRefused, SessionEnded, Waits, open_client
from tests.journeys.programs import APP, Host, free_port

SENT = 60
QUICK = Waits(backoff_first=0.05, backoff_most=0.2)


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """A broker on a port that outlives a restart."""
    with Host(tmp_path_factory.mktemp("trio_client"), APP, sockets={"listen": f"127.0.0.1:{free_port()}"}) as host:
        host.broker()
        yield host


def client(host: Host, user: str, **more: Any) -> Any:
    return open_client(host.url, app="666666", user=user, waits=QUICK, **more)


async def heard(client: Client, type: str) -> Any:
    """The data of the next push of that type; others are passed over."""
    with trio.fail_after(20):
        async for push in client:
            if push["type"] == type:
                return push["data"]
    raise AssertionError(client.ended)


async def test_what_is_sent_through_two_deaths_of_the_broker_is_there_once_and_in_order(host: Host) -> None:
    texts = [str(n) for n in range(SENT)]
    seqs: list[int] = []
    async with client(host, "bob") as bob, client(host, "alice") as alice, trio.open_nursery() as nursery:

        async def say_all() -> None:
            for text in texts:
                seqs.append((await alice.send(to="bob", text=text))["seq"])

        async def die(when: int) -> None:
            while len(seqs) < when:
                await heard(bob, "msg.new")
            await trio.to_thread.run_sync(host.kill)
            host.broker()

        nursery.start_soon(say_all)
        await die(SENT // 4)
        await die(SENT // 2)
        while len(seqs) < SENT:
            await trio.sleep(0.01)
        await heard(bob, "client.offline")
        state = await heard(bob, "sync")  # of the login behind it
        (conversation,) = (each["conv_id"] for each in state["conversations"])
        history = (await bob.request("msg.history", conv_id=conversation, limit=100))["messages"]
    assert [message["text"] for message in history] == texts
    assert seqs == [message["seq"] for message in history] == list(range(1, SENT + 1))


async def test_a_second_login_on_the_device_ends_the_first_for_good_and_says_why(host: Host) -> None:
    async with client(host, "tom", device="phone") as old:
        asked = await old.request("user.get")
        async with client(host, "tom", device="phone") as new:
            assert (await heard(old, "logout.kick"))["reason"] == "replaced"
            with pytest.raises(SessionEnded, match="4001"):
                await old.request("user.get")
            assert [push["type"] async for push in old] == []
            assert await new.request("user.get") == asked
        assert old.ended is not None
        assert old.ended.code == 4001


async def test_a_refusal_names_what_is_wrong_and_the_session_goes_on(host: Host) -> None:
    async with client(host, "ann") as ann:
        with pytest.raises(RequestRefused, match="conv_id"):
            await ann.send(conv_id="nonsense", text="hello")
        assert (await ann.request("ping"))["time"] > 0
