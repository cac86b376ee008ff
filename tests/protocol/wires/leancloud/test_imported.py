"""Conversations that come from LeanCloud: their clients go on with the ids they know, and are told nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from protocol.commands import ImportConversations, ImportedConversation, ImportedMessage, ImportMessages
from protocol.richtext import body_of
from protocol.signatures import Action, member_ids, sign_action
from protocol.wires.leancloud.schema import Cmd, Op
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


def test_what_was_said_is_its_history(gateway: Gateway) -> None:
    tom = gateway.opened("tom")
    logs = tom.logs(OLD, l=2)
    assert [(each.data, each.timestamp) for each in logs] == [("said 1", THEN + 1), ("said 2", THEN + 2)]
    before = tom.logs(OLD, t=THEN + 1, mid="yvkkAYWBSYKDJ0z3cZmSgg")  # an id of LeanCloud's: the time counts
    assert [each.data for each in before] == ["said 0"]


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
