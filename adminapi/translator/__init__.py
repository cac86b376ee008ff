"""The call translator: a curl line of any dialect, what it does here, and how the other dialects say the same (`/-/translate/`).

The law: no table per pair of dialects, and no claim that is not checked. The line is run over a recorder, which answers and
does nothing; the commands that come of it are said by each other dialect's `saying`; the lines that gives are read and run
over the recorder in their turn, and whatever has become different is told, field by field. So a line that is shown without
a word is the same call. Pure: it asks no broker, holds no key, and says keys as `$MASTER_KEY`.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlencode

import msgspec
import orjson

from adminapi.dialect import Ask, Dialect, Endpoint, Headers, Query
from adminapi.dialects.hisihi import Hisihi
from adminapi.dialects.hisihi.saying import sayings as hisihi
from adminapi.dialects.jmessage import JMessage
from adminapi.dialects.jmessage.saying import sayings as jmessage
from adminapi.dialects.leancloud import LeanCloud
from adminapi.dialects.leancloud.saying import sayings as leancloud
from adminapi.dialects.maxleap import MaxLeap
from adminapi.dialects.maxleap.saying import sayings as maxleap
from adminapi.dialects.native import Native
from adminapi.dialects.native.saying import sayings as native
from adminapi.dialects.parley import Parley
from adminapi.dialects.parley.saying import sayings as parley
from adminapi.dialects.saying import Call, Note, Sayings
from adminapi.translator import curl
from adminapi.translator.curl import NotCurl, Request
from adminapi.translator.meaning import Difference, Meaning, differences, gathered, meanings, with_direct
from adminapi.translator.names import Foreign, Named
from adminapi.translator.recorder import Kept, Recording, record
from protocol.records import Kind

SAYINGS: Mapping[str, Sayings] = {
    "native": native,
    "jmessage": jmessage,
    "leancloud": leancloud,
    "hisihi": hisihi,
    "maxleap": maxleap,
    "parley": parley,
}
KEY = "$MASTER_KEY"
APP = "$APP_ID"
NOBODY = "-"
"""The app of a line that names none we know: its ids are everybody's, and so stay as they are."""
NOW_S = 1_700_000_000.0
CALLS_MOST = 20
"""Commands of one call that are said in the other dialects."""


async def unhashed(password: str) -> str:
    return password


@lru_cache
def dialects() -> tuple[Dialect, ...]:
    """Those the translator knows, in the order of `/-/docs`; no password is hashed."""
    own = Parley("", unhashed, lambda counters: b"")
    return (Native(), JMessage(unhashed), LeanCloud(), Hisihi(), MaxLeap(), own)


class Found(msgspec.Struct, frozen=True):
    """The endpoint a request is for."""

    dialect: Dialect
    endpoint: Endpoint
    path: dict[str, str]


class Read(msgspec.Struct, frozen=True):
    """A request, what it is for and what it means."""

    request: Request
    found: Found
    app: str
    """As the line has it; "" if it names none."""
    recording: Recording
    meanings: list[Meaning]
    kind: Kind | None
    foreign: Foreign


def find(request: Request, among: Sequence[Dialect] = ()) -> Found:
    """By the path alone (MUX-1 to MUX-3). NotCurl if nobody has such an endpoint."""
    segments = curl.segments(request.path)
    others: dict[str, None] = {}
    for dialect in among or dialects():
        for endpoint in dialect.routes:
            named = matched(endpoint.path, segments)
            if named is None:
                continue
            if endpoint.method == request.method:
                return Found(dialect, endpoint, named)
            others[endpoint.method] = None
    path = request.path[:120]
    if others:
        methods = ", ".join(others)
        raise NotCurl(f"{path} takes {methods}, not {request.method}.", f"{path} 接受 {methods}，不接受 {request.method}。")
    owners = [each.title for each in dialects() if any(curl.segments(root) == segments[: len(curl.segments(root))] for root in each.roots)]
    if owners:
        raise NotCurl(f"{owners[-1]} has no endpoint {path}.", f"{owners[-1]} 没有接口 {path}。")
    raise NotCurl(f"No dialect has a path {path}.", f"没有任何方言有路径 {path}。")


