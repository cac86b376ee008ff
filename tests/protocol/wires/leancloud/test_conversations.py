"""Making, finding and changing conversations, and who is told (`protocols.md` 2.5)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from protocol.commands import Operation, PutUser, UpdateConversation
from protocol.ids import IdForms
from protocol.wires.leancloud.schema import Cmd, Op
from tests.protocol.wires.leancloud.gateway import Gateway, attr, found, gateway_with, names


def test_a_start_is_answered_and_the_invited_hear_of_it(gateway: Gateway) -> None:
    tom, ann = gateway.opened("tom", "ann")
    answer = tom.conv(Op.START, m=["ann", "tom"], attr=attr(name="Lunch", color="red", attr={"x": 1}))
    assert (answer.op, answer.peerId) == (Op.STARTED, "tom")
    said = answer.convMessage
    assert {field.name for field, _ in said.ListFields()} == {"cid", "cdate"}
    assert len(said.cid) == 24
    assert said.cdate == "2027-01-15T08:00:00.000Z"
    joined, members = ann.heard()
    assert (joined.cmd, joined.op, joined.peerId) == (Cmd.CONV, Op.JOINED, "ann")
    assert (joined.convMessage.cid, joined.convMessage.initBy) == (said.cid, "tom")
    assert (members.op, list(members.convMessage.m), members.convMessage.initBy) == (
        Op.MEMBERS_JOINED,
        ["tom", "ann"],
        "tom",
    )
    assert tom.heard() == []
    (row,) = found(ann, {"objectId": said.cid})
    assert row == {
        "objectId": said.cid,
        "name": "Lunch",
        "color": "red",
        "attr": {"x": 1},
        "m": ["tom", "ann"],
        "c": "tom",
        "createdAt": said.cdate,
        "updatedAt": said.cdate,
    }


def test_members_that_never_came_are_made_and_find_what_they_missed(gateway: Gateway) -> None:
    tom = gateway.opened("tom")
    cid = tom.start("tom", "ann")
    tom.say(cid, "are you there?")
    ann = gateway.opened("ann")
    (unread,) = ann.heard()
    assert [(each.cid, each.unread) for each in unread.unreadMessage.convs] == [(cid, 1)]


def test_an_app_that_makes_no_users_refuses_unknown_ones() -> None:
    gateway = gateway_with(create_users=False)
    assert gateway.line().open("tom").errorMessage.code == 4103
    gateway.manage(PutUser(user="tom"))
    tom = gateway.opened("tom")
    assert tom.conv(Op.START, m=["tom", "ann"]).errorMessage.code == 4401
    cid = tom.start("tom")
    assert [each.code for each in tom.conv(Op.ADD, cid=cid, m=["ann"]).convMessage.failedPids] == [4401]


def test_a_member_is_made_only_under_a_name_that_can_be(gateway: Gateway) -> None:
    assert gateway.opened("tom").conv(Op.START, m=["tom", "bad name"]).errorMessage.code == 4401


def test_a_unique_conversation_is_found_again(gateway: Gateway) -> None:
    tom, ann = gateway.opened("tom", "ann")
    cid = tom.start("tom", "ann", unique=True)
    assert ann.start("ann", "tom", unique=True) == cid
    assert ann.start("ann", "tom") != cid
    assert found(tom, {"unique": True})[0]["objectId"] == cid


def test_a_temporary_conversation_has_a_prefix_and_seconds_to_live(gateway: Gateway) -> None:
    tom, ann = gateway.opened("tom", "ann")
    answer = tom.conv(Op.START, m=["ann", "tom"], tempConv=True)
    cid = answer.convMessage.cid
    assert cid.startswith("_tmp:")
    assert answer.convMessage.tempConvTTL == 3 * 86_400
    assert ann.heard()[0].convMessage.cid == cid
    assert tom.start("tom", "ann", tempConv=True) == cid
    (row,) = found(ann, tempConvIds=[cid])
    assert (row["objectId"], row["m"], row["ttl"]) == (cid, ["tom", "ann"], 3 * 86_400)
    ack = tom.say(cid, "hi")
    (direct,) = ann.heard()
    assert (direct.directMessage.cid, direct.directMessage.convType, ack.cid) == (cid, 4, cid)


def test_a_temporary_conversation_ends_when_it_was_to_end(gateway: Gateway) -> None:
    tom, ann = gateway.opened("tom", "ann")
    answer = tom.conv(Op.START, m=["ann", "tom"], tempConv=True, tempConvTTL=60).convMessage
    cid = answer.cid
    assert answer.tempConvTTL == 60
    gateway.pass_ms(20_000)
    assert tom.say(cid, "hi").uid  # which does not put it off
    assert [row["ttl"] for row in found(ann, tempConvIds=[cid])] == [40]
    assert tom.conv(Op.START, m=["ann", "tom"], tempConv=True, tempConvTTL=600).convMessage.tempConvTTL == 40
    gateway.pass_ms(40_000)
    assert tom.say(cid, "still there?").code == 4303
    assert found(ann, tempConvIds=[cid]) == []
    assert tom.conv(Op.COUNT, cid=cid).errorMessage.code == 4303
    again = tom.conv(Op.START, m=["ann", "tom"], tempConv=True, tempConvTTL=30 * 86_400).convMessage
    assert (again.cid == cid, again.tempConvTTL) == (False, 3 * 86_400)
    tom.say(again.cid, "hello")
    assert tom.start("tom", "ann", tempConv=True) == again.cid


def test_an_ordinary_conversation_is_none_under_a_temporary_ones_name(gateway: Gateway) -> None:
    tom, ann = gateway.opened("tom", "ann")
    cid = tom.start("tom", "ann")
    mid = tom.say(cid, "hi").uid
    ann.heard()
    wrong = "_tmp:" + cid
    assert tom.say(wrong, "hi").code == 4303
    for op, fields in ((Op.COUNT, {}), (Op.ADD, {"m": ["bob"]}), (Op.UPDATE, {"attr": attr(x=1)}), (Op.MUTE, {})):
        assert tom.conv(op, cid=wrong, **fields).errorMessage.code == 4303, op
    assert tom.ask(cmd=Cmd.LOGS, logsMessage={"cid": wrong}).errorMessage.code == 4303
    patches = [{"cid": wrong, "mid": mid, "recall": True}]
    assert tom.ask(cmd=Cmd.PATCH, op=Op.MODIFY, patchMessage={"patches": patches}).errorMessage.code == 4303
    block = {"srcCid": wrong, "toPids": ["ann"]}
    assert tom.ask(cmd=Cmd.BLACKLIST, op=Op.BLOCK, blacklistMessage=block).errorMessage.code == 4303
    for where in ({"objectId": wrong}, {"objectId": {"$in": [wrong]}}, {"$or": [{"objectId": wrong}, {"name": "x"}]}):
        assert found(tom, where) == []
    assert found(tom, tempConvIds=[wrong]) == found(tom, tempConvIds=[cid]) == []
    answer = tom.conv(Op.IS_MEMBER, cids=[wrong])
    assert json.loads(answer.convMessage.results.data) == {wrong: False}
    ann.send(cmd=Cmd.READ, readMessage={"convs": [{"cid": wrong}]})
    assert ann.heard() == []
    assert gateway.opened("ann").heard()[0].unreadMessage.convs[0].unread == 1


def test_a_query_by_conditions_finds_no_temporary_conversation_and_a_plain_one_no_room(gateway: Gateway) -> None:
    tom = gateway.opened("tom")
    group, room = tom.start("tom", attr=attr(name="group")), tom.start("tom", transient=True, attr=attr(name="room"))
    temporary = tom.start("tom", "ann", tempConv=True)
    assert names(tom) == ["group"]
    assert names(tom, sort="-lm", flag=2) == ["group"]
    assert {row["objectId"] for row in found(tom, {"m": "tom"})} == {group, room}
    assert names(tom, {"tr": True}) == ["room"]
    assert [row["objectId"] for row in found(tom, tempConvIds=[temporary])] == [temporary]
    assert [row["objectId"] for row in found(tom, {"objectId": temporary})] == [temporary]


def test_a_unique_conversation_takes_the_new_name_from_who_may_change_it(gateway: Gateway) -> None:
    tom, ann = gateway.opened("tom", "ann")
    cid = tom.start("tom", "ann", unique=True, attr=attr(name="old", color="red"))
    ann.heard()
    assert tom.start("tom", "ann", unique=True) == cid
    assert ann.start("tom", "ann", unique=True, attr=attr(name="hers")) == cid
    assert names(tom, {"objectId": cid}) == ["old"]
    assert (tom.heard(), ann.heard()) == ([], [])
    assert tom.start("tom", "ann", unique=True, attr=attr(name="new", color="blue")) == cid
    (row,) = found(ann, {"objectId": cid})
    assert (row["name"], row["color"]) == ("new", "red")
    (push,) = ann.heard()
    assert (push.op, json.loads(push.convMessage.attr.data)) == (Op.UPDATED, {"name": "new"})
    assert tom.heard() == []
    open_to_all = gateway_with(members_invite=True)
    tom, ann = open_to_all.opened("tom", "ann")
    cid = tom.start("tom", "ann", unique=True, attr=attr(name="old"))
    ann.start("tom", "ann", unique=True, attr=attr(name="hers"))
    assert names(tom, {"objectId": cid}) == ["hers"]


def test_who_was_put_out_finds_the_name_by_the_id_alone(gateway: Gateway) -> None:
    tom, ann, eve = gateway.opened("tom", "ann", "eve")
    cid = tom.start("tom", "ann", attr=attr(name="x", color="red"))
    tom.say(cid, "hi")
    tom.conv(Op.REMOVE, cid=cid, m=["ann"])
    (row,) = found(ann, {"objectId": cid}, flag=2)
    assert {"name": "x", "objectId": cid}.items() <= row.items()
    assert not {"m", "c", "color", "msg", "lm"} & row.keys()
    assert names(ann, {"objectId": {"$in": [cid]}}) == ["x"]
    assert names(ann, {"objectId": cid, "color": "red"}) == names(ann, {"name": "x"}) == names(ann) == []
    assert names(eve, {"objectId": cid}) == []


def test_a_room_is_found_joined_counted_and_tells_nobody_who_comes(gateway: Gateway) -> None:
    tom, ann = gateway.opened("tom", "ann")
    cid = tom.start("tom", transient=True, attr=attr(name="Lobby"))
    (row,) = found(ann, {"objectId": cid})
    assert (row["name"], row["tr"], "m" in row) == ("Lobby", True, False)
    answer = ann.conv(Op.ADD, cid=cid, m=["ann"])
    assert (answer.op, list(answer.convMessage.allowedPids)) == (Op.ADDED, ["ann"])
    assert tom.heard() == []
    assert ann.conv(Op.COUNT, cid=cid).convMessage.count == 2
    tom.say(cid, "hello")
    (direct,) = ann.heard()
    assert direct.directMessage.convType == 2


def test_in_a_room_those_count_who_are_online(gateway: Gateway) -> None:
    tom, ann, eve = gateway.opened("tom", "ann", "eve")
    room, group = tom.start("tom", transient=True), tom.start("tom", "ann")
    ann.conv(Op.ADD, cid=room, m=["ann"])
    gateway.lose(ann)
    assert tom.conv(Op.COUNT, cid=room).convMessage.count == 2  # he may be back at once
    gateway.pass_ms(10_500)
    for line in (tom, eve):
        assert line.conv(Op.COUNT, cid=room).convMessage.count == 1
    assert tom.conv(Op.COUNT, cid=group).convMessage.count == 2
    gateway.opened("ann")
    assert tom.conv(Op.COUNT, cid=room).convMessage.count == 2


def test_an_update_changes_paths_and_tells_the_others(gateway: Gateway) -> None:
    tom, ann = gateway.opened("tom", "ann")
    cid = tom.start("tom", "ann", attr=attr(name="a", attr={"lee": 1, "sam": 2}, gone=1))
    ann.heard()
    gateway.pass_ms(1000)
    answer = tom.conv(Op.UPDATE, cid=cid, attr=attr(**{"attr.lee": 5, "name": "b", "gone": {"__op": "Delete"}}))
    assert (answer.op, answer.convMessage.udate) == (Op.UPDATED, "2027-01-15T08:00:01.000Z")
    modified = {"name": "b", "attr": {"lee": 5, "sam": 2}, "gone": None}
    assert json.loads(answer.convMessage.attrModified.data) == modified
    (push,) = ann.heard()
    assert (push.op, push.convMessage.cid, push.convMessage.initBy) == (Op.UPDATED, cid, "tom")
    assert push.convMessage.udate == answer.convMessage.udate
    assert json.loads(push.convMessage.attr.data) == {"name": "b", "attr.lee": 5, "gone": None}
    assert json.loads(push.convMessage.attrModified.data) == modified
    (row,) = found(ann, {"objectId": cid})
    assert (row["attr"], row["name"], row["updatedAt"]) == ({"lee": 5, "sam": 2}, "b", answer.convMessage.udate)
    assert "gone" not in row


DOTS = ["a..b", ".a", "a.", ""]


@pytest.mark.parametrize(
    "changes",
    [{"m": ["x"]}, {"tr": True}, {"lm.x": 1}, {"a": {"__op": "Increment"}}, {"name": 5}, *[{key: 1} for key in DOTS]],
)
def test_what_an_update_does_not_change(gateway: Gateway, changes: dict[str, Any]) -> None:
    tom = gateway.opened("tom")
    error = tom.conv(Op.UPDATE, cid=tom.start("tom"), attr=attr(**changes)).errorMessage
    assert (error.code, next(iter(changes)).split(".")[0] in error.reason) == (4306, True)


def test_an_update_tells_what_it_changed_and_nothing_else(gateway: Gateway) -> None:
    tom, ann = gateway.opened("tom", "ann")
    cid = tom.start("tom", "ann", attr=attr(name="a", color="red", count=1, size=2))
    number = IdForms("a").parse(cid) or 0
    ann.heard()

    def told(command: UpdateConversation) -> list[Any]:
        gateway.manage(command)
        (push,) = ann.heard()
        return [json.loads(said.data) for said in (push.convMessage.attr, push.convMessage.attrModified)]

    assert told(UpdateConversation(conversation=number, name="b")) == [{"name": "b"}] * 2
    merged = UpdateConversation(conversation=number, attributes=b'{"color":"blue","size":null}', merge=True)
    assert told(merged) == [{"color": "blue", "size": None}] * 2
    counted = (Operation("count", "increase", 4),)
    assert told(UpdateConversation(conversation=number, operations=counted, merge=True)) == [{"count": 5}] * 2
    whole = UpdateConversation(conversation=number, attributes=b'{"color":"blue","new":1}')
    assert told(whole) == [{"new": 1, "count": None}] * 2


def test_what_another_api_calls_like_a_built_in_field_is_not_told(gateway: Gateway) -> None:
    """LC-28: m, mu and objectId are the server's here, whatever attributes of a conversation bear these names."""
    tom, ann = gateway.opened("tom", "ann")
    cid = tom.start("tom", "ann")
    ann.heard()
    attributes = b'{"m":["evil"],"mu":["q"],"objectId":"zz","name":7,"colour":"red"}'
    gateway.manage(UpdateConversation(conversation=IdForms("a").parse(cid) or 0, attributes=attributes))
    (told,) = ann.heard()
    assert json.loads(told.convMessage.attr.data) == {"colour": "red"}
    (row,) = found(ann, {"objectId": cid})
    assert (row["objectId"], row["m"], row["name"], row["colour"]) == (cid, ["tom", "ann"], "", "red")
    assert "mu" not in row


