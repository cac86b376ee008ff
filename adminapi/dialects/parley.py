"""Our own API below `/-/`: health, readiness, metrics, and what an operator does to an app's users and conversations.

The law: `health` and `ready` are open and say nothing of any app; everything else takes `Authorization: Bearer` with the
operator's token, which sees all, or an app's master key, which sees that app and answers for another as if it were not
there. No answer ever holds a key, a secret or a password. Errors are `{"error": {"reason", "message"}}`, `reason` being
the `Reason` value, with an HTTP status that means what it says.

Readings: conversations and messages are named by any of their ids (DESIGN 4) and printed as 32 hex digits. `until_ms` and
other times are Unix milliseconds.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import ClassVar, cast

from adminapi.dialect import (
    Answer,
    Ask,
    Broker,
    Caller,
    Dialect,
    Rendering,
    Routes,
    bearer,
    json_answer,
    same_secret,
)
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
    PutUser,
    SendSystem,
    SessionList,
    SetRole,
    Stats,
    StatsReport,
    Unblock,
    Unmute,
    UserFound,
)
from protocol.errors import Reason, Refused
from protocol.records import UserInfo
from protocol.wires.native.fields import (
    Data,
    bad,
    flag,
    missing,
    name_or,
    object_or,
    text_or,
    whole,
)

routes = Routes()

NO_APP = App(id="", key="", master_key="", secret="")
"""Whose caller is the operator, where the path names no app."""
ROLES = {"member": 0, "manager": 1, 0: 0, 1: 1}
MUTE_SECONDS_MOST = 86_400
"""As `Mute` (LC-07)."""

STATUSES: dict[Reason, int] = {
    Reason.INTERNAL: 500,
    Reason.MISSING_FIELD: 400,
    Reason.BAD_FORMAT: 400,
    Reason.UNKNOWN_TYPE: 400,
    Reason.MISSING_HEADER: 401,
    Reason.UNKNOWN_APP: 404,
    Reason.UNAUTHORIZED: 401,
    Reason.NOT_LOGGED_IN: 401,
    Reason.BAD_TOKEN: 401,
    Reason.WRONG_PASSWORD: 403,
    Reason.BANNED: 403,
    Reason.LOGIN_CONFLICT: 409,
    Reason.NOT_ALLOWED: 403,
    Reason.UNKNOWN_USER: 404,
    Reason.BAD_USER_ID: 400,
    Reason.UNKNOWN_CONVERSATION: 404,
    Reason.UNKNOWN_MESSAGE: 404,
    Reason.BAD_KIND: 400,
    Reason.NOT_A_MEMBER: 409,
    Reason.MUTED: 403,
    Reason.BLOCKED: 403,
    Reason.FULL: 409,
    Reason.EXISTS: 409,
    Reason.BAD_FILE: 400,
    Reason.TOO_LARGE: 413,
    Reason.TOO_BROAD: 422,
    Reason.TOO_FAST: 429,
    Reason.STORAGE_UNAVAILABLE: 507,
    Reason.OVERLOADED: 503,
    Reason.HISTORY_UNAVAILABLE: 503,
    Reason.GOING_AWAY: 503,
    Reason.OUTCOME_UNKNOWN: 504,
}
# The rendering's `code` is where the vendors' numbers stand; ours is the Reason's place in the enum, printed as its word.
WORDS = list(Reason)

HashPassword = Callable[[str], Awaitable[str]]
OwnMetrics = Callable[[bool, Mapping[str, float]], bytes]


class Parley(Dialect):
    """The dialect as `adminapi.app` mounts it.

    `hash_password` makes an argon2id hash, bounded; `own_metrics` renders adminapi's counters and the broker's given to
    it as Prometheus text. Both are passed in, as a dialect holds no thread and no registry.
    """

    name: ClassVar[str] = "parley"
    roots: ClassVar[tuple[str, ...]] = ("/-",)
    renderings: ClassVar[Mapping[Reason, Rendering]] = {
        reason: Rendering(status, WORDS.index(reason), "Internal server error." if status == 500 else "")
        for reason, status in STATUSES.items()
    }

    def __init__(self, operator_token: str, hash_password: HashPassword, own_metrics: OwnMetrics) -> None:
        self._operator_token = operator_token
        self._hash_password = hash_password
        self._own_metrics = own_metrics
        self.routes = Routes(routes)
        self.routes.add("GET", "/-/metrics")(self.metrics)
        self.routes.add("PUT", "/-/api/apps/{app}/users/{user}")(self.put_user)

    def admit(self, ask: Ask, apps: Mapping[str, App]) -> Caller:
        token = bearer(ask.headers)
        if not token:
            raise Refused(Reason.UNAUTHORIZED, "Send Authorization: Bearer with the operator's token or a master key.")
        named = ask.path.get("app")
        if same_secret(token, self._operator_token):
            app = NO_APP if named is None else apps.get(named)
        else:
            # Every key is compared, so the time does not tell which app's it was.
            owners = [app for app in apps.values() if same_secret(token, app.master_key) and not app.disabled]
            if not owners:
                raise Refused(Reason.UNAUTHORIZED, "This is neither the operator's token nor a master key.")
            app = next((owner for owner in owners if named is None or owner.id == named), None)
        if app is None:
            raise Refused(Reason.UNKNOWN_APP, "There is no such app, or this key is not its own.")
        return Caller(app=app)

    def envelope_error(self, ask: Ask, rendering: Rendering) -> Answer:
        if rendering is self.not_found or rendering is self.bad_method:
            reason = "not_found" if rendering is self.not_found else "bad_method"
        else:
            reason = WORDS[rendering.code].value
        return json_answer({"error": {"reason": reason, "message": rendering.text}}, rendering.status)

    async def metrics(self, ask: Ask, broker: Broker) -> Answer:
        """Prometheus text: everything for the operator; for a master key the samples that carry its app's label."""
        counters = cast(StatsReport, await broker.call(Stats())).counters
        if ask.app is not NO_APP:
            label = f'app="{ask.app.id}"'
            counters = {name: value for name, value in counters.items() if label in name}
        text = self._own_metrics(broker.apps is not None, counters)
        return Answer(body=text, type="text/plain; version=0.0.4; charset=utf-8")

    async def put_user(self, ask: Ask, broker: Broker) -> Answer:
        """Create or change: `attributes`? object, `password`? text ("" removes it), `must_be_new`? -> the user."""
        data = ask.json_object()
        password: str | None = None
        if data.get("password") is not None:
            password = text_or(data, "password", 1024)
            password = password and await self._hash_password(password)
        command = PutUser(
            user=ask.path["user"],
            attributes=object_or(data, "attributes"),
            password=password,
            must_be_new=flag(data, "must_be_new"),
        )
        return json_answer(user_shape(cast(UserFound, await broker.call(ask.managed(command))).user))


