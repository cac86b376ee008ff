"""Conversations that come from LeanCloud: their clients go on with the ids they know, and are told nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from adminapi.imports.leancloud import conversation_of
from protocol.commands import ImportConversations, ImportedConversation, ImportedMessage, ImportMessages
from protocol.richtext import body_of
from protocol.signatures import Action, member_ids, sign_action
from protocol.wires.leancloud.schema import NEW, Cmd, Op
from tests.broker.hub.script import START_MS
from tests.protocol.wires.leancloud.gateway import Gateway, attr, found, gateway_with

OLD = "5a5b1c2d3e4f5a6b7c8d9e0f"
THEN = START_MS - 1_000_000


@pytest.fixture
def gateway() -> Gateway:
    gateway = gateway_with()
    conversation = ImportedConversation(OLD, False, "team", b"{}", "tom", ("tom", "ann"), THEN, unique=True)
    gateway.manage(ImportConversations(conversations=(conversation,)))
    messages = tuple(ImportedMessage(OLD, f"m{at}", THEN + at, "tom", *body_of(f"said {at}")) for at in range(3))
    gateway.manage(ImportMessages(messages=messages, finished=(OLD,)))
    return gateway


def cids(frames: list[Any]) -> list[str]:
    return [
        text
        for frame in frames
        for text in (
            frame.directMessage.cid,
            frame.convMessage.cid,
            frame.rcpMessage.cid,
            *(each.cid for each in frame.unreadMessage.convs),
            *(each.cid for each in frame.patchMessage.patches),
        )
        if text
    ]


def test_it_is_found_and_started_under_its_old_id(gateway: Gateway) -> None:
    tom = gateway.opened("tom")
    assert tom.heard() == []  # all of it has been read
    assert [row["objectId"] for row in found(tom)] == [OLD]
    assert [row["name"] for row in found(tom, {"objectId": OLD})] == ["team"]
    assert [row["name"] for row in found(tom, {"$or": [{"objectId": {"$in": [OLD, "x"]}}, {"name": "none"}]})] == ["team"]
    assert tom.start("ann", unique=True) == OLD
    assert tom.conv(Op.COUNT, cid=OLD).convMessage.count == 2


def test_a_row_of_the_class_comes_back_as_it_was(gateway: Gateway) -> None:
    """All built-in fields of a room and of a conversation without its messages; `protocols.md` 2.5."""
    room, silent = "5a5b1c2d3e4f5a6b7c8d9e10", "5a5b1c2d3e4f5a6b7c8d9e11"
    rows = (
        {"objectId": room, "tr": True, "m": ["tom"], "name": "hall", "createdAt": "2026-01-16T03:40:32.814Z"},
        {
            "objectId": silent,
            "m": ["tom", "ann"],
            "mu": ["ann"],
            "c": "eve",
            "level": 5,
            "name": "silent",
            "createdAt": "2026-01-16T03:40:32.814Z",
            "updatedAt": "2026-01-17T03:40:32.814Z",
            "lm": {"__type": "Date", "iso": "2026-01-18T03:40:32.814Z"},
        },
    )
    gateway.manage(ImportConversations(conversations=tuple(conversation_of(dict(row)) for row in rows)))
    tom = gateway.opened("tom")
    assert found(tom, {"objectId": silent}) == [rows[1]]
    (hall,) = found(tom, {"tr": True})
    assert (hall["objectId"], hall["tr"], hall["name"]) == (room, True, "hall")
    assert [row["name"] for row in found(tom, {}, sort="-lm")] == ["team", "silent"]


def test_a_service_conversation_is_there_and_what_was_said_in_it_stays_behind(gateway: Gateway) -> None:
    """What was said may have been for one subscriber alone (LC-30)."""
    alias = "5a5b1c2d3e4f5a6b7c8d9e12"
    row = {"objectId": alias, "sys": True, "m": ["tom"], "name": "news", "createdAt": "2026-01-16T03:40:32.814Z"}
    gateway.manage(ImportConversations(conversations=(conversation_of(row),)))
    said = ImportedMessage(alias, "s1", THEN, "news", -1, b'{"text":"for one"}')
    left = gateway.manage(ImportMessages(messages=(said,))).left
    assert [each.id for each in left] == ["s1"]
    assert "one subscriber" in left[0].why
    tom = gateway.opened("tom")
    (news,) = found(tom, {"objectId": alias})
    assert (news["sys"], news["name"]) == (True, "news")
    assert tom.logs(alias) == []


def test_what_was_said_is_its_history(gateway: Gateway) -> None:
    tom = gateway.opened("tom")
    logs = tom.logs(OLD, l=2)
    assert [(each.data, each.timestamp) for each in logs] == [("said 1", THEN + 1), ("said 2", THEN + 2)]
    assert [each.msgId for each in logs] == ["m1", "m2"]
    before = tom.logs(OLD, t=THEN + 1, mid="yvkkAYWBSYKDJ0z3cZmSgg")  # nobody's id: the time counts
    assert [each.data for each in before] == ["said 0"]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"mid": "m1"}, ["m0"]),
        ({"mid": "m1", "t": THEN + 1}, ["m0"]),
        ({"mid": "m1", "tIncluded": True}, ["m0", "m1"]),
        ({"tmid": "m1"}, ["m2"]),
        ({"tmid": "m1", "ttIncluded": True}, ["m1", "m2"]),
        ({"mid": "m0", "direction": NEW}, ["m1", "m2"]),
        ({"mid": "m0", "tIncluded": True, "tmid": "m2", "direction": NEW}, ["m0", "m1"]),
        ({"mid": "x"}, ["m0", "m1", "m2"]),
    ],
)
def test_pages_are_turned_by_old_ids(gateway: Gateway, said: dict[str, Any], expected: list[str]) -> None:
    tom = gateway.opened("tom")
    assert [each.msgId for each in tom.logs(OLD, **said)] == expected


def test_a_message_is_changed_by_its_old_id_and_called_so(gateway: Gateway) -> None:
    tom, ann = gateway.opened("tom", "ann")
    for patch in ({"mid": "m1", "data": "better"}, {"mid": "m2", "recall": True}):
        answer = tom.ask(cmd=Cmd.PATCH, op=Op.MODIFY, patchMessage={"patches": [{"cid": OLD, **patch}]})
        assert (answer.cmd, answer.op) == (Cmd.PATCH, Op.MODIFIED)
    told = [frame.patchMessage.patches[0] for frame in ann.heard()]
    assert [(each.mid, each.timestamp, each.data, each.recall) for each in told] == [
        ("m1", THEN + 1, "better", False),
        ("m2", THEN + 2, '{"_lctype":-127}', True),
    ]
    assert [(each.msgId, each.data) for each in tom.logs(OLD, l=2)] == [("m1", "better"), ("m2", '{"_lctype":-127}')]
    assert [row["msg_mid"] for row in found(tom, flag=2)] == ["m2"]


@pytest.mark.parametrize(("peer", "mid", "code"), [("tom", "x", 4404), ("ann", "m1", 4403), ("tom", "", 4404)])
def test_who_may_not_or_says_another_id(gateway: Gateway, peer: str, mid: str, code: int) -> None:
    line = gateway.opened(peer)
    answer = line.ask(cmd=Cmd.PATCH, op=Op.MODIFY, patchMessage={"patches": [{"cid": OLD, "mid": mid, "recall": True}]})
    assert answer.errorMessage.code == code


def test_what_was_imported_is_read_already(gateway: Gateway) -> None:
    """An ack or a read of an old id moves nothing, and takes nothing back."""
    tom = gateway.opened("tom")
    new = tom.say(OLD, "new")
    ann = gateway.opened("ann")
    assert [each.mid for each in ann.heard()[0].unreadMessage.convs] == [new.uid]
    for said in ({"cid": OLD, "mid": "m2"}, {"cid": OLD, "mid": "m2", "timestamp": THEN + 2}):
        ann.send(cmd=Cmd.READ, readMessage={"convs": [said]})
        ann.send(cmd=Cmd.ACK, ackMessage={"cid": OLD, "mid": "m2"})
        assert {each.unread for frame in ann.heard() for each in frame.unreadMessage.convs} == {1}


def test_every_push_names_it_by_its_old_id(gateway: Gateway) -> None:
    tom, ann = gateway.opened("tom", "ann")
    said = tom.say(OLD, "hello", r=True)
    assert said.cid == OLD
    ann.send(cmd=Cmd.ACK, ackMessage={"cid": OLD, "fromts": said.t, "tots": said.t})
    ann.send(cmd=Cmd.READ, readMessage={"convs": [{"cid": OLD, "mid": said.uid, "timestamp": said.t}]})
    tom.ask(
        cmd=Cmd.PATCH,
        op=Op.MODIFY,
        patchMessage={"patches": [{"cid": OLD, "mid": said.uid, "timestamp": said.t, "data": "hi"}]},
    )
    tom.conv(Op.UPDATE, cid=OLD, attr=attr(name="moved"))
    tom.conv(Op.ADD, cid=OLD, m=["eve"])
    gateway.pass_ms(3000)
    for line, kinds in ((tom, {Cmd.RCP}), (ann, {Cmd.DIRECT, Cmd.PATCH, Cmd.CONV, Cmd.UNREAD})):
        frames = line.heard()
        assert kinds <= {frame.cmd for frame in frames}
        assert set(cids(frames)) == {OLD}


def test_unread_is_told_by_its_old_id(gateway: Gateway) -> None:
    tom = gateway.opened("tom")
    tom.say(OLD, "hello")
    ann = gateway.opened("ann")
    (unread,) = ann.heard()
    assert [(each.cid, each.unread) for each in unread.unreadMessage.convs] == [(OLD, 1)]


def test_a_signature_is_of_the_old_id() -> None:
    gateway = gateway_with(leancloud_signatures=True)
    gateway.manage(ImportConversations(conversations=(ImportedConversation(OLD, False, "", b"{}", "tom", ("tom",), 5),)))
    line, at = gateway.line(), str(gateway.ms)

    def signed(action: Action, **what: str) -> dict[str, Any]:
        return {"t": int(at), "n": "x", "s": sign_action("m", action, "a", "tom", at, "x", **what)}

    line.open("tom", **signed(Action.LOGIN))
    said = signed(Action.INVITE, conversation=OLD, members=member_ids(["bob"]))
    assert line.conv(Op.ADD, cid=OLD, m=["bob"], **said).op == Op.ADDED


def test_another_old_id_is_none(gateway: Gateway) -> None:
    tom = gateway.opened("tom")
    assert tom.say("0" * 24, "hello").code == 4401
    assert found(tom, {"objectId": "0" * 24}) == []
