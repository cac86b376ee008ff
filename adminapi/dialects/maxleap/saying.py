"""How commands are said in the MaxLeap API (`adminapi.dialects.saying`), in the order of its rows."""

from __future__ import annotations

from msgspec import structs

from adminapi.dialect import Ask
from adminapi.dialects.saying import Call, Fields, Names, Note, Point, Sayings, segment, value_of
from protocol.codec import write_json
from protocol.records import Kind


def one_attribute(ask: Ask) -> dict[str, object]:
    return {"attribute": ask.path["attribute"]}


sayings = Sayings(
    {
        "users.get_user": Point(command="GetUser"),
        "users.get_attribute": Point(more=one_attribute),
        "groups.get_attribute": Point(more=one_attribute),
        "rooms.get_attribute": Point(more=one_attribute),
        "friends.get_friend": Point(verb="GetFriend", more=lambda ask: {"other": ask.path["friendId"]}),
        "friends.list_friends": Point(command="ListFriends"),
        "friends.get_stranger": Point(verb="GetStranger", command="GetConversation"),
    }
)

PLACES = {Kind.GROUP: "/groups", Kind.ROOM: "/rooms"}
NO_PLACE = ("MaxLeap knows groups and rooms only.", "MaxLeap 只有群组和聊天室。")
WHOLE = ("The answer is the whole of it, with its members.", "返回整个群组或聊天室，其中包括成员。")
OR_ROOM = ("For a group; of a room the path begins with /rooms.", "用于群组；聊天室的路径以 /rooms 开头。")


def user(fields: Fields, rest: str = "") -> str:
    return f"/ctx/{segment(fields['user'])}{rest}"


def place(fields: Fields, names: Names, method: str, rest: str = "", body: object = None) -> Call | Note:
    """A call on a group or room; where the call to be said does not tell which, a group."""
    if names.kind not in (None, *PLACES) or "conversation" not in fields:
        return NO_PLACE
    path = f"{PLACES[names.kind or Kind.GROUP]}/{segment(names.hex32(fields['conversation']))}{rest}"
    return Call(method=method, path=path, body=body, note=OR_ROOM if names.kind is None else None)


@sayings.of("GetUser")
def get_user(fields: Fields, names: Names) -> Call:
    return Call(method="GET", path=user(fields))


@sayings.of("PutUser")
def put_user(fields: Fields, names: Names) -> Call:
    method = "POST" if fields.get("merge") or "attributes" not in fields else "PUT"
    return Call(method=method, path=user(fields, "/attributes"), body=fields.get("attributes", {}))


@sayings.of("ListUsers")
def list_users(fields: Fields, names: Names) -> Call:
    return Call(method="GET", path="/ctx", query=(*filters(fields), *page(fields)))


def filters(fields: Fields) -> list[tuple[str, str]]:
    """What a filter can ask: an equal attribute."""
    return [
        (name.removeprefix("attributes."), text(value[0] if op == "in" else value))
        for name, op, value in fields.get("where", ())
        if op in ("=", "in") and (name.startswith("attributes.") or name == "name")
    ]


def text(value: object) -> str:
    return value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)


def page(fields: Fields) -> tuple[tuple[str, str], ...]:
    return (("_skip", str(fields.get("skip", 0))), ("_limit", str(min(fields.get("limit", 20), 100))))


@sayings.of("AddFriend")
def add_friend(fields: Fields, names: Names) -> Call:
    return Call(method="POST", path=f"/ctx/{segment(fields['as'])}/friends/{segment(fields['user'])}")


@sayings.of("RemoveFriend")
def remove_friend(fields: Fields, names: Names) -> Call:
    return Call(method="DELETE", path=f"/ctx/{segment(fields['as'])}/friends/{segment(fields['user'])}")


@sayings.of("ListFriends")
def list_friends(fields: Fields, names: Names) -> Call:
    return Call(method="GET", path=f"/ctx/{segment(fields['as'])}/friends")


@sayings.of("GetFriend")
def get_friend(fields: Fields, names: Names) -> Call:
    return Call(method="GET", path=f"/ctx/{segment(fields['as'])}/friends/{segment(fields['other'])}")


@sayings.of("QueryPresence")
def online(fields: Fields, names: Names) -> list[Call]:
    note = ("`sessions` is 0 for a user who is offline; one call a user.", "sessions 为 0 表示离线；每个用户一次调用。")
    return [Call(method="GET", path=f"/ctx/{segment(each)}", near=True, note=note) for each in fields["users"]]


@sayings.of("CreateConversation")
def create(fields: Fields, names: Names) -> Call | Note:
    if fields["kind"] not in PLACES:
        return NO_PLACE
    members, body = list(fields["members"]), {}
    if fields["kind"] == Kind.GROUP:
        body["owner"] = fields.get("as") or (members.pop(0) if members else "$USER")
    elif fields.get("as"):
        members.insert(0, fields["as"])
    if fields.get("name"):
        body["name"] = fields["name"]
    body["members"] = members
    if fields.get("attributes"):
        body["attributes"] = fields["attributes"]
    return Call(method="POST", path=PLACES[fields["kind"]], body=body)


@sayings.of("GetConversation")
def get_place(fields: Fields, names: Names) -> Call | Note:
    return place(fields, names, "GET")


@sayings.of("ListMembers")
def list_members(fields: Fields, names: Names) -> Call | Note:
    found = place(fields, names, "GET")
    return found if isinstance(found, tuple) else structs.replace(found, near=True, note=WHOLE)


