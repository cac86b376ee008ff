"""Looking things up: the groups of an organisation or a user, its contacts, one group (HI-11 to HI-13, HI-15, HI-16)."""

from __future__ import annotations

from typing import cast

from adminapi.dialect import Answer, Ask, Broker, Routes, json_answer
from adminapi.dialects.hisihi import parameters, schemas
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
from adminapi.schemas import About
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


@routes.add("GET", "/im/org/{organization_id}/groups", about=About(answer=schemas.PAGE, query=schemas.PAGING))
async def list_groups(ask: Ask, broker: Broker) -> Answer:
    """HI-11. The groups of an organisation, oldest first.

    `page` and `per_page` may also stand in a JSON body, which counts first (MUX-10)."""
    return await page_of_groups(ask, broker, of_organization(ask))


@routes.add("GET", "/im/groups", about=About(answer=schemas.PAGE, query=schemas.PAGING))
async def list_all_groups(ask: Ask, broker: Broker) -> Answer:
    """HI-12. The groups of all organisations and of none, oldest first.

    `page` and `per_page` may also stand in a JSON body, which counts first (MUX-10)."""
    return await page_of_groups(ask, broker)


@routes.add("GET", "/im/org/{organization_id}/contacts", about=About(answer=schemas.CONTACTS))
async def list_contacts(ask: Ask, broker: Broker) -> Answer:
    """HI-13. The groups of an organisation, then its users.

    Its users are those whose attribute `organization_id` is its number."""
    where = of_organization(ask)
    rows = [group_contact(info) for info in await every_group(ask, broker, where)]
    rows += [user_contact(user.user, attributes_of(user.attributes)) for user in await every_user(ask, broker, where)]
    return json_answer({"data": rows})


@routes.add("GET", "/im/user/{client_id}/groups", about=About(answer=schemas.GROUPS_OF_USER))
async def list_groups_of_user(ask: Ask, broker: Broker) -> Answer:
    """HI-15. The groups of a user, oldest first.

    Somebody nobody has named yet is in no group."""
    user = parameters.client_id(ask.path["client_id"], "client_id")
    found = await every_group(ask, broker, Condition("member", "=", user))
    return json_answer({"data": [group_row_with_organization(ask, info) for info in found]})


@routes.add("GET", "/im/group/{group_id}", about=About(answer=schemas.DETAIL, query=schemas.ASKED_FOR))
async def get_group(ask: Ask, broker: Broker) -> Answer:
    """HI-16. A group and its members."""
    given = ask.query.get("client_id")
    user = parameters.client_id(given, "client_id") if given else ""
    found = await group(ask, broker, ask.path["group_id"])
    members = await members_of(ask, broker, found.id)
    known = await attributes_by_user(ask, broker, members)
    people = [member_row(member, known[member], is_admin=member == found.owner) for member in members]
    answer: Row = {"is_exist_in_group": user in members} if user else {}
    answer["data"] = {"group_member_info": people, "group_info": group_row_with_organization(ask, found)}
    return json_answer(answer)
