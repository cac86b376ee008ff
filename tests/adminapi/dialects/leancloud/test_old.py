"""What version 1.1 has in words of its own (`protocols.md` 2.12)."""

from __future__ import annotations

import pytest

from protocol.commands import (
    AddMembers,
    DeleteMessage,
    Kick,
    OnlineUsers,
    QueryPresence,
    RemoveMembers,
    Sync,
    SyncState,
)
from protocol.records import ConversationState, Kind
from tests.adminapi.conftest import Served
from tests.adminapi.dialects.leancloud.conftest import AT, CONV, CONV_ID, MSG, MSG_ID, Talk, managed, ok, refused, said

SUBSCRIPTION = "/1.1/rtm/conversation/subscription"
LOGS = "/1.1/rtm/messages/logs"


async def test_who_is_online(served: Served) -> None:
    served.broker.on(QueryPresence, OnlineUsers(online=["ann"]))
    assert await ok(served, "POST", "/1.1/rtm/online", json={"peers": ["tom", "ann"]}) == {"results": ["ann"]}
    assert served.broker.last == managed(QueryPresence(users=("tom", "ann")))
    assert await refused(served, "POST", "/1.1/rtm/online", json={"client_ids": ["tom"]}) == (400, 1)


async def test_kick(served: Served) -> None:
    assert await ok(served, "POST", "/1.1/rtm/client/kick", json={"client_id": "tom", "reason": "enough"}) == {}
    assert served.broker.last == managed(Kick(user="tom", reason="enough"))
    assert await refused(served, "POST", "/1.1/rtm/client/kick", json={}) == (400, 1)


async def test_unread(served: Served) -> None:
    states = [ConversationState(CONV + n, Kind.GROUP, "", 1, 9, 0, 3, False, None) for n in (0, 1)]
    served.broker.on(Sync, SyncState(conversations=states, left=[], patches=[], cursor="c", more=False, reset=False))
    assert await ok(served, "GET", "/1.1/rtm/messages/unread/tom") == {"count": 6}
    assert served.broker.last == managed(Sync(), "tom")
    assert await ok(served, "GET", f"/1.1/rtm/messages/unread/tom/{CONV_ID}") == {"count": 3}
    assert await refused(served, "GET", "/1.1/rtm/messages/unread/tom/nonsense") == (404, 4303)


async def test_subscriptions(served: Served) -> None:
    Talk([said(1)], Kind.SYSTEM).answer(served.broker)
    body = {"conv_id": CONV_ID, "client_id": "ann"}
    assert await ok(served, "POST", SUBSCRIPTION, json=body) == {}
    assert served.broker.last == managed(AddMembers(conversation=CONV, users=("ann",), strict=True), "", "ann")
    assert await ok(served, "DELETE", SUBSCRIPTION, params=body) == {}
    assert served.broker.last == managed(RemoveMembers(conversation=CONV, users=("ann",), strict=True))
    Talk([said(1)]).answer(served.broker)
    for method in ("POST", "DELETE"):
        assert await refused(served, method, SUBSCRIPTION, json=body) == (404, 4303)
        assert await refused(served, method, SUBSCRIPTION, json={"conv_id": CONV_ID}) == (400, 1)


async def test_a_message_is_deleted(served: Served) -> None:
    query = {"convid": CONV_ID, "msgid": MSG_ID, "timestamp": AT, "from": "tom"}
    assert await ok(served, "DELETE", LOGS, params=query) == {}
    assert served.broker.last == managed(DeleteMessage(conversation=CONV, message=MSG, author="tom"), "tom")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"timestamp": AT + 1}, (404, 4404)),
        ({"convid": "nonsense"}, (404, 4303)),
        ({"from": ""}, (400, 1)),
    ],
)
async def test_only_what_is_named_right(served: Served, change: dict[str, object], expected: tuple[int, int]) -> None:
    query = {"convid": CONV_ID, "msgid": MSG_ID, "timestamp": AT, "from": "tom", **change}
    assert await refused(served, "DELETE", LOGS, params=query) == expected
    assert served.broker.heard == []
