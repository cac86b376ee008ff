"""Who is in a group, and who wants to be: HI-09, HI-10 and HI-17."""

from __future__ import annotations

from typing import cast

from adminapi.dialect import Answer, Ask, Broker, Routes, json_answer
from adminapi.dialects.hisihi import parameters
from adminapi.dialects.hisihi.codes import ILLEGAL, MEMBER_ALREADY, NOT_DELIVERED, REMOVE_FAILED, Failed, shown_as
from adminapi.dialects.hisihi.notices import Notice, names, tell, tell_members
from adminapi.dialects.hisihi.people import add, call_making, group, members_of
from adminapi.dialects.hisihi.shapes import group_name
from protocol.commands import MembersChanged, RemoveMembers, RequestJoin
from protocol.errors import Reason, Refused

routes = Routes()

APPLIED = "已为您提交加群申请"
"""HI-17."""


@routes.add("POST", "/im/group/{group_id}/member")
async def add_members(ask: Ask, broker: Broker) -> Answer:
    """HI-09. `member_client_ids`* -> 201, `group_id` and `member_client_ids`."""
    data = parameters.document(ask)
    users = parameters.client_ids(parameters.required(data, "member_client_ids"), "member_client_ids")
    if not users:
        raise Refused(Reason.MISSING_FIELD, "member_client_ids names nobody.")
    found = await group(ask, broker, ask.path["group_id"])
    present = set(await members_of(ask, broker, found.id))
    joining = [user for user in users if user not in present]
    if joining:
        await add(ask, broker, found.id, joining)
        text = f"{await names(ask, broker, joining)} 加入群聊"
        await tell_members(ask, broker, Notice.ADDED, found, text, found.owner, joining)
    return json_answer({"group_id": found.id, "member_client_ids": ":".join(users)}, 201)


@routes.add("DELETE", "/im/group/{group_id}/member/{client_id}")
async def remove_member(ask: Ask, broker: Broker) -> Answer:
    """HI-10. `uid` of the query says who does it -> 204."""
    user = parameters.client_id(ask.path["client_id"], "client_id")
    by = parameters.uid(given, "uid") if (given := ask.query.get("uid")) else ""
    found = await group(ask, broker, ask.path["group_id"])
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


@routes.add("POST", "/im/user/{client_id}/group/{group_id}/join_group_notification")
async def apply_to_join(ask: Ask, broker: Broker) -> Answer:
    """HI-17 -> 201. The application is kept until it is decided, the admin is told if he is online."""
    user = parameters.client_id(ask.path["client_id"], "client_id")
    found = await group(ask, broker, ask.path["group_id"])
    with shown_as(MEMBER_ALREADY, Reason.EXISTS), shown_as(NOT_DELIVERED, Reason.FULL):
        await call_making(ask, broker, RequestJoin(conversation=found.id), [user], acting=user)
    if found.owner:
        text = f"{await names(ask, broker, [user])} 申请加入 {group_name(found)}"
        await tell(ask, broker, Notice.APPLIED, found, text, user, [user], [found.owner])
    return json_answer({"message": APPLIED}, 201)