@sayings.of("ListConversations")
def list_places(fields: Fields, names: Names) -> Call | Note:
    kind = value_of(fields, "kind") or Kind.GROUP
    if kind not in PLACES:
        return NO_PLACE
    member = value_of(fields, "member")
    if member is not None:
        return Call(method="GET", path=f"/ctx/{segment(member)}{PLACES[kind]}")
    return Call(method="GET", path=PLACES[kind], query=(*filters(fields), *page(fields)))


@sayings.of("SetMembers")
def set_members(fields: Fields, names: Names) -> Call | Note:
    if names.kind == Kind.ROOM:
        return "Members of a room are added and removed only.", "聊天室的成员只能添加和移除。"
    body = {"owner": fields.get("owner"), "members": fields.get("users")}
    return place(fields, names, "PUT", body={key: value for key, value in body.items() if value is not None})


@sayings.of("UpdateConversation")
def update(fields: Fields, names: Names) -> Call | Note:
    attributes = dict(fields.get("attributes", {}))
    if fields.get("name") is not None:
        attributes["name"] = fields["name"]
    whole = "attributes" in fields and not fields.get("merge")
    if whole and not attributes.get("name"):
        attributes.pop("name", None)
    if whole and not attributes:
        return place(fields, names, "DELETE", "/attributes")
    return place(fields, names, "PUT" if whole else "POST", "/attributes", attributes)


@sayings.of("DeleteConversation")
def delete(fields: Fields, names: Names) -> Call | Note:
    return place(fields, names, "DELETE")


@sayings.of("AddMembers")
def add_members(fields: Fields, names: Names) -> Call | Note:
    return place(fields, names, "POST", "/members", {"members": fields["users"]})


@sayings.of("RemoveMembers")
def remove_members(fields: Fields, names: Names) -> Call | Note:
    return place(fields, names, "DELETE", "/members", {"members": fields["users"]})


@sayings.of("History")
def history(fields: Fields, names: Names) -> Call | Note:
    asked: tuple[tuple[str, str], ...] = (("ts", str(fields["older_ms"])),) if "older_ms" in fields else ()
    asked += (("limit", str(min(fields.get("limit", 20), 100))),)
    if "between" in fields:
        one, other = (segment(each) for each in fields["between"])
        return Call(method="GET", path=f"/ctx/{one}/friends/{other}/chats", query=asked)
    if names.kind not in (None, Kind.GROUP):
        return "Only a group's history can be read here.", "此处只能读取群组的历史消息。"
    found = place(fields, names, "GET", "/chats")
    if isinstance(found, tuple):
        return found
    return Call(method="GET", path=found.path, query=asked)


@sayings.of("WipeConversation")
def wipe(fields: Fields, names: Names) -> Call | Note:
    return place(fields, names, "DELETE", "/chats") if names.kind in (None, Kind.GROUP) else NO_PLACE


@sayings.of("PutVisitor")
def put_visitor(fields: Fields, names: Names) -> Call:
    said = {"id": fields["user"]} if fields.get("user") else {}
    return Call(method="POST", path="/passengers", body={**said, **fields.get("attributes", {})})


def system_body(fields: Fields) -> dict[str, object]:
    content = fields["content"]
    if not (isinstance(content, dict) and isinstance(content.get("body"), str)):
        content = {"media": 0, "body": content if isinstance(content, str) else write_json(content).decode()}
    body: dict[str, object] = {"content": {"media": content.get("media", 0), "body": content["body"]}}
    return {**body, **({"remark": content["remark"]} if "remark" in content else {})}


@sayings.of("SendSystem")
def send_system(fields: Fields, names: Names) -> Call | list[Call] | Note:
    body = system_body(fields)
    if "users" in fields:
        return [Call(method="POST", path=f"/system/{segment(each)}", body=body) for each in fields["users"]]
    if "conversation" not in fields:
        return Call(method="POST", path="/system", body=body)
    if names.kind not in (None, *PLACES):
        return NO_PLACE
    target = f"/system/{segment(names.hex32(fields['conversation']))}"
    return Call(method="POST", path=target, query=((PLACES[names.kind or Kind.GROUP][1:-1], ""),), body=body)


@sayings.of("Announce")
def announce(fields: Fields, names: Names) -> Call:
    note = ("Said to all at once, and nobody can see how far it has come.", "一次性发给所有人，无法查看进度。")
    return Call(method="POST", path="/system", body=system_body(fields), near=True, note=note)


@sayings.of("SendMessage")
def send(fields: Fields, names: Names) -> Call | Note:
    note = (
        "MaxLeap's users speak on sockets; this is a system message to who is online, and it is not kept.",
        "MaxLeap 的用户在长连接上发言；这是发给在线者的系统消息，不会保存。",
    )
    body = {"content": {"media": 0, "body": fields.get("text") or fields.get("url") or "$TEXT"}}
    target = ""
    query: tuple[tuple[str, str], ...] = ()
    if "to" in fields:
        target = "/" + segment(fields["to"])
    elif not fields.get("everyone"):
        if names.kind not in (None, *PLACES):
            return NO_PLACE
        target = f"/{segment(names.hex32(fields['conversation']))}"
        query = ((PLACES[names.kind or Kind.GROUP][1:-1], ""),)
    return Call(method="POST", path=f"/system{target}", query=query, body=body, near=True, note=note)


@sayings.of("Upload")
def upload(fields: Fields, names: Names) -> Call:
    return Call(method="POST", path="/attachment", file="attachment")
