"""The endpoints of our own API, but for those that need something passed in or kept (`Parley`)."""

from __future__ import annotations

from typing import cast

from adminapi.dialect import Answer, Ask, Broker, Routes, json_answer
from adminapi.dialects.parley import schemas
from adminapi.schemas import About
from protocol.apps import App
from protocol.codec import read_json, write_json
from protocol.commands import (
    BanUser,
    Block,
    Command,
    DeleteMessage,
    DeleteUser,
    DismissJoinRequest,
    Done,
    GetUser,
    JoinRequestList,
    Kick,
    ListJoinRequests,
    ListSessions,
    Mute,
    Patched,
    SendSystem,
    SessionList,
    SetRole,
    Unblock,
    Unmute,
    UserFound,
    Watermark,
    WatermarkReport,
)
from protocol.errors import Reason, Refused
from protocol.records import UserInfo
from protocol.wires.native.fields import Data, bad, missing, name_or, text_or, whole

routes = Routes()

NO_APP = App(id="", key="", master_key="", secret="")
"""Whose caller is the operator, where the path names no app."""
ROLES = {"member": 0, "manager": 1, 0: 0, 1: 1}


@routes.add("GET", "/-/health", about=About(answer=schemas.HEALTH), open=True)
async def health(ask: Ask, broker: Broker) -> Answer:
    """Whether this process is alive.

    Nothing is said about the broker."""
    return json_answer({"alive": True})


@routes.add("GET", "/-/api/watermark", about=About(answer=schemas.WATERMARK))
async def watermark(ask: Ask, broker: Broker) -> Answer:
    """How far what was accepted is on disk and in the stores.

    The operator's alone: the numbers count the commits of all apps."""
    if ask.app is not NO_APP:
        raise Refused(Reason.NOT_ALLOWED, "Only the operator's token shows this.")
    reply = cast(WatermarkReport, await broker.call(Watermark()))
    targets = [
        {"target": each.target, "applied": each.applied, "oldest_unapplied_ms": each.oldest_ms} for each in reply.targets
    ]
    oldest = max((each.oldest_ms for each in reply.targets), default=0)
    return json_answer(
        {"accepted": reply.accepted, "durable": reply.durable, "targets": targets, "oldest_unapplied_ms": oldest}
    )


@routes.add("GET", "/-/api/apps", about=About(answer=schemas.APPS))
async def list_apps(ask: Ask, broker: Broker) -> Answer:
    """The apps the caller sees, without their keys."""
    apps = (broker.apps or {}).values() if ask.app is NO_APP else [ask.app]
    return json_answer({"apps": [app_shape(app) for app in apps]})


@routes.add("GET", "/-/api/apps/{app}", about=About(answer=schemas.APP))
async def get_app(ask: Ask, broker: Broker) -> Answer:
    """An app and its settings, without its keys."""
    return json_answer(app_shape(ask.app))


@routes.add("GET", "/-/api/apps/{app}/sessions", about=About(answer=schemas.SESSIONS, query=schemas.SESSIONS_ASKED))
async def list_sessions(ask: Ask, broker: Broker) -> Answer:
    """Live sessions, oldest first."""
    command = ListSessions(
        user=ask.query.get("user", "") or "",
        skip=number(ask, "skip", 0, 0, 1_000_000),
        limit=number(ask, "limit", 100, 1, 1000),
    )
    reply = cast(SessionList, await broker.call(ask.managed(command)))
    keys = ("session", "user", "device", "platform", "tag", "wire", "since_ms")
    rows = [{key: getattr(session, key) for key in keys} for session in reply.sessions]
    return json_answer({"sessions": rows, "total": reply.total})


@routes.add("POST", "/-/api/apps/{app}/users/{user}/kick", about=About(answer=schemas.DONE, body=schemas.KICK))
async def kick(ask: Ask, broker: Broker) -> Answer:
    """End the user's sessions, or those of one device."""
    data = ask.json_object()
    device = None if data.get("device") is None else name_or(data, "device", 128)
    return await done(ask, broker, Kick(user=ask.path["user"], device=device, reason=text_or(data, "reason", 256)))


@routes.add("GET", "/-/api/apps/{app}/users/{user}", about=About(answer=schemas.USER))
async def get_user(ask: Ask, broker: Broker) -> Answer:
    """A user."""
    reply = cast(UserFound, await broker.call(ask.managed(GetUser(user=ask.path["user"]))))
    return json_answer(user_shape(reply.user))


@routes.add("DELETE", "/-/api/apps/{app}/users/{user}", about=About(answer=schemas.DONE))
async def delete_user(ask: Ask, broker: Broker) -> Answer:
    """Delete a user for good; what the user said stays."""
    return await done(ask, broker, DeleteUser(user=ask.path["user"]))


@routes.add("POST", "/-/api/apps/{app}/users/{user}/ban", about=About(answer=schemas.DONE))
async def ban(ask: Ask, broker: Broker) -> Answer:
    """Ban a user.

    Ends the sessions; nobody logs in by this name until it is unbanned."""
    return await done(ask, broker, BanUser(user=ask.path["user"]))


@routes.add("POST", "/-/api/apps/{app}/users/{user}/unban", about=About(answer=schemas.DONE))
async def unban(ask: Ask, broker: Broker) -> Answer:
    """Lift a ban."""
    return await done(ask, broker, BanUser(user=ask.path["user"], banned=False))


