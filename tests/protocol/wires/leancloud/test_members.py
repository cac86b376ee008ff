"""Who comes and goes, speaks or does not, and who hears of it (`protocols.md` 2.5, 2.14)."""

from __future__ import annotations

from typing import Any

from protocol.commands import SetRole
from protocol.ids import IdForms
from protocol.signatures import Action, member_ids, sign_action
from protocol.wires.leancloud.names import iso
from protocol.wires.leancloud.schema import Cmd, Op
from tests.protocol.wires.leancloud.gateway import Gateway, Line, attr, found, gateway_with


def test_members_come_and_go_and_each_hears_his_part(gateway: Gateway) -> None:
    tom, ann, bob = gateway.opened("tom", "ann", "bob")
    cid = tom.start("tom", "ann")
    ann.heard()
    answer = tom.conv(Op.ADD, cid=cid, m=["bob", "eve"])
    assert (answer.op, list(answer.convMessage.allowedPids)) == (Op.ADDED, ["bob", "eve"])
    assert answer.convMessage.udate == iso(gateway.ms)
    assert tom.heard() == []
    said = [(push.op, push.convMessage.initBy, push.convMessage.udate) for push in bob.heard()]
    assert said == [(Op.JOINED, "tom", iso(gateway.ms))]
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
        assert ("members_invite" in answer.errorMessage.reason) == bool(code)
        assert ann.conv(Op.UPDATE, cid=cid, attr=attr(name="x")).errorMessage.code == code


def test_groups_are_joined_where_they_are_open(gateway: Gateway) -> None:
    for each, code in ((gateway, 4320), (gateway_with(open_groups=True), 0)):
        tom, ann = each.opened("tom", "ann")
        refused = ann.conv(Op.ADD, cid=tom.start("tom"), m=["ann"]).errorMessage
        assert (refused.code, "open_groups" in refused.reason) == (code, bool(code))
        temporary = tom.start("tom", tempConv=True)
        refused = ann.conv(Op.ADD, cid=temporary, m=["ann"]).errorMessage
        assert (refused.code, "open_groups" in refused.reason) == (4320, False)


def test_what_is_said_of_members_carries_its_time_and_can_be_asked_for_again(gateway: Gateway) -> None:
    tom, ann = gateway.opened("tom", "ann")
    gateway.pass_ms(1000)
    cid = tom.start("tom", "ann", "bob")
    tom.conv(Op.ADD, cid=cid, m=["eve"])
    tom.conv(Op.UPDATE, cid=cid, attr=attr(name="x"))
    tom.conv(Op.ADD_SHUTUP, cid=cid, m=["ann"])
    tom.conv(Op.MEMBER_INFO_UPDATE, cid=cid, targetClientId="bob", info={"pid": "bob", "role": "Manager"})
    tom.ask(cmd=Cmd.BLACKLIST, op=Op.BLOCK, blacklistMessage={"srcCid": cid, "toPids": ["ann"]})
    pushes = ann.heard()
    assert len(pushes) == 9
    assert {(push.serverTs, push.notificationType, push.service) for push in pushes} == {(gateway.ms, 1, 2)}
    # A message is told again by other means: what it says of the time is not of what can be asked for again.
    other = tom.start("tom", "ann")
    ann.heard()
    tom.say(other, "hi")
    (direct,) = ann.heard()
    assert (direct.cmd, direct.serverTs, direct.HasField("notificationType")) == (Cmd.DIRECT, gateway.ms, False)
    assert direct.service == 2


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
    assert tom.conv(Op.MEMBER_INFO_UPDATE, **said).errorMessage.code == 4321
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


