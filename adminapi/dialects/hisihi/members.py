"""Who is in a group, and who wants to be: HI-09, HI-10 and HI-17."""

from __future__ import annotations

from typing import cast

from adminapi.dialect import Answer, Ask, Broker, Routes, json_answer
from adminapi.dialects.hisihi import parameters, schemas
from adminapi.dialects.hisihi.codes import ILLEGAL, MEMBER_ALREADY, NOT_DELIVERED, REMOVE_FAILED, Failed, shown_as
from adminapi.dialects.hisihi.notices import Notice, names, tell, tell_members
from adminapi.dialects.hisihi.people import call_making, group, members_of
from adminapi.dialects.hisihi.shapes import APPLIED, group_name
from adminapi.schemas import About
from protocol.commands import AddMembers, MembersChanged, RemoveMembers, RequestJoin
from protocol.errors import Reason, Refused

routes = Routes()


@routes.add("POST", "/im/group/{group_id}/member", about=About(answer=schemas.ADDED, status=201, body=schemas.ADDITION))
async def add_members(ask: Ask, broker: Broker) -> Answer:
    """HI-09. Add members to a group.

    Who is one already is no error. Users named for the first time are made. Everybody in the group is told who is new."""
    data = parameters.document(ask)
    users = parameters.client_ids(parameters.required(data, "member_client_ids"), "member_client_ids")
    if not users:
        raise Refused(Reason.MISSING_FIELD, "member_client_ids names nobody.")
    found = await group(ask, broker, ask.path["group_id"])
    present = set(await members_of(ask, broker, found.id))
    joining = [user for user in users if user not in present]
    if joining:
        command = AddMembers(conversation=found.id, users=tuple(joining), strict=True)
        await call_making(ask, broker, command, joining)
        text = f"{await names(ask, broker, joining)} 加入群聊"
        await tell_members(ask, broker, Notice.ADDED, found, text, found.owner, joining)
    return json_answer({"group_id": found.id, "member_client_ids": ":".join(users)}, 201)


@routes.add("DELETE", "/im/group/{group_id}/member/{client_id}", about=About(status=204, query=schemas.REMOVER))
async def remove_member(ask: Ask, broker: Broker) -> Answer:
    """HI-10. Remove a member from a group.

    The removed one is told; if `uid` is himself, the admin is told instead. The admin cannot be removed: 1008."""
    user = parameters.client_id(ask.path["client_id"], "client_id")
    by = parameters.uid(given, "uid") if (given := ask.query.get("uid")) else ""
    found = await group(ask, broker, ask.path["group_id"])
    if by not in ("", user, found.owner):
        raise Failed(ILLEGAL, f"{by} is not the admin of this group, who alone may remove others.")
    if user == found.owner:
        raise Failed(ILLEGAL, f"{user} is the admin of this group and cannot be removed; dismiss it instead.")
    if user not in await members_of(ask, broker, found.id):
        raise Failed(REMOVE_FAILED, f"{user} is not a member of this group.")
    reply = await broker.call(ask.managed(RemoveMembers(conversation=found.id, users=(user,))))
    if cast(MembersChanged, reply).failed:  # he became the admin meanwhile
        raise Failed(ILLEGAL, f"{user} is the admin of this group and cannot be removed.")
    name = await names(ask, broker, [user])
    if by == user:
        admin = [found.owner] if found.owner else []
        await tell(ask, broker, Notice.REMOVED, found, f"{name} 离开群聊", user, [user], admin)
    else:
        await tell(ask, broker, Notice.REMOVED, found, f"{name} 被移出群聊", by or found.owner, [user], [user])
    return Answer(status=204)


@routes.add(
    "POST",
    "/im/user/{client_id}/group/{group_id}/join_group_notification",
    about=About(answer=schemas.APPLICATION, status=201, others={400: schemas.ALREADY}),
)
async def apply_to_join(ask: Ask, broker: Broker) -> Answer:
    """HI-17. Apply to join a group.

    The application is kept until it is decided; the admin is told if he is online. Who is a member already gets 7009 in a
    form of its own."""
    user = parameters.client_id(ask.path["client_id"], "client_id")
    found = await group(ask, broker, ask.path["group_id"])
    with shown_as(MEMBER_ALREADY, Reason.EXISTS), shown_as(NOT_DELIVERED, Reason.FULL):
        await call_making(ask, broker, RequestJoin(conversation=found.id), [user], acting=user)
    if found.owner:
        text = f"{await names(ask, broker, [user])} 申请加入 {group_name(found)}"
        await tell(ask, broker, Notice.APPLIED, found, text, user, [user], [found.owner])
    return json_answer({"message": APPLIED}, 201)
