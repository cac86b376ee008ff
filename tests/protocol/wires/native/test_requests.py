"""Every request type of SOCKET.md: the command it makes, and its refusal with each field missing or of a wrong form."""

from __future__ import annotations

from typing import Any

import pytest

from protocol import commands as c
from protocol.wires.native.requests import REQUESTS

CONV, MSG = "<conv>", "<msg>"  # replaced by ids of the speaker's app
GOOD: list[tuple[str, dict[str, Any], c.Command]] = [
    ("logout", {}, c.Logout()),
    (
        "msg.history",
        {"conv_id": CONV, "before": 9, "limit": 100},
        c.History(conversation=1, before=9, limit=100),
    ),
    ("msg.history", {"conv_id": CONV, "after": 0}, c.History(conversation=1, after=0)),
    ("msg.history", {"conv_id": CONV}, c.History(conversation=1, limit=20)),
    ("msg.ack", {"conv_id": CONV, "seq": 4}, c.Acknowledge(conversation=1, seq=4)),
    ("msg.read", {"conv_id": CONV, "seq": 4}, c.Read(conversation=1, seq=4)),
    ("msg.readers", {"conv_id": CONV, "msg_id": MSG}, c.Readers(conversation=1, message=2)),
    (
        "msg.edit",
        {"conv_id": CONV, "msg_id": MSG, "text": "b", "attr": {"x": 1}, "url": "u"},
        c.EditMessage(conversation=1, message=2, body=b'{"text":"b","attr":{"x":1},"url":"u"}'),
    ),
    (
        "msg.edit",
        {"conv_id": CONV, "msg_id": MSG, "url": "u"},
        c.EditMessage(conversation=1, message=2, body=b'{"url":"u"}'),
    ),
    ("msg.recall", {"conv_id": CONV, "msg_id": MSG}, c.RecallMessage(conversation=1, message=2)),
    ("sync", {}, c.Sync()),
    ("sync", {"cursor": "e-5"}, c.Sync(cursor="e-5")),
    (
        "conv.create",
        {"conv_type": 2, "to_client_ids": ["bob", 17, "bob"], "conv_extend": {"n": 1}, "name": "us", "unique": True},
        c.CreateConversation(kind=2, members=("bob", "17"), attributes=b'{"n":1}', name="us", unique=True),
    ),
    ("conv.create", {"conv_type": 4, "to_client_ids": []}, c.CreateConversation(kind=4, members=())),
    ("conv.get", {"conv_id": CONV}, c.GetConversation(conversation=1)),
    ("conv.list", {}, c.ListConversations()),
    (
        "conv.list",
        {"page": 2, "size": 5, "where": [["conv_id", "=", CONV], ["conv_extend.n", ">", 1]]},
        c.ListConversations(
            page=2,
            size=5,
            where=(
                c.Condition(field="id", op="=", value=1),
                c.Condition(field="attributes.n", op=">", value=1),
            ),
        ),
    ),
    (
        "conv.update",
        {"conv_id": CONV, "conv_extend": {}, "name": "n"},
        c.UpdateConversation(conversation=1, name="n", attributes=b"{}"),
    ),
    ("conv.update", {"conv_id": CONV, "name": ""}, c.UpdateConversation(conversation=1, name="")),
    ("conv.delete", {"conv_id": CONV}, c.DeleteConversation(conversation=1)),
    ("conv.join", {"conv_id": CONV}, c.Join(conversation=1)),
    ("conv.leave", {"conv_id": CONV}, c.Leave(conversation=1)),
    ("conv.members", {"conv_id": CONV}, c.ListMembers(conversation=1, size=1000)),
    ("conv.members.add", {"conv_id": CONV, "client_ids": ["b"]}, c.AddMembers(conversation=1, users=("b",))),
    ("conv.members.remove", {"conv_id": CONV, "client_ids": ["b"]}, c.RemoveMembers(conversation=1, users=("b",))),
    ("conv.mute", {"conv_id": CONV, "client_id": "b", "ttl": 60}, c.Mute(conversation=1, user="b", seconds=60)),
    ("conv.unmute", {"conv_id": CONV, "client_id": "b"}, c.Unmute(conversation=1, user="b")),
    ("presence.query", {"client_ids": ["b"]}, c.QueryPresence(users=("b",))),
    ("presence.subscribe", {"client_ids": ["b"]}, c.Subscribe(users=("b",))),
    ("presence.unsubscribe", {"client_ids": ["b"]}, c.Unsubscribe(users=("b",))),
    ("user.get", {}, c.GetUser()),
    ("user.get", {"client_id": 5}, c.GetUser(user="5")),
    ("user.update", {"attributes": {"a": None}}, c.UpdateUser(attributes=b'{"a":null}')),
    ("friend.add", {"client_id": "b"}, c.AddFriend(user="b")),
    ("friend.remove", {"client_id": "b"}, c.RemoveFriend(user="b")),
    ("friend.list", {}, c.ListFriends()),
    (
        "msg.send",
        {"conv_id": CONV, "type": -1, "text": "hi"},
        c.SendMessage(conversation=1, type=-1, body=b'{"text":"hi"}'),
    ),
    ("msg.send", {"to": 2, "type": 9}, c.SendMessage(to="2", type=9, body=b"{}")),
    (
        "msg.send",
        {
            "conv_id": CONV,
            "type": -2,
            "text": None,
            "attr": [1],
            "url": "http://x",
            "transient": "1",
            "no_sync": 0,
            "mention_all": 1,
            "mention_client_ids": '["b",3]',
            "client_msg_id": 12,
            "receipt": True,
            "priority": 3,
            "push_data": {"alert": "x"},
        },
        c.SendMessage(
            conversation=1,
            type=-2,
            body=b'{"attr":[1],"url":"http://x"}',
            transient=True,
            no_sync=True,
            mention_all=True,
            mentions=("b", "3"),
            client_msg_id="12",
            receipt=True,
            priority=3,
            push_data=b'{"alert":"x"}',
        ),
    ),
    (
        "msg.send",
        {"conv_id": CONV, "type": 1, "client_msg_id": "a", "transient": 1},
        c.SendMessage(conversation=1, type=1, body=b"{}", client_msg_id="a", transient=True),
    ),
    ("msg.send", {"to": "b", "type": 1, "durability": "memory"}, c.SendMessage(to="b", type=1, body=b"{}", memory=True)),
    ("msg.send", {"to": "b", "type": 1, "durability": "disk"}, c.SendMessage(to="b", type=1, body=b"{}")),
]
REQUIRED = {
    "msg.send": ["conv_id", "type", "text"],
    "msg.history": ["conv_id"],
    "msg.ack": ["conv_id", "seq"],
    "msg.read": ["conv_id", "seq"],
    "msg.readers": ["conv_id", "msg_id"],
    "msg.edit": ["conv_id", "msg_id", "text"],
    "msg.recall": ["conv_id", "msg_id"],
    "conv.create": ["conv_type", "to_client_ids"],
    "conv.get": ["conv_id"],
    "conv.update": ["conv_id", "name"],
    "conv.delete": ["conv_id"],
    "conv.join": ["conv_id"],
    "conv.leave": ["conv_id"],
    "conv.members": ["conv_id"],
    "conv.members.add": ["conv_id", "client_ids"],
    "conv.members.remove": ["conv_id", "client_ids"],
    "conv.mute": ["conv_id", "client_id"],
    "conv.unmute": ["conv_id", "client_id"],
    "presence.query": ["client_ids"],
    "presence.subscribe": ["client_ids"],
    "presence.unsubscribe": ["client_ids"],
    "user.update": ["attributes"],
    "friend.add": ["client_id"],
    "friend.remove": ["client_id"],
}
FULL: dict[str, Any] = {
    "conv_id": CONV,
    "msg_id": MSG,
    "type": -1,
    "text": "t",
    "seq": 1,
    "conv_type": 3,
    "to_client_ids": ["b"],
    "client_ids": ["b"],
    "client_id": "b",
    "name": "n",
    "attributes": {},
}
WRONG: dict[str, list[Any]] = {
    "conv_id": [1.5, True, [], {}],
    "msg_id": [False, ["x"]],
    "type": ["-1", 0, -7, 1 << 31, True, 1.0],
    "text": [1, {}, ["x"]],
    "url": [1, {}],
    "transient": [2, "yes", 1.0, []],
    "no_sync": [True, False, 2, "x", 0.0],
    "mention_all": [2, {}],
    "mention_client_ids": ["[", "{}", "3", {}, [[]], ["a\n"]],
    "client_msg_id": ["x" * 65, True, "a\x00", []],
    "receipt": ["true"],
    "durability": ["none", "", True, 1],
    "priority": [0, 4, "1", True],
    "before": [-1, "1", 1.5],
    "after": [-1, True],
    "limit": [0, 101, "20"],
    "seq": [-1, "1", 1 << 53, None.__class__.__name__],
    "conv_type": ["1", True, 1.0],
    "to_client_ids": ["b", {}, [None], [""], ["x" * 129], ["b"] * 501],
    "client_ids": ["b", [1.5], ["b"] * 501],
    "client_id": [1.5, "a\x1f", "x" * 129, {}],
    "name": ["x" * 257, "a\nb", {}],
    "conv_extend": ["{}", [], 1, {"name": "x" * 257}],
    "attributes": ["{}", [], 1],
    "unique": ["yes"],
    "page": [0, "1"],
    "size": [0, 101, True],
    "where": ["x", {}, [1], [["conv_id", "="]], [["secret", "=", 1]], [["name", "~", "x"]], [["ctime", ">", "today"]]],
    "ttl": [-1, 86_401, "60"],
    "cursor": [1, "x" * 257],
    "to": [1.5, "a\n"],
}
OPTIONAL = {
    "msg.send": "url transient no_sync mention_all mention_client_ids client_msg_id receipt priority durability",
    "msg.history": "before after limit",
    "sync": "cursor",
    "conv.create": "conv_extend name unique",
    "conv.list": "where page size",
    "conv.update": "conv_extend",
    "conv.mute": "ttl",
    "msg.edit": "url",
    "user.get": "client_id",
}


