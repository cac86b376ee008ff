"""Making, renaming and ending groups: HI-05 to HI-08, in the order of the seed."""

from __future__ import annotations

from typing import cast

from adminapi.dialect import Answer, Ask, Broker, Routes, json_answer
from adminapi.dialects.hisihi import parameters, schemas
from adminapi.dialects.hisihi.codes import CREATE_FAILED, ILLEGAL, UPDATE_FAILED, Failed, shown_as
from adminapi.dialects.hisihi.notices import Notice, names, tell, tell_members
from adminapi.dialects.hisihi.parameters import AVATAR_MOST, DESCRIPTION_MOST, NAME_MOST
from adminapi.dialects.hisihi.people import call_making, group, members_of
from adminapi.dialects.hisihi.shapes import attributes_of, object_id
from adminapi.schemas import About
from protocol.codec import write_json
from protocol.commands import (
    AddMembers,
    CreateConversation,
    Created,
    DeleteConversation,
    SetMembers,
    UpdateConversation,
)
from protocol.errors import Reason, Refused
from protocol.records import CONVERSATION_BYTES, ConversationInfo, Kind

routes = Routes()

LEVEL = 1_000
"""Members of a group made here, at most (HI-21)."""
UNNAMED = "群聊"
"""HI-06."""


@routes.add("POST", "/im/group", about=About(answer=schemas.CREATED, status=201, body=schemas.CREATION))
async def create_group(ask: Ask, broker: Broker) -> Answer:
    """HI-05. Create a group, or adopt one that is there.

    Users named for the first time are made. Adopting gives the group of `conversation_id` this name, these fields and this
    admin; who is a member stays one. Everybody in the group is told who is new."""
    data = parameters.document(ask)
    name = parameters.name(parameters.required(data, "group_name"), "group_name", NAME_MOST)
    members = parameters.client_ids(parameters.required(data, "member_client_ids"), "member_client_ids")
    organization = parameters.number(parameters.required(data, "organization_id"), "organization_id")
    avatar = parameters.text(parameters.required(data, "group_avatar"), "group_avatar", AVATAR_MOST)
    admin = parameters.client_id(parameters.required(data, "admin_uid"), "admin_uid")
    description = parameters.text(parameters.required(data, "description"), "description", DESCRIPTION_MOST)
    everybody = tuple(dict.fromkeys([admin, *members]))
    attributes = write_json({"group_avatar": avatar, "organization_id": organization, "description": description})
    given = data.get("conversation_id")
    if given in (None, "", 0, "0"):
        others = everybody[1:]
        command = CreateConversation(kind=Kind.GROUP, members=others, name=name, attributes=attributes, most=LEVEL)
        with shown_as(CREATE_FAILED, Reason.FULL):
            made = cast(Created, await call_making(ask, broker, command, everybody, acting=admin)).conversation
        added = list(everybody)
    else:
        made = await group(ask, broker, given)
        added = await adopt(ask, broker, made, everybody, name, attributes)
    if added:
        text = f"{await names(ask, broker, added)} 加入群聊"
        await tell_members(ask, broker, Notice.ADDED, made, text, admin, added)
    row = {
        "group_id": made.id,
        "group_name": name,
        "member_client_ids": ":".join(members),
        "organization_id": organization,
        "conversation_id": object_id(ask, made),
        "group_avatar": avatar,
        "admin_uid": admin,
        "description": description,
    }
    return json_answer(row, 201)


async def adopt(
    ask: Ask, broker: Broker, found: ConversationInfo, everybody: tuple[str, ...], name: str, attributes: bytes
) -> list[str]:
    """Give a group that is there already this name, these attributes beside its own, and the first of `everybody` as its
    owner; the others become members. Who was not one before. Repeating it after a failure is safe."""
    present = set(await members_of(ask, broker, found.id))
    joining = [user for user in everybody if user not in present]
    merged = write_json({**attributes_of(found.attributes), **attributes_of(attributes)})
    if len(merged) > CONVERSATION_BYTES:
        raise Failed(UPDATE_FAILED, f"its attributes would have {len(merged)} bytes, {CONVERSATION_BYTES} are allowed.")
    if joining:  # all or nobody; what follows cannot fail where this did not
        await call_making(ask, broker, AddMembers(conversation=found.id, users=tuple(joining), strict=True), joining)
    await broker.call(ask.managed(SetMembers(conversation=found.id, owner=everybody[0])))
    command = UpdateConversation(conversation=found.id, name=name, attributes=attributes, merge=True)
    await broker.call(ask.managed(command))
    return joining


@routes.add("PUT", "/im/group/{group_id}", about=About(answer=schemas.RENAMED, body=schemas.RENAMING))
async def rename_group(ask: Ask, broker: Broker) -> Answer:
    """HI-06. Rename a group.

    null names it 群聊. The members are told."""
    data = parameters.document(ask)
    if "group_name" not in data:
        raise Refused(Reason.MISSING_FIELD, "group_name is missing.")
    given = data["group_name"]
    name = UNNAMED if given is None else parameters.name(given, "group_name", NAME_MOST)
    found = await group(ask, broker, ask.path["group_id"])
    await broker.call(ask.managed(UpdateConversation(conversation=found.id, name=name)))
    await tell_members(ask, broker, Notice.MODIFIED, found, f"群名称改为 {name}", found.owner)
    return json_answer({"group_name": name})


@routes.add("DELETE", "/im/group/{group_id}", about=About(status=204))
async def delete_group(ask: Ask, broker: Broker) -> Answer:
    """HI-07. End a group.

    It is gone for everybody at once, for good; who was in it is told."""
    found = await group(ask, broker, ask.path["group_id"])
    return await dismiss(ask, broker, found)


@routes.add("DELETE", "/im/user/{uid}/group/{group_id}", about=About(status=204))
async def dismiss_own_group(ask: Ask, broker: Broker) -> Answer:
    """HI-08. End a group in its admin's name.

    1008 if `uid` is not the admin; else as HI-07."""
    user = parameters.uid(ask.path["uid"], "uid")
    found = await group(ask, broker, ask.path["group_id"])
    if user != found.owner:
        raise Failed(ILLEGAL, f"{user} is not the admin of this group, who alone may dismiss it.")
    return await dismiss(ask, broker, found)


async def dismiss(ask: Ask, broker: Broker, found: ConversationInfo) -> Answer:
    """End the group and tell those who were in it."""
    members = await members_of(ask, broker, found.id)
    await broker.call(ask.managed(DeleteConversation(conversation=found.id)))
    await tell(ask, broker, Notice.DISMISSED, found, "该群已解散", found.owner, (), members)
    return Answer(status=204)
