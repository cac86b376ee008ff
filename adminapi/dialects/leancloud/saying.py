"""How commands are said in the LeanCloud API (`adminapi.dialects.saying`): version 1.2, by the seed's paths where it has
them."""

from __future__ import annotations

from typing import Any

import orjson

from adminapi.dialect import Ask
from adminapi.dialects.leancloud import fields as read
from adminapi.dialects.saying import Call, Fields, Names, Note, Point, Sayings, key_of, segment
from protocol.ids import time_of
from protocol.records import Kind, Message
from protocol.richtext import string_of
from protocol.wires.leancloud.members import ROLE_NAMES
from protocol.wires.leancloud.where import FIELDS, KINDS, OPERATORS

PATH = "/1.2/rtm/conversations"
FRESH = "$CONVERSATION"
"""The `objectId` that the call before it answers."""
SERVICE = "$SERVICE_CONVERSATION"
PRIORITIES = {1: "high", 2: "normal", 3: "low"}


def stretch(ask: Ask) -> dict[str, Any]:
    """What the commands that search for it do not show."""
    data = read.request(ask)
    found: dict[str, Any] = {}
    if data.get("limit") not in (None, ""):
        found["limit"] = read.integer(data, "limit", 1, 1000)
    at = data.get("till_timestamp") or data.get("till_ts")
    if at not in (None, ""):
        found["until_ms"] = read.milliseconds({"at": at}, "at")
    return found


sayings = Sayings(
    {
        "mutes.list_silenced": Point(verb="ListMuted"),
        "restrictions.list_silenced_for_good": Point(verb="ListMuted"),
        "restrictions.list_roles": Point(verb="ListRoles"),
        "clients.list_roles": Point(verb="ListRoles"),
        "chatrooms.count_online": Point(verb="CountOnline", command="ListMembers"),
        "chatrooms.count_online_of": Point(verb="CountOnline", command="ListMembers"),
        "services.list_subscribers": Point(command="ListMembers"),
        "queries.unread_count": Point(verb="Unread", command="Sync", more=lambda ask: unread(ask)),
        "old.unread_count": Point(verb="Unread", command="Sync", more=lambda ask: unread(ask)),
        "old.unread_count_in": Point(verb="Unread", command="Sync", more=lambda ask: unread(ask)),
        "archive.list_said": Point(verb="SearchMessages", command="ListConversations"),
        "archive.list_all": Point(verb="SearchMessages", command="ListConversations"),
        "history.list_messages": Point(more=stretch),
        "archive.list_old": Point(more=stretch),
        "broadcasts.delete_broadcast": Point(verb="DeleteBroadcast"),
        "broadcasts.delete_old": Point(verb="DeleteBroadcast"),
        "broadcasts.list_broadcasts": Point(more=lambda ask: {"everyone": True}),
        "services.list_subscribed": Point(command="ListConversations"),
    },
    {
        "/chatrooms": Kind.ROOM,
        "/service-conversations": Kind.SYSTEM,
        "/broadcast": Kind.SYSTEM,
        "/subscription": Kind.SYSTEM,
    },
)


def unread(ask: Ask) -> dict[str, Any]:
    text = ask.path.get("conv_id") or ask.query.get("conv_id")
    return {"conversation": read.conversation(ask, text)} if text else {}


def conversation(fields: Fields, names: Names, rest: str = "") -> str:
    return f"{PATH}/{segment(names.hex24(fields['conversation']))}{rest}"