def with_ids(value: Any, speaker: Any) -> Any:
    if isinstance(value, list):
        return [with_ids(item, speaker) for item in value]
    if isinstance(value, dict):
        return {key: with_ids(item, speaker) for key, item in value.items()}
    return {CONV: speaker.conv_id, MSG: speaker.msg_id}.get(value, value) if isinstance(value, str) else value


def full(kind: str, speaker: Any) -> dict[str, Any]:
    fields = {field: FULL[field] for field in REQUIRED.get(kind, [])}
    return dict(with_ids(fields, speaker))


@pytest.mark.parametrize(("kind", "data", "command"), GOOD, ids=lambda value: value if isinstance(value, str) else "")
def test_a_request_becomes_its_command(kind: str, data: Any, command: Any, speaker: Any) -> None:
    made = speaker.command(kind, **with_ids(data, speaker))
    if hasattr(command, "conversation") and command.conversation == 1:
        command.conversation = speaker.conv
    if getattr(command, "message", None) == 2:
        command.message = speaker.msg
    if isinstance(command, c.ListConversations) and command.where:
        command.where = (c.Condition(field="id", op="=", value=speaker.conv), *command.where[1:])
    assert made == command


@pytest.mark.parametrize(("kind", "field"), [(kind, field) for kind, fields in REQUIRED.items() for field in fields])
def test_a_missing_field_is_4001_and_named(kind: str, field: str, speaker: Any) -> None:
    for absent in ({}, {field: None}):
        data = full(kind, speaker)
        del data[field]
        code, text = speaker.refused(kind, **data, **absent)
        assert code == 4001
        assert field in text


