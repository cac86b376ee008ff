"""Every push of SOCKET.md, key by key, in the order the contract and the seed print."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from protocol import pushes as p
from protocol.wires.native.pushes import PUSHES
from tests.protocol.wires.native.printed import message, pushed


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
        content = {"type": -1, "text": "new", "attr": "null", "url": "null"} if status == 1 else {}
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
    (
        p.ConversationUpdated(app=APP, conversation=1, by="a", name=None, attributes=b'{"name":"","x":1}', called="us"),
        "conv.updated",
        {"by": "a", "conv_extend": {"name": "us", "x": 1}},
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
    leancloud = {p.MessageReceived, p.OwnMute, p.MembersBlocked, p.RoleChanged}
    assert set(p.Push.__subclasses__()) - {p.AppsChanged} - leancloud == set(PUSHES)
    assert speaker.wire.push(p.AppsChanged(app="", apps=())) is None
