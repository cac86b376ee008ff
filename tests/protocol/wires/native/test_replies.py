"""Every success answer of SOCKET.md, key by key, in the order the contract and the seed print."""

from __future__ import annotations

from typing import Any

import pytest

from protocol import commands as c
from protocol.errors import Reason
from protocol.records import (
    ConversationInfo,
    ConversationState,
    FriendInfo,
    MemberFailure,
    MemberInfo,
    PatchRecord,
    UserInfo,
)
from protocol.wires.control import by_name
from protocol.wires.native.codes import CODES
from protocol.wires.native.replies import REPLIES
from tests.protocol.wires.native.printed import message, pushed


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


def test_a_send_that_is_only_in_memory_is_marked(speaker: Any) -> None:
    sent = c.Sent(message=speaker.msg, conversation=speaker.conv, seq=5, time_ms=8, memory=True)
    said = speaker.data(ask("msg.send", speaker, type=-1, text="x", durability="memory"), sent)
    assert said["durability"] == "memory"


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
            ids | {"kind": "edited", "by": "bob", "time": 8, "type": -1, "text": "b", "attr": "[1]", "url": "null"},
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
        "conv_extend": {"conv_name": "just test", "name": "us"},
        "created": True,
    }
    bare = c.Created(conversation=conversation(speaker, attributes=b"{}", name=""), created=False)
    assert speaker.data(request, bare)["conv_extend"] is None  # as ZD-04 prints it


def row(speaker: Any) -> dict[str, Any]:
    return {
        "conv_id": speaker.conv_id,
        "conv_type": 2,
        "client_num": 3,
        "app_id": "666666",
        "conv_extend": {"conv_name": "just test", "name": "us"},
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
    management |= {c.DirectPage, c.JoinRequestList, c.Marked, c.TokenRenewed, c.UserNames}
    management |= {c.WatermarkReport, c.Quarantine, c.BackedUp, c.ConnectionSeen, c.SessionsSeen}
    management |= {c.SampleList, c.Announced, c.AnnouncementList}
    management |= {c.Imported, c.Missed, c.ReadTimesList, c.Unheard}  # of LeanCloud's wire
    ours = {reply for reply in by_name(c.Reply).values() if reply.__module__.startswith("protocol.commands")}
    assert ours - management == set(REPLIES)