@sayings.of("CreateConversation")
def create(fields: Fields, names: Names) -> Call | Note:
    if fields["kind"] in (Kind.DIRECT, Kind.TEMPORARY):
        what = (
            "It makes groups, rooms and service conversations; two users share a group here, found again with unique.",
            "只能创建群组、聊天室和服务号；两人会话在此是带 unique 的群组。",
        )
        if fields["kind"] == Kind.TEMPORARY:
            return what
        body = {"m": members(fields), "unique": True}
        return Call(method="POST", path=PATH, body=body, near=True, note=what)
    body = {**fields.get("attributes", {}), "m": members(fields)}
    if fields.get("name"):
        body["name"] = fields["name"]
    if fields.get("as"):
        body["c"] = fields["as"]
    if fields.get("unique"):
        body["unique"] = True
    if fields["kind"] == Kind.SYSTEM:
        return Call(method="POST", path="/1.2/rtm/service-conversations", body=body)
    return Call(method="POST", path=PATH, body={**body, "tr": True} if fields["kind"] == Kind.ROOM else body)


def members(fields: Fields) -> list[str]:
    return [*([fields["as"]] if fields.get("as") else []), *fields["members"]]


@sayings.of("UpdateConversation")
def update(fields: Fields, names: Names) -> Call:
    body = dict(fields.get("attributes", {}))
    if fields.get("name") is not None:
        body["name"] = fields["name"]
    ops = {"increase": "Increment", "append": "Add", "append-new": "AddUnique", "remove": "Remove"}
    for each in fields.get("operations", ()):
        given = {"amount" if each["op"] == "increase" else "objects": each["value"]}
        body[each["key"]] = {"__op": ops[each["op"]], **given}
    return Call(method="PUT", path=conversation(fields, names), body=body)


@sayings.of("DeleteConversation")
def delete(fields: Fields, names: Names) -> Call:
    return Call(method="DELETE", path=conversation(fields, names))


@sayings.of("GetConversation")
def get(fields: Fields, names: Names) -> Call | Note:
    if "conversation" not in fields:
        return "A conversation of two is found by its id only.", "双人会话只能按会话 ID 查找。"
    return Call(method="GET", path=f"/1.1/classes/_Conversation/{segment(names.hex24(fields['conversation']))}")


@sayings.of("AddMembers")
def add_members(fields: Fields, names: Names) -> Call:
    return Call(method="POST", path=conversation(fields, names, "/members"), body={"client_ids": fields["users"]})


@sayings.of("RemoveMembers")
def remove_members(fields: Fields, names: Names) -> Call:
    return Call(method="DELETE", path=conversation(fields, names, "/members"), body={"client_ids": fields["users"]})


@sayings.of("SetMembers")
def set_members(fields: Fields, names: Names) -> list[Call]:
    calls = []
    if "users" in fields:
        path = f"/1.1/classes/_Conversation/{segment(names.hex24(fields['conversation']))}"
        calls.append(Call(method="PUT", path=path, body={"m": fields["users"]}))
    if "owner" in fields:
        body = {"clientId": fields["owner"], "role": "Owner"}
        calls.append(Call(method="POST", path=conversation(fields, names, "/member-infos"), body=body))
    return calls


@sayings.of("ListMembers")
def list_members(fields: Fields, names: Names) -> Call:
    return Call(method="GET", path=conversation(fields, names, "/members"))


@sayings.of("Mute")
def mute(fields: Fields, names: Names) -> Call:
    if "seconds" not in fields:
        body: dict[str, Any] = {"client_ids": [fields["user"]]}
        return Call(method="POST", path=conversation(fields, names, "/permanent-silenceds"), body=body)
    body = {"client_id": fields["user"], "ttl": fields["seconds"]}
    return Call(method="POST", path=conversation(fields, names, "/mutes"), body=body)


@sayings.of("Unmute")
def unmute(fields: Fields, names: Names) -> Call:
    return Call(method="DELETE", path=conversation(fields, names, "/mutes"), query=(("client_id", fields["user"]),))


@sayings.of("ListMuted")
def list_muted(fields: Fields, names: Names) -> Call:
    return Call(method="GET", path=conversation(fields, names, "/mutes"))


@sayings.of("Block")
def block(fields: Fields, names: Names) -> Call:
    return Call(method="POST", path=conversation(fields, names, "/blacklists"), body={"client_ids": [fields["user"]]})