def test_the_silenced_and_the_blocked_are_listed_in_pages() -> None:
    gateway = gateway_with(room_members=2000)
    tom = gateway.opened("tom")
    room = tom.start("tom", transient=True)
    users = [f"u{n:04}" for n in range(1200)]
    for at in range(0, 1200, 400):
        tom.conv(Op.ADD, cid=room, m=users[at : at + 400])
    late = users[-12:]
    tom.conv(Op.ADD_SHUTUP, cid=room, m=late)
    page = tom.conv(Op.QUERY_SHUTUP, cid=room).convMessage
    assert (list(page.m), page.next) == (late[:10], "10")
    page = tom.conv(Op.QUERY_SHUTUP, cid=room, limit=2, next="10").convMessage
    assert (list(page.m), page.HasField("next")) == (late[10:], False)
    assert tom.conv(Op.QUERY_SHUTUP, cid=room, limit=0).errorMessage.code == 4301
    assert tom.conv(Op.QUERY_SHUTUP, cid=room, next="x").errorMessage.code == 4301
    assert gateway.opened("eve").conv(Op.QUERY_SHUTUP, cid=room).errorMessage.code == 4317
    tom.ask(cmd=Cmd.BLACKLIST, op=Op.BLOCK, blacklistMessage={"srcCid": room, "toPids": late})
    said = tom.ask(cmd=Cmd.BLACKLIST, op=Op.QUERY, blacklistMessage={"srcCid": room, "limit": 11}).blacklistMessage
    assert (list(said.blockedPids), said.next) == (late[:11], "11")


def test_a_client_asks_of_one_whether_he_is_silenced_or_blocked_and_who_is_in_a_room(gateway: Gateway) -> None:
    tom, ann = gateway.opened("tom", "ann")
    cid = tom.start("tom", "ann", "bob")
    tom.conv(Op.ADD_SHUTUP, cid=cid, m=["bob"])
    for users, silenced in ((["bob"], ["bob"]), (["ann"], []), (["ann", "bob", "eve"], ["bob"])):
        answer = ann.conv(Op.CHECK_SHUTUP, cid=cid, m=users)
        assert (answer.op, list(answer.convMessage.m)) == (Op.SHUTUP_RESULT, silenced)
    assert gateway.opened("eve").conv(Op.CHECK_SHUTUP, cid=cid, m=["bob"]).errorMessage.code == 4317
    tom.ask(cmd=Cmd.BLACKLIST, op=Op.BLOCK, blacklistMessage={"srcCid": cid, "toPids": ["bob", "zoe"]})
    for users, blocked in ((["bob"], ["bob"]), (["ann"], []), (["zoe", "ann"], ["zoe"])):
        answer = tom.ask(cmd=Cmd.BLACKLIST, op=Op.CHECK_BLOCK, blacklistMessage={"srcCid": cid, "toPids": users})
        assert (answer.op, list(answer.blacklistMessage.blockedPids)) == (Op.CHECK_RESULT, blocked)

    room = tom.start("tom", transient=True)
    tom.conv(Op.ADD, cid=room, m=["ann", "bob"])
    answer = tom.conv(Op.MEMBERS, cid=room, limit=50)
    assert (answer.op, list(answer.convMessage.m)) == (Op.MEMBERS, ["tom", "ann"])
    assert list(ann.conv(Op.MEMBERS, cid=room, limit=1).convMessage.m) == ["tom"]


def test_the_blocked_leave_and_do_not_come_back(gateway: Gateway) -> None:
    tom, ann, bob = gateway.opened("tom", "ann", "bob")
    cid = tom.start("tom", "ann", "bob")
    ann.heard(), bob.heard()
    answer = tom.ask(cmd=Cmd.BLACKLIST, op=Op.BLOCK, blacklistMessage={"srcCid": cid, "toPids": ["ann"]})
    said = answer.blacklistMessage
    assert (answer.cmd, answer.op, list(said.allowedPids), said.srcCid) == (Cmd.BLACKLIST, Op.BLOCKED, ["ann"], cid)
    assert sorted(push.op for push in ann.heard()) == [Op.LEFT, Op.BLOCKED]
    assert sorted(push.op for push in bob.heard()) == [Op.MEMBERS_LEFT, Op.MEMBERS_BLOCKED]
    assert [(push.op, list(push.convMessage.m)) for push in tom.heard()] == [
        (Op.MEMBERS_BLOCKED, ["ann"]),
        (Op.MEMBERS_LEFT, ["ann"]),
    ]
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
    assert line.conv(Op.REMOVE, cid=cid, m=["bob"]).errorMessage.code == 4302
    assert line.conv(Op.REMOVE, cid=cid, m=["bob"], **signed(Action.INVITE, "bob", cid=cid)).errorMessage.code == 4302
    assert line.conv(Op.REMOVE, cid=cid, m=["bob"], **signed(Action.KICK, "ann", cid=cid)).errorMessage.code == 4302
    assert line.conv(Op.REMOVE, cid=cid, m=["bob"], **signed(Action.KICK, "bob", cid=cid)).op == Op.REMOVED
    assert line.conv(Op.REMOVE, cid=cid, m=["tom"]).errorMessage.code == 4302
    assert line.conv(Op.REMOVE, cid=cid, m=["tom"], **signed(Action.KICK, "tom", cid=cid)).op == Op.REMOVED
    room = line.start("tom", transient=True, **signed(Action.CONVERSATION, "tom"))
    assert line.conv(Op.ADD, cid=room, m=["tom"]).errorMessage.code == 4302
    assert line.conv(Op.ADD, cid=room, m=["tom"], **signed(Action.INVITE, "tom", cid=room)).op == Op.ADDED