@pytest.mark.parametrize(
    ("kind", "field"),
    [(kind, field) for kind, fields in REQUIRED.items() for field in fields]
    + [(kind, field) for kind, fields in OPTIONAL.items() for field in fields.split()],
)
def test_a_field_of_a_wrong_form_is_4406_and_says_what_is_expected(kind: str, field: str, speaker: Any) -> None:
    for value in WRONG[field]:
        code, text = speaker.refused(kind, **(full(kind, speaker) | {field: value}))
        assert (code, field in text) == (4406, True), (value, code, text)


def test_every_request_type_is_tried_here() -> None:
    assert {kind for kind, _, _ in GOOD} == set(REQUESTS)


def test_the_table_of_requests_is_the_contracts() -> None:
    contract = """
        login logout ping msg.send msg.history msg.ack msg.read msg.readers msg.edit msg.recall sync
        conv.create conv.get conv.list conv.update conv.delete conv.join conv.leave
        conv.members conv.members.add conv.members.remove conv.mute conv.unmute
        presence.query presence.subscribe presence.unsubscribe
        user.get user.update friend.add friend.remove friend.list
    """
    assert {*REQUESTS, "login", "ping"} == set(contract.split())


@pytest.mark.parametrize("form", ["hex32", "hex24", "base64"])
def test_every_form_of_an_id_is_taken(form: str, speaker: Any) -> None:
    text = getattr(speaker.forms, form)(speaker.conv)
    for value in (text, str(speaker.conv), speaker.conv):
        assert speaker.command("conv.get", conv_id=value).conversation == speaker.conv