def test_a_query_of_nothing_sorts_pages_and_flags(gateway: Gateway) -> None:
    tom = gateway.opened("tom")
    cids = []
    for name in ("a", "b", "c"):
        gateway.pass_ms(1000)
        cids.append(tom.start("tom", "ann", attr=attr(name=name)))
    tom.say(cids[0], "hi")
    assert names(tom) == ["c", "b", "a"]
    assert names(tom, sort="-lm") == ["a", "c", "b"]
    assert names(tom, sort="name") == ["a", "b", "c"]
    assert names(tom, sort="name", skip=1, limit=1) == ["b"]
    assert names(tom, limit=0) == []
    assert tom.conv(Op.QUERY, limit=-1).errorMessage.code == tom.conv(Op.QUERY, limit=1001).errorMessage.code == 4310
    compact = found(tom, sort="name", flag=1)[0]
    assert "m" not in compact
    assert "msg" not in compact
    last = found(tom, sort="name", flag=2)[0]
    assert (last["msg"], last["bin"], last["msg_from"], last["lm"]["iso"][:4]) == ("hi", False, "tom", "2027")
    assert last["msg_mid"]
    assert last["msg_timestamp"] == gateway.ms


def test_others_are_not_found_unless_the_app_says_so(gateway: Gateway) -> None:
    for each, visible in ((gateway, []), (gateway_with(open_query=True), ["x"])):
        tom, eve = each.opened("tom", "eve")
        cid = tom.start("tom", attr=attr(name="x"))
        assert names(eve, {"objectId": cid}) == visible
        assert names(eve) == []


