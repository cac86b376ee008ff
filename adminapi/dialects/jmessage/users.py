"""The user endpoints but for registration, in the order of `seeds/jmessage.md` (JM-03 to JM-06, JM-12)."""

from __future__ import annotations

from typing import cast

from adminapi.dialect import Answer, Ask, Broker, Routes, json_answer
from adminapi.dialects.jmessage.parameters import GID, PAGING, USERNAME, page_of, paging, username
from adminapi.dialects.jmessage.profile import FIELDS, PROFILE, SCHEMAS, changes, shape
from adminapi.schemas import About, array, sent
from protocol.codec import write_json
from protocol.commands import (
    Condition,
    ConversationPage,
    DeleteUser,
    GetUser,
    ListConversations,
    ListUsers,
    UpdateUser,
    UserFound,
    UserList,
)
from protocol.errors import Reason, Refused
from protocol.records import Kind

routes = Routes()

GROUPS_AT_ONCE = 200
"""Of one user's, in one question to the broker."""


def named(ask: Ask) -> str:
    return username(ask.path["username"], "username")


@routes.add("GET", "/v1/users/{username}", about=About(answer=PROFILE))
async def get_user(ask: Ask, broker: Broker) -> Answer:
    """JM-03. A user's profile; what is not set is left out."""
    reply = cast(UserFound, await broker.call(ask.managed(GetUser(user=named(ask)))))
    return json_answer(shape(reply.user))


@routes.add("PUT", "/v1/users/{username}", about=About(status=204, body=sent({}, SCHEMAS)))
async def update_user(ask: Ask, broker: Broker) -> Answer:
    """JM-04. Change a profile.

    At least one of its fields; those not sent stay as they are, null or "" unsets."""
    user = named(ask)
    changed = changes(ask.json_object())
    if not changed:
        raise Refused(Reason.MISSING_FIELD, f"The body names none of {', '.join(FIELDS)}.")
    await broker.call(ask.managed(UpdateUser(attributes=write_json(changed)), user=user))
    return Answer(status=204)


@routes.add("DELETE", "/v1/users/{username}", about=About(status=204))
async def delete_user(ask: Ask, broker: Broker) -> Answer:
    """JM-05. Delete a user.

    Ends the user's sessions."""
    await broker.call(ask.managed(DeleteUser(user=named(ask))))
    return Answer(status=204)


@routes.add("GET", "/v1/users", about=About(answer=page_of("users", USERNAME), query=PAGING))
async def list_users(ask: Ask, broker: Broker) -> Answer:
    """JM-06. The names of the app's users, in the order of their making."""
    start, count = paging(ask)
    reply = cast(UserList, await broker.call(ask.managed(ListUsers(skip=start, limit=count))))
    names = [user.user for user in reply.users]
    return json_answer({"total": reply.total, "start": start, "count": count, "users": names})


@routes.add("GET", "/v1/users/{username}/groups", about=About(answer=array(GID)))
async def list_groups(ask: Ask, broker: Broker) -> Answer:
    """JM-12. The ids of all groups a user is in, newest first."""
    user = named(ask)
    await broker.call(ask.managed(GetUser(user=user)))  # nobody's groups would be an empty list
    where = (Condition("member", "=", user), Condition("kind", "=", int(Kind.GROUP)))
    found: dict[int, None] = {}
    page = 1
    while True:
        command = ListConversations(where=where, page=page, size=GROUPS_AT_ONCE)
        reply = cast(ConversationPage, await broker.call(ask.managed(command)))
        found |= dict.fromkeys(info.id for info in reply.conversations)
        if not reply.conversations or page * GROUPS_AT_ONCE >= reply.total:
            return json_answer(list(found))
        page += 1
