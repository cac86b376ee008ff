"""A request, which dialect and endpoint it is for, and what it means: found by running the endpoint over the recorder.

The law: the path alone picks the dialect (MUX-1 to MUX-3), headers and path the app, and nobody's proof is looked at, since
nothing happens. Ids that are not the app's own are followed all the same (`names`).
"""

from __future__ import annotations

import base64
import binascii
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
from adminapi.dialects.parley.endpoints.shapes import NO_APP
from adminapi.dialects.parley.saying import sayings as parley
from adminapi.dialects.parley.services import Services
from adminapi.dialects.saying import Sayings
from adminapi.translator import curl
from adminapi.translator.curl import NotCurl, Request
from adminapi.translator.meaning import Meaning, meanings, with_direct
from adminapi.translator.names import Foreign
from adminapi.translator.recorder import OPEN, Kept, Recording, record
from protocol.apps import App
from protocol.records import Kind

SAYINGS: Mapping[str, Sayings] = {
    "native": native,
    "jmessage": jmessage,
    "leancloud": leancloud,
    "hisihi": hisihi,
    "maxleap": maxleap,
    "parley": parley,
}
APP_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}")
NOBODY = "-"
"""The app of a line that names none we know: its ids are everybody's, and so stay as they are."""
NOW_S = 1_700_000_000.0


async def unhashed(password: str) -> str:
    return password


@lru_cache
def dialects() -> tuple[Dialect, ...]:
    """Those the translator knows, in the order of `/-/docs`; no password is hashed."""
    known: dict[str, Any] = {"operator_token": "", "hash_password": unhashed, "own_metrics": lambda counters, whole: b""}
    # What it is given beside these is not asked for by any call that becomes a command.
    given: dict[str, Any] = {name: known.get(name) for name in Services.__struct_fields__}
    own = Parley(Services(**given))
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
        wrong = f"{path} takes {methods}, not {request.method}."
        raise NotCurl(wrong, f"{path} 接受 {methods}，不接受 {request.method}。")
    owners = [each.title for each in dialects() if any(begins(segments, root) for root in each.roots)]
    if owners:
        raise NotCurl(f"{owners[-1]} has no endpoint {path}.", f"{owners[-1]} 没有接口 {path}。")
    raise NotCurl(f"No dialect has a path {path}.", f"没有任何方言有路径 {path}。")


def begins(segments: Sequence[str], root: str) -> bool:
    own = curl.segments(root)
    return list(segments[: len(own)]) == own


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
    word, _, code = request.header("authorization").partition(" ")
    if not named and word.lower() == "basic":
        try:
            named = base64.b64decode(code + "==").decode("utf-8", "replace").partition(":")[0]
        except binascii.Error:
            return ""
    return named.strip()


def understand(request: Request, apps: Collection[str]) -> Read:
    """What the request means; nothing if its dialect would refuse it. `apps`: whose ids can be read. NotCurl."""
    found = find(request)
    app = app_of(found, request)
    app = app if APP_ID.fullmatch(app) else ""  # a placeholder of whoever wrote the line
    known = app if app in apps else NOBODY
    foreign = Foreign(known)
    body = foreign.replaced(request.body)
    path = {name: foreign.replaced(value) for name, value in found.path.items()}
    values = {name: [foreign.replaced(each) for each in found] for name, found in parse_qs(request.query, True).items()}
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
    whole = found.dialect.name == "parley" and "app" not in found.path
    caller = NO_APP if whole else App(id=known, key="", master_key="", secret="", settings=OPEN)
    recording = record(found.endpoint, ask, users_of(path, body), caller)
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