@sayings.of("Unblock")
def unblock(fields: Fields, names: Names) -> Call:
    return Call(method="DELETE", path=conversation(fields, names, "/blacklists"), body={"client_ids": [fields["user"]]})


@sayings.of("ListBlocked")
def list_blocked(fields: Fields, names: Names) -> Call:
    page = (("limit", str(fields.get("limit", 100))),)
    return Call(method="GET", path=conversation(fields, names, "/blacklists"), query=page)


@sayings.of("SetRole")
def set_role(fields: Fields, names: Names) -> Call:
    body = {"clientId": fields["user"], "role": ROLE_NAMES[fields["role"]]}
    return Call(method="POST", path=conversation(fields, names, "/member-infos"), body=body)


@sayings.of("SetQuiet")
def set_quiet(fields: Fields, names: Names) -> Call:
    method = "POST" if fields["quiet"] else "DELETE"
    return Call(method=method, path=conversation(fields, names, "/mutes"), body={"client_ids": [fields["as"]]})


def message_text(fields: Fields) -> str:
    if "original" in fields:
        return str(fields["original"])
    body = {key: fields[key] for key in ("text", "attr", "url") if key in fields}
    return string_of(Message(0, 0, 0, "", fields.get("type", -1), orjson.dumps(body)))


@sayings.of("SendMessage")
def send(fields: Fields, names: Names) -> Call | list[Call]:
    sender = fields.get("as") or "$USER"
    body: dict[str, Any] = {"from_client": sender, "message": message_text(fields)}
    for theirs, ours in (("transient", "transient"), ("no_sync", "no_sync"), ("mention_all", "mention_all")):
        if fields.get(ours):
            body[theirs] = True
    if fields.get("mentions"):
        body["mention_client_ids"] = fields["mentions"]
    if fields.get("priority", 1) != 1:
        body["priority"] = PRIORITIES[fields["priority"]]
    if fields.get("push_data"):
        body["push_data"] = fields["push_data"]
    headers = key_of(fields)
    if fields.get("everyone"):
        body |= {"conv_id": names.hex24(fields["conversation"])}
        return Call(method="POST", path="/1.2/rtm/broadcasts", body=body, headers=headers)
    if fields.get("only"):
        body |= {"to_clients": fields["only"]}
        path = f"/1.2/rtm/service-conversations/{segment(names.hex24(fields['conversation']))}/messages"
        return Call(method="POST", path=path, body=body, headers=headers)
    if "to" not in fields:
        return Call(method="POST", path=conversation(fields, names, "/messages"), body=body, headers=headers)
    note = (
        "LeanCloud has no direct conversations: a group of the two, found again; its objectId goes into the next.",
        "LeanCloud 没有单聊会话：用 unique 取得两人的群组，返回的 objectId 用于下一条。",
    )
    found = Call(method="POST", path=PATH, body={"m": [sender, fields["to"]], "unique": True}, near=True, note=note)
    return [found, Call(method="POST", path=f"{PATH}/{FRESH}/messages", body=body, headers=headers, near=True)]


@sayings.of("SendSystem")
def send_system(fields: Fields, names: Names) -> Call | Note:
    if "conversation" in fields:
        return "System messages to a conversation's members are not said here.", "此处不能向会话成员发送系统消息。"
    content = fields["content"]
    said = content.get("body") if isinstance(content, dict) and isinstance(content.get("body"), str) else None
    text = said if said is not None else orjson.dumps(content).decode()
    body: dict[str, Any] = {"from_client": "system", "message": text}
    if "users" in fields:
        path = f"/1.2/rtm/service-conversations/{SERVICE}/messages"
        note = ("A transient message of a service conversation to these users.", "由服务号会话发给这些用户的暂态消息。")
        return Call(method="POST", path=path, body={**body, "to_clients": fields["users"]}, near=True, note=note)
    note = (
        "A broadcast is a message of a service conversation; it is kept, and who was away reads it later.",
        "广播是服务号会话的消息，会保存，离线用户之后可以读到。",
    )
    return Call(method="POST", path="/1.2/rtm/broadcasts", body={**body, "conv_id": SERVICE}, near=True, note=note)