def hearing(line: Line) -> list[tuple[str, int]]:
    """Who is told what, on this connection."""
    return [(push.peerId, push.op) for push in line.heard()]


def test_two_clients_of_one_connection_each_hear_their_part(gateway: Gateway) -> None:
    line = gateway.line()
    line.open("tom"), line.open("ann")
    line.heard()
    cid = line.start("tom", "ann", "bob", peer="tom")
    assert hearing(line) == [("ann", Op.JOINED), ("ann", Op.MEMBERS_JOINED)]
    line.conv(Op.ADD, "tom", cid=cid, m=["eve"])
    line.conv(Op.UPDATE, "tom", cid=cid, attr=attr(name="x"))
    line.conv(Op.MEMBER_INFO_UPDATE, "tom", cid=cid, targetClientId="ann", info={"pid": "ann", "role": "Manager"})
    assert hearing(line) == [("ann", Op.MEMBERS_JOINED), ("ann", Op.UPDATED), ("ann", Op.MEMBER_INFO_CHANGED)]
    line.conv(Op.ADD_SHUTUP, "ann", cid=cid, m=["bob"])
    assert sorted(hearing(line)) == [("ann", Op.MEMBERS_SHUTUPED), ("tom", Op.MEMBERS_SHUTUPED)]
    line.conv(Op.REMOVE, "ann", cid=cid, m=["bob"])
    assert hearing(line) == [("tom", Op.MEMBERS_LEFT)]
    line.conv(Op.REMOVE, "tom", cid=cid, m=["ann"])
    assert hearing(line) == [("ann", Op.LEFT)]
    line.ask(cmd=Cmd.BLACKLIST, op=Op.BLOCK, peerId="tom", blacklistMessage={"srcCid": cid, "toPids": ["ann", "eve"]})
    assert sorted(hearing(line)) == [("ann", Op.BLOCKED), ("tom", Op.MEMBERS_LEFT), ("tom", Op.MEMBERS_BLOCKED)]


def test_the_other_devices_of_who_does_it_hear_it(gateway: Gateway) -> None:
    phone, tablet, ann = gateway.opened("tom", "tom", "ann")
    cid = phone.start("tom", "ann", "bob")
    assert [push.op for push in tablet.heard()] == [Op.JOINED, Op.MEMBERS_JOINED]
    phone.conv(Op.ADD, cid=cid, m=["eve"])
    phone.conv(Op.UPDATE, cid=cid, attr=attr(name="x"))
    phone.conv(Op.REMOVE, cid=cid, m=["eve", "bob"])
    assert [push.op for push in tablet.heard()] == [Op.MEMBERS_JOINED, Op.UPDATED, Op.MEMBERS_LEFT]
    ann.heard()
    phone.conv(Op.REMOVE, cid=cid, m=["tom"])
    assert [(push.op, push.convMessage.initBy) for push in tablet.heard()] == [(Op.LEFT, "tom")]
    assert [(push.op, push.convMessage.initBy) for push in ann.heard()] == [(Op.MEMBERS_LEFT, "tom")]
    assert phone.heard() == []


def test_who_wants_no_notifications_is_shown(gateway: Gateway) -> None:
    tom, ann = gateway.opened("tom", "ann")
    cid = tom.start("tom", "ann")
    ann.heard()
    assert ann.conv(Op.MUTE, cid=cid).op == Op.UPDATED
    assert found(tom)[0]["mu"] == ["ann"]
    assert tom.say(cid, "hi").uid
    assert [push.cmd for push in ann.heard()] == [Cmd.DIRECT]
    assert ann.conv(Op.UNMUTE, cid=cid).convMessage.udate
    assert "mu" not in found(tom)[0]
    assert gateway.opened("eve").conv(Op.MUTE, cid=cid).errorMessage.code == 4317
