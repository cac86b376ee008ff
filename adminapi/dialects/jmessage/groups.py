"""The group endpoints, in the order of `seeds/jmessage.md` (JM-07 to JM-11, JM-13).

A group is a conversation of kind group, whichever dialect made it, and `gid` is its id. The notices of JM-09 and JM-10
are pushes the hub sends by itself.
"""

from __future__ import annotations

from typing import cast

from adminapi.dialect import Answer, Ask, Broker, Routes, json_answer
from adminapi.dialects.jmessage.codes import DELETE_FAIL, REPEATED, Failed
from adminapi.dialects.jmessage.parameters import (
    DATE,
    GID,
    PAGING,
    USERNAME,
    USERS_MOST,
    Data,
    bad,
    either,
    group_id,
    missing,
    page_of,
    paging,
    text,
    time_text,
    username,
    usernames,
)
from adminapi.schemas import NAME, About, array, integer, obj, sent
from adminapi.schemas import text as text_schema
from protocol.codec import is_name, read_json, write_json
from protocol.commands import (
    AddMembers,
    Condition,
    ConversationFound,
    ConversationPage,
    CreateConversation,
    Created,
    DeleteConversation,
    GetConversation,
    ListConversations,
    ListMembers,
    MemberList,
    MembersChanged,
    RemoveMembers,
)
from protocol.errors import Reason, Refused
from protocol.records import ConversationInfo, Kind, MemberInfo, Role

routes = Routes()

NAME_BYTES = 64
DESC_BYTES = 250
"""Both of the vendor's later document."""
CREATE_MOST = 10_000
"""Members in one request; how many a group may have is the app's own setting."""

CREATION = sent(
    {
        "owner_username": USERNAME,
        "group_name": text_schema(f"At most {NAME_BYTES} bytes.", least=1, most=NAME_BYTES, pattern=NAME, example="泡否"),
    },
    {
        "members_username": array(USERNAME, most=CREATE_MOST, example=["eddie", "annie"]),
        "group_desc": text_schema(f"At most {DESC_BYTES} bytes.", most=DESC_BYTES, example="你懂的。。。"),
    },
)
GROUP = obj(
    {
        "gid": GID,
        "owner_username": text_schema('"" if there is no owner.'),
        "group_name": text_schema(),
        "members_username": array(text_schema(), "Without the owner."),
        "group_desc": text_schema(),
    }
)
CHANGES = sent(
    {},
    {
        "add": array(USERNAME, "Who is no member yet.", most=USERS_MOST, example=["test1", "test2"]),
        "remove": array(USERNAME, "Who is a member, but not the owner.", most=USERS_MOST),
    },
    "At least one of the two.",
)
MEMBERS = array(obj({"username": text_schema(), "flag": integer("1 for the owner.", among=(0, 1)), "ctime": DATE}))


@routes.add("POST", "/v1/groups", about=About(status=201, answer=GROUP, body=CREATION))
async def create_group(ask: Ask, broker: Broker) -> Answer:
    """JM-07. Create a group.

    `name` and `desc` are taken for `group_name` and `group_desc`."""
    data = ask.json_object()
    owner = username(data.get("owner_username"), "owner_username")
    name = group_name(*either(data, "group_name", "name"))
    given, field = either(data, "group_desc", "desc")
    desc = "" if given is None else text(given, field, DESC_BYTES)
    others = usernames(data.get("members_username"), "members_username", CREATE_MOST)
    others = tuple(user for user in others if user != owner)
    attributes = write_json({"desc": desc}) if desc else b"{}"
    command = CreateConversation(kind=Kind.GROUP, members=others, name=name, attributes=attributes)
    reply = cast(Created, await broker.call(ask.managed(command, user=owner)))
    return json_answer(shape(reply.conversation.id, owner, name, others, desc), 201)


@routes.add("GET", "/v1/groups/{gid}", about=About(answer=GROUP))
async def get_group(ask: Ask, broker: Broker) -> Answer:
    """JM-08. A group, as JM-07 answers it."""
    info = await group(ask, broker, ask.path["gid"])
    others = [member.user for member in await members_of(ask, broker, info.id) if member.user != info.owner]
    attributes = cast(Data, read_json(info.attributes))
    name, desc = info.name or attributes.get("name"), attributes.get("desc")
    return json_answer(shape(info.id, info.owner, name if isinstance(name, str) else "", others, desc))


