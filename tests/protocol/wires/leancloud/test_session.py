"""Opening, coming back, being replaced: sessions as the SDK lives through them (`protocols.md` 2.3, 2.4)."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from protocol.commands import BanUser, Kick
from protocol.errors import CloseReason
from protocol.signatures import Action, sign_action
from protocol.wires.leancloud import LeanCloudWire
from protocol.wires.leancloud.schema import Cmd, Op, read
from protocol.wires.leancloud.wire import MOST_SEATS
from protocol.wires.wire import Ending
from tests.broker.hub.script import app
from tests.protocol.wires.leancloud.gateway import Gateway, gateway_with


def test_an_open_is_answered_with_a_token_and_nothing_else(gateway: Gateway) -> None:
    line = gateway.line()
    answer = line.open("tom", tag="Mobile", deviceId="d1")
    assert (answer.cmd, answer.op, answer.i, answer.peerId, answer.serverTs) == (
        Cmd.SESSION,
        Op.OPENED,
        1,
        "tom",
        gateway.ms,
    )
    assert {field.name for field, _ in answer.sessionMessage.ListFields()} == {"st", "stTtl"}
    assert answer.sessionMessage.stTtl == 30 * 86_400
    assert line.heard() == []
    assert line.wire.logged_in


def test_a_client_without_a_name_gets_one_and_keeps_it(gateway: Gateway) -> None:
    line = gateway.line()
    peer = line.open().peerId
    assert len(peer) == 32
    cid = line.start(peer)
    assert line.say(cid, "hi").uid
    other = gateway.line()
    assert other.open().peerId != peer
    assert other.start(peer, other.wire._seats[""].peer)
    assert [push.peerId for push in line.heard() if push.op == Op.JOINED] == [peer]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"peer": "x" * 65}, 4103),
        ({"peer": "a\x00b"}, 4103),
        ({"peer": "tom", "app": "nobody"}, 4100),
        ({"peer": "tom", "app": ""}, 4100),
        ({"peer": "tom", "tag": "x" * 200}, 4103),
        ({"peer": "tom", "st": "wrong"}, 4112),
    ],
)
def test_an_open_that_cannot_be(gateway: Gateway, fields: dict[str, Any], code: int) -> None:
    line = gateway.line()
    answer = line.open(**fields)
    assert (answer.cmd, answer.errorMessage.code, answer.i) == (Cmd.ERROR, code, 1)
    assert answer.errorMessage.reason
    assert line.closed is None
    assert line.open("tom").op == Op.OPENED


def test_an_app_that_wants_proof_takes_a_signature() -> None:
    gateway = gateway_with(token_required=True)

    def signed(peer: str, at: int, user: str = "", key: str = "m") -> dict[str, Any]:
        return {"t": at, "n": "nonce", "s": sign_action(key, Action.LOGIN, "a", user or peer, str(at), "nonce")}

    line = gateway.line()
    assert line.open("tom").errorMessage.code == 4102
    assert line.open("tom", **signed("tom", gateway.ms, user="eve")).errorMessage.code == 4102
    assert line.open("tom", **signed("tom", gateway.ms, key="k")).errorMessage.code == 4102
    assert line.open("tom", **signed("tom", gateway.ms - 7 * 3_600_000)).errorMessage.code == 4102
    good = line.open("tom", **signed("tom", gateway.ms))
    assert good.op == Op.OPENED
    # The token is proof enough for coming back, and a forced logout voids both.
    gateway.lose(line)
    again = gateway.line()
    assert again.open("tom", st=good.sessionMessage.st, r=True).op == Op.OPENED
    gateway.manage(Kick(user="tom"))
    third = gateway.line()
    assert third.open("tom", st=good.sessionMessage.st, r=True).errorMessage.code == 4112
    assert third.open("tom", **signed("tom", gateway.ms)).errorMessage.code == 4102
    gateway.pass_ms(10)
    assert third.open("tom", **signed("tom", gateway.ms)).op == Op.OPENED


def test_an_app_that_asks_for_none_ignores_invented_signatures(gateway: Gateway) -> None:
    assert gateway.line().open("tom", s="invented", t=1, n="x").op == Op.OPENED


def test_the_same_tag_elsewhere_is_a_conflict_and_no_close_frame_is_sent(gateway: Gateway) -> None:
    old = gateway.line()
    old.open("tom", tag="Mobile")
    new = gateway.line()
    assert new.open("tom", tag="Mobile").op == Op.OPENED
    (push,) = old.heard()
    assert (push.cmd, push.op, push.peerId) == (Cmd.SESSION, Op.CLOSED, "tom")
    assert push.sessionMessage.code == 4111
    assert push.sessionMessage.reason
    assert old.closed == 0


@pytest.mark.parametrize("tag", ["", "default", "Web"])
def test_no_tag_the_default_tag_and_another_tag_never_conflict(gateway: Gateway, tag: str) -> None:
    old = gateway.line()
    old.open("tom", tag="" if tag != "Web" else "Mobile")
    gateway.line().open("tom", **({"tag": tag} if tag else {}))
    assert old.heard() == []


def test_tag_and_device_come_back_with_the_token(gateway: Gateway) -> None:
    first = gateway.line()
    st = first.open("tom", tag="Mobile", deviceId="d1").sessionMessage.st
    gateway.lose(first)
    second = gateway.line()
    assert second.open("tom", st=st, r=True).op == Op.OPENED
    (session,) = gateway.hub().sessions.values()
    assert (session.tag, session.device) == ("Mobile", "d1")
    gateway.line().open("tom", tag="Mobile")
    assert [push.sessionMessage.code for push in second.heard()] == [4111]


def test_coming_back_on_a_new_connection_takes_the_old_one_over_silently(gateway: Gateway) -> None:
    old = gateway.line()
    st = old.open("tom", tag="Mobile").sessionMessage.st
    assert gateway.line().open("tom", st=st, r=True).op == Op.OPENED
    assert old.heard() == []
    assert old.closed == 0


def test_who_was_replaced_cannot_come_back_by_itself(gateway: Gateway) -> None:
    old = gateway.line()
    st = old.open("tom", tag="Mobile").sessionMessage.st
    gateway.pass_ms(5)
    holder = gateway.line()
    newer = holder.open("tom", tag="Mobile").sessionMessage.st
    back = gateway.line()
    assert back.open("tom", st=st, r=True).errorMessage.code == 4111
    assert back.closed is None
    assert back.open("tom", tag="Mobile", r=True).errorMessage.code == 4111
    assert holder.heard() == []
    assert back.open("tom", st=newer, r=True).op == Op.OPENED


def test_a_refreshed_token_is_the_newer_one(gateway: Gateway) -> None:
    line = gateway.line()
    st = line.open("tom", tag="Mobile").sessionMessage.st
    gateway.pass_ms(5)
    answer = line.ask(cmd=Cmd.SESSION, op=Op.REFRESH, sessionMessage={"st": "long over"})
    assert (answer.op, answer.sessionMessage.stTtl) == (Op.REFRESHED, 30 * 86_400)
    assert answer.sessionMessage.st != st
    gateway.lose(line)
    assert gateway.line().open("tom", st=answer.sessionMessage.st, r=True).op == Op.OPENED


def test_several_clients_share_a_connection(gateway: Gateway) -> None:
    line = gateway.line()
    line.open("tom")
    line.open("ann")
    # Who names no peer is the first.
    cid = line.start("tom", "ann")
    joined, _ = line.heard()
    assert (joined.op, joined.peerId) == (Op.JOINED, "ann")
    ack = line.say(cid, "from ann", peer="ann")
    (direct,) = line.heard()
    assert (direct.peerId, direct.directMessage.fromPeerId, direct.directMessage.id) == ("tom", "ann", ack.uid)
    # One is replaced, the other stays.
    gateway.pass_ms(1)
    gateway.manage(Kick(user="ann", reason="enough"))
    (closed,) = line.heard()
    assert (closed.peerId, closed.sessionMessage.code, closed.sessionMessage.reason) == ("ann", 4115, "enough")
    assert line.closed is None
    assert line.ask(cmd=Cmd.CONV, op=Op.COUNT, peerId="ann", convMessage={"cid": cid}).errorMessage.code == 4105
    assert line.say(cid, "still here").uid


def test_close_ends_that_client_only(gateway: Gateway) -> None:
    line = gateway.line()
    line.open("tom")
    line.open("ann")
    answer = line.ask(cmd=Cmd.SESSION, op=Op.CLOSE, peerId="tom")
    assert (answer.op, answer.peerId) == (Op.CLOSED, "tom")
    assert list(line.sessions) == ["ann"]
    # Now the other is the first, and the name is free again.
    assert line.start("ann")
    assert line.open("tom").op == Op.OPENED


def test_opening_again_on_one_connection_goes_on_with_the_session_there_is(gateway: Gateway) -> None:
    line, ann = gateway.line(), gateway.opened("ann")
    first = line.open("tom", tag="Mobile", deviceId="d1").sessionMessage.st
    cid = ann.start("ann", "tom")
    ann.say(cid, "hi")
    line.heard()
    gateway.pass_ms(5)
    for said in ({"tag": "Mobile"}, {"tag": "Pad"}, {"st": first, "r": True}, {"st": "long over"}):
        answer = line.open("tom", **said)
        assert (answer.op, answer.peerId, answer.serverTs) == (Op.OPENED, "tom", gateway.ms)
        assert {field.name for field, _ in answer.sessionMessage.ListFields()} == {"st", "stTtl"}
        (unread,) = line.heard()
        assert [(each.cid, each.unread) for each in unread.unreadMessage.convs] == [(cid, 1)]
    (session,) = (each for each in gateway.hub().sessions.values() if each.user == "tom")
    assert (session.tag, session.device) == ("Mobile", "d1")
    assert line.say(cid, "hello").uid
    ann.heard()
    gateway.lose(line)
    assert gateway.line().open("tom", st=answer.sessionMessage.st, r=True).op == Op.OPENED


def test_what_opens_no_second_session_in_anothers_place(gateway: Gateway) -> None:
    line = gateway.opened("tom")
    assert line.open("tom", app="b").errorMessage.code in (4100, 4101)
    assert line.start("tom")
    nameless = gateway.line()
    peer = nameless.open().peerId
    assert nameless.open().errorMessage.code == 4101
    assert nameless.start(peer)


def test_refused_opens_leave_nothing_behind_and_a_connection_has_64_clients(gateway: Gateway) -> None:
    line = gateway.line()
    for n in range(MOST_SEATS + 1):
        assert line.open(f"u{n}", st="wrong").errorMessage.code == 4112
    for n in range(MOST_SEATS):
        assert line.open(f"u{n}").op == Op.OPENED
    assert line.open("one more").errorMessage.code == 4113


def test_who_is_online(gateway: Gateway) -> None:
    line, _ = gateway.opened("tom", "ann")
    asked = [f"u{n}" for n in range(19)] + ["ann", "tom"]
    answer = line.ask(cmd=Cmd.SESSION, op=Op.QUERY, sessionMessage={"sessionPeerIds": asked})
    assert (answer.op, list(answer.sessionMessage.onlineSessionPeerIds)) == (Op.QUERY_RESULT, ["ann"])


def test_echo_is_answered_before_and_after_open(gateway: Gateway) -> None:
    line = gateway.line()
    assert line.ask(cmd=Cmd.ECHO).cmd == Cmd.ECHO
    line.open("tom")
    assert line.ask(cmd=Cmd.ECHO, peerId="tom").cmd == Cmd.ECHO


def test_without_a_session_there_is_only_4105(gateway: Gateway) -> None:
    line = gateway.line()
    assert line.conv(Op.START, m=["tom"]).errorMessage.code == 4105
    line.send(cmd=Cmd.READ, readMessage={"convs": [{"cid": "x"}]})
    assert line.heard() == []
    line.open("tom")
    assert line.conv(Op.START, "eve", m=["eve"]).errorMessage.code == 4105


def test_an_unknown_command_is_answered_in_its_turn(gateway: Gateway) -> None:
    line = gateway.opened("tom")
    assert line.ask(cmd=10, op=7).errorMessage.code == 4114
    assert line.ask(cmd=Cmd.CONV, op=999).errorMessage.code == 4114


def test_whoever_gives_a_number_gets_an_answer_whatever_he_sends(gateway: Gateway) -> None:
    tom, ann = gateway.opened("tom", "ann")
    cid = tom.start("tom", "ann")
    ann.heard()
    sent = tom.say(cid, "hi")
    ann.heard()
    for cmd in (Cmd.RCP, Cmd.UNREAD, Cmd.PRESENCE):
        assert ann.ask(cmd=cmd).errorMessage.code == 4114
        ann.send(cmd=cmd)
        assert ann.heard() == []
    assert ann.ask(cmd=Cmd.ACK, ackMessage={"cid": cid, "tots": sent.t}).cmd == Cmd.ACK
    assert ann.ask(cmd=Cmd.ACK, ackMessage={"cid": "nonsense"}).errorMessage.code == 4303
    assert ann.ask(cmd=Cmd.READ, readMessage={"convs": [{"cid": "nonsense"}]}).cmd == Cmd.READ
    answer = ann.ask(cmd=Cmd.READ, peerId="ann", readMessage={"convs": [{"cid": cid}, {"cid": cid}]})
    assert (answer.cmd, answer.peerId) == (Cmd.READ, "ann")
    assert [push.unreadMessage.convs[0].unread for push in ann.heard()] == [0, 0]


@pytest.mark.parametrize("opened", [False, True])
def test_a_frame_that_is_no_command(gateway: Gateway, opened: bool) -> None:
    line = gateway.line()
    if opened:
        line.open("tom")
    line.raw(b"\xff\xff")
    (error,) = line.heard()
    assert (error.errorMessage.code, error.HasField("i")) == (4114, False)
    assert line.closed is None
    assert (line.start("tom") if opened else line.open("tom")) is not None


def test_base64_both_ways(gateway: Gateway) -> None:
    line = gateway.line("lc.proto2base64.3")
    assert line.wire.text
    assert line.open("tom").op == Op.OPENED
    ann = gateway.opened("ann")
    cid = ann.start("ann", "tom")
    ann.say(cid, "hi")
    assert [(push.op, push.peerId) for push in line.heard()] == [(Op.JOINED, "tom"), (Op.MEMBERS_JOINED, "tom"), (0, "tom")]
    line.raw(b"no base64!")
    assert [push.errorMessage.code for push in line.heard()] == [4114]


def test_a_ban_and_a_restart_end_a_connection_each_in_its_way(gateway: Gateway) -> None:
    line = gateway.opened("tom")
    gateway.manage(BanUser(user="tom"))
    assert [push.sessionMessage.code for push in line.heard()] == [4115]
    assert gateway.line().open("tom").errorMessage.code == 4106
    wire = LeanCloudWire("lc.proto2base64.3")
    farewell = wire.farewell(Ending(CloseReason.GOING_AWAY), gateway.ms)
    assert [read(base64.b64decode(each)).cmd for each in farewell.payloads] == [Cmd.GOAWAY]
    assert farewell.code == 4501


def test_no_close_code_of_ours_is_final_to_the_sdk() -> None:
    codes = {LeanCloudWire().farewell(Ending(reason), 0).code for reason in CloseReason}
    assert not codes & {4100, 4103, 4110}


def test_the_tag_still_kicks_after_a_restart(gateway: Gateway) -> None:
    st = gateway.line().open("tom", tag="Mobile").sessionMessage.st
    gateway.lines.clear()
    gateway.restart()
    back = gateway.line()
    assert back.open("tom", st=st, r=True).op == Op.OPENED
    gateway.line().open("tom", tag="Mobile")
    assert [push.sessionMessage.code for push in back.heard()] == [4111]


def test_the_apps_of_a_connection_are_apart() -> None:
    gateway = Gateway(app("a"), app("b"))
    line = gateway.line()
    assert line.open("tom", app="a").op == Op.OPENED
    assert line.open("ann", app="b").op == Op.OPENED
    cid = line.start("tom", peer="tom")
    assert line.say(cid, "x", peer="ann").code == 4401


@pytest.mark.parametrize("length", range(6))
def test_a_push_in_base64_can_be_followed_by_the_peer_whatever_its_length(gateway: Gateway, length: int) -> None:
    line = gateway.line("lc.proto2base64.3")
    line.open("tom")
    ann = gateway.opened("ann")
    cid = ann.start("ann", "tom")
    line.heard()
    ann.say(cid, "x" * length)
    (push,) = line.heard()
    assert (push.cmd, push.peerId, push.directMessage.fromPeerId) == (Cmd.DIRECT, "tom", "ann")
    assert push.directMessage.msg == "x" * length
