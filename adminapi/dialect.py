"""What every dialect is made of: the request as plain values (Ask), the answer (Answer), and the Dialect itself.

The law: a dialect sees no HTTP framework, no CBOR and no disk. It gets an Ask and a Broker, issues one command and
renders the reply; whoever calls is settled before by its `admit`, a pure function of the Ask and the table of apps;
whatever is refused is rendered by its one table from Reason to (HTTP status, vendor code, text), and a test fails while
a Reason has no entry. So each vendor's habits stay in its own file; `adminapi.app` alone knows how bytes come and go.
"""

from __future__ import annotations

import enum
import functools
import hmac
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Protocol

import msgspec

from adminapi.schemas import About, Schema
from protocol.apps import App
from protocol.codec import Unreadable, read_json, write_json
from protocol.commands import Command, Managed, Reply
from protocol.errors import Reason, Refused
from protocol.ids import IdForms


class Broker(Protocol):
    """The broker as a dialect sees it: `adminapi.control.Channel`, or a fake in tests."""

    @property
    def apps(self) -> Mapping[str, App] | None:
        """The table of apps; None while the broker is away."""

    async def call(self, command: Managed | Command, *, deadline_seconds: float | None = None) -> Reply:
        """The reply, or Refused."""


class Upload(Protocol):
    """A file of a multipart body. It is on the disk already, under a name nobody knows, and goes unless kept."""

    field: str
    name: str
    """As the sender calls it; never used as a path."""
    type: str
    size: int
    """Bytes."""

    async def keep(self) -> str:
        """Make it durable and return its URL."""

    async def thumbnail(self) -> Upload | None:
        """A small picture of this one, to be kept like any upload; None if there can be none. BAD_FILE if the picture is
        broken."""


class Headers(Mapping[str, str]):
    """Header fields, found in any case; of repeated ones the first."""

    def __init__(self, fields: Sequence[tuple[str, str]]) -> None:
        self._fields: dict[str, str] = {}
        for name, value in fields:
            self._fields.setdefault(name.lower(), value)

    def __getitem__(self, name: str) -> str:
        return self._fields[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)


class Query:
    """The query string: `in` tests for presence, so bare flags such as `?detail` count (MUX-9)."""

    def __init__(self, values: Mapping[str, Sequence[str]], raw: str = "") -> None:
        self.values = values
        self.raw = raw
        """As it came, for senders that put a JSON document there (MUX-11)."""

    def __contains__(self, name: object) -> bool:
        return name in self.values

    def get(self, name: str, default: str | None = None) -> str | None:
        """The first value."""
        values = self.values.get(name)
        return values[0] if values else default

    def all(self, name: str) -> Sequence[str]:
        return self.values.get(name, ())


