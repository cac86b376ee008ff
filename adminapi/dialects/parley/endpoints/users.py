"""Accounts."""

from __future__ import annotations

from typing import cast

from adminapi.dialect import Answer, Ask, Broker, OperatorRole, Routes, json_answer
from adminapi.dialects.parley import schemas
from adminapi.dialects.parley.endpoints.shapes import done, user_shape
from adminapi.dialects.parley.services import Services
from adminapi.schemas import About
from protocol.commands import BanUser, DeleteUser, GetUser, PutUser, UserFound
from protocol.wires.native.fields import flag, object_or, text_or

routes = Routes()


def routes_with(services: Services) -> Routes:
    """All of them; the one that hashes a password needs a service."""
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

    return own


@routes.add("GET", "/-/api/apps/{app}/users/{user}", about=About(answer=schemas.USER))
async def get_user(ask: Ask, broker: Broker) -> Answer:
    """A user."""
    reply = cast(UserFound, await broker.call(ask.managed(GetUser(user=ask.path["user"]))))
    return json_answer(user_shape(reply.user))


@routes.add("DELETE", "/-/api/apps/{app}/users/{user}", about=About(answer=schemas.DONE), role=OperatorRole.ADMIN)
async def delete_user(ask: Ask, broker: Broker) -> Answer:
    """Delete a user for good; what the user said stays."""
    return await done(ask, broker, DeleteUser(user=ask.path["user"]))


@routes.add("POST", "/-/api/apps/{app}/users/{user}/ban", about=About(answer=schemas.DONE), role=OperatorRole.SUPPORT)
async def ban(ask: Ask, broker: Broker) -> Answer:
    """Ban a user.

    Ends the sessions; nobody logs in by this name until it is unbanned."""
    return await done(ask, broker, BanUser(user=ask.path["user"]))


@routes.add("POST", "/-/api/apps/{app}/users/{user}/unban", about=About(answer=schemas.DONE), role=OperatorRole.SUPPORT)
async def unban(ask: Ask, broker: Broker) -> Answer:
    """Lift a ban."""
    return await done(ask, broker, BanUser(user=ask.path["user"], banned=False))