@routes.add("GET", "/-/health", open=True)
async def health(ask: Ask, broker: Broker) -> Answer:
    """This process is alive; nothing is said about the broker."""
    return json_answer({"alive": True})


@routes.add("GET", "/-/ready", open=True)
async def ready(ask: Ask, broker: Broker) -> Answer:
    """200 while the broker is reached and the table of apps is known, else 503; why is in the log, not for strangers."""
    if broker.apps is None:
        return json_answer({"ready": False, "reason": "The broker is away."}, 503)
    return json_answer({"ready": True})


@routes.add("GET", "/-/api/apps")
async def list_apps(ask: Ask, broker: Broker) -> Answer:
    """The apps the caller sees, without their keys."""
    apps = (broker.apps or {}).values() if ask.app is NO_APP else [ask.app]
    return json_answer({"apps": [app_shape(app) for app in apps]})


@routes.add("GET", "/-/api/apps/{app}")
async def get_app(ask: Ask, broker: Broker) -> Answer:
    return json_answer(app_shape(ask.app))


@routes.add("GET", "/-/api/apps/{app}/sessions")
async def list_sessions(ask: Ask, broker: Broker) -> Answer:
    """Live sessions, oldest first: `user`?, `skip`? 0, `limit`? 100 (at most 1,000) of the query."""
    command = ListSessions(
        user=ask.query.get("user", "") or "",
        skip=number(ask, "skip", 0, 0, 1_000_000),
        limit=number(ask, "limit", 100, 1, 1000),
    )
    reply = cast(SessionList, await broker.call(ask.managed(command)))
    keys = ("session", "user", "device", "platform", "tag", "wire", "since_ms")
    rows = [{key: getattr(session, key) for key in keys} for session in reply.sessions]
    return json_answer({"sessions": rows, "total": reply.total})


@routes.add("POST", "/-/api/apps/{app}/users/{user}/kick")
async def kick(ask: Ask, broker: Broker) -> Answer:
    """End the user's sessions, or those of `device`?; `reason`? is shown to the user."""
    data = ask.json_object()
    device = None if data.get("device") is None else name_or(data, "device", 128)
    return await done(ask, broker, Kick(user=ask.path["user"], device=device, reason=text_or(data, "reason", 256)))