class OperatorRole(enum.IntEnum):
    """What an operator may do; each may what those before it may. A viewer reads."""

    VIEWER = 1
    SUPPORT = 2
    ADMIN = 3

    @property
    def word(self) -> str:
        return self.name.lower()


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who was admitted, and to what."""

    app: App
    user: str = ""
    """Whose own token it was; "" for a back office."""
    privileged: bool = True
    act: str = ""
    """The only act the token allows, "" for any (ZD-42)."""
    members: str | None = None
    """The md5 its member list must have."""
    proof: str = ""
    """By what, in a word, for the audit log."""
    whole: bool = False
    """Of the whole installation, not of one app."""
    operator: str = ""
    """Whose session it is, "" where no operator has signed in."""
    role: OperatorRole = OperatorRole.ADMIN


class Ask:
    """One request. `caller` is there once `admit` has passed; `uploads` where the endpoint takes them."""

    def __init__(
        self,
        *,
        method: str,
        url_path: str = "/",
        path: Mapping[str, str] | None = None,
        query: Query | None = None,
        headers: Headers | None = None,
        body: bytes = b"",
        remote: str = "",
        base_url: str = "",
        now_s: float = 0.0,
    ) -> None:
        self.method = method
        self.url_path = url_path
        self.path: Mapping[str, str] = path or {}
        """The parameters of the path, by the names in the endpoint's template."""
        self.query = query or Query({})
        self.headers = headers or Headers(())
        self.body = body
        self.remote = remote
        self.base_url = base_url
        """Scheme and host the caller used, without a slash at the end; for links in answers."""
        self.now_s = now_s
        """Unix seconds by the wall, by which tokens are judged."""
        self.uploads: Mapping[str, Upload] = {}
        self.fields: Mapping[str, str] = {}
        """The text fields of a multipart body."""
        self.caller: Caller | None = None
        self._json: tuple[object] | None = None

    @property
    def now_ms(self) -> int:
        return round(self.now_s * 1000)

    @property
    def app(self) -> App:
        """The app of the caller. Only after `admit`."""
        assert self.caller is not None
        return self.caller.app

    @property
    def ids(self) -> IdForms:
        return id_forms(self.app.id)

    def json(self) -> object:
        """The body as JSON data, {} if it is empty, whatever its content type says. BAD_FORMAT if it is not JSON."""
        if self._json is None:
            try:
                self._json = (read_json(self.body) if self.body.strip() else {},)
            except Unreadable as error:
                raise Refused(Reason.BAD_FORMAT, f"The body is not readable. {error}") from None
        return self._json[0]

    def json_object(self) -> dict[str, object]:
        """The body as a JSON object. BAD_FORMAT if it is another value."""
        value = self.json()
        if not isinstance(value, dict):
            raise Refused(Reason.BAD_FORMAT, "The body must be a JSON object.")
        return value

    def parameter(self, name: str) -> object:
        """A field of the JSON body, else the text of the query parameter, else None (MUX-10)."""
        value = self.json_object().get(name)
        return self.query.get(name) if value is None else value

    def managed(
        self,
        command: Command,
        *,
        user: str = "",
        numeric_user: bool = False,
        heed_ban: bool = False,
        newcomers: Iterable[str] = (),
    ) -> Managed:
        """The command in its envelope; a caller with a user's token can only act as that user. `newcomers`: those of the
        users it names who are made by it if they are not there."""
        assert self.caller is not None
        return Managed(
            app=self.caller.app.id,
            rev=self.caller.app.rev,
            command=command,
            user=self.caller.user or user,
            privileged=self.caller.privileged,
            numeric_user=numeric_user,
            heed_ban=heed_ban,
            newcomers=tuple(newcomers),
        )


@functools.lru_cache(maxsize=1024)
def id_forms(app: str) -> IdForms:
    return IdForms(app)


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What goes back."""

    status: int = 200
    body: bytes = b""
    type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    pieces: AsyncGenerator[bytes, None] | None = None
    """Instead of `body`: sent as they come, to the end or until the caller has gone."""


def json_answer(value: object, status: int = 200) -> Answer:
    return Answer(status=status, body=write_json(value))


Run = Callable[[Ask, Any], Awaitable[Answer]]
"""An endpoint: `(ask, broker) -> Answer`, Refused for whatever cannot be done."""


class Endpoint(msgspec.Struct, frozen=True):
    method: str
    path: str
    """As the documents print it, parameters in braces: `/im/conversations/{conv_id}`."""
    run: Run
    about: About
    uploads: bool = False
    """Its body is multipart and goes to disk."""
    open: bool = False
    """Nobody has to prove anything."""
    alone: bool = False
    """Served while the broker is away too, to callers whose proof needs no table of apps."""
    operators: bool = False
    """Of the whole installation: no app's key opens it."""
    role: OperatorRole | None = None
    """What an operator who signed in has to be; None: a viewer where it reads (GET), an admin where it does not."""

    @property
    def least(self) -> OperatorRole:
        return self.role or (OperatorRole.VIEWER if self.method == "GET" else OperatorRole.ADMIN)

    def check(self, caller: Caller) -> None:
        """NOT_ALLOWED unless the caller may do this."""
        if self.operators and not caller.whole:
            raise Refused(Reason.NOT_ALLOWED, "This is for operators; an app's key does not open it.")
        if caller.role < self.least:
            words = f"This takes an operator with the role {self.least.word}, and {caller.operator} is {caller.role.word}."
            raise Refused(Reason.NOT_ALLOWED, words)


