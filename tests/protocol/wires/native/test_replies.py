"""Every success answer of SOCKET.md, key by key, and every push, in the order the contract and the seed print."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from protocol import commands as c
from protocol import pushes as p
from protocol.errors import Reason, Refused
from protocol.records import (
    ConversationInfo,
    ConversationState,
    FriendInfo,
    MemberFailure,
    MemberInfo,
    Message,
    PatchRecord,
    UserInfo,
)
from protocol.wires.native.codes import CODES
from protocol.wires.native.pushes import PUSHES
from protocol.wires.native.replies import REPLIES


def message(speaker: Any, **more: Any) -> Message:
    fields: dict[str, Any] = {"seq": 5, "sender": "bob", "type": -1, "body": b'{"text":"HELLO !"}'} | more
    return Message(id=speaker.msg, conversation=speaker.conv, **fields)


def conversation(speaker: Any, **more: Any) -> ConversationInfo:
    fields: dict[str, Any] = {
        "kind": 2,
        "name": "us",
        "attributes": b'{"conv_name":"just test"}',
        "owner": "1",
        "creator": "1597500303",
        "members": 3,
        "created_ms": 1597994197000,
        "updated_ms": 0,
        "last_seq": 9,
    } | more
    return ConversationInfo(id=speaker.conv, **fields)


def ask(kind: str, speaker: Any, **data: Any) -> dict[str, Any]:
    return {"type": kind, "data": {"conv_id": speaker.conv_id, "msg_id": speaker.msg_id, **data}}


PUSHED = {
    "from_client": "bob",
    "conv_id": "<conv>",
    "msg_id": "<msg>",
    "ctime": 1608126111686,
    "type": -1,
    "text": "HELLO !",
    "attr": "null",
    "url": "null",
    "transient": "0",
    "mention_all": 0,
    "mention_client_ids": "null",
    "seq": 5,
}


def pushed(speaker: Any, **more: Any) -> dict[str, Any]:
    return PUSHED | {"conv_id": speaker.conv_id, "msg_id": speaker.msg_id} | more


def test_login_answers_what_the_seed_prints_and_ours(new_speaker: Any) -> None:
    speaker = new_speaker(log_in=False)
    request = {"type": "login", "data": {"app_id": "666666", "client_id": "alice"}}
    assert speaker.data(request, speaker.logged_in()) == {
        "time": speaker.now,
        "session_token": "st-1",
        "client_id": "alice",
        "device_id": "phone",
    }
    assert speaker.wire.logged_in


def test_a_send_answers_ids_seq_and_time_and_echoes_the_request_id(speaker: Any) -> None:
    for number in (0, -3, "a" * 64, ""):
        request = ask("msg.send", speaker, type=-1, text="x") | {"id": number}
        answer = speaker.answer(request, c.Sent(message=speaker.msg, conversation=speaker.conv, seq=5, time_ms=8))
        assert list(answer.items()) == [
            ("type", "msg.send.success"),
            ("id", number),
            ("msg", "success"),
            ("data", {"msg_id": speaker.msg_id, "conv_id": speaker.conv_id, "seq": 5, "time": 8}),
        ]


@pytest.mark.parametrize("kind", ["logout", "conv.update", "conv.delete", "conv.join", "conv.leave", "friend.add"])
def test_what_is_done_answers_its_time(kind: str, speaker: Any) -> None:
    assert speaker.data(ask(kind, speaker, name="n", client_id="b"), c.Done(time_ms=8)) == {"time": 8}


def test_an_ack_answers_nothing(speaker: Any) -> None:
    assert speaker.data(ask("msg.ack", speaker, seq=1), c.Done(time_ms=8)) == {}


def test_history_answers_messages_as_they_were_pushed_with_their_status(speaker: Any) -> None:
    edited = message(speaker, body=b"{}", status=3, edited_ms=77, client_msg_id="k")
    reply = c.HistoryPage(conversation=speaker.conv, messages=[message(speaker), edited], more=True)
    assert speaker.data(ask("msg.history", speaker), reply) == {
        "conv_id": speaker.conv_id,
        "messages": [
            pushed(speaker, msg_status=1, mtime=None),
            pushed(speaker, text=None, client_msg_id="k", msg_status=3, mtime=77),
        ],
        "more": True,
    }


def test_reading_answers(speaker: Any) -> None:
    assert speaker.data(ask("msg.read", speaker, seq=1), c.ReadMark(unread=2)) == {"unread": 2}
    reply = c.ReadersList(read=["a"], unread=["b"])
    assert speaker.data(ask("msg.readers", speaker), reply) == {"read": ["a"], "unread": ["b"]}


@pytest.mark.parametrize("kind", ["msg.edit", "msg.recall"])
def test_a_patch_answers_its_time(kind: str, speaker: Any) -> None:
    assert speaker.data(ask(kind, speaker, text="x"), c.Patched(time_ms=8)) == {"time": 8}


def test_sync_answers_states_left_and_patches(speaker: Any) -> None:
    state = ConversationState(
        id=speaker.conv,
        kind=3,
        name="us",
        first_seq=1,
        last_seq=5,
        read_seq=3,
        unread=2,
        mentioned=True,
        last_message=message(speaker),
    )
    patches = [
        PatchRecord(speaker.conv, 1, speaker.msg, 5, 1, b'{"text":"b","attr":[1]}', "bob", 8),
        PatchRecord(speaker.conv, 2, speaker.msg, 5, 3, b"{}", "bob", 9),
        PatchRecord(speaker.conv, 3, speaker.msg, 5, 2, b"{}", "root", 10),
    ]
    reply = c.SyncState(conversations=[state], left=[speaker.conv], patches=patches, cursor="e-9", more=False, reset=True)
    ids = {"conv_id": speaker.conv_id, "msg_id": speaker.msg_id, "seq": 5}
    assert speaker.data({"type": "sync"}, reply) == {
        "conversations": [
            {
                "conv_id": speaker.conv_id,
                "conv_type": 3,
                "name": "us",
                "first_seq": 1,
                "last_seq": 5,
                "read_seq": 3,
                "unread": 2,
                "mentioned": True,
                "last_message": pushed(speaker, msg_status=1, mtime=None),
            }
        ],
        "left": [speaker.conv_id],
        "patches": [
            ids | {"kind": "edited", "by": "bob", "time": 8, "text": "b", "attr": "[1]", "url": "null"},
            ids | {"kind": "recalled", "by": "bob", "time": 9},
            ids | {"kind": "deleted", "by": "root", "time": 10},
        ],
        "cursor": "e-9",
        "more": False,
        "reset": True,
    }


def test_a_created_conversation_shows_what_was_stored(speaker: Any) -> None:
    request = ask("conv.create", speaker, conv_type=2, to_client_ids=["b"])
    stored = c.Created(conversation=conversation(speaker), created=True)
    assert speaker.data(request, stored) == {
        "conv_id": speaker.conv_id,
        "conv_extend": {"conv_name": "just test"},
        "created": True,
    }
    bare = c.Created(conversation=conversation(speaker, attributes=b"{}"), created=False)
    assert speaker.data(request, bare)["conv_extend"] is None  # as ZD-04 prints it


def row(speaker: Any) -> dict[str, Any]:
    return {
        "conv_id": speaker.conv_id,
        "conv_type": 2,
        "client_num": 3,
        "app_id": "666666",
        "conv_extend": {"conv_name": "just test"},
        "conv_creater_id": "1597500303",
        "ctime": 1597994197000,
        "mtime": None,
        "name": "us",
        "owner": "1",
        "first_seq": 1,
        "last_seq": 9,
    }


def test_a_conversation_has_the_keys_of_the_seed_and_times_in_ms(speaker: Any) -> None:
    reply = c.ConversationFound(conversation=conversation(speaker))
    assert speaker.data(ask("conv.get", speaker), reply) == row(speaker)
    reply.conversation.last_message = message(speaker)
    last = pushed(speaker, msg_status=1, mtime=None)
    assert speaker.data(ask("conv.get", speaker), reply) == row(speaker) | {"last_message": last}


def test_a_page_repeats_page_and_size_of_its_request(speaker: Any) -> None:
    reply = c.ConversationPage(conversations=[conversation(speaker)], total=21)
    assert speaker.data({"type": "conv.list", "data": {"page": 2, "size": 10}}, reply) == {
        "current_page": 2,
        "data": [row(speaker)],
        "last_page": 3,
        "per_page": 10,
        "total": 21,
    }


def test_members_answer_role_and_presence(speaker: Any) -> None:
    reply = c.MemberList(
        members=[MemberInfo(user="a", role=2, online=True), MemberInfo(user="b", role=0, online=False, muted_until_ms=9)],
        total=2,
    )
    assert speaker.data(ask("conv.members", speaker), reply) == {
        "client_ids": [
            {"client_id": "a", "role": "owner", "online": True, "muted_until": None},
            {"client_id": "b", "role": "member", "online": False, "muted_until": 9},
        ],
        "total": 2,
    }


def test_member_changes_answer_each_failure_with_its_code(speaker: Any) -> None:
    failed = [MemberFailure(user=reason.value, reason=reason.value) for reason in Reason]
    reply = c.MembersChanged(allowed=["a"], failed=failed)
    assert speaker.data(ask("conv.members.add", speaker, client_ids=["a"]), reply) == {
        "allowed": ["a"],
        "failed": [{"client_id": reason.value, "code": CODES[reason]} for reason in Reason],
    }


def test_presence_users_and_friends_answer(speaker: Any) -> None:
    for kind in ("presence.query", "presence.subscribe", "presence.unsubscribe"):
        assert speaker.data(ask(kind, speaker, client_ids=["a"]), c.OnlineUsers(online=["a"])) == {"online": ["a"]}
    user = UserInfo(user="a", attributes=b'{"x":1}', online=True, created_ms=5)
    assert speaker.data({"type": "user.get"}, c.UserFound(user=user)) == {
        "client_id": "a",
        "attributes": {"x": 1},
        "online": True,
        "ctime": 5,
        "mtime": None,
    }
    friends = c.FriendList(friends=[FriendInfo(user="b", online=False, since_ms=4)])
    assert speaker.data({"type": "friend.list"}, friends) == {"friends": [{"client_id": "b", "online": False, "time": 4}]}


def test_every_reply_of_a_socket_command_has_a_shape() -> None:
    management = {c.SessionList, c.MessagePage, c.AppTable, c.StatsReport, c.UserList}
    management |= {c.JoinRequestList, c.Marked}
    ours = {reply for reply in c.Reply.__subclasses__() if reply.__module__.startswith("protocol.commands")}
    assert ours - management == set(REPLIES)


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_is_answered_with_its_code_and_a_sentence(reason: Reason, speaker: Any) -> None:
    answer = speaker.answer({"type": "friend.list", "id": 3}, Refused(reason, "Because."))
    text = "Internal server error. No information available" if reason is Reason.INTERNAL else "Because."
    assert list(answer.items()) == [("type", "friend.list.error"), ("id", 3), ("code", CODES[reason]), ("msg", text)]


def test_a_retry_time_is_data_of_the_error(speaker: Any) -> None:
    answer = speaker.answer({"type": "friend.list"}, Refused(Reason.TOO_FAST, "Slow.", retry_after_ms=250))
    assert answer == {"type": "friend.list.error", "code": 4029, "msg": "Slow.", "data": {"retry_after_ms": 250}}


def test_codes_are_those_of_the_contract() -> None:
    assert set(CODES) == set(Reason)
    printed = "1 211 212 213 214 4001 4002 4003 4004 4005 4010 4011 4012 4013 4014 4015 4016 4017 4018 4029 4030 4405 4406"
    assert set(CODES.values()) == {int(code) for code in f"{printed} 4601 5030 5031 5032 5033 5034".split()}


# Pushes


def test_a_message_is_pushed_as_the_seed_prints_it_then_ours(speaker: Any) -> None:
    seed = message(speaker, sender="2", numeric_sender=True)
    push = speaker.pushed(p.MessageNew(app=speaker.app, message=seed, kind=2))
    assert list(push) == ["type", "data"]
    assert push["type"] == "msg.new"
    assert list(push["data"].items()) == list(pushed(speaker, from_client=2).items())


def test_a_message_with_everything(speaker: Any) -> None:
    said = message(
        speaker,
        seq=0,
        type=-2,
        body=b'{"attr":{"w":1,"n":"\xe4\xbd\xa0"},"url":"http://x/\\""}',
        mention_all=True,
        mentions=("a", "b"),
        client_msg_id="k",
    )
    assert speaker.pushed(p.MessageNew(app=speaker.app, message=said, kind=1))["data"] == pushed(
        speaker,
        type=-2,
        text=None,
        attr='{"w":1,"n":"你"}',
        url='"http://x/\\""',
        transient="1",
        mention_all=1,
        mention_client_ids='["a","b"]',
        seq=0,
        client_msg_id="k",
    )


@pytest.mark.parametrize("sender", ["bob", "", "-", "--1", "٢", "1" * 30, "1.0"])
def test_a_sender_that_is_no_number_stays_text(sender: str, speaker: Any) -> None:
    said = message(speaker, sender=sender, numeric_sender=True)
    assert speaker.pushed(p.MessageNew(app=speaker.app, message=said, kind=1))["data"]["from_client"] == sender


def test_patches_are_pushed_by_what_happened(speaker: Any) -> None:
    base = {
        "conv_id": speaker.conv_id,
        "msg_id": speaker.msg_id,
        "seq": 5,
        "time": 8,
        "from_client": "bob",
        "by": "root",
    }
    for status, kind in ((1, "msg.edited"), (3, "msg.recalled"), (2, "msg.deleted")):
        body = b'{"text":"new"}' if status == 1 else b"{}"
        patched = p.MessagePatched(app=speaker.app, message=message(speaker, status=status, body=body), by="root", time_ms=8)
        content = {"text": "new", "attr": "null", "url": "null"} if status == 1 else {}
        assert speaker.pushed(patched) == {"type": kind, "data": base | content}


APP = "666666"
SIMPLE: list[tuple[p.Push, str, dict[str, Any]]] = [
    (
        p.Receipt(app=APP, conversation=1, user="a", delivered_seq=3, read_seq=2),
        "msg.receipt",
        {"client_id": "a", "delivered_seq": 3, "read_seq": 2},
    ),
    (p.ConversationJoined(app=APP, conversation=1, by="a"), "conv.joined", {"by": "a"}),
    (p.ConversationLeft(app=APP, conversation=1, by="a"), "conv.left", {"by": "a"}),
    (
        p.MembersJoined(app=APP, conversation=1, users=("b", "c"), by="a"),
        "conv.members_joined",
        {"client_ids": ["b", "c"], "by": "a"},
    ),
    (
        p.MembersLeft(app=APP, conversation=1, users=("b",), by="a"),
        "conv.members_left",
        {"client_ids": ["b"], "by": "a"},
    ),
    (
        p.ConversationUpdated(app=APP, conversation=1, by="a", name="n", attributes=None),
        "conv.updated",
        {"by": "a", "name": "n"},
    ),
    (
        p.ConversationUpdated(app=APP, conversation=1, by="a", name=None, attributes=b'{"x":1}'),
        "conv.updated",
        {"by": "a", "conv_extend": {"x": 1}},
    ),
    (p.ConversationDeleted(app=APP, conversation=1, by="a"), "conv.deleted", {"by": "a"}),
    (
        p.MemberMuted(app=APP, conversation=1, user="b", until_ms=0, by="a"),
        "conv.muted",
        {"client_id": "b", "until": None, "by": "a"},
    ),
    (p.MemberUnmuted(app=APP, conversation=1, user="b", by="a"), "conv.unmuted", {"client_id": "b", "by": "a"}),
    (
        p.ConversationRead(app=APP, conversation=1, by="tom", seq=4, unread=0),
        "conv.read",
        {"by": "tom", "seq": 4, "unread": 0},
    ),
    (
        p.PresenceChanged(app=APP, changes=(p.PresenceChange(user="a", online=True, time_ms=9),)),
        "presence.changed",
        {"changes": [{"client_id": "a", "online": True, "time": 9}]},
    ),
    (
        p.SystemNew(app=APP, content=b'{"a":[1]}', sender="root", time_ms=9),
        "system.new",
        {"content": {"a": [1]}, "from": "root", "time": 9},
    ),
]


@pytest.mark.parametrize(("push", "kind", "data"), SIMPLE, ids=lambda value: value if isinstance(value, str) else "")
def test_a_push_has_its_type_and_data(push: p.Push, kind: str, data: Any, speaker: Any) -> None:
    if hasattr(push, "conversation"):
        push = msgspec.structs.replace(push, conversation=speaker.conv)
        data = {"conv_id": speaker.conv_id} | data
    assert speaker.pushed(push) == {"type": kind, "data": data}


def test_every_push_but_the_table_of_apps_has_words(speaker: Any) -> None:
    assert set(p.Push.__subclasses__()) - {p.AppsChanged} == set(PUSHES)
    assert speaker.wire.push(p.AppsChanged(app="", apps=())) is None