@routes.add("DELETE", "/v1/groups/{gid}", about=About(status=204))
async def delete_group(ask: Ask, broker: Broker) -> Answer:
    """JM-09. Delete a group; every member is told."""
    info = await group(ask, broker, ask.path["gid"])
    await broker.call(ask.managed(DeleteConversation(conversation=info.id)))
    return Answer(status=204)


@routes.add("POST", "/v1/groups/{gid}/members", about=About(status=204, body=CHANGES))
async def change_members(ask: Ask, broker: Broker) -> Answer:
    """JM-10. Add and remove members; they are told."""
    data = ask.json_object()
    joining, leaving = usernames(data.get("add"), "add"), usernames(data.get("remove"), "remove")
    if not joining and not leaving:
        missing("add or remove")
    if twice := sorted(set(joining) & set(leaving)):
        raise Refused(Reason.BAD_FORMAT, f"{twice[0]} is in both add and remove.")
    info = await group(ask, broker, ask.path["gid"])
    present = {member.user for member in await members_of(ask, broker, info.id)}
    if again := [user for user in joining if user in present]:
        raise Failed(REPEATED, f"{again[0]} is a member of this group.")
    if info.owner in leaving:
        raise Failed(DELETE_FAIL, f"{info.owner} owns this group.")
    if strangers := [user for user in leaving if user not in present]:
        raise Failed(DELETE_FAIL, f"{strangers[0]} is not a member of this group.")
    if joining:
        await broker.call(ask.managed(AddMembers(conversation=info.id, users=joining, strict=True)))
    if leaving:
        command = RemoveMembers(conversation=info.id, users=leaving)
        reply = cast(MembersChanged, await broker.call(ask.managed(command)))
        if reply.failed:
            raise Failed(DELETE_FAIL, f"{reply.failed[0].user} could not be removed.")
    return Answer(status=204)


@routes.add("GET", "/v1/groups/{gid}/members", about=About(answer=MEMBERS))
async def list_members(ask: Ask, broker: Broker) -> Answer:
    """JM-11. The members of a group."""
    info = await group(ask, broker, ask.path["gid"])
    rows = [
        {"username": member.user, "flag": int(member.role == Role.OWNER), "ctime": time_text(member.joined_ms)}
        for member in await members_of(ask, broker, info.id)
    ]
    return json_answer(rows)


@routes.add("GET", "/v1/groups", about=About(answer=page_of("groups", GID), query=PAGING))
async def list_groups(ask: Ask, broker: Broker) -> Answer:
    """JM-13. The ids of the app's groups, newest first."""
    start, count = paging(ask)
    where = (Condition("kind", "=", int(Kind.GROUP)),)
    command = ListConversations(where=where, skip=start, size=count)
    reply = cast(ConversationPage, await broker.call(ask.managed(command)))
    ids = [info.id for info in reply.conversations]
    return json_answer({"total": reply.total, "start": start, "count": count, "groups": ids})


async def group(ask: Ask, broker: Broker, gid: object) -> ConversationInfo:
    """The group behind a gid. UNKNOWN_CONVERSATION if there is none, or it is not a group."""
    command = GetConversation(conversation=group_id(ask, gid))
    info = cast(ConversationFound, await broker.call(ask.managed(command))).conversation
    if info.kind != Kind.GROUP:
        raise Refused(Reason.UNKNOWN_CONVERSATION)
    return info


async def members_of(ask: Ask, broker: Broker, conversation: int) -> list[MemberInfo]:
    return cast(MemberList, await broker.call(ask.managed(ListMembers(conversation=conversation)))).members


def group_name(value: object, field: str) -> str:
    if value is None or value == "":
        missing(field)
    name = text(value, field, NAME_BYTES)
    if not is_name(name, NAME_BYTES):
        bad(field, "text without control characters")
    return name


def shape(gid: int, owner: str, name: str, others: list[str] | tuple[str, ...], desc: object) -> Data:
    """JM-07, JM-08."""
    return {
        "gid": gid,
        "owner_username": owner,
        "group_name": name,
        "members_username": list(others),
        "group_desc": desc if isinstance(desc, str) else "",
    }
