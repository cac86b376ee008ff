"""What the translator's page asks: `POST /-/api/translate`, and `POST /-/api/apps/{app}/run`, which carries a line out.

The law: to translate is open to anybody, since it says what the program would do and nothing of what is in it; to run a line
takes what the dialect of our own API takes for that app, and of an operator who signed in the role of an admin where the
line does more than read. It is run with the caller's own right and for the app he names: what proves a caller in the line
itself is not looked at, so no key has to be told to anybody. What it does is in the audit log, as of any call.

Sentences are in the language of the request's `Accept-Language`: Chinese where that is named first, else English.
"""

from __future__ import annotations

import inspect
from collections.abc import Collection, Iterator, Sequence
from typing import Any
from urllib.parse import parse_qs

import msgspec
import trio

from adminapi.audit.witness import Witness
from adminapi.dialect import (
    Answer,
    Ask,
    Broker,
    Caller,
    Dialect,
    Endpoint,
    Headers,
    OperatorRole,
    Query,
    Routes,
    json_answer,
)
from adminapi.dialects.saying import Note
from adminapi.openapi import once, operation_id
from adminapi.repeats.calls import Repeats
from adminapi.repeats.marking import Marking
from adminapi.schemas import About, Schema, anything, array, boolean, integer, nullable, obj, sent, text
from adminapi.translator import Line, Other, curl, restored, say
from adminapi.translator.curl import LINE_MOST, NotCurl, Request
from adminapi.translator.meaning import Difference, Meaning
from adminapi.translator.reading import Found, Read, dialects, find, understand
from adminapi.translator.words import COMMANDS, FIELDS, NO_COMMAND, shown
from protocol.errors import Reason, Refused

EXAMPLE = "curl -X DELETE 'http://127.0.0.1:7780/v1/groups/13579' -u \"$APP_ID:$MASTER_KEY\""
LINE = sent({"line": text("One curl line.", least=1, most=LINE_MOST, example=EXAMPLE)})
SHOWN_BYTES = 262_144
"""Of an answer that is shown."""
FIELD = obj({"field": text(), "name": text("What it is called."), "value": anything()})
COMMAND = obj({"command": text(), "text": text("What it does."), "fields": array(FIELD)})
DIFFERENCE = obj({"field": text(), "name": text(), "was": anything(), "now": anything("null: it is not there.")})
SAID = obj(
    {
        "curl": text(),
        "operation": text("Its operationId in `/-/openapi.json`."),
        "endpoint": text(),
        "summary": text(),
        "near": boolean("It does something else, the nearest there is."),
        "note": nullable(text()),
        "differences": array(DIFFERENCE, "What becomes different; checked, not claimed."),
    }
)
PROOF = obj({"name": text("A header, or the scheme of Authorization."), "about": text(), "given": boolean()})
TRANSLATION = obj(
    {
        "dialect": text(),
        "title": text(),
        "operation": text("Its operationId in `/-/openapi.json`."),
        "endpoint": text(),
        "summary": text(),
        "app": text('As the line names it, "" if it does not.'),
        "changes": boolean("It changes something, or tells somebody something."),
        "proofs": array(array(PROOF, "Together."), "Each a way to be admitted."),
        "refused": nullable(text("Why the dialect would refuse it.")),
        "note": nullable(text()),
        "commands": array(COMMAND),
        "others": array(obj({"dialect": text(), "title": text(), "note": nullable(text()), "lines": array(SAID)})),
    }
)
OUTCOME = obj(
    {
        "status": integer(least=100, most=599),
        "headers": array(array(text(), least=2, most=2)),
        "body": text(f"Of the answer, at most {SHOWN_BYTES} bytes."),
        "whole": boolean("Whether that is all of it."),
    }
)