@pytest.mark.parametrize("strange", ["x", "0" * 32, "é", "cd7fc5304f56f52488d5246b0ebbdbfb", "-5", 0, -1, 1 << 60])
def test_an_id_that_is_not_ours_is_unknown(strange: Any, speaker: Any) -> None:
    assert speaker.refused("conv.get", conv_id=strange)[0] == 4011
    assert speaker.refused("msg.send", conv_id=strange, type=-1, text="x")[0] == 4011
    assert speaker.refused("msg.recall", conv_id=speaker.conv_id, msg_id=strange)[0] == 4016


@pytest.mark.parametrize("kind", [-6, -5, -4, -3, -2, 1, 2, 77, (1 << 31) - 1])
def test_only_text_messages_need_text(kind: int, speaker: Any) -> None:
    assert speaker.command("msg.send", to="bob", type=kind).type == kind


def test_empty_text_counts_as_missing(speaker: Any) -> None:
    assert speaker.refused("msg.send", to="bob", type=-1, text="")[0] == 4001


def test_a_conversation_and_a_user_together_are_refused(speaker: Any) -> None:
    assert speaker.refused("msg.send", to="bob", conv_id=speaker.conv_id, type=-1, text="x")[0] == 4406


def test_before_and_after_together_are_refused(speaker: Any) -> None:
    assert speaker.refused("msg.history", conv_id=speaker.conv_id, before=3, after=1)[0] == 4406


@pytest.mark.parametrize(("value", "kept"), [(None, False), (1, False), ("1", False), (0, True), ("0", True)], ids=str)
def test_no_sync_has_the_values_the_seed_prints(value: Any, kept: bool, speaker: Any) -> None:
    assert speaker.command("msg.send", to="bob", type=1, no_sync=value).no_sync is kept


@pytest.mark.parametrize("value", [None, "", "null", "[]", []])
def test_no_mentions_has_many_spellings(value: Any, speaker: Any) -> None:
    assert speaker.command("msg.send", to="bob", type=1, mention_client_ids=value).mentions == ()


@pytest.mark.parametrize("kind", [0, 5, 6, -1])
def test_an_unknown_kind_of_conversation_is_4405(kind: int, speaker: Any) -> None:
    assert speaker.refused("conv.create", conv_type=kind, to_client_ids=["b"])[0] == 4405


def test_presence_takes_two_hundred_users(speaker: Any) -> None:
    users = [f"u{number}" for number in range(201)]
    assert len(speaker.command("presence.query", client_ids=users[:200]).users) == 200
    assert speaker.refused("presence.subscribe", client_ids=users)[0] == 4406


def test_unknown_fields_are_ignored(speaker: Any) -> None:
    assert speaker.command("conv.get", conv_id=speaker.conv_id, colour="red").conversation == speaker.conv


def test_where_takes_the_names_of_the_seed_and_turns_values(speaker: Any) -> None:
    where = [
        ["conv_creater_id", "=", 1597500303],
        ["user_id", "in", ["a", 2]],
        ["ctime", ">=", "2020-08-21 07:16:37"],
        ["mtime", "<", 1608126111686],
        ["conv_type", "in", [1, 2]],
        ["conv_id", "in", [speaker.conv_id, "nonsense"]],
        ["name", "like", "a%"],
    ]
    made = [(one.field, one.op, one.value) for one in speaker.command("conv.list", where=where).where]
    assert made == [
        ("creator", "=", "1597500303"),
        ("member", "in", ["a", "2"]),
        ("created", ">=", 1597994197000),
        ("updated", "<", 1608126111686),
        ("kind", "in", [1, 2]),
        ("id", "in", [speaker.conv, 0]),
        ("name", "like", "a%"),
    ]


@pytest.mark.parametrize(
    ("said", "name", "attributes"),
    [
        ({"conv_extend": {"name": "team", "x": 1}}, "team", b'{"x":1}'),
        ({"conv_extend": {"name": "team", "x": 1}, "name": "crew"}, "crew", b'{"x":1}'),
        ({"conv_extend": {"name": ""}}, "", b'{"name":""}'),
        ({"conv_extend": {"name": 7}}, None, b'{"name":7}'),
        ({"conv_extend": {"x": 1}}, None, b'{"x":1}'),
        ({"name": "crew"}, "crew", None),
    ],
)
def test_text_under_name_of_the_extension_is_the_conversations_name(
    said: dict[str, Any], name: str | None, attributes: bytes | None, speaker: Any
) -> None:
    """ZD-46: an update says the name only where it says one; a field `name` beside the extension counts before its."""
    update = speaker.command("conv.update", conv_id=speaker.conv_id, **said)
    assert (update.name, update.attributes) == (name, attributes)
    create = speaker.command("conv.create", conv_type=3, to_client_ids=[], **said)
    assert (create.name, create.attributes) == (name or "", attributes or b"{}")