@routes.add("POST", "/-/api/apps/{app}/system", about=About(answer=schemas.DONE, body=schemas.SYSTEM))
async def send_system(ask: Ask, broker: Broker) -> Answer:
    """Push to online sessions: of a user, of a conversation, or of the whole app."""
    data = ask.json_object()
    if "content" not in data:
        missing("content")
    user, conversation = name_or(data, "user", 128), data.get("conversation")
    if user and conversation is not None:
        raise Refused(Reason.BAD_FORMAT, "Give user or conversation, not both.")
    command = SendSystem(
        content=write_json(data["content"]),
        users=(user,) if user else (),
        conversation=0 if conversation is None else conversation_id(ask, conversation),
    )
    return await done(ask, broker, command)


@routes.add(
    "PUT",
    "/-/api/apps/{app}/conversations/{conversation}/members/{user}/role",
    about=About(answer=schemas.DONE, body=schemas.ROLE),
)
async def set_role(ask: Ask, broker: Broker) -> Answer:
    """Make a member a manager, or a manager a member."""
    role = ask.json_object().get("role")
    if role is None:
        missing("role")
    if not isinstance(role, str | int) or isinstance(role, bool) or role not in ROLES:
        bad("role", "member or manager")
    command = SetRole(conversation=conversation_id(ask), user=ask.path["user"], role=ROLES[role])
    return await done(ask, broker, command)


@routes.add("POST", "/-/api/apps/{app}/conversations/{conversation}/members/{user}/block", about=About(answer=schemas.DONE))
async def block(ask: Ask, broker: Broker) -> Answer:
    """Keep a user out of a conversation."""
    return await done(ask, broker, Block(conversation=conversation_id(ask), user=ask.path["user"]))


@routes.add(
    "POST", "/-/api/apps/{app}/conversations/{conversation}/members/{user}/unblock", about=About(answer=schemas.DONE)
)
async def unblock(ask: Ask, broker: Broker) -> Answer:
    """Let a blocked user in again."""
    return await done(ask, broker, Unblock(conversation=conversation_id(ask), user=ask.path["user"]))


@routes.add(
    "POST",
    "/-/api/apps/{app}/conversations/{conversation}/members/{user}/mute",
    about=About(answer=schemas.DONE, body=schemas.MUTE),
)
async def mute(ask: Ask, broker: Broker) -> Answer:
    """Silence a member."""
    seconds = whole(ask.json_object(), "seconds", 0, schemas.MUTE_SECONDS_MOST, 0)
    return await done(ask, broker, Mute(conversation=conversation_id(ask), user=ask.path["user"], seconds=seconds))


@routes.add("POST", "/-/api/apps/{app}/conversations/{conversation}/members/{user}/unmute", about=About(answer=schemas.DONE))
async def unmute(ask: Ask, broker: Broker) -> Answer:
    """Let a silenced member speak."""
    return await done(ask, broker, Unmute(conversation=conversation_id(ask), user=ask.path["user"]))


@routes.add("GET", "/-/api/apps/{app}/conversations/{conversation}/join-requests", about=About(answer=schemas.JOIN_REQUESTS))
async def list_join_requests(ask: Ask, broker: Broker) -> Answer:
    """List who has asked to join.

    Oldest first. Adding a user as a member ends his request."""
    command = ListJoinRequests(conversation=conversation_id(ask))
    reply = cast(JoinRequestList, await broker.call(ask.managed(command)))
    return json_answer({"requests": [{"user": each.user, "asked_ms": each.asked_ms} for each in reply.requests]})


@routes.add(
    "DELETE",
    "/-/api/apps/{app}/conversations/{conversation}/join-requests/{user}",
    about=About(answer=schemas.DONE),
)
async def dismiss_join_request(ask: Ask, broker: Broker) -> Answer:
    """Turn down a request to join."""
    return await done(ask, broker, DismissJoinRequest(conversation=conversation_id(ask), user=ask.path["user"]))


@routes.add("DELETE", "/-/api/apps/{app}/conversations/{conversation}/messages/{message}", about=About(answer=schemas.DONE))
async def delete_message(ask: Ask, broker: Broker) -> Answer:
    """Delete a message for everybody."""
    message = ask.ids.message(ask.path["message"])
    return await done(ask, broker, DeleteMessage(conversation=conversation_id(ask), message=message))


async def done(ask: Ask, broker: Broker, command: Command) -> Answer:
    reply = cast(Done | Patched, await broker.call(ask.managed(command)))
    return json_answer({"time_ms": reply.time_ms})


def conversation_id(ask: Ask, given: object = None) -> int:
    found = ask.ids.conversation(str(ask.path["conversation"] if given is None else given))
    if found is None:
        raise Refused(Reason.UNKNOWN_CONVERSATION, "There is no such conversation.")
    return found


def number(ask: Ask, name: str, default: int, least: int, most: int) -> int:
    text = ask.query.get(name)
    data: Data = {name: int(text) if text and text.isascii() and text.isdigit() and len(text) < 12 else text}
    return whole(data, name, least, most, default)


def app_shape(app: App) -> Data:
    settings = {field: getattr(app.settings, field) for field in app.settings.__struct_fields__}
    return {"id": app.id, "rev": app.rev, "disabled": app.disabled, "settings": settings}


def user_shape(user: UserInfo) -> Data:
    return {
        "user": user.user,
        "attributes": read_json(user.attributes),
        "online": user.online,
        "banned": user.banned,
        "created_ms": user.created_ms,
        "updated_ms": user.updated_ms or None,
    }