def test_a_client_asks_of_which_conversations_it_is_a_member(gateway: Gateway) -> None:
    tom, ann = gateway.opened("tom", "ann")
    own, room = tom.start("tom", "ann"), tom.start("tom", transient=True)
    temporary, left, other = tom.start("tom", "ann", tempConv=True), tom.start("tom", "ann", "bob"), tom.start("tom")
    tom.conv(Op.REMOVE, cid=left, m=["ann"])
    asked = [own, room, temporary, left, other, "x"]
    answer = ann.conv(Op.IS_MEMBER, cids=asked)
    assert answer.op == Op.IS_MEMBER
    said = {own: True, room: False, temporary: True, left: False, other: False, "x": False}
    assert json.loads(answer.convMessage.results.data) == said
    assert tom.conv(Op.IS_MEMBER, cids=[]).errorMessage.code == 4301
    assert tom.conv(Op.IS_MEMBER, cids=["x"] * 201 + [f"{n}" for n in range(200)]).errorMessage.code == 4301


def test_what_a_conversation_is_asked_that_is_none(gateway: Gateway) -> None:
    tom = gateway.opened("tom")
    unknown = IdForms("a").hex24(5)
    for cid in ("", "x", unknown):
        assert tom.conv(Op.COUNT, cid=cid).errorMessage.code in (4301, 4303)
    eve = gateway.opened("eve")
    assert eve.conv(Op.COUNT, cid=tom.start("tom")).errorMessage.code == 4317
