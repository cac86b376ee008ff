"""Saying, receiving, acknowledging, reading, editing, and what was said before (`protocols.md` 2.6 to 2.9)."""

from __future__ import annotations

import base64
import json
from typing import Any

import orjson
import pytest

from protocol.commands import DeleteMessage, EditMessage, History, SendMessage
from protocol.ids import IdForms
from protocol.records import Kind
from protocol.wires.leancloud.schema import NEW, Cmd, GenericCommand, Op, write
from protocol.wires.wire import Submit
from tests.protocol.wires.leancloud.gateway import Gateway, Line, gateway_with

FORMS = IdForms("a")
TEXT = ' {"_lctype": -1, "_lctext": "hé", "_lcattrs": {"b": 1, "a": [null]}} '


def pair(gateway: Gateway) -> tuple[Line, Line, str]:
    tom, ann = gateway.opened("tom", "ann")
    cid = tom.start("tom", "ann")
    ann.heard()
    return tom, ann, cid


def number(cid: str) -> int:
    return FORMS.parse(cid) or 0


def test_a_send_is_acknowledged_and_delivered_letter_for_letter(gateway: Gateway) -> None:
    tom, ann, cid = pair(gateway)
    answer = tom.ask(cmd=Cmd.DIRECT, priority=1, directMessage={"cid": cid, "msg": TEXT, "dt": "uuid-1"})
    ack = answer.ackMessage
    assert (answer.cmd, answer.peerId, ack.cid, ack.t) == (Cmd.ACK, "tom", cid, gateway.ms)
    assert {field.name for field, _ in ack.ListFields()} == {"uid", "t", "cid"}
    assert len(ack.uid) == 22
    (push,) = ann.heard()
    direct = push.directMessage
    assert (push.cmd, push.peerId, push.serverTs) == (Cmd.DIRECT, "ann", gateway.ms)
    assert {field.name for field, _ in direct.ListFields()} == {"cid", "id", "fromPeerId", "timestamp", "msg", "convType"}
    assert (direct.cid, direct.id, direct.fromPeerId, direct.timestamp) == (cid, ack.uid, "tom", ack.t)
    assert (direct.msg, direct.convType) == (TEXT, 1)
    assert tom.heard() == []
    (item,) = ann.logs(cid)
    assert (item.data, item.msgId, item.timestamp, getattr(item, "from")) == (TEXT, ack.uid, ack.t, "tom")
    assert not item.HasField("bin")


def test_the_senders_other_sessions_hear_it_too(gateway: Gateway) -> None:
    tom, _, cid = pair(gateway)
    other = gateway.opened("tom")
    tom.say(cid, "hi")
    assert [push.directMessage.fromPeerId for push in other.heard() if push.cmd == Cmd.DIRECT] == ["tom"]


def test_other_wires_read_what_was_said_and_are_read(gateway: Gateway) -> None:
    tom, ann, cid = pair(gateway)
    tom.say(cid, TEXT)
    gateway.login("native", "tom")
    (message,) = gateway.say("native", History(conversation=number(cid))).messages
    body = orjson.loads(message.body)
    assert (message.type, body["text"], body["attr"]) == (-1, "hé", {"b": 1, "a": [None]})
    ann.heard()
    gateway.say("native", SendMessage(conversation=number(cid), type=-2, body=b'{"text":"x","url":"http://u"}'))
    (push,) = ann.heard()
    assert json.loads(push.directMessage.msg) == {"_lctype": -2, "_lctext": "x", "_lcfile": {"url": "http://u"}}


def test_bytes_are_said_read_and_listed_as_bytes(gateway: Gateway) -> None:
    tom, ann, cid = pair(gateway)
    raw = bytes(range(256))
    answer = tom.ask(cmd=Cmd.DIRECT, directMessage={"cid": cid, "binaryMsg": raw})
    (push,) = ann.heard()
    assert (push.directMessage.binaryMsg, push.directMessage.HasField("msg")) == (raw, False)
    (item,) = ann.logs(cid)
    assert (item.bin, base64.b64decode(item.data)) == (True, raw)
    rows = json.loads(ann.conv(Op.QUERY, flag=2).convMessage.results.data)
    assert (rows[0]["bin"], base64.b64decode(rows[0]["msg"])) == (True, raw)
    late = gateway.opened("ann").heard()[0].unreadMessage.convs[0]
    assert (late.binaryMsg, late.HasField("data")) == (raw, False)
    # Edited into text it is text, and back.
    for field, value in (("data", "now text"), ("binaryMsg", b"\x00")):
        item = {"cid": cid, "mid": answer.ackMessage.uid, "timestamp": answer.ackMessage.t, field: value}
        assert tom.ask(cmd=Cmd.PATCH, op=Op.MODIFY, patchMessage={"patches": [item]}).op == Op.MODIFIED
        assert [getattr(push.patchMessage.patches[0], field) for push in ann.heard()] == [value]


