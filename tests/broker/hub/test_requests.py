"""Requests to join: kept until there is nothing left to decide, of members and blocked users none, bounded."""

from __future__ import annotations

import pytest

from broker.hub.rows import JoinRequestRow, put
from protocol.commands import (
    AddMembers,
    Block,
    DeleteConversation,
    DeleteUser,
    DismissJoinRequest,
    Join,
    ListJoinRequests,
    PutUser,
    RemoveMembers,
    RequestJoin,
)
from protocol.errors import Reason
from protocol.records import Kind
from tests.broker.hub.script import START_MS, Script, app
from tests.broker.hub.words import group, reason


@pytest.fixture
def script() -> Script:
    script = Script(app(), app("b"))
    for user in ("bob", "eve"):
        script.manage(PutUser(user=user))
    return script


def asking(script: Script, conversation: int) -> list[str]:
    return [each.user for each in script.manage(ListJoinRequests(conversation=conversation)).requests]


def test_a_request_is_listed_with_the_time_it_was_first_made(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    for user in ("eve", "bob", "eve"):
        script.manage(RequestJoin(conversation=conversation), user=user)
        script.pass_ms(1000)
    script.restart()
    listed = script.manage(ListJoinRequests(conversation=conversation)).requests
    assert [(each.user, each.asked_ms - START_MS) for each in listed] == [("eve", 0), ("bob", 1000)]
    written = len(script.log.commits)
    assert script.manage(RequestJoin(conversation=conversation), user="bob").time_ms
    assert len(script.log.commits) == written


def test_whoever_becomes_a_member_asks_no_more(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    for user in ("bob", "eve"):
        script.manage(RequestJoin(conversation=conversation), user=user)
    script.manage(AddMembers(conversation=conversation, users=("bob",)))
    assert asking(script, conversation) == ["eve"]
    script.manage(Join(conversation=conversation), user="eve")
    assert asking(script, conversation) == []
    assert reason(script.manage(RequestJoin(conversation=conversation), user="bob")) is Reason.EXISTS
    script.restart()
    assert asking(script, conversation) == []
    script.manage(RemoveMembers(conversation=conversation, users=("bob",)))
    script.manage(RequestJoin(conversation=conversation), user="bob")
    assert asking(script, conversation) == ["bob"]


def test_a_blocked_user_cannot_ask_and_his_request_goes(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    script.manage(RequestJoin(conversation=conversation), user="bob")
    script.manage(Block(conversation=conversation, user="bob"))
    assert asking(script, conversation) == []
    assert reason(script.manage(RequestJoin(conversation=conversation), user="bob")) is Reason.BLOCKED


def test_a_request_may_be_dismissed_twice(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    script.manage(RequestJoin(conversation=conversation), user="bob")
    for _ in range(2):
        assert script.manage(DismissJoinRequest(conversation=conversation, user="bob")).time_ms
    assert asking(script, conversation) == []


def test_requests_go_with_their_conversation_and_with_their_user(script: Script) -> None:
    first, second = group(script, "tom", "ann"), group(script, "kim", "liz")
    for conversation in (first, second):
        for user in ("bob", "eve"):
            script.manage(RequestJoin(conversation=conversation), user=user)
    script.manage(DeleteConversation(conversation=first))
    script.manage(DeleteUser(user="eve"))
    for _ in range(2):
        tables = script.hub().tables
        assert {number: list(rows) for number, rows in tables.requests.items()} == {second: ["bob"]}
        assert tables.requested == {"bob": {second}}
        assert ("join_requests", (second, "eve")) in tables.leftovers
        script.restart()
    assert reason(script.manage(ListJoinRequests(conversation=first))) is Reason.UNKNOWN_CONVERSATION


def test_a_row_the_store_still_has_of_a_deleted_conversation_is_passed_over(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    script.manage(DeleteConversation(conversation=conversation))
    tables = script.hub().tables
    tables.apply(put("a", "join_requests", JoinRequestRow(conversation, "bob", 5)), 0)  # as a start loads it
    assert (tables.requests, tables.requested) == ({}, {})


def test_open_requests_have_a_limit(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("broker.hub.requests.MOST_OPEN", 1)
    conversation = group(script, "tom", "ann")
    script.manage(RequestJoin(conversation=conversation), user="bob")
    assert reason(script.manage(RequestJoin(conversation=conversation), user="eve")) is Reason.FULL
    assert script.manage(RequestJoin(conversation=conversation), user="bob").time_ms


def test_only_groups_of_the_same_app_are_asked_and_only_by_users(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    room = group(script, "tom", kind=Kind.ROOM)
    script.manage(PutUser(user="bob"), app="b")
    for command, more, expected in (
        (RequestJoin(conversation=room), {"user": "bob"}, Reason.BAD_KIND),
        (RequestJoin(conversation=conversation), {"user": "nobody"}, Reason.UNKNOWN_USER),
        (RequestJoin(conversation=conversation), {}, Reason.MISSING_FIELD),
        (RequestJoin(conversation=conversation), {"user": "bob", "app": "b"}, Reason.UNKNOWN_CONVERSATION),
        (ListJoinRequests(conversation=conversation), {"app": "b"}, Reason.UNKNOWN_CONVERSATION),
        (DismissJoinRequest(conversation=conversation, user="bob"), {"app": "b"}, Reason.UNKNOWN_CONVERSATION),
        (RequestJoin(conversation=conversation), {"user": "bob", "privileged": False}, Reason.NOT_ALLOWED),
    ):
        assert reason(script.manage(command, **more)) is expected  # type: ignore[arg-type]  # keywords of several types
    assert asking(script, conversation) == []
