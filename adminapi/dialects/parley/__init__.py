"""Our own API below `/-/`: health, readiness, metrics, and what an operator does to an app's users and conversations.

The law: `health` and `ready` are open and say nothing of any app; everything else takes `Authorization: Bearer` with the
operator's token, which sees all, or an app's master key, which sees that app and answers for another as if it were not
there. No answer ever holds a key, a secret or a password. Errors are `{"error": {"reason", "message"}}`, `reason` being
the `Reason` value, with an HTTP status that means what it says.

Readings: conversations and messages are named by any of their ids (DESIGN 4) and printed as 32 hex digits. `until_ms` and
other times are Unix milliseconds.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from time import monotonic
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
from adminapi.dialects.parley import schemas
from adminapi.dialects.parley.endpoints import NO_APP, routes, user_shape
from adminapi.schemas import About, Schema, obj, text
from protocol.apps import App
from protocol.commands import PutUser, Stats, StatsReport, UserFound, sample
from protocol.errors import Reason, Refused
from protocol.wires.native.fields import flag, object_or, text_or

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

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"

WARNINGS = {
    "storage_available": "Nothing that has to be kept is taken: the disk is full, the data directory has moved, or the "
    "store is too far behind.",
    "store_available": "parley.db cannot be written. Nothing is lost: what comes in waits in the journal.",
    "postgresql_available": "PostgreSQL does not answer. Nothing is lost: messages wait in the journal; history older than "
    "these cannot be read.",
}
"""By the counter that is 0 then."""
WARNING_SECONDS = 1.0
"""Strangers may ask; the broker is asked so often at most."""

METRICS_SECONDS = 3.0
"""Below the 10 s Prometheus waits."""

HashPassword = Callable[[str], Awaitable[str]]
OwnMetrics = Callable[[Mapping[str, float] | None], bytes]


class Parley(Dialect):
    """The dialect as `adminapi.app` mounts it.

    `hash_password` makes an argon2id hash, bounded; `own_metrics` renders adminapi's counters and the broker's given to
    it as Prometheus text. Both are passed in, as a dialect holds no thread and no registry.
    """

    name: ClassVar[str] = "parley"
    title: ClassVar[str] = "Parley's own"
    roots: ClassVar[tuple[str, ...]] = ("/-",)
    renderings: ClassVar[Mapping[Reason, Rendering]] = {
        reason: Rendering(status, WORDS.index(reason), "Internal server error." if status == 500 else "")
        for reason, status in STATUSES.items()
    }
    parameters: ClassVar[Mapping[str, Schema]] = schemas.PARAMETERS
    schemes: ClassVar[Mapping[str, Schema]] = {
        "token": {"type": "http", "scheme": "bearer", "description": "The operator's token, or an app's `master_key`."}
    }
    proofs: ClassVar[Sequence[Sequence[str]]] = (("token",),)

    def __init__(self, operator_token: str, hash_password: HashPassword, own_metrics: OwnMetrics) -> None:
        self._operator_token = operator_token
        self._hash_password = hash_password
        self._own_metrics = own_metrics
        self.routes = Routes(routes)
        self._warnings: tuple[str, ...] = ()
        self._warnings_until = 0.0
        self._ending = False
        ready = About(answer=schemas.READY, others={503: schemas.NOT_READY})
        self.routes.add("GET", "/-/ready", about=ready, open=True)(self.ready)
        metrics = About(answer=schemas.METRICS, type=METRICS_TYPE)
        self.routes.add("GET", "/-/metrics", about=metrics, alone=True)(self.metrics)
        put = About(answer=schemas.USER, body=schemas.PUT_USER)
        self.routes.add("PUT", "/-/api/apps/{app}/users/{user}", about=put)(self.put_user)

    def admit(self, ask: Ask, apps: Mapping[str, App]) -> Caller:
        token = bearer(ask.headers)
        if not token:
            raise Refused(Reason.UNAUTHORIZED, "Send Authorization: Bearer with the operator's token or a master key.")
        named = ask.path.get("app")
        if same_secret(token, self._operator_token):
            app, proof = NO_APP if named is None else apps.get(named), "operator"
        else:
            proof = "master_key"
            # Every key is compared, so the time does not tell which app's it was.
            owners = [
                app for app in apps.values() if same_secret(token, *app.keys(ask.now_ms, "master_key")) and not app.disabled
            ]
            if not owners:
                raise Refused(Reason.UNAUTHORIZED, "This is neither the operator's token nor a master key.")
            app = next((owner for owner in owners if named is None or owner.id == named), None)
        if app is None:
            raise Refused(Reason.UNKNOWN_APP, "There is no such app, or this key is not its own.")
        return Caller(app=app, proof=proof)

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

    async def ready(self, ask: Ask, broker: Broker) -> Answer:
        """Whether calls can be served.

        200 while the broker is reached, takes calls and the table of apps is known, else 503; more is in the log, not for
        strangers.
        `warnings` are there if something behind the broker does not work, which calls can be served without."""
        if broker.apps is None:
            return json_answer({"ready": False, "reason": "The broker is away."}, 503)
        if monotonic() >= self._warnings_until:
            self._warnings_until = monotonic() + WARNING_SECONDS
            try:
                report = cast(StatsReport, await broker.call(Stats(), deadline_seconds=WARNING_SECONDS))
            except Refused as refused:  # it is busy; what was found last still stands
                self._ending = refused.reason is Reason.GOING_AWAY
            else:
                self._ending = False
                self._warnings = tuple(WARNINGS[name] for name in WARNINGS if report.counters.get(name) == 0)
        if self._ending:
            return json_answer({"ready": False, "reason": "The broker is about to restart."}, 503)
        return json_answer({"ready": True, **({"warnings": self._warnings} if self._warnings else {})})

    async def metrics(self, ask: Ask, broker: Broker) -> Answer:
        """Metrics, as Prometheus text.

        Everything for the operator; for a master key the samples that carry its app's label. While the broker does not
        answer there are the admin API's own, and `parley_broker_up` is 0; master keys are not known then."""
        counters: Mapping[str, float] | None = None
        with suppress(Refused):
            counters = cast(StatsReport, await broker.call(Stats(), deadline_seconds=METRICS_SECONDS)).counters
        if counters is not None and ask.app is not NO_APP:
            label = sample("", app=ask.app.id)[1:-1]
            counters = {name: value for name, value in counters.items() if label in name}
        return Answer(body=self._own_metrics(counters), type=METRICS_TYPE)

    async def put_user(self, ask: Ask, broker: Broker) -> Answer:
        """Create a user, or change what is sent of one."""
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
