"""How commands are said in the native API (`adminapi.dialects.saying`), in the order of its endpoints."""

from __future__ import annotations

from adminapi.dialects.saying import Call, Fields, Names, Note, Sayings, key_of, segment, without_none
from protocol.codec import write_json
from protocol.records import Kind
from protocol.wires.native.where import FIELDS

sayings = Sayings()

CONVERSATIONS = "/im/conversations"
WORDS = {ours: theirs for theirs, ours in FIELDS.items()} | {"member": "user_id"}
FRESH = "$CONVERSATION"
"""The `conv_id` that the call before it answers."""


def conversation(fields: Fields, names: Names, rest: str = "") -> str:
    return f"{CONVERSATIONS}/{segment(names.hex32(fields['conversation']))}{rest}"


@sayings.of("AddMembers")
def add_members(fields: Fields, names: Names) -> Call:
    return Call(method="POST", path=conversation(fields, names, "/members"), body={"client_ids": fields["users"]})


@sayings.of("RemoveMembers")
def remove_members(fields: Fields, names: Names) -> Call:
    return Call(method="DELETE", path=conversation(fields, names, "/members"), body={"client_ids": fields["users"]})


@sayings.of("ListMembers")
def list_members(fields: Fields, names: Names) -> Call:
    return Call(method="GET", path=conversation(fields, names, "/members"))


def extension(fields: Fields) -> dict[str, object]:
    name = fields.get("name")
    return {**({"name": name} if name else {}), **fields.get("attributes", {})}


@sayings.of("CreateConversation")
def create(fields: Fields, names: Names) -> Call | Note:
    if fields["kind"] == Kind.SYSTEM:
        return "There are no system conversations in this dialect.", "此方言没有系统会话。"
    members = list(fields["members"])
    creator = fields.get("as") or (members.pop(0) if members else "$USER")
    body = {"client_id": creator, "to_client_ids": members, "conv_type": fields["kind"]}
    return Call(method="POST", path=CONVERSATIONS, body={**body, "conv_extend": extension(fields)})


@sayings.of("GetConversation")
def get_conversation(fields: Fields, names: Names) -> Call | Note:
    if "conversation" not in fields:
        return "A conversation of two is found by its id only.", "双人会话只能按会话 ID 查找。"
    where = write_json([["conv_id", "=", names.hex32(fields["conversation"])]]).decode()
    return Call(method="GET", path=CONVERSATIONS, query=(("where", where),))


@sayings.of("ListConversations")
def list_conversations(fields: Fields, names: Names) -> Call:
    size = min(fields.get("limit", 20), 100)
    known = [[WORDS[field], op, value] for field, op, value in fields.get("where", ()) if field in WORDS]
    own = "attributes."
    known += [
        ["conv_extend." + field.removeprefix(own), op, value]
        for field, op, value in fields.get("where", ())
        if field.startswith(own)
    ]
    where = ("where", write_json(known).decode())
    page = ("page", str(fields.get("skip", 0) // max(size, 1) + 1))
    return Call(method="GET", path=CONVERSATIONS, query=(where, page, ("size", str(size))))


@sayings.of("UpdateConversation")
def update(fields: Fields, names: Names) -> Call:
    where = [["conv_id", "=", names.hex32(fields["conversation"])]]
    body = {"where": where, "update": {"conv_extend": extension(fields)}}
    kept = "attributes" in fields and not fields.get("merge")
    note = (
        None
        if kept
        else ("This replaces the whole extension: name all that is to stay.", "会替换整个扩展：请写全要保留的内容。")
    )
    return Call(method="PUT", path=CONVERSATIONS, body=body, note=note)


@sayings.of("DeleteConversation")
def delete(fields: Fields, names: Names) -> Call:
    return Call(method="DELETE", path=conversation(fields, names))


@sayings.of("SendMessage")
def send(fields: Fields, names: Names) -> Call | list[Call] | Note:
    if fields.get("everyone") or fields.get("only"):
        return "There are no service conversations in this dialect.", "此方言没有服务号会话。"
    sender = fields.get("as") or "$USER"
    calls = []
    path = f"{CONVERSATIONS}/{FRESH}/message"
    if "to" in fields:
        body: dict[str, object] = {"client_id": sender, "to_client_ids": [fields["to"]], "conv_type": int(Kind.DIRECT)}
        note = (
            "It finds the conversation of the two, or makes it; its conv_id goes into the next.",
            "先取得（或创建）两人的会话，返回的 conv_id 用于下一条。",
        )
        calls.append(Call(method="POST", path=CONVERSATIONS, body=body, near=True, note=note))
    else:
        path = conversation(fields, names, "/message")
    said = without_none(
        from_client=sender,
        type=fields["type"],
        text=fields.get("text"),
        attr=fields.get("attr"),
        url=fields.get("url"),
        transient=1 if fields.get("transient") else None,
        no_sync=0 if fields.get("no_sync") else None,
        mention_all=1 if fields.get("mention_all") else None,
        mention_client_ids=fields.get("mentions"),
        durability="memory" if fields.get("memory") else None,
    )
    calls.append(Call(method="POST", path=path, body=said, headers=key_of(fields), near="to" in fields))
    return calls


@sayings.of("History")
def history(fields: Fields, names: Names) -> Call | Note:
    if "between" in fields:
        return "What two users said is found by their conversation's id only.", "两人的消息只能按会话 ID 查询。"
    size = min(fields.get("limit", 10), 100)
    page = fields.get("skip", 0) // max(size, 1) + 1
    return Call(method="GET", path=conversation(fields, names, "/message"), query=(("page", str(page)), ("size", str(size))))


@sayings.of("Upload")
def upload(fields: Fields, names: Names) -> Call:
    return Call(method="POST", path="/im/file/upload", file="file")
