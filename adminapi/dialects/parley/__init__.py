"""Our own API below `/-/`: health, readiness, metrics, and what an operator does to apps, users and conversations. The
console (`/-/console/`) asks for nothing else.

The law: `health`, `ready` and `sign-in` are open and say nothing of any app; everything else takes `Authorization: Bearer`
with the operator's token, which sees all, the token of an operator who has signed in, which sees all and may what his role
may (`Endpoint.least`: a viewer reads, the rest says what it takes), or an app's master key, which sees that app and answers
for another as if it were not there. There is no cookie, so there is nothing another site could make a browser send.
No answer holds a password, nor a key but in the answer to the call that has drawn it. Errors are
`{"error": {"reason", "message"}}`, `reason` being the `Reason` value, with an HTTP status that means what it says.

Readings: conversations and messages are named by any of their ids (DESIGN 4) and printed as 32 hex digits. `until_ms` and
other times are Unix milliseconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from adminapi.dialect import Answer, Ask, Caller, Dialect, Rendering, Routes, bearer, json_answer, same_secret
from adminapi.dialects.parley.endpoints import (
    announcements,
    apps,
    audit,
    conversations,
    health,
    live,
    members,
    messages,
    sessions,
    signing,
    users,
    where,
)
from adminapi.dialects.parley.endpoints.probes import Probes
from adminapi.dialects.parley.endpoints.shapes import NO_APP
from adminapi.dialects.parley.schemas import common as schemas
from adminapi.dialects.parley.services import Services
from adminapi.schemas import Schema, obj, text
from protocol.apps import App
from protocol.errors import Reason, Refused

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


class Parley(Dialect):
    """The dialect as `adminapi.app` mounts it."""

    name: ClassVar[str] = "parley"
    title: ClassVar[str] = "Parley's own"
    roots: ClassVar[tuple[str, ...]] = ("/-",)
    renderings: ClassVar[Mapping[Reason, Rendering]] = {
        reason: Rendering(status, WORDS.index(reason), "Internal server error." if status == 500 else "")
        for reason, status in STATUSES.items()
    }
    parameters: ClassVar[Mapping[str, Schema]] = schemas.PARAMETERS
    schemes: ClassVar[Mapping[str, Schema]] = {
        "token": {"type": "http", "scheme": "bearer", "description": "An operator's token, or an app's `master_key`."}
    }
    proofs: ClassVar[Sequence[Sequence[str]]] = (("token",),)

    def __init__(self, services: Services) -> None:
        self._operator_token = services.operator_token
        self._operators = services.operators
        found = (
            Probes(services).routes,
            where.routes_with(services),
            signing.routes_with(services),
            live.routes_with(services, self.admit),
            health.routes_with(services),
            audit.routes_with(services),
            apps.routes,
            sessions.routes,
            users.routes_with(services, self.admit),
            conversations.routes,
            members.routes,
            messages.routes_with(services, self.admit),
            announcements.routes,
        )
        self.routes = Routes(endpoint for routes in found for endpoint in routes)

    def admit(self, ask: Ask, apps: Mapping[str, App]) -> Caller:
        token = bearer(ask.headers)
        if not token:
            raise Refused(Reason.UNAUTHORIZED, "Send Authorization: Bearer with an operator's token or a master key.")
        named = ask.path.get("app")
        known = same_secret(token, self._operator_token)
        session = None if known else self._operators.session(token)
        if known or session is not None:
            app = NO_APP if named is None else apps.get(named)
            if app is None:
                raise Refused(Reason.UNKNOWN_APP, "There is no such app.")
            if session is None:
                return Caller(app=app, proof="operator", whole=True)
            return Caller(app=app, proof="session", whole=True, operator=session.name, role=session.role)
        # Every key is compared, so the time does not tell which app's it was.
        owners = [
            app for app in apps.values() if same_secret(token, *app.keys(ask.now_ms, "master_key")) and not app.disabled
        ]
        if not owners:
            raise Refused(Reason.UNAUTHORIZED, "This is neither an operator's token that is still good nor a master key.")
        app = next((owner for owner in owners if named is None or owner.id == named), None)
        if app is None:
            raise Refused(Reason.UNKNOWN_APP, "There is no such app, or this key is not its own.")
        return Caller(app=app, proof="master_key")

    def envelope_error(self, ask: Ask, rendering: Rendering) -> Answer:
        if rendering is self.not_found or rendering is self.bad_method:
            reason = "not_found" if rendering is self.not_found else "bad_method"
        else:
            reason = WORDS[rendering.code].value
        return json_answer({"error": {"reason": reason, "message": rendering.text}}, rendering.status)

    def error_schema(self, renderings: Sequence[Rendering]) -> Schema:
        words = [self.code_text(line.code) for line in renderings]
        return obj({"error": obj({"reason": text(among=words), "message": text(least=1)})})

    def code_text(self, code: int) -> str:
        return WORDS[code].value