def test_an_ack_waits_for_no_answer(gateway: Gateway) -> None:
    _, ann, cid = pair(gateway)
    (asked,) = ann.wire.receive(write(GenericCommand(cmd=Cmd.ACK, ackMessage={"cid": cid})), False, gateway.ms)
    assert isinstance(asked, Submit)
    assert asked.request is None


def test_a_transient_message_is_acknowledged_and_not_kept(gateway: Gateway) -> None:
    tom, ann, cid = pair(gateway)
    assert tom.say(cid, "typing", transient=True).uid
    (push,) = ann.heard()
    assert push.directMessage.transient
    assert ann.logs(cid) == []


def test_a_will_is_said_when_its_sender_is_lost(gateway: Gateway) -> None:
    tom, ann, cid = pair(gateway)
    left = tom.say(cid, "I am gone", will=True, r=True)
    assert (left.cid, left.t, len(left.uid), left.HasField("code")) == (cid, gateway.ms, 22, False)
    assert ann.heard() == []
    gateway.pass_ms(10)
    gateway.lose(tom)
    (push,) = ann.heard()
    said = push.directMessage
    assert (said.msg, said.fromPeerId, said.transient, said.timestamp) == ("I am gone", "tom", True, gateway.ms)
    assert ann.logs(cid) == []


def test_who_closes_leaves_no_will(gateway: Gateway) -> None:
    tom, ann, cid = pair(gateway)
    tom.say(cid, "I am gone", will=True)
    assert tom.ask(cmd=Cmd.SESSION, op=Op.CLOSE).op == Op.CLOSED
    gateway.lose(tom)
    assert ann.heard() == []


def test_a_repeated_send_makes_no_second_message(gateway: Gateway) -> None:
    tom, ann, cid = pair(gateway)
    first = tom.say(cid, "once", dt="uuid-1")
    assert tom.say(cid, "once", dt="uuid-1").uid == first.uid
    assert len(ann.heard()) == 1


def test_mentions_travel_and_are_unread_as_such(gateway: Gateway) -> None:
    tom, ann, cid = pair(gateway)
    tom.say(cid, "@ann", mentionPids=["ann"], mentionAll=True)
    (push,) = ann.heard()
    assert (list(push.directMessage.mentionPids), push.directMessage.mentionAll) == (["ann"], True)
    (item,) = ann.logs(cid)
    assert (list(item.mentionPids), item.mentionAll) == (["ann"], True)
    (unread,) = gateway.opened("ann").heard()
    assert unread.unreadMessage.convs[0].mentioned


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"cid": FORMS.hex24(9), "msg": "x", "will": True}, 4401),
        ({"cid": "", "msg": "x"}, 4402),
        ({"cid": "nonsense", "msg": "x"}, 4401),
        ({"cid": FORMS.hex24(9), "msg": "x"}, 4401),
        ({"cid": "_tmp:" + FORMS.hex24(9), "msg": "x"}, 4303),
        ({"cid": "_tmp:nonsense", "msg": "x"}, 4303),
        ({"cid": "{cid}", "msg": "x" * 6000}, 4109),
    ],
    ids=str,
)
def test_a_refused_send_says_so_in_its_ack(gateway: Gateway, said: dict[str, Any], code: int) -> None:
    tom, _, cid = pair(gateway)
    said = {**said, "cid": said["cid"].replace("{cid}", cid)}
    answer = tom.ask(cmd=Cmd.DIRECT, directMessage=said)
    assert (answer.cmd, answer.ackMessage.code, answer.ackMessage.HasField("uid")) == (Cmd.ACK, code, False)
    assert answer.ackMessage.reason


def test_who_is_no_member_says_nothing(gateway: Gateway) -> None:
    _, _, cid = pair(gateway)
    assert gateway.opened("eve").say(cid, "x").code == 4401


def test_over_the_rate_a_send_is_4116() -> None:
    gateway = gateway_with(sends_per_minute=1)
    tom, _, cid = pair(gateway)
    codes = {tom.say(cid, "x").code for _ in range(10)}
    assert 4116 in codes