@routes.add("GET", "/-/api/apps/{app}/users/{user}")
async def get_user(ask: Ask, broker: Broker) -> Answer:
    reply = cast(UserFound, await broker.call(ask.managed(GetUser(user=ask.path["user"]))))
    return json_answer(user_shape(reply.user))


@routes.add("DELETE", "/-/api/apps/{app}/users/{user}")
async def delete_user(ask: Ask, broker: Broker) -> Answer:
    """For good; what the user said stays."""
    return await done(ask, broker, DeleteUser(user=ask.path["user"]))


@routes.add("POST", "/-/api/apps/{app}/users/{user}/ban")
async def ban(ask: Ask, broker: Broker) -> Answer:
    return await done(ask, broker, BanUser(user=ask.path["user"]))


@routes.add("POST", "/-/api/apps/{app}/users/{user}/unban")
async def unban(ask: Ask, broker: Broker) -> Answer:
    return await done(ask, broker, BanUser(user=ask.path["user"], banned=False))


@routes.add("POST", "/-/api/apps/{app}/system")
async def send_system(ask: Ask, broker: Broker) -> Answer:
    """`content`* any JSON, to the online sessions of `user`?, of `conversation`?, or of the whole app."""
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


@routes.add("PUT", "/-/api/apps/{app}/conversations/{conversation}/members/{user}/role")
async def set_role(ask: Ask, broker: Broker) -> Answer:
    """`role`* "member" or "manager"."""
    role = ask.json_object().get("role")
    if role is None:
        missing("role")
    if not isinstance(role, str | int) or isinstance(role, bool) or role not in ROLES:
        bad("role", "member or manager")
    command = SetRole(conversation=conversation_id(ask), user=ask.path["user"], role=ROLES[role])
    return await done(ask, broker, command)


@routes.add("POST", "/-/api/apps/{app}/conversations/{conversation}/members/{user}/block")
async def block(ask: Ask, broker: Broker) -> Answer:
    return await done(ask, broker, Block(conversation=conversation_id(ask), user=ask.path["user"]))


@routes.add("POST", "/-/api/apps/{app}/conversations/{conversation}/members/{user}/unblock")
async def unblock(ask: Ask, broker: Broker) -> Answer:
    return await done(ask, broker, Unblock(conversation=conversation_id(ask), user=ask.path["user"]))


@routes.add("POST", "/-/api/apps/{app}/conversations/{conversation}/members/{user}/mute")
async def mute(ask: Ask, broker: Broker) -> Answer:
    """`seconds`? 0 (until unmuted) to 86,400."""
    seconds = whole(ask.json_object(), "seconds", 0, MUTE_SECONDS_MOST, 0)
    return await done(ask, broker, Mute(conversation=conversation_id(ask), user=ask.path["user"], seconds=seconds))


@routes.add("POST", "/-/api/apps/{app}/conversations/{conversation}/members/{user}/unmute")
async def unmute(ask: Ask, broker: Broker) -> Answer:
    return await done(ask, broker, Unmute(conversation=conversation_id(ask), user=ask.path["user"]))


@routes.add("GET", "/-/api/apps/{app}/conversations/{conversation}/join-requests")
async def list_join_requests(ask: Ask, broker: Broker) -> Answer:
    """Who has asked to join and is no member yet, oldest first; adding a user as a member ends his request."""
    command = ListJoinRequests(conversation=conversation_id(ask))
    reply = cast(JoinRequestList, await broker.call(ask.managed(command)))
    return json_answer({"requests": [{"user": each.user, "asked_ms": each.asked_ms} for each in reply.requests]})


@routes.add("DELETE", "/-/api/apps/{app}/conversations/{conversation}/join-requests/{user}")
async def dismiss_join_request(ask: Ask, broker: Broker) -> Answer:
    return await done(ask, broker, DismissJoinRequest(conversation=conversation_id(ask), user=ask.path["user"]))


@routes.add("DELETE", "/-/api/apps/{app}/conversations/{conversation}/messages/{message}")
async def delete_message(ask: Ask, broker: Broker) -> Answer:
    message = ask.ids.parse(ask.path["message"])
    if message is None:
        raise Refused(Reason.UNKNOWN_MESSAGE, "There is no such message.")
    return await done(ask, broker, DeleteMessage(conversation=conversation_id(ask), message=message))


async def done(ask: Ask, broker: Broker, command: Command) -> Answer:
    reply = cast(Done | Patched, await broker.call(ask.managed(command)))
    return json_answer({"time_ms": reply.time_ms})


def conversation_id(ask: Ask, given: object = None) -> int:
    found = ask.ids.parse(str(ask.path["conversation"] if given is None else given))
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