@sayings.of("EditMessage", "RecallMessage", "DeleteMessage")
def patch(fields: Fields, names: Names) -> Call:
    message = fields["message"]
    author = fields.get("author") or "$AUTHOR"
    at = fields.get("at_ms") or (time_of(message) if isinstance(message, int) else 0)
    path = conversation(fields, names, f"/messages/{segment(names.base64(message))}")
    if fields["verb"] == "DeleteMessage":
        return Call(method="DELETE", path=path, query=(("from_client", author), ("timestamp", str(at))))
    body: dict[str, Any] = {"from_client": author, "timestamp": at}
    if fields["verb"] == "RecallMessage":
        return Call(method="POST", path=path + "/recall", body=body)
    return Call(method="POST", path=path, body={**body, "message": message_text(fields)})


@sayings.of("History")
def history(fields: Fields, names: Names) -> Call | Note:
    if "between" in fields:
        return "What two users said is found by their conversation's id only.", "两人的消息只能按会话 ID 查询。"
    asked = {"limit": min(fields.get("limit", 100), 1000)}
    if fields.get("forward"):
        asked |= {"reversed": "true", **({"timestamp": fields["newer_ms"]} if "newer_ms" in fields else {})}
        asked |= {"include_start": "true"} if "newer_ms" in fields else {}
    elif "older_ms" in fields:
        asked["timestamp"] = fields["older_ms"]
    if "until_ms" in fields:
        asked["till_timestamp"] = fields["until_ms"]
    query = tuple((name, str(value)) for name, value in asked.items())
    if fields.get("everyone"):
        return Call(
            method="GET", path="/1.2/rtm/broadcasts", query=(("conv_id", names.hex24(fields["conversation"])), *query)
        )
    return Call(method="GET", path=conversation(fields, names, "/messages"), query=query)


@sayings.of("ListConversations")
def list_conversations(fields: Fields, names: Names) -> Call:
    theirs = {ours: word for word, ours in FIELDS.items() if ours != "kind"}
    words = {ours: word for word, ours in OPERATORS.items()}
    kinds = {kind: word for word, kind in KINDS.items()}
    where: dict[str, Any] = {}
    for field, op, value in fields.get("where", ()):
        if field == "kind":
            if op == "=" and value in kinds:
                where[kinds[value]] = True
        elif op == "=" or op in words:
            key = theirs.get(field, field.removeprefix("attributes."))
            where[key] = value if op == "=" else {**where.get(key, {}), words[op]: value}
    query = (("where", orjson.dumps(where).decode()),) if where else ()
    page = {"skip": fields.get("skip", 0), "limit": fields.get("limit", 100)}
    return Call(method="GET", path=PATH, query=(*query, *((name, str(value)) for name, value in page.items())))


@sayings.of("Kick")
def kick(fields: Fields, names: Names) -> Call:
    body = {"reason": fields["reason"][:20]} if fields.get("reason") else {}
    return Call(method="POST", path=f"/1.2/rtm/clients/{segment(fields['user'])}/kick", body=body)


@sayings.of("QueryPresence")
def online(fields: Fields, names: Names) -> Call:
    return Call(method="POST", path="/1.2/rtm/clients/check-online", body={"client_ids": fields["users"]})


@sayings.of("Unread")
def unread_count(fields: Fields, names: Names) -> Call:
    only = (("conv_id", names.hex24(fields["conversation"])),) if "conversation" in fields else ()
    return Call(method="GET", path=f"/1.2/rtm/clients/{segment(fields['as'])}/unread-count", query=only)


@sayings.of("GetUser", "PutUser")
def no_accounts(fields: Fields, names: Names) -> Note:
    return (
        "LeanCloud's realtime API knows no accounts: a user comes into being when a call names him.",
        "LeanCloud 实时通信接口没有账号：用户在首次被提到时自动创建。",
    )
