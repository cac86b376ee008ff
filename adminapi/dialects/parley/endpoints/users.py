"""Users: finding them, what there is of one, and what is done to one."""

from __future__ import annotations

from typing import cast

from adminapi.dialect import Answer, Ask, Broker, OperatorRole, Routes, json_answer
from adminapi.dialects.export import told
from adminapi.dialects.parley.endpoints.shapes import (
    any_of,
    conversation_page,
    done,
    next_start,
    page_asked,
    user_shape,
    words,
)
from adminapi.dialects.parley.endpoints.streams import FAULT, NDJSON, Admit, streamed
from adminapi.dialects.parley.schemas import people as schemas
from adminapi.dialects.parley.schemas.common import CONVERSATIONS, DONE, PAGED, PLAIN_PAGED
from adminapi.dialects.parley.services import Services, Witness
from adminapi.schemas import About, either
from protocol.commands import (
    BanUser,
    Command,
    Condition,
    ConversationPage,
    DeleteUser,
    FriendList,
    GetUser,
    ListConversations,
    ListFriends,
    ListUsers,
    PutUser,
    Reply,
    UserFound,
    UserList,
)
from protocol.errors import Reason, Refused
from protocol.wires.native.fields import flag, object_or, text_or

SEARCHED = ("id", "attributes.name", "attributes.nickname")
routes = Routes()


def routes_with(services: Services, admit: Admit) -> Routes:
    """All of them; some need what the dialect was given."""
    own = Routes(routes)

    @own.add(
        "PUT",
        "/-/api/apps/{app}/users/{user}",
        about=About(answer=schemas.USER, body=schemas.PUT_USER),
        role=OperatorRole.ADMIN,
    )
    async def put_user(ask: Ask, broker: Broker) -> Answer:
        """Create a user, or change what is sent of one."""
        data = ask.json_object()
        password: str | None = None
        if data.get("password") is not None:
            password = text_or(data, "password", 1024)
            password = password and await services.hash_password(password)
        command = PutUser(
            user=ask.path["user"],
            attributes=object_or(data, "attributes"),
            password=password,
            must_be_new=flag(data, "must_be_new"),
        )
        return json_answer(user_shape(cast(UserFound, await broker.call(ask.managed(command))).user))

    exporting = About(answer=either(schemas.EXPORTED, FAULT), type=NDJSON)

    @own.add("GET", "/-/api/apps/{app}/users/{user}/export", about=exporting, role=OperatorRole.ADMIN)
    async def export(ask: Ask, broker: Witness) -> Answer:
        """Everything there is of a user, a line of JSON each.

        First the user, then friends, then each of the conversations with what the user said there. If it breaks off, the
        last line says why. It is written into the audit log."""

        async def ask_as(command: Command, user: str) -> Reply:
            return await broker.call(ask.managed(command, user=user))

        await broker.changing("Export", ask.app.id)
        return await streamed(ask, broker, admit, told(ask_as, ask.app.id, ask.path["user"]))

    return own


@routes.add("GET", "/-/api/apps/{app}/users", about=About(answer=schemas.USERS, query=PAGED))
async def list_users(ask: Ask, broker: Broker) -> Answer:
    """Users, visitors apart, in the order of their making (after a restart, of their ids).

    With `search` those in whose id, `name` or `nickname` it is, in any case of letters; of more than 200,000 users, only the
    one of that id."""
    text, (start, limit) = words(ask, "search"), page_asked(ask)
    where = any_of(*((field, "contains~", text) for field in SEARCHED)) if text else ()
    try:
        reply = cast(UserList, await broker.call(ask.managed(ListUsers(skip=start, limit=limit, where=where))))
    except Refused as refused:
        if refused.reason is not Reason.TOO_BROAD:
            raise
        exact = (Condition("id", "=", text),)
        reply = cast(UserList, await broker.call(ask.managed(ListUsers(skip=start, limit=limit, where=exact))))
    rows = [user_shape(user) for user in reply.users]
    return json_answer({"users": rows, "next": next_start(start, len(rows), reply.total), "total": reply.total})


@routes.add("GET", "/-/api/apps/{app}/users/{user}/friends", about=About(answer=schemas.FRIENDS))
async def list_friends(ask: Ask, broker: Broker) -> Answer:
    """The user's friends; there are 5,000 at most."""
    reply = cast(FriendList, await broker.call(ask.managed(ListFriends(), user=ask.path["user"])))
    rows = [{"user": each.user, "online": each.online, "since_ms": each.since_ms} for each in reply.friends]
    return json_answer({"friends": rows})


@routes.add(
    "GET",
    "/-/api/apps/{app}/users/{user}/conversations",
    about=About(answer=CONVERSATIONS, query=PLAIN_PAGED),
)
async def list_conversations(ask: Ask, broker: Broker) -> Answer:
    """The conversations the user is in, newest first."""
    start, limit = page_asked(ask)
    where = (Condition("member", "=", ask.path["user"]),)
    command = ListConversations(where=where, skip=start, size=limit)
    reply = cast(ConversationPage, await broker.call(ask.managed(command)))
    return json_answer(conversation_page(ask, reply, start))


@routes.add("GET", "/-/api/apps/{app}/users/{user}", about=About(answer=schemas.USER))
async def get_user(ask: Ask, broker: Broker) -> Answer:
    """A user."""
    reply = cast(UserFound, await broker.call(ask.managed(GetUser(user=ask.path["user"]))))
    return json_answer(user_shape(reply.user))


@routes.add("DELETE", "/-/api/apps/{app}/users/{user}", about=About(answer=DONE), role=OperatorRole.ADMIN)
async def delete_user(ask: Ask, broker: Broker) -> Answer:
    """Delete a user for good; what the user said stays."""
    return await done(ask, broker, DeleteUser(user=ask.path["user"]))


@routes.add("POST", "/-/api/apps/{app}/users/{user}/ban", about=About(answer=DONE), role=OperatorRole.SUPPORT)
async def ban(ask: Ask, broker: Broker) -> Answer:
    """Ban a user.

    Ends the sessions; nobody logs in by this name until it is unbanned."""
    return await done(ask, broker, BanUser(user=ask.path["user"]))


@routes.add("POST", "/-/api/apps/{app}/users/{user}/unban", about=About(answer=DONE), role=OperatorRole.SUPPORT)
async def unban(ask: Ask, broker: Broker) -> Answer:
    """Lift a ban."""
    return await done(ask, broker, BanUser(user=ask.path["user"], banned=False))