def matched(template: str, segments: Sequence[str]) -> dict[str, str] | None:
    parts = template.strip("/").split("/")
    if len(parts) != len(segments):
        return None
    named: dict[str, str] = {}
    for part, segment in zip(parts, segments, strict=True):
        if part.startswith("{"):
            if not segment:
                return None
            named[part[1:-1]] = segment
        elif part != segment:
            return None
    return named


def app_of(found: Found, request: Request) -> str:
    """The app the request names: in its path, its header, or as the user of Basic; "" if it names none."""
    named = found.path.get("app") or found.path.get("app_id") or ""
    for key, scheme in found.dialect.schemes.items():
        if scheme.get("type") == "apiKey" and key == "id":
            named = named or request.header(str(scheme["name"]))
    scheme, _, code = request.header("authorization").partition(" ")
    if not named and scheme.lower() == "basic":
        named = base64.b64decode(code + "==").decode("utf-8", "replace").partition(":")[0]
    return named.strip()


def understand(request: Request, apps: Collection[str]) -> Read:
    """What the request means. `apps`: whose ids can be read. NotCurl; a call that its dialect would refuse has no meanings."""
    found = find(request)
    app = app_of(found, request)
    known = app if app in apps else NOBODY
    foreign = Foreign(known)
    body = foreign.replaced(request.body)
    path = {name: foreign.replaced(value) for name, value in found.path.items()}
    values = {
        name: [foreign.replaced(each) for each in found] for name, found in parse_qs(request.query, True).items()
    }
    headers = Headers([*request.headers])
    ask = Ask(
        method=request.method,
        url_path=request.path,
        path=path,
        query=Query(values, raw_query(request.query, values, foreign)),
        headers=headers,
        body=body.encode(),
        now_s=NOW_S,
    )
    ask.uploads = {each.field: Kept(each.field, each.name) for each in request.files}
    ask.fields = dict(request.texts)
    sayings = SAYINGS[found.dialect.name]
    recording = record(found.endpoint, ask, users_of(path, body), known)
    meant = [] if recording.refused else with_direct(meanings(recording, found.endpoint, ask, sayings), recording)
    kind = next((kind for part, kind in sayings.kinds.items() if part in request.path), recording.kind)
    return Read(request, found, app, recording, meant, kind, foreign)


def raw_query(query: str, values: Mapping[str, Sequence[str]], foreign: Foreign) -> str:
    """As it came, but for foreign ids; some senders put a whole JSON document there (MUX-11)."""
    whole = unquote(query)
    return quote(foreign.replaced(whole)) if whole.lstrip().startswith("{") else urlencode(values, doseq=True)


def users_of(path: Mapping[str, str], body: str) -> list[str]:
    """Whoever may be a user among the texts of a request, but those who are about to join."""
    found: dict[str, None] = dict.fromkeys(path.values())
    try:
        document = orjson.loads(body) if body else None
    except orjson.JSONDecodeError:
        document = None
    waiting = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += [each for name, each in value.items() if name != "add"]
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, str) and len(value) <= 128:
            found |= dict.fromkeys([value])
    return list(found)


class Line(msgspec.Struct, frozen=True):
    """A call of another dialect."""

    curl: str
    endpoint: str
    summary: str
    differences: list[Difference]
    near: bool = False
    note: Note | None = None


class Other(msgspec.Struct, frozen=True):
    """How another dialect says it; without lines, `note` says why."""

    dialect: str
    lines: list[Line]
    note: Note | None = None


NONE: Note = ("This dialect has no such call.", "此方言没有这样的调用。")


