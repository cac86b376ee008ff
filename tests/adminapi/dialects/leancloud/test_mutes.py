"""Silencing members, LC-07 to LC-09, and the notification mute that the later document has at the same path."""

from __future__ import annotations

from typing import Any

import pytest

from protocol.commands import Done, ListMembers, MemberList, Mute, SetQuiet, Unmute
from protocol.errors import Reason, Refused
from protocol.records import MemberInfo
from tests.adminapi.conftest import Served
from tests.adminapi.dialects.leancloud.conftest import AT, CONV, CONV_ID, HERE, UPDATED, call, managed, ok, refused


async def test_lc07_silence(served: Served) -> None:
    answer = await ok(served, "POST", f"{HERE}/mutes", json={"client_id": "some-client-id", "ttl": 50})
    assert answer == UPDATED
    assert served.broker.last == managed(Mute(conversation=CONV, user="some-client-id", seconds=50))


async def test_lc07_the_printed_body_lacks_client_id_and_the_answer_says_so(served: Served) -> None:
    answer = await call(served, "POST", f"{HERE}/mutes", json={"conv_id": "some-conv-id", "ttl": 50})
    assert (answer.status_code, answer.json()["code"]) == (400, 1)
    assert "client_id" in answer.json()["error"]


@pytest.mark.parametrize(("method", "quiet"), [("POST", True), ("DELETE", False)])
async def test_lc07_lc08_client_ids_are_those_who_want_no_notifications(served: Served, method: str, quiet: bool) -> None:
    served.broker.on(SetQuiet, Done(time_ms=AT))
    answer = await ok(served, method, f"{HERE}/mutes", json={"client_ids": ["client1", "client2"]})
    assert answer["objectId"] == CONV_ID
    command = SetQuiet(conversation=CONV, quiet=quiet)
    assert served.broker.heard[1:] == [managed(command, "client1"), managed(command, "client2")]
    assert await refused(served, method, f"{HERE}/mutes", json={"client_ids": ["client1", "eve"]}) == (403, 4317)
    assert len(served.broker.heard) == 4
    served.broker.on(ListMembers, Refused(Reason.UNKNOWN_CONVERSATION, "none"))
    assert await refused(served, method, f"{HERE}/mutes", json={"client_ids": ["Tom"]}) == (404, 4303)


@pytest.mark.parametrize("body", [None, {"client_id": "some-client-id"}])
async def test_lc08_unsilence(served: Served, body: Any) -> None:
    query = "" if body else "?client_id=some-client-id"
    assert await ok(served, "DELETE", f"{HERE}/mutes{query}", json=body) == UPDATED
    assert served.broker.last == managed(Unmute(conversation=CONV, user="some-client-id"))


async def test_lc09_list_silenced(served: Served) -> None:
    muted = [MemberInfo(name, 0, False, until) for name, until in (("client1", -1), ("x", 0), ("client2", AT))]
    served.broker.on(ListMembers, MemberList(members=muted, total=3))
    assert await ok(served, "GET", f"{HERE}/mutes") == ["client1", "client2"]
    await served.change(leancloud_result=True)
    assert await ok(served, "GET", f"{HERE}/mutes") == {"result": ["client1", "client2"]}