class Translator:
    """The endpoints; `mounted` are the dialects as this program serves them, `repeats` what they heed."""

    def __init__(self, mounted: Sequence[Dialect], repeats: Repeats) -> None:
        self._mounted, self._repeats = mounted, repeats
        self._one = trio.CapacityLimiter(1)
        self.routes = Routes()
        self.routes.add("POST", "/-/api/translate", about=About(answer=TRANSLATION, body=LINE), open=True)(self.translate)
        run = About(answer=OUTCOME, body=LINE)
        self.routes.add("POST", "/-/api/apps/{app}/run", about=run, role=OperatorRole.VIEWER)(self.run)

    async def translate(self, ask: Ask, broker: Broker) -> Answer:
        """Say what a curl line of any dialect does here, and the same in the other dialects.

        Nothing is carried out. What proves the caller in the answer's lines is `$MASTER_KEY`, for whoever has it to put
        in."""
        language, line = language_of(ask), line_in(ask)
        try:
            read, others = await trio.to_thread.run_sync(
                translated, line, ask.base_url, broker.apps or {}, limiter=self._one
            )
        except NotCurl as wrong:
            raise Refused(Reason.BAD_FORMAT, wrong.note[language]) from None
        answer = json_answer(shape(read, others, language))
        return msgspec.structs.replace(answer, body=answer.body.replace(curl.LITERAL.encode(), b"$"))

    async def run(self, ask: Ask, broker: Witness | Marking) -> Answer:
        """Carry out a curl line of any dialect for this app, with the caller's own right.

        What proves a caller in the line is not looked at. What does more than read takes an admin, of operators who
        signed in."""
        assert ask.caller is not None
        language = language_of(ask)
        try:
            request = curl.read(line_in(ask))
            found = find(request, self._mounted)
            reads = only_reads(understand(request, broker.apps or {}))
        except NotCurl as wrong:
            raise Refused(Reason.BAD_FORMAT, wrong.note[language]) from None
        if found.endpoint.uploads:
            raise Refused(Reason.BAD_FILE, FILES[language])
        if not reads and ask.caller.role < OperatorRole.ADMIN:
            raise Refused(Reason.NOT_ALLOWED, ADMINS[language])
        inner = asked(request.plain(), found, ask)
        try:
            if found.dialect.roots == ("/-",):
                inner.caller = found.dialect.admit(inner, broker.apps or {})
                found.endpoint.check(inner.caller)
            else:
                inner.caller = Caller(app=ask.app, proof=ask.caller.proof, operator=ask.caller.operator)
            answer = await self._repeats.heed(found.dialect, found.endpoint, inner, broker, inner.body)
        except Refused as refused:
            answer = found.dialect.refusal(inner, refused)
        if answer.pieces is not None:
            await answer.pieces.aclose()
            raise Refused(Reason.BAD_FORMAT, STREAMS[language])
        return json_answer(outcome(answer))


FILES: Note = (
    "A file cannot be sent from here: run the line in your own shell.",
    "此处无法发送文件，请在您自己的终端运行。",
)
ADMINS: Note = (
    "This line does more than read, which takes an operator with the role admin.",
    "此命令不只是读取，需要 admin 角色的操作员。",
)
STREAMS: Note = (
    "This call answers for as long as one listens: run the line in your own shell.",
    "此调用会持续返回数据，请在您自己的终端运行。",
)


def translated(line: str, base_url: str, apps: Collection[str]) -> tuple[Read, list[Other]]:
    """In a thread of its own, one at a time: a long line takes a tenth of a second, and anybody may send one."""
    read = understand(curl.read(line), apps)
    return read, [say(read, each, base_url, apps) for each in dialects() if each is not read.found.dialect]


def line_in(ask: Ask) -> str:
    line = ask.json_object().get("line")
    if not isinstance(line, str):
        raise Refused(Reason.MISSING_FIELD, "line is missing: the text of a curl line.")
    return line


def language_of(ask: Ask) -> int:
    """0 English, 1 Chinese."""
    return int(ask.headers.get("accept-language", "").strip().lower().startswith("zh"))


def acts(read: Read) -> bool:
    """Whether the call changes something or tells somebody something; what cannot be followed may."""
    return read.recording.acts or read.recording.refused is not None or read.found.endpoint.uploads


def only_reads(read: Read) -> bool:
    """Whether a viewer may have it run. What no command comes of is not known to be so: a signature opens doors."""
    return read.found.endpoint.open or (bool(read.recording.heard) and not acts(read))


def asked(request: Request, found: Found, ask: Ask) -> Ask:
    """The request of the line, as the dialect gets it, but for what proves its caller: that is this one's."""
    headers = [(name, value) for name, value in request.headers if name.lower() != "authorization"]
    return Ask(
        method=request.method,
        url_path=request.path,
        path=found.path,
        query=Query(parse_qs(request.query, keep_blank_values=True), request.query),
        headers=Headers([*headers, ("Authorization", ask.headers.get("authorization", ""))]),
        body=request.body.encode(),
        remote=ask.remote,
        base_url=ask.base_url,
        now_s=ask.now_s,
    )


