"""Users on our own client library, against the broker of this tree."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.servers import Broker
from bench.users import heard, meet
from bench.wires.wire import Unexpected
from protocol.clients.trio import Client


def test_users_meet_and_what_one_is_refused_is_unexpected(tmp_path: Path) -> None:
    async def greet(alice: Client, bob: Client) -> str:
        await alice.send(to=bob.user, text="hello")
        return await heard(bob)

    async def write_to_nobody(alice: Client) -> None:
        await alice.send(conv_id="no such conversation", text="hello")

    async def leave(alice: Client) -> str:
        await alice.request("logout")
        return await heard(alice)

    with Broker(tmp_path) as broker:
        assert meet(broker.port, ("alice", "bob"), greet) == "hello"
        with pytest.raises(Unexpected, match="no conversation with this conv_id"):
            meet(broker.port, ("alice",), write_to_nobody)
        with pytest.raises(Unexpected, match=r"alice: .*close code 1000"):
            meet(broker.port, ("alice",), leave)
    with pytest.raises(Unexpected, match="Could not log in"):
        meet(broker.port, ("alice",), leave)
