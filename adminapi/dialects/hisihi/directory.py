"""Looking things up: the groups of an organisation or a user, its contacts, one group (HI-11 to HI-13, HI-15, HI-16)."""

from __future__ import annotations

from typing import cast

from adminapi.dialect import Answer, Ask, Broker, Routes, json_answer
from adminapi.dialects.hisihi import parameters
from adminapi.dialects.hisihi.people import GROUPS, attributes_by_user, every_group, every_user, group, members_of
from adminapi.dialects.hisihi.shapes import (
    Row,
    attributes_of,
    group_contact,
    group_row,
    group_row_with_organization,
    member_row,
    user_contact,
)
from protocol.commands import Condition, ConversationPage, ListConversations

routes = Routes()


def of_organization(ask: Ask) -> Condition:
    """Holds for groups and for users alike."""
    number = parameters.number(ask.path["organization_id"], "organization_id")
    return Condition("attributes.organization_id", "=", number)


async def page_of_groups(ask: Ask, broker: Broker, *where: Condition) -> Answer:
    page, size = parameters.paging(ask)
    command = ListConversations(where=(GROUPS, *where), page=page, size=size, sort=("id",))
    reply = cast(ConversationPage, await broker.call(ask.managed(command)))
    return json_answer({"data": [group_row(ask, info) for info in reply.conversations], "total_count": reply.total})


@routes.add("GET", "/im/org/{organization_id}/groups")
async def list_groups(ask: Ask, broker: Broker) -> Answer:
    """HI-11. `page` 1, `per_page` 20, of the body or the query -> `data`, `total_count`."""
    return await page_of_groups(ask, broker, of_organization(ask))


@routes.add("GET", "/im/groups")
async def list_all_groups(ask: Ask, broker: Broker) -> Answer:
    """HI-12. As HI-11, of all organisations and of none."""
    return await page_of_groups(ask, broker)


@routes.add("GET", "/im/org/{organization_id}/contacts")
async def list_contacts(ask: Ask, broker: Broker) -> Answer:
    """HI-13 -> `data`: the organisation's groups, then its users."""
    where = of_organization(ask)
    rows = [group_contact(info) for info in await every_group(ask, broker, where)]
    rows += [user_contact(user.user, attributes_of(user.attributes)) for user in await every_user(ask, broker, where)]
    return json_answer({"data": rows})


@routes.add("GET", "/im/user/{client_id}/groups")
async def list_groups_of_user(ask: Ask, broker: Broker) -> Answer:
    """HI-15 -> `data`. Somebody nobody has named yet is in no group."""
    user = parameters.client_id(ask.path["client_id"], "client_id")
    found = await every_group(ask, broker, Condition("member", "=", user))
    return json_answer({"data": [group_row_with_organization(ask, info) for info in found]})


@routes.add("GET", "/im/group/{group_id}")
async def get_group(ask: Ask, broker: Broker) -> Answer:
    """HI-16. `client_id` of the query -> `data`, and with it `is_exist_in_group`."""
    given = ask.query.get("client_id")
    user = parameters.client_id(given, "client_id") if given else ""
    found = await group(ask, broker, ask.path["group_id"])
    members = await members_of(ask, broker, found.id)
    known = await attributes_by_user(ask, broker, members)
    people = [member_row(member, known[member], is_admin=member == found.owner) for member in members]
    answer: Row = {"is_exist_in_group": user in members} if user else {}
    answer["data"] = {"group_member_info": people, "group_info": group_row_with_organization(ask, found)}
    return json_answer(answer)