def test_unread_is_told_at_open_once_and_read_ends_it_everywhere(gateway: Gateway) -> None:
    tom, ann, cid = pair(gateway)
    gateway.lose(ann)
    tom.say(cid, "one")
    two = tom.say(cid, TEXT)
    one, other = gateway.opened("ann", "ann")
    for line in (one, other):
        (push,) = line.heard()
        assert (push.cmd, push.peerId) == (Cmd.UNREAD, "ann")
        (row,) = push.unreadMessage.convs
        assert (row.cid, row.unread, row.mid, row.timestamp) == (cid, 2, two.uid, two.t)
        assert (getattr(row, "from"), row.data, row.HasField("mentioned")) == ("tom", TEXT, False)
    one.send(cmd=Cmd.READ, readMessage={"convs": [{"cid": cid, "mid": two.uid, "timestamp": two.t}]})
    gateway.pass_ms(2000)
    for line in (one, other):
        (push,) = line.heard()
        (row,) = push.unreadMessage.convs
        assert (row.cid, row.HasField("unread"), row.unread) == (cid, True, 0)
    assert gateway.opened("ann").heard() == []


def test_reading_up_to_a_time_leaves_the_rest(gateway: Gateway) -> None:
    tom, ann, cid = pair(gateway)
    first = tom.say(cid, "one")
    gateway.pass_ms(10)
    tom.say(cid, "two")
    ann.heard()
    ann.send(cmd=Cmd.READ, readMessage={"convs": [{"cid": cid, "timestamp": first.t}]})
    (push,) = ann.heard()
    assert push.unreadMessage.convs[0].unread == 1
    ann.send(cmd=Cmd.READ, readMessage={"cid": cid, "convs": [{"cid": "nonsense"}]})
    (push,) = ann.heard()
    assert push.unreadMessage.convs[0].unread == 0


def test_receipts_come_for_each_message_and_reads_once(gateway: Gateway) -> None:
    tom, ann, cid = pair(gateway)
    first = tom.say(cid, "one", r=True)
    gateway.pass_ms(5)
    tom.say(cid, "no receipt wanted")
    gateway.pass_ms(5)
    third = tom.say(cid, "three", r=True)
    ann.heard()
    ann.send(cmd=Cmd.ACK, ackMessage={"cid": cid, "fromts": first.t, "tots": first.t})
    gateway.pass_ms(1500)
    (receipt,) = tom.heard()
    said = receipt.rcpMessage
    assert (receipt.cmd, receipt.peerId, said.id, said.cid, said.HasField("read")) == (Cmd.RCP, "tom", first.uid, cid, False)
    assert (getattr(said, "from"), said.t > third.t) == ("ann", True)
    ann.send(cmd=Cmd.ACK, ackMessage={"cid": cid, "fromts": third.t, "tots": third.t})
    gateway.pass_ms(1500)
    assert [push.rcpMessage.id for push in tom.heard()] == [third.uid]
    ann.send(cmd=Cmd.READ, readMessage={"convs": [{"cid": cid, "timestamp": third.t}]})
    gateway.pass_ms(1500)
    reads = [push.rcpMessage for push in tom.heard()]  # that they arrived is not told again
    assert [(each.cid, each.id, each.read, getattr(each, "from"), each.t) for each in reads] == [
        (cid, "", True, "ann", third.t)
    ]
    answer = tom.conv(Op.MAX_READ, cid=cid)
    assert (answer.op, answer.convMessage.maxReadTimestamp, answer.convMessage.maxAckTimestamp) == (
        Op.MAX_READ,
        third.t,
        third.t,
    )
    (row,) = tom.conv(Op.MAX_READ, cid=cid, queryAllMembers=True).convMessage.maxReadTuples
    assert (row.pid, row.maxReadTimestamp, row.maxAckTimestamp) == ("ann", third.t, third.t)


def test_what_was_only_received_is_not_told_as_read(gateway: Gateway) -> None:
    tom, ann, cid = pair(gateway)
    first = tom.say(cid, "one", r=True)
    ann.send(cmd=Cmd.READ, readMessage={"convs": [{"cid": cid, "timestamp": first.t}]})
    gateway.pass_ms(1500)
    second = tom.say(cid, "two", r=True)
    tom.heard()
    ann.send(cmd=Cmd.ACK, ackMessage={"cid": cid, "tots": second.t})
    gateway.pass_ms(1500)
    told = [push.rcpMessage for push in tom.heard()]
    assert [each.id for each in told if not each.read] == [second.uid]
    assert [each.t for each in told if each.read] == [first.t]


