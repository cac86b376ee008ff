"""The call translator: a curl line of any dialect, what it does here, and how the other dialects say the same
(`/-/translate/`).

The law: no table per pair of dialects, and no claim that is not checked. The line is run over a recorder, which answers and
does nothing (`reading`); the commands that come of it are said by each other dialect's `saying`; the lines that gives are
read and run over the recorder in their turn, and whatever has become different is told, field by field. So a line that is
shown without a word is the same call. Pure: it asks no broker, holds no key, and says keys as `$MASTER_KEY`.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Collection, Sequence
from typing import Any
from urllib.parse import urlencode

import msgspec
import orjson

from adminapi.dialect import Dialect
from adminapi.dialects.saying import Call, Note
from adminapi.translator import curl
from adminapi.translator.curl import Request
from adminapi.translator.meaning import Difference, Meaning, differences, gathered
from adminapi.translator.names import Foreign, Named
from adminapi.translator.reading import NOBODY, SAYINGS, Found, Read, understand

KEY = "$MASTER_KEY"
APP = "$APP_ID"
CALLS_MOST = 20
"""Commands of one call that are said in the other dialects, and calls that say one."""


class Line(msgspec.Struct, frozen=True):
    """A call of another dialect."""

    curl: str
    found: Found
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
    if (count := len(read.meanings)) > CALLS_MOST and lines:
        more: Note = (f"The first {CALLS_MOST} of {count} commands.", f"{count} 个命令中的前 {CALLS_MOST} 个。")
        notes.insert(0, more)
    note = notes[0] if notes else None
    return Other(dialect.name, lines, note)


def checked(
    calls: Sequence[Call], meant: Meaning, read: Read, dialect: Dialect, base_url: str, apps: Collection[str]
) -> tuple[list[Line], list[Note]]:
    """The lines of these calls, each with what it changes: they are read and run as any line is. Several calls that say it
    of one user each are compared as one."""
    if len(calls) > CALLS_MOST:
        return [], [(f"It would be {len(calls)} calls; name fewer users.", f"需要 {len(calls)} 次调用，请减少用户数。")]
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
    lines: list[Line] = []
    for call, text, back in zip(calls, texts, again, strict=True):
        lines.append(Line(text, back.found, [] if lines else different, call.near, call.note))
    return lines, []


def restored(meant: Meaning, foreign: Foreign) -> Meaning:
    return Meaning(meant.verb, foreign.restored(dict(meant.fields)))


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
    return Request(method=call.method, path=restore(call.path), query=query, headers=tuple(headers), body=body, files=files)


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
