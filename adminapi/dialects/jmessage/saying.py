"""How commands are said in the JMessage API (`adminapi.dialects.saying`): users, messages, groups."""

from __future__ import annotations

from adminapi.dialects.jmessage.messages import NEEDED, TYPES
from adminapi.dialects.jmessage.profile import FIELDS
from adminapi.dialects.saying import Call, Fields, Names, Note, Sayings, key_of, segment, value_of
from protocol.records import Kind

sayings = Sayings()

GROUPS_ONLY = ("JMessage knows groups only.", "JMessage 只有群组。")
WORDS = {number: word for word, number in TYPES.items()}


def user(fields: Fields, rest: str = "") -> str:
    return f"/v1/users/{segment(fields['user'])}{rest}"


def group(fields: Fields, names: Names, rest: str = "") -> str:
    return f"/v1/groups/{segment(fields['conversation'])}{rest}"


@sayings.of("PutUser")
def put_user(fields: Fields, names: Names) -> Call | Note:
    profile = {field: value for field, value in fields.get("attributes", {}).items() if field in FIELDS}
    if "password" in fields:
        entry = {"username": fields["user"], "password": fields["password"], **profile}
        return Call(method="POST", path="/v1/users", body=[entry])
    if not profile:
        return (
            "None of this is in a JMessage profile, and who registers needs a password.",
            "JMessage 资料中没有这些字段，注册则需要密码。",
        )
    return Call(method="PUT", path=user(fields), body=profile)


@sayings.of("SendMessage")
def send(fields: Fields, names: Names) -> Call | Note:
    if fields.get("everyone") or fields.get("only") or names.kind in (Kind.ROOM, Kind.SYSTEM):
        return GROUPS_ONLY
    kept = fields.get("attr")
    if isinstance(kept, dict) and kept.get("msg_type") in TYPES:
        own = {key: value for key, value in kept.items() if key not in ("msg_type", "msg_body")}
        word, body = kept["msg_type"], kept.get("msg_body", {})
    else:
        own, word = {"from_type": "admin"}, WORDS.get(fields["type"], "custom")
        body = {"text": fields["text"]} if "text" in fields and word == "text" else {}
        for key, kind in NEEDED[word].items():
            body.setdefault(key, fields.get("url", "") if key == "media_id" else 0 if kind is int else "$" + key.upper())
        if word == "video":
            media = {"media_id": fields.get("url", ""), "media_crc32": 0, "fsize": 0, "fname": "$FNAME"}
            body["video"] = media
        if kept is not None:
            body["extras"] = kept if isinstance(kept, dict) else {"attr": kept}
    target = {"target_type": "single", "target_id": fields.get("to")}
    if "to" not in fields:
        target = {"target_type": "group", "target_id": fields["conversation"]}
    said = {"version": 1, **target, "from_type": "admin", "from_id": fields.get("as") or "$USER", **own}
    said |= {"msg_type": word, "msg_body": body}
    if fields.get("transient"):
        said["no_offline"] = True
    push = fields.get("push_data")
    if isinstance(push, dict):
        said |= push if push == {"no_notification": True} else {"notification": push}
    return Call(method="POST", path="/v1/messages", body=said, headers=key_of(fields))


@sayings.of("GetUser")
def get_user(fields: Fields, names: Names) -> Call:
    return Call(method="GET", path=user(fields))


@sayings.of("DeleteUser")
def delete_user(fields: Fields, names: Names) -> Call:
    return Call(method="DELETE", path=user(fields))


@sayings.of("ListUsers")
def list_users(fields: Fields, names: Names) -> Call:
    return Call(method="GET", path="/v1/users", query=page(fields))


def page(fields: Fields) -> tuple[tuple[str, str], ...]:
    return (("start", str(fields.get("skip", 0))), ("count", str(min(fields.get("limit", 100), 500))))


@sayings.of("CreateConversation")
def create(fields: Fields, names: Names) -> Call | Note:
    if fields["kind"] != Kind.GROUP:
        return GROUPS_ONLY
    members = list(fields["members"])
    owner = fields.get("as") or (members.pop(0) if members else "$USER")
    body = {"owner_username": owner, "group_name": fields.get("name") or "$NAME", "members_username": members}
    desc = fields.get("attributes", {}).get("desc")
    return Call(method="POST", path="/v1/groups", body={**body, **({"group_desc": desc} if desc else {})})


@sayings.of("GetConversation")
def get_group(fields: Fields, names: Names) -> Call | Note:
    if "conversation" not in fields or names.kind not in (None, Kind.GROUP):
        return GROUPS_ONLY
    return Call(method="GET", path=group(fields, names))


@sayings.of("DeleteConversation")
def delete_group(fields: Fields, names: Names) -> Call | Note:
    return Call(method="DELETE", path=group(fields, names)) if names.kind in (None, Kind.GROUP) else GROUPS_ONLY


@sayings.of("AddMembers")
def add_members(fields: Fields, names: Names) -> Call | Note:
    return changed(fields, names, "add")


@sayings.of("RemoveMembers")
def remove_members(fields: Fields, names: Names) -> Call | Note:
    return changed(fields, names, "remove")


def changed(fields: Fields, names: Names, word: str) -> Call | Note:
    if names.kind not in (None, Kind.GROUP):
        return GROUPS_ONLY
    return Call(method="POST", path=group(fields, names, "/members"), body={word: fields["users"]})


@sayings.of("ListMembers")
def list_members(fields: Fields, names: Names) -> Call | Note:
    return Call(method="GET", path=group(fields, names, "/members")) if names.kind in (None, Kind.GROUP) else GROUPS_ONLY


@sayings.of("ListConversations")
def list_groups(fields: Fields, names: Names) -> Call | Note:
    if value_of(fields, "kind") not in (None, Kind.GROUP):
        return GROUPS_ONLY
    member = value_of(fields, "member")
    if member is not None:
        return Call(method="GET", path=f"/v1/users/{segment(member)}/groups")
    return Call(method="GET", path="/v1/groups", query=page(fields))