def outcome(answer: Answer) -> dict[str, Any]:
    body = answer.body[:SHOWN_BYTES]
    headers = [["content-type", answer.type]] if answer.body else []
    return {
        "status": answer.status,
        "headers": [*headers, *([name.lower(), value] for name, value in answer.headers)],
        "body": body.decode("utf-8", "replace"),
        "whole": len(body) == len(answer.body),
    }


UNFOLLOWED: Note = (
    "What it does depends on more than the broker, and cannot be followed here.",
    "其行为不只取决于消息服务器，此处无法推演。",
)


def shape(read: Read, others: Sequence[Other], language: int) -> dict[str, Any]:
    """The translation as it is answered."""
    found, refused = read.found, read.recording.refused
    meant = [restored(each, read.foreign) for each in read.meanings]
    note = NO_COMMAND if not meant and refused is None else None
    if refused is not None and refused.reason is Reason.INTERNAL:
        refused, note = None, UNFOLLOWED
    return {
        "dialect": found.dialect.name,
        "title": found.dialect.title,
        **named(found.dialect, found.endpoint),
        "app": read.app,
        "changes": acts(read),
        "proofs": [] if found.endpoint.open else list(proofs(found.dialect, read.request)),
        "refused": None if refused is None else refused.detail or refused.reason.value,
        "note": note and note[language],
        "commands": [command(each, language) for each in meant],
        "others": [other(each, language) for each in others],
    }


def named(dialect: Dialect, endpoint: Endpoint) -> dict[str, str]:
    known = next(known for known, mounted in described(dialect.routes) if mounted is endpoint)
    summary = " ".join(inspect.cleandoc(endpoint.run.__doc__ or "").partition("\n\n")[0].split())
    return {
        "operation": operation_id(dialect, known),
        "endpoint": f"{endpoint.method} {endpoint.path}",
        "summary": summary,
    }


def described(routes: Sequence[Endpoint]) -> Iterator[tuple[Endpoint, Endpoint]]:
    """Each endpoint beside the one as which it is described: what is mounted twice is described once."""
    for each, prefixes in once(routes):
        yield each, each
        paths = {prefix + each.path for prefix in prefixes}
        yield from ((each, again) for again in routes if again.run is each.run and again.path in paths)


def proofs(dialect: Dialect, request: Request) -> Sequence[Sequence[dict[str, Any]]]:
    return [[proof(dialect.schemes[name], request) for name in together] for together in dialect.proofs]


def proof(scheme: Schema, request: Request) -> dict[str, Any]:
    about = str(scheme.get("description", ""))
    if scheme["type"] == "apiKey":
        return {"name": scheme["name"], "about": about, "given": bool(request.header(str(scheme["name"])))}
    word = str(scheme["scheme"])
    given = request.header("authorization").partition(" ")[0].lower() == word
    return {"name": f"Authorization: {word.capitalize()}", "about": about, "given": given}


def command(meant: Meaning, language: int) -> dict[str, Any]:
    said = COMMANDS.get(meant.verb, (meant.verb, meant.verb))[language]
    fields = [
        {"field": name, "name": FIELDS.get(name, (name, name))[language], "value": shown(name, value, language)}
        for name, value in meant.fields.items()
    ]
    return {"command": meant.verb, "text": said, "fields": fields}


def other(found: Other, language: int) -> dict[str, Any]:
    title = next(each.title for each in dialects() if each.name == found.dialect)
    note = None if found.note is None else found.note[language]
    return {
        "dialect": found.dialect,
        "title": title,
        "note": note,
        "lines": [line(each, language) for each in found.lines],
    }


def line(found: Line, language: int) -> dict[str, Any]:
    return {
        "curl": found.curl,
        **named(found.found.dialect, found.found.endpoint),
        "near": found.near,
        "note": None if found.note is None else found.note[language],
        "differences": [difference(each, language) for each in found.differences],
    }


def difference(found: Difference, language: int) -> dict[str, Any]:
    name = FIELDS.get(found.field, (found.field, found.field))[language]
    values = {key: shown(found.field, getattr(found, key), language) for key in ("was", "now")}
    return {"field": found.field, "name": name, **values}


def with_translator(found: Sequence[Dialect], repeats: Repeats) -> Sequence[Dialect]:
    """These dialects, the one of our own API with the translator's endpoints."""
    for dialect in found:
        if dialect.name == "parley":
            dialect.routes += Translator(found, repeats).routes
    return found