def test_nobody_has_read_an_empty_conversation(gateway: Gateway) -> None:
    tom, _, cid = pair(gateway)
    answer = tom.conv(Op.MAX_READ, cid=cid).convMessage
    assert {field.name for field, _ in answer.ListFields()} == {"cid"}


def patch(line: Line, cid: str, mid: str, **said: Any) -> Any:
    item = {"cid": cid, "mid": mid, **said}
    return line.ask(cmd=Cmd.PATCH, op=Op.MODIFY, patchMessage={"patches": [item], "lastPatchTime": 1})


def test_an_edit_and_a_recall_reach_the_others(gateway: Gateway) -> None:
    tom, ann, cid = pair(gateway)
    mid = tom.say(cid, "one").uid
    ann.heard()
    gateway.pass_ms(10)
    answer = patch(tom, cid, mid, data=TEXT)
    assert (answer.cmd, answer.op, answer.patchMessage.lastPatchTime) == (Cmd.PATCH, Op.MODIFIED, gateway.ms)
    (push,) = ann.heard()
    (item,) = push.patchMessage.patches
    assert (push.cmd, push.op, item.cid, item.mid, item.data) == (Cmd.PATCH, Op.MODIFY, cid, mid, TEXT)
    assert (item.patchTimestamp, getattr(item, "from"), item.HasField("recall")) == (gateway.ms, "tom", False)
    (row,) = ann.logs(cid)
    assert (row.data, row.patchTimestamp) == (TEXT, gateway.ms)
    assert patch(tom, cid, mid, recall=True).op == Op.MODIFIED
    (item,) = ann.heard()[0].patchMessage.patches
    assert (item.recall, json.loads(item.data)) == (True, {"_lctype": -127})
    assert [json.loads(each.data) for each in ann.logs(cid)] == [{"_lctype": -127}]
    assert patch(tom, cid, mid, data="again").errorMessage.code == 4404


def test_only_the_author_patches_even_where_he_is_not_the_owner(gateway: Gateway) -> None:
    tom, ann, cid = pair(gateway)
    mid = ann.say(cid, "mine").uid
    assert patch(tom, cid, mid, recall=True).errorMessage.code == 4403
    assert patch(ann, cid, "nonsense", data="x").errorMessage.code == 4404
    assert ann.ask(cmd=Cmd.PATCH, op=Op.MODIFY, patchMessage={}).errorMessage.code == 4405
    assert patch(ann, cid, mid, data="yours").op == Op.MODIFIED


def test_several_patches_have_one_answer_that_names_those_not_done(gateway: Gateway) -> None:
    tom, ann, cid = pair(gateway)
    mids = [tom.say(cid, words).uid for words in ("one", "two")]
    hers = ann.say(cid, "mine").uid
    ann.heard()
    items = [
        {"cid": cid, "mid": mids[0], "data": "first"},
        {"cid": cid, "mid": hers, "recall": True},
        {"cid": "nonsense", "mid": mids[0], "data": "x"},
        {"cid": cid, "mid": mids[1], "recall": True},
    ]
    answer = tom.ask(cmd=Cmd.PATCH, op=Op.MODIFY, patchMessage={"patches": items})
    assert (answer.op, answer.patchMessage.lastPatchTime) == (Op.MODIFIED, gateway.ms)
    failed = [(each.cid, each.mid, each.patchCode) for each in answer.patchMessage.patches]
    assert sorted(failed) == sorted([(cid, hers, 4403), ("nonsense", mids[0], 4303)])
    assert all(each.patchReason for each in answer.patchMessage.patches)
    assert [push.patchMessage.patches[0].mid for push in ann.heard()] == mids
    answer = tom.ask(cmd=Cmd.PATCH, op=Op.MODIFY, patchMessage={"patches": items[1:3]})
    assert (answer.cmd, answer.errorMessage.code) == (Cmd.ERROR, 4403)
    many = [items[0]] * 21
    assert tom.ask(cmd=Cmd.PATCH, op=Op.MODIFY, patchMessage={"patches": many}).errorMessage.code == 4405


def test_an_edit_by_another_wire_reads_as_rich_text(gateway: Gateway) -> None:
    tom, ann, cid = pair(gateway)
    mid = tom.say(cid, TEXT).uid
    ann.heard()
    gateway.manage(EditMessage(conversation=number(cid), message=FORMS.parse(mid) or 0, body=b'{"text":"new"}'))
    (push,) = ann.heard()
    data = json.loads(push.patchMessage.patches[0].data)
    assert data == {"_lctype": -1, "_lctext": "new", "_lcattrs": {"b": 1, "a": [None]}}


def said(rows: list[Any]) -> list[str]:
    return [row.data for row in rows]