class Routes(list[Endpoint]):
    """The endpoints of a dialect, in the order of its document."""

    def add(
        self, method: str, path: str, *, about: About, uploads: bool = False, open: bool = False, alone: bool = False,
        operators: bool = False, role: OperatorRole | None = None,
    ) -> Callable[[Run], Run]:  # fmt: skip
        """Register the decorated function. Its docstring and `about` are what `/-/docs` says of it."""

        def register(run: Run) -> Run:
            self.append(Endpoint(method, path, run, about, uploads, open, alone, operators, role))
            return run

        return register


class Rendering(msgspec.Struct, frozen=True):
    """How a dialect shows a refusal. An empty text means the refusal's own sentence."""

    status: int
    code: int
    text: str = ""


class Dialect(ABC):
    """One vendor's REST API. Subclasses give the class variables, `admit`, `envelope_error` and `error_schema`."""

    name: ClassVar[str]
    title: ClassVar[str]
    """As people call it."""
    roots: ClassVar[tuple[str, ...]]
    """Paths that are its own, whole segments; requests below them that match no endpoint are answered in its form."""
    routes: Routes
    renderings: ClassVar[Mapping[Reason, Rendering]]
    further: ClassVar[Sequence[Rendering]] = ()
    """Lines of the vendor's table that no Reason alone shows."""
    parameters: ClassVar[Mapping[str, Schema]] = {}
    """What stands in its paths, by the names in the templates."""
    headers: ClassVar[Mapping[str, Schema]] = {}
    """Those every endpoint takes, beside its proofs."""
    schemes: ClassVar[Mapping[str, Schema]]
    """OpenAPI's security schemes, by names of their own."""
    proofs: ClassVar[Sequence[Sequence[str]]]
    """The ways to be admitted, the usual one first; each the names of the schemes it takes together."""
    not_found: ClassVar[Rendering] = Rendering(404, 404, "There is no such endpoint.")
    bad_method: ClassVar[Rendering] = Rendering(405, 405, "This endpoint does not take this method.")

    @abstractmethod
    def admit(self, ask: Ask, apps: Mapping[str, App]) -> Caller:
        """Who calls. Pure; compares secrets in constant time. Refused if the proof does not hold."""

    @abstractmethod
    def envelope_error(self, ask: Ask, rendering: Rendering) -> Answer:
        """The vendor's error body."""

    @abstractmethod
    def error_schema(self, renderings: Sequence[Rendering]) -> Schema:
        """The vendor's error body, showing one of these."""

    def code_text(self, code: int) -> str:
        """How its errors print a rendering's code."""
        return str(code)

    def answer_schema(self, answer: Schema) -> Schema:
        """The body of a success, an endpoint's own answer in the vendor's envelope if it has one."""
        return answer

    def refusal(self, ask: Ask, refused: Refused) -> Answer:
        """A Refused in the vendor's form, with `Retry-After` (whole seconds) where waiting helps."""
        rendering = self.renderings[refused.reason]
        if not rendering.text:
            rendering = Rendering(rendering.status, rendering.code, refused.detail)
        answer = self.envelope_error(ask, rendering)
        if refused.retry_after_ms:
            seconds = str(-(-refused.retry_after_ms // 1000))
            answer = msgspec.structs.replace(answer, headers=(*answer.headers, ("Retry-After", seconds)))
        return answer


def same_secret(given: str, *secrets: str) -> bool:
    """Whether `given` is one of the secrets; the time tells nothing. An empty secret matches nothing."""
    found = False
    for secret in secrets:
        equal = hmac.compare_digest(given.encode("utf-8", "replace"), secret.encode())
        found = found or (equal and bool(secret))
    return found


def bearer(headers: Mapping[str, str]) -> str:
    """The token of `Authorization: Bearer`, "" if there is none."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