def say(read: Read, dialect: Dialect, base_url: str, apps: Collection[str]) -> Other:
    """The same in another dialect."""
    sayings = SAYINGS[dialect.name]
    lines: list[Line] = []
    notes: list[Note] = []
    for meant in read.meanings[:CALLS_MOST]:
        saying = sayings.get(meant.verb)
        if saying is None:
            notes.append(NONE)
            continue
        names = Named(read.app if read.app in apps else NOBODY, read.app or APP, read.kind)
        said = saying({"verb": meant.verb, **meant.fields}, names)
        if isinstance(said, tuple):
            notes.append(said)
            continue
        calls = [said] if isinstance(said, Call) else list(said)
        found, wrong = checked(calls, meant, read, dialect, base_url, apps)
        lines += found
        notes += wrong
    note = notes[0] if notes else None
    return Other(dialect.name, lines, note)


def checked(
    calls: Sequence[Call], meant: Meaning, read: Read, dialect: Dialect, base_url: str, apps: Collection[str]
) -> tuple[list[Line], list[Note]]:
    """The lines of these calls, each with what it changes: they are read and run as any line is. Several calls that say it
    of one user each are compared as one."""
    texts = [curl.write(request_for(call, dialect, read), base_url) for call in calls]
    again = []
    for text in texts:
        back = understand(curl.read(text), apps)
        if back.recording.refused is not None:
            detail = back.recording.refused.detail or back.recording.refused.reason.value
            return [], [(f"{dialect.title} would refuse it: {detail}", f"{dialect.title} 会拒绝：{detail}")]
        again.append(back)
    found = gathered([restored(each, back.foreign) for back in again for each in back.meanings])
    wanted = restored(meant, read.foreign)
    near = any(call.near for call in calls)
    left = next((each for each in found if each.verb == wanted.verb), None)
    if left is None and not near:
        return [], [NONE]
    different = [] if near or left is None else differences(wanted, left)
    lines = []
    for call, text, back in zip(calls, texts, again, strict=True):
        endpoint = back.found.endpoint
        named = f"{endpoint.method} {endpoint.path}"
        lines.append(Line(text, named, summary_of(endpoint), [] if lines else different, call.near, call.note))
    return lines, []


def restored(meant: Meaning, foreign: Foreign) -> Meaning:
    return Meaning(meant.verb, foreign.restored(dict(meant.fields)))


def summary_of(endpoint: Endpoint) -> str:
    return " ".join((endpoint.run.__doc__ or endpoint.path).strip().partition("\n\n")[0].split())


def request_for(call: Call, dialect: Dialect, read: Read) -> Request:
    """The call with what proves its caller, and the ids as the line had them where they are not the app's."""
    restore = read.foreign.restored
    headers = [*proof(dialect, read.app or APP), *call.headers]
    body = ""
    if call.body is not None:
        headers.append(("Content-Type", "application/json"))
        body = orjson.dumps(restore(call.body)).decode()
    files = (curl.File(call.file, "FILE"),) if call.file else ()
    query = "&".join(name if value == "" else urlencode([(name, restore(value))]) for name, value in call.query)
    # A shell's variable has to stay one.
    query = re.sub(r"%24(?=[A-Z])", "$", query)
    return Request(
        method=call.method, path=restore(call.path), query=query, headers=tuple(headers), body=body, files=files
    )


def proof(dialect: Dialect, app: str) -> list[tuple[str, str]]:
    """The headers of its usual proof."""
    headers = []
    for name in dialect.proofs[0]:
        scheme: Any = dialect.schemes[name]
        if scheme["type"] == "apiKey":
            headers.append((scheme["name"], app if name == "id" else KEY))
        elif scheme["scheme"] == "basic":
            headers.append(("Authorization", "Basic " + base64.b64encode(f"{app}:{KEY}".encode()).decode()))
        else:
            headers.append(("Authorization", f"Bearer {KEY}"))
    return headers