def test_history_pages_backwards_and_forwards_in_ascending_order(gateway: Gateway) -> None:
    tom, ann, cid = pair(gateway)
    acks = []
    for n in range(25):
        if n != 10:  # 9 and 10 share a millisecond
            gateway.pass_ms(10)
        acks.append(tom.say(cid, str(n)))

    def at(n: int, t: str = "t", mid: str = "mid") -> dict[str, Any]:
        return {t: acks[n].t, mid: acks[n].uid}

    assert said(ann.logs(cid)) == [str(n) for n in range(5, 25)]
    assert said(ann.logs(cid, l=3)) == ["22", "23", "24"]
    assert said(ann.logs(cid, l=0)) == []
    assert said(ann.logs(cid, l=3, **at(22))) == ["19", "20", "21"]
    assert said(ann.logs(cid, l=3, **at(10))) == ["7", "8", "9"]
    assert said(ann.logs(cid, l=3, tIncluded=True, **at(10))) == ["8", "9", "10"]
    assert said(ann.logs(cid, l=3, t=acks[10].t)) == ["6", "7", "8"]
    assert said(ann.logs(cid, l=3, t=acks[10].t, tIncluded=True)) == ["8", "9", "10"]
    assert said(ann.logs(cid, l=9, **at(5), **at(2, "tt", "tmid"))) == ["3", "4"]
    assert said(ann.logs(cid, l=9, **at(5), **at(2, "tt", "tmid"), ttIncluded=True)) == ["2", "3", "4"]
    assert said(ann.logs(cid, l=3, direction=NEW)) == ["0", "1", "2"]
    assert said(ann.logs(cid, l=3, direction=NEW, **at(9))) == ["10", "11", "12"]
    assert said(ann.logs(cid, l=3, direction=NEW, **at(9), tIncluded=True)) == ["9", "10", "11"]
    assert said(ann.logs(cid, l=3, direction=NEW, t=acks[9].t)) == ["11", "12", "13"]
    assert said(ann.logs(cid, l=9, direction=NEW, **at(20), **at(23, "tt", "tmid"))) == ["21", "22"]
    assert said(ann.logs(cid, l=9, direction=NEW, **at(20), tt=acks[23].t, ttIncluded=True)) == ["21", "22", "23"]
    assert said(ann.logs(cid, l=1000)) == [str(n) for n in range(25)]
    assert said(ann.logs(cid, l=3, **at(0))) == []


def test_history_of_one_type_leaves_out_the_deleted(gateway: Gateway) -> None:
    tom, ann, cid = pair(gateway)
    for kind in (-1, -2, -1, 5):
        mid = tom.say(cid, json.dumps({"_lctype": kind})).uid
    assert [json.loads(each.data)["_lctype"] for each in ann.logs(cid, lctype=-1)] == [-1, -1]
    assert [json.loads(each.data)["_lctype"] for each in ann.logs(cid, lctype=5)] == [5]
    gateway.manage(DeleteMessage(conversation=number(cid), message=FORMS.parse(mid) or 0))
    assert [json.loads(each.data)["_lctype"] for each in ann.logs(cid, l=2)] == [-2, -1]
    assert [push.cmd for push in ann.heard()] == [Cmd.DIRECT] * 4


def test_history_of_what_one_is_not_in(gateway: Gateway) -> None:
    tom, _, cid = pair(gateway)
    eve = gateway.opened("eve")
    assert eve.ask(cmd=Cmd.LOGS, logsMessage={"cid": cid}).errorMessage.code == 4317
    assert tom.ask(cmd=Cmd.LOGS, logsMessage={"cid": ""}).errorMessage.code == 4312
    empty = tom.ask(cmd=Cmd.LOGS, logsMessage={"cid": cid})
    assert empty.HasField("logsMessage")


def test_a_direct_conversation_of_another_wire_is_an_ordinary_one_here(gateway: Gateway) -> None:
    tom, _ = gateway.opened("tom", "ann")
    gateway.login("native", "ann")
    sent = gateway.say("native", SendMessage(to="tom", type=-1, body=b'{"text":"hi"}'))
    joined, _, direct = tom.heard()
    assert (joined.op, direct.directMessage.cid) == (Op.JOINED, FORMS.hex24(sent.conversation))
    assert json.loads(direct.directMessage.msg) == {"_lctype": -1, "_lctext": "hi"}
    assert gateway.hub().tables.conversations[sent.conversation].kind == Kind.DIRECT
    assert tom.say(direct.directMessage.cid, "hello").uid
