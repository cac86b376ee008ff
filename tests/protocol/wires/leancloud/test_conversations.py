"""Making, finding and changing conversations, and who is told (`protocols.md` 2.5)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from protocol.commands import SetRole
from protocol.ids import IdForms
from protocol.signatures import Action, member_ids, sign_action
from protocol.wires.leancloud.schema import Cmd, Op
from tests.protocol.wires.leancloud.gateway import Gateway, Line, gateway_with


def attr(**values: Any) -> dict[str, str]:
    return {"data": json.dumps(values)}


def found(line: Line, where: object = None, **said: Any) -> list[dict[str, Any]]:
    if where is not None:
        said["where"] = {"data": json.dumps(where)}
    answer = line.conv(Op.QUERY, **said)
    assert answer.op == Op.RESULTS, answer
    rows: list[dict[str, Any]] = json.loads(answer.convMessage.results.data)
    return rows


def names(line: Line, where: object = None, **said: Any) -> list[str]:
    return [row["name"] for row in found(line, where, **said)]


def test_a_start_is_answered_and_the_invited_hear_of_it(gateway: Gateway) -> None:
    tom, ann = gateway.opened("tom", "ann")
    answer = tom.conv(Op.START, m=["ann", "tom"], attr=attr(name="Lunch", color="red", attr={"x": 1}))
    assert (answer.op, answer.peerId) == (Op.STARTED, "tom")
    said = answer.convMessage
    assert {field.name for field, _ in said.ListFields()} == {"cid", "cdate"}
    assert len(said.cid) == 24
    assert said.cdate == "2027-01-15T08:00:00.000Z"
    (joined,) = ann.heard()
    assert (joined.cmd, joined.op, joined.peerId) == (Cmd.CONV, Op.JOINED, "ann")
    assert (joined.convMessage.cid, joined.convMessage.initBy) == (said.cid, "tom")
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
    made = gateway_with()
    line = made.opened("tom")
    assert line.conv(Op.START, m=["tom", "bad name"]).errorMessage.code == 4401


def test_a_unique_conversation_is_found_again(gateway: Gateway) -> None:
    tom, ann = gateway.opened("tom", "ann")
    cid = tom.start("tom", "ann", unique=True)
    assert ann.start("ann", "tom", unique=True) == cid
    assert ann.start("ann", "tom") != cid
    assert found(tom, {"unique": True})[0]["objectId"] == cid


def test_a_temporary_conversation_has_a_prefix_and_seconds_to_live(gateway: Gateway) -> None:
    tom, ann = gateway.opened("tom", "ann")
    answer = tom.conv(Op.START, m=["ann", "tom"], tempConv=True, tempConvTTL=60)
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


def test_members_come_and_go_and_each_hears_his_part(gateway: Gateway) -> None:
    tom, ann, bob = gateway.opened("tom", "ann", "bob")
    cid = tom.start("tom", "ann")
    ann.heard()
    answer = tom.conv(Op.ADD, cid=cid, m=["bob", "eve"])
    assert (answer.op, list(answer.convMessage.allowedPids)) == (Op.ADDED, ["bob", "eve"])
    assert tom.heard() == []
    assert [(push.op, push.convMessage.initBy) for push in bob.heard()] == [(Op.JOINED, "tom")]
    (push,) = ann.heard()
    assert (push.op, list(push.convMessage.m), push.convMessage.initBy) == (Op.MEMBERS_JOINED, ["bob", "eve"], "tom")

    answer = tom.conv(Op.REMOVE, cid=cid, m=["bob"])
    assert (answer.op, list(answer.convMessage.allowedPids)) == (Op.REMOVED, ["bob"])
    assert [push.op for push in bob.heard()] == [Op.LEFT]
    assert [(push.op, list(push.convMessage.m)) for push in ann.heard()] == [(Op.MEMBERS_LEFT, ["bob"])]

    answer = ann.conv(Op.REMOVE, cid=cid, m=["ann"])
    assert list(answer.convMessage.allowedPids) == ["ann"]
    assert ann.heard() == []
    assert [(push.op, push.convMessage.initBy) for push in tom.heard()] == [(Op.MEMBERS_LEFT, "ann")]


def test_the_owner_stays_and_the_others_of_the_call_go(gateway: Gateway) -> None:
    tom, ann = gateway.opened("tom", "ann")
    cid = tom.start("tom", "ann", "bob", "eve")
    answer = tom.conv(Op.REMOVE, cid=cid, m=["tom", "eve"]).convMessage
    assert list(answer.allowedPids) == ["eve"]
    assert [(each.code, list(each.pids)) for each in answer.failedPids] == [(4324, ["tom"])]
    assert ann.conv(Op.REMOVE, cid=cid, m=["bob"]).errorMessage.code == 4320
    tom.conv(Op.REMOVE, cid=cid, m=["bob"])
    assert list(tom.conv(Op.REMOVE, cid=cid, m=["tom"]).convMessage.allowedPids) == ["tom"]


def test_a_client_that_knows_no_partial_success_is_told_an_error(gateway: Gateway) -> None:
    tom = gateway.line()
    tom.open("tom", configBitmap=0)
    cid = tom.start("tom", "ann", "bob")
    assert tom.conv(Op.REMOVE, cid=cid, m=["tom"]).errorMessage.code == 4324
    assert tom.conv(Op.REMOVE, cid=cid, m=["tom", "ann"]).op == Op.REMOVED


def test_any_member_adds_where_the_app_says_so(gateway: Gateway) -> None:
    for each, code in ((gateway, 4320), (gateway_with(members_invite=True), 0)):
        tom, ann = each.opened("tom", "ann")
        cid = tom.start("tom", "ann")
        answer = ann.conv(Op.ADD, cid=cid, m=["bob"])
        assert answer.errorMessage.code == code
        assert ann.conv(Op.UPDATE, cid=cid, attr=attr(name="x")).errorMessage.code == code


def test_groups_are_joined_where_they_are_open(gateway: Gateway) -> None:
    for each, code in ((gateway, 4320), (gateway_with(open_groups=True), 0)):
        tom, ann = each.opened("tom", "ann")
        assert ann.conv(Op.ADD, cid=tom.start("tom"), m=["ann"]).errorMessage.code == code


def test_an_update_changes_paths_and_tells_the_others(gateway: Gateway) -> None:
    tom, ann = gateway.opened("tom", "ann")
    cid = tom.start("tom", "ann", attr=attr(name="a", attr={"lee": 1, "sam": 2}, gone=1))
    ann.heard()
    gateway.pass_ms(1000)
    answer = tom.conv(Op.UPDATE, cid=cid, attr=attr(**{"attr.lee": 5, "name": "b", "gone": {"__op": "Delete"}}))
    assert (answer.op, answer.convMessage.udate) == (Op.UPDATED, "2027-01-15T08:00:01.000Z")
    (push,) = ann.heard()
    assert (push.op, push.convMessage.cid, push.convMessage.initBy) == (Op.UPDATED, cid, "tom")
    assert push.convMessage.udate == answer.convMessage.udate
    assert json.loads(push.convMessage.attr.data) == {"name": "b", "attr": {"lee": 5, "sam": 2}}
    assert json.loads(push.convMessage.attrModified.data)["name"] == "b"
    (row,) = found(ann, {"objectId": cid})
    assert (row["attr"], row["name"], row["updatedAt"]) == ({"lee": 5, "sam": 2}, "b", answer.convMessage.udate)
    assert "gone" not in row


@pytest.mark.parametrize("changes", [{"m": ["x"]}, {"tr": True}, {"lm.x": 1}, {"a": {"__op": "Increment"}}, {"name": 5}])
def test_what_an_update_does_not_change(gateway: Gateway, changes: dict[str, Any]) -> None:
    tom = gateway.opened("tom")
    assert tom.conv(Op.UPDATE, cid=tom.start("tom"), attr=attr(**changes)).errorMessage.code == 4306


WHERES: list[tuple[object, list[str]]] = [
    ({"name": "one"}, ["one"]),
    ({"m": "ann"}, ["one", "two"]),
    ({"m": {"$all": ["ann", "bob"]}}, ["two"]),
    ({"m": {"$size": 3}}, ["two"]),
    ({"m": {"$nin": ["ann"]}}, ["three"]),
    ({"m": {"$ne": "bob"}}, ["one"]),
    ({"m": ["tom", "ann"]}, ["one"]),
    ({"c": "tom"}, ["one", "two", "three"]),
    ({"n": {"$gt": 1, "$lte": 3}}, ["two", "three"]),
    ({"n": {"$lt": 2}}, ["one"]),
    ({"n": {"$in": [1, 3]}}, ["one", "three"]),
    ({"n": {"$nin": [1, 3]}}, ["two"]),
    ({"n": {"$ne": 2}}, ["one", "three"]),
    ({"tags": "x"}, ["one", "two"]),
    ({"tags": {"$all": ["x", "y"]}}, ["two"]),
    ({"tags": {"$size": 1}}, ["one"]),
    ({"tags": {"$exists": False}}, ["three"]),
    ({"attr.deep.k": "v"}, ["three"]),
    ({"attr.deep": {"$exists": True}}, ["three"]),
    ({"name": {"$regex": "^\\Qt\\E"}}, ["two", "three"]),
    ({"name": {"$regex": "\\QE\\E$", "$options": "i"}}, ["one", "three"]),
    ({"name": {"$regex": "\\Qw\\E"}}, ["two"]),
    ({"name": {"$regex": "^\\Qone\\E$"}}, ["one"]),
    ({"name": {"$regex": "hre"}}, ["three"]),
    ({"at": {"$gte": {"__type": "Date", "iso": "2020-01-02T00:00:00.000Z"}}}, ["two"]),
    ({"$or": [{"name": "one"}, {"n": 3}]}, ["one", "three"]),
    ({"$and": [{"m": "ann"}, {"$or": [{"n": 2}, {"n": 3}]}]}, ["two"]),
    ({"tr": False}, ["one", "two", "three"]),
    ({"tr": True}, []),
    ({"sys": True}, []),
    ({"lm": {"$exists": True}}, ["two"]),
    ({"lm": {"$gt": {"__type": "Date", "iso": "2000-01-01T00:00:00.000Z"}}}, ["two"]),
    ({"createdAt": {"$lt": {"__type": "Date", "iso": "2000-01-01T00:00:00.000Z"}}}, []),
    ({"updatedAt": {"$gt": {"__type": "Date", "iso": "2000-01-01T00:00:00.000Z"}}}, ["one", "two", "three"]),
    ({"objectId": "000000000000000000000000"}, []),
    ({"objectId": {"$exists": True}}, ["one", "two", "three"]),
    ({}, ["one", "two", "three"]),
    (None, ["one", "two", "three"]),
]


@pytest.mark.parametrize(("where", "expected"), WHERES, ids=str)
def test_a_where(gateway: Gateway, where: object, expected: list[str]) -> None:
    tom = gateway.opened("tom")
    day = {"__type": "Date", "iso": "2020-01-01T00:00:00.000Z"}
    tom.start("tom", "ann", attr=attr(name="one", n=1, tags=["x"], at=day))
    two = tom.start(
        "tom", "ann", "bob", attr=attr(name="two", n=2, tags=["x", "y"], at={**day, "iso": "2020-01-03T00:00:00.000Z"})
    )
    tom.start("tom", "bob", attr=attr(name="three", n=3, attr={"deep": {"k": "v"}}))
    tom.say(two, "hi")
    assert names(tom, where, sort="createdAt") == expected


@pytest.mark.parametrize(
    "where",
    [
        {"name": {"$regex": "a.*b"}},
        {"name": {"$regex": "\\Qa\\E", "$options": "x"}},
        {"name": {"$near": 1}},
        {"$nor": []},
        {"m": {"$in": "ann"}},
        {"tr": 1},
        {"createdAt": 5},
        [1],
    ],
    ids=str,
)
def test_a_where_that_is_none(gateway: Gateway, where: object) -> None:
    tom = gateway.opened("tom")
    assert tom.conv(Op.QUERY, where={"data": json.dumps(where)}).errorMessage.code == 4310


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


def test_what_a_conversation_is_asked_that_is_none(gateway: Gateway) -> None:
    tom = gateway.opened("tom")
    unknown = IdForms("a").hex24(5)
    for cid in ("", "x", unknown):
        assert tom.conv(Op.COUNT, cid=cid).errorMessage.code in (4301, 4303)
    eve = gateway.opened("eve")
    assert eve.conv(Op.COUNT, cid=tom.start("tom")).errorMessage.code == 4317


def test_roles_are_the_owners_to_give(gateway: Gateway) -> None:
    tom, ann, bob = gateway.opened("tom", "ann", "bob")
    cid = tom.start("tom", "ann", "bob")
    ann.heard(), bob.heard()
    answer = tom.conv(Op.MEMBER_INFO_UPDATE, cid=cid, targetClientId="ann", info={"pid": "ann", "role": "Manager"})
    assert answer.op == Op.MEMBER_INFO_UPDATED
    (push,) = bob.heard()
    info = push.convMessage.info
    assert (push.op, info.pid, info.role, push.convMessage.initBy) == (Op.MEMBER_INFO_CHANGED, "ann", "Manager", "tom")
    assert tom.heard() == []
    said = {"cid": cid, "targetClientId": "bob", "info": {"pid": "bob", "role": "Manager"}}
    assert ann.conv(Op.MEMBER_INFO_UPDATE, **said).errorMessage.code == 4320
    said["info"] = {"pid": "bob", "role": "Owner"}
    assert tom.conv(Op.MEMBER_INFO_UPDATE, **said).errorMessage.code == 4301
    gateway.manage(SetRole(conversation=IdForms("a").parse(cid) or 0, user="ann", role=0))


def test_the_silenced_hear_it_all_members_too_and_their_messages_are_refused(gateway: Gateway) -> None:
    tom, ann, bob = gateway.opened("tom", "ann", "bob")
    cid = tom.start("tom", "ann", "bob")
    ann.heard(), bob.heard()
    answer = tom.conv(Op.ADD_SHUTUP, cid=cid, m=["ann", "eve"])
    assert (answer.op, list(answer.convMessage.allowedPids)) == (Op.SHUTUP_ADDED, ["ann"])
    assert [list(each.pids) for each in answer.convMessage.failedPids] == [["eve"]]
    assert [(push.op, push.convMessage.initBy) for push in ann.heard()] == [
        (Op.MEMBERS_SHUTUPED, "tom"),
        (Op.SHUTUPED, "tom"),
    ]
    for each in (bob, tom):
        assert [(push.op, list(push.convMessage.m)) for push in each.heard()] == [(Op.MEMBERS_SHUTUPED, ["ann"])]
    ack = ann.say(cid, "mmm")
    assert (ack.code, ack.HasField("uid")) == (4563, False)
    answer = tom.conv(Op.QUERY_SHUTUP, cid=cid, limit=5)
    assert (answer.op, list(answer.convMessage.m), answer.convMessage.HasField("next")) == (Op.SHUTUP_RESULT, ["ann"], False)
    assert bob.conv(Op.ADD_SHUTUP, cid=cid, m=["tom"]).errorMessage.code == 4320
    assert tom.conv(Op.REMOVE_SHUTUP, cid=cid, m=["ann"]).op == Op.SHUTUP_REMOVED
    assert [push.op for push in ann.heard()] == [Op.MEMBERS_UNSHUTUPED, Op.UNSHUTUPED]
    assert ann.say(cid, "aah").uid


def test_the_blocked_leave_and_do_not_come_back(gateway: Gateway) -> None:
    tom, ann, bob = gateway.opened("tom", "ann", "bob")
    cid = tom.start("tom", "ann", "bob")
    ann.heard(), bob.heard()
    answer = tom.ask(cmd=Cmd.BLACKLIST, op=Op.BLOCK, blacklistMessage={"srcCid": cid, "toPids": ["ann"]})
    said = answer.blacklistMessage
    assert (answer.cmd, answer.op, list(said.allowedPids), said.srcCid) == (Cmd.BLACKLIST, Op.BLOCKED, ["ann"], cid)
    assert sorted(push.op for push in ann.heard()) == [Op.LEFT, Op.BLOCKED]
    assert sorted(push.op for push in bob.heard()) == [Op.MEMBERS_LEFT, Op.MEMBERS_BLOCKED]
    assert [push.op for push in tom.heard()] == [Op.MEMBERS_BLOCKED]
    again = tom.conv(Op.ADD, cid=cid, m=["ann"]).convMessage
    assert [(each.code, list(each.pids)) for each in again.failedPids] == [(4315, ["ann"])]
    assert ann.say(cid, "hi").code == 4315
    listed = tom.ask(cmd=Cmd.BLACKLIST, op=Op.QUERY, blacklistMessage={"srcCid": cid})
    assert (listed.op, list(listed.blacklistMessage.blockedPids)) == (Op.QUERY_RESULT, ["ann"])
    refused = bob.ask(cmd=Cmd.BLACKLIST, op=Op.BLOCK, blacklistMessage={"srcCid": cid, "toPids": ["tom"]})
    assert refused.errorMessage.code == 4320
    answer = tom.ask(cmd=Cmd.BLACKLIST, op=Op.UNBLOCK, blacklistMessage={"srcCid": cid, "toPids": ["ann"]})
    assert answer.op == Op.UNBLOCKED
    assert [push.op for push in ann.heard()] == [Op.UNBLOCKED]
    assert list(tom.conv(Op.ADD, cid=cid, m=["ann"]).convMessage.allowedPids) == ["ann"]


def test_an_app_that_asks_checks_the_signatures_of_what_is_done() -> None:
    gateway = gateway_with(leancloud_signatures=True)
    line, at = gateway.line(), str(gateway.ms)

    def signed(action: Action, *members: str, cid: str = "") -> dict[str, Any]:
        text = sign_action("m", action, "a", "tom", at, "x", conversation=cid, members=member_ids(members))
        return {"t": int(at), "n": "x", "s": text}

    assert line.open("tom").errorMessage.code == 4102
    assert line.open("tom", **signed(Action.LOGIN)).op == Op.OPENED
    assert line.conv(Op.START, m=["ann", "tom"]).errorMessage.code == 4302
    assert line.conv(Op.START, m=["ann", "tom"], **signed(Action.CONVERSATION, "tom")).errorMessage.code == 4302
    cid = line.start("tom", "ann", **signed(Action.CONVERSATION, "ann", "tom"))
    assert line.conv(Op.ADD, cid=cid, m=["bob"]).errorMessage.code == 4302
    assert line.conv(Op.ADD, cid=cid, m=["bob"], **signed(Action.KICK, "bob", cid=cid)).errorMessage.code == 4302
    assert line.conv(Op.ADD, cid=cid, m=["bob"], **signed(Action.INVITE, "bob", cid=cid)).op == Op.ADDED
    assert line.conv(Op.REMOVE, cid=cid, m=["bob"], **signed(Action.KICK, "bob", cid=cid)).op == Op.REMOVED
    room = line.start("tom", transient=True, **signed(Action.CONVERSATION, "tom"))
    assert line.conv(Op.ADD, cid=room, m=["tom"]).errorMessage.code == 4302
    assert line.conv(Op.ADD, cid=room, m=["tom"], **signed(Action.INVITE, "tom", cid=room)).op == Op.ADDED
