"""What a client hears behind the answer to its open: offline messages in version 1, and changes since `lastPatchTime`."""

from __future__ import annotations

import json
from typing import Any

import pytest

from protocol.wires.leancloud.schema import Cmd, Op
from tests.protocol.wires.leancloud.gateway import Gateway, Line


def away(gateway: Gateway) -> tuple[Line, str, str]:
    """Tom, and two conversations with ann, who is away."""
    tom, ann = gateway.opened("tom", "ann")
    cids = tom.start("tom", "ann"), tom.start("tom", "ann")
    gateway.lose(ann)
    return tom, *cids


def old(gateway: Gateway, subprotocol: str = "lc.protobuf2.1", **said: Any) -> Line:
    line = gateway.line(subprotocol)
    assert line.open("ann", **said).op == Op.OPENED
    return line


@pytest.mark.parametrize("subprotocol", ["lc.protobuf2.1", "lc.proto2base64.1"])
def test_the_first_version_gets_offline_messages_and_hears_nothing_of_unread(gateway: Gateway, subprotocol: str) -> None:
    tom, one, two = away(gateway)
    first = tom.say(one, "a", mentionPids=["ann"])
    gateway.pass_ms(5)
    tom.say(two, "b")
    second = tom.ask(cmd=Cmd.DIRECT, directMessage={"cid": one, "binaryMsg": b"\x00"}).ackMessage
    tom.say(one, "typing", transient=True)
    ann = old(gateway, subprotocol)
    pushes = ann.heard()
    assert [(push.cmd, push.peerId, push.directMessage.offline) for push in pushes] == [(Cmd.DIRECT, "ann", True)] * 3
    assert {push.service for push in pushes} == {2}
    said = [push.directMessage for push in pushes]
    assert [(each.cid, each.id, each.timestamp) for each in said[:2]] == [
        (one, first.uid, first.t),
        (one, second.uid, second.t),
    ]
    assert (said[0].msg, said[1].binaryMsg, said[2].msg, said[2].cid) == ("a", b"\x00", "b", two)
    assert (list(said[0].mentionPids), said[0].fromPeerId, said[0].convType) == (["ann"], "tom", 1)
    assert not any(each.HasField("hasMore") or each.HasField("transient") for each in said)
    tom.say(one, "c")
    (push,) = ann.heard()
    assert (push.directMessage.msg, push.directMessage.HasField("offline")) == ("c", False)
    ann.send(cmd=Cmd.READ, readMessage={"cid": one})
    assert ann.heard() == []


def test_what_was_acknowledged_is_not_pushed_again(gateway: Gateway) -> None:
    tom, one, two = away(gateway)
    first = tom.say(one, "a")
    tom.say(two, "b")
    ann = old(gateway)
    assert len(ann.heard()) == 2
    ann.send(cmd=Cmd.ACK, ackMessage={"cid": one, "fromts": first.t, "tots": first.t})
    gateway.lose(ann)
    assert [push.directMessage.msg for push in old(gateway).heard()] == ["b"]


def test_only_the_first_of_a_cut_conversation_says_that_there_is_more(gateway: Gateway) -> None:
    tom, one, _ = away(gateway)
    for n in range(30):
        tom.say(one, str(n))
    said = [push.directMessage for push in old(gateway).heard()]
    assert [each.msg for each in said] == [str(n) for n in range(10, 30)]
    assert [each.hasMore for each in said] == [True] + [False] * 19


def test_the_third_version_hears_what_is_unread_instead(gateway: Gateway) -> None:
    tom, one, _ = away(gateway)
    tom.say(one, "a")
    assert [push.cmd for push in old(gateway, "lc.protobuf2.3").heard()] == [Cmd.UNREAD]


def test_changes_since_the_last_patch_time_come_behind_the_answer(gateway: Gateway) -> None:
    tom, one, two = away(gateway)
    mids = [tom.say(cid, "m").uid for cid in (one, one, two)]
    since = gateway.ms
    for cid, mid, said in ((one, mids[0], {"data": "x"}), (two, mids[2], {"recall": True}), (one, mids[1], {"data": "y"})):
        gateway.pass_ms(10)
        item = {"cid": cid, "mid": mid, **said}
        assert tom.ask(cmd=Cmd.PATCH, op=Op.MODIFY, patchMessage={"patches": [item]}).op == Op.MODIFIED
    unread, push = old(gateway, "lc.protobuf2.3", lastPatchTime=since).heard()
    assert (unread.cmd, push.cmd, push.op, push.peerId) == (Cmd.UNREAD, Cmd.PATCH, Op.MODIFY, "ann")
    items = push.patchMessage.patches
    assert [(each.cid, each.mid) for each in items] == [(one, mids[0]), (two, mids[2]), (one, mids[1])]
    assert [(each.data, each.recall) for each in items[::2]] == [("x", False), ("y", False)]
    assert (items[1].recall, json.loads(items[1].data)) == (True, {"_lctype": -127})
    assert [each.patchTimestamp for each in items] == [since + 10, since + 20, since + 30]
    assert push.patchMessage.lastPatchTime == since + 30
    # Who knows the newest change, or names no time, hears of none.
    for said in ({"lastPatchTime": since + 30}, {"lastPatchTime": 0}, {}):
        assert [push.cmd for push in old(gateway, "lc.protobuf2.3", **said).heard()] == [Cmd.UNREAD]


def test_a_client_that_comes_back_hears_of_changes_too(gateway: Gateway) -> None:
    tom, one, _ = away(gateway)
    mid = tom.say(one, "m").uid
    ann = gateway.line()
    opened = ann.open("ann")
    gateway.lose(ann)
    gateway.pass_ms(10)
    item = {"cid": one, "mid": mid, "data": "x"}
    assert tom.ask(cmd=Cmd.PATCH, op=Op.MODIFY, patchMessage={"patches": [item]}).op == Op.MODIFIED
    back = old(gateway, "lc.proto2base64.3", r=True, st=opened.sessionMessage.st, lastPatchTime=opened.serverTs)
    assert [push.patchMessage.patches[0].data for push in back.heard() if push.cmd == Cmd.PATCH] == ["x"]
