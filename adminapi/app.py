"""HTTP in, HTTP out: mounts the dialects on Quart-Trio. The only file that imports quart (DESIGN 6, MUX-1 to MUX-14).

The law: the path alone picks the dialect, and whatever happens below its roots, routed or not, is answered in its form;
no answer is a redirect, none shows a traceback, and bad input is never a 500. A small body is read before anything is
answered, on every method (MUX-10), since an answer that overtakes its request's body costs the connection.

Order of a request: route, admit the caller, read the body, run the endpoint.
"""

from __future__ import annotations

import logging
import math
import re
import time
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import trio
from quart import Response, request, send_file
from quart_trio import QuartTrio
from quart_trio.asgi import TrioASGIHTTPConnection
from werkzeug.exceptions import HTTPException

from adminapi.audit.witness import Audit, Witness
from adminapi.connection import LASTS
from adminapi.dialect import Answer, Ask, Broker, Dialect, Endpoint, Headers, Query, json_answer
from adminapi.files import Files
from adminapi.gate import Gate
from adminapi.http import Cured, body_of, peer_of
from adminapi.pages import sent
from adminapi.ranges import read_part, wanted_range
from adminapi.repeats.calls import Repeats
from adminapi.repeats.marking import Marking
from adminapi.settings import Settings
from adminapi.site import site
from adminapi.uploads import received
from protocol.errors import Reason, Refused
from protocol.guesses import PROOFS
from protocol.sockets import Sockets

log = logging.getLogger("adminapi.app")

SURPLUS_BYTES, SURPLUS_SECONDS = 8 * 1_048_576, 3.0
"""Of a body too large, read and thrown away, so that its sender gets to read the answer."""
UPLOAD = "Upload"
"""What the audit log calls a file that was kept, beside the names of commands."""
GONE = "gone"
"""How it calls the outcome where the caller left before it was known: hanging up hides nothing."""
FILE_SECONDS = 86_400
"""Browsers may keep a file so long; its content never changes."""

Count = Callable[[str, int, float], None]
"""Told of every answer: dialect, status, seconds."""


def build(
    broker: Broker,
    dialects: Sequence[Dialect],
    files: Files,
    *,
    settings: Settings,
    audit: Audit,
    repeats: Repeats,
    sockets: Sockets = Sockets(),  # noqa: B008  # it never changes
    count: Count = lambda name, status, seconds: None,
) -> Cured:
    """The ASGI application."""
    return Cured(Front(broker, dialects, files, settings, audit, repeats, sockets, count).quart, settings)


class Exchange(TrioASGIHTTPConnection):
    """A request and its answer, in the task it came in: Quart-Trio begins another, and one that waits for its end."""

    async def __call__(self, receive: Any, send: Any) -> None:
        scope: Any = self.scope
        with scope.get(LASTS) or trio.CancelScope():
            response: Any = await self.app.handle_request(self._create_request_from_scope(send))
            seconds = getattr(response, "timeout", ...)
            seconds = self.app.config["RESPONSE_TIMEOUT"] if seconds is ... else seconds
            with trio.move_on_after(math.inf if seconds is None else seconds):
                await self._send_response(send, response)


class Front:
    """The Quart app and what its handlers need."""

    def __init__(
        self,
        broker: Broker,
        dialects: Sequence[Dialect],
        files: Files,
        settings: Settings,
        audit: Audit,
        repeats: Repeats,
        sockets: Sockets,
        count: Count,
    ) -> None:
        self.broker = broker
        self.audit = audit
        self.dialects = dialects
        self.files = files
        self.gate = Gate(settings)
        self.public_url = settings.public_url.rstrip("/")
        """In links, instead of what the request's Host says."""
        self.body_bytes = settings.body_bytes
        self.body_seconds = settings.body_seconds
        self.answer_seconds = settings.answer_seconds
        self.count = count
        self.repeats = repeats
        self.quart = QuartTrio("adminapi", static_folder=None)
        self.quart.asgi_http_class = Exchange
        self.quart.config["MAX_CONTENT_LENGTH"] = None  # counted here, see `whole_body`
        self.quart.config["RESPONSE_TIMEOUT"] = settings.answer_seconds
        self.quart.url_map.strict_slashes = False
        self.quart.url_map.merge_slashes = False
        self.quart.url_map.redirect_defaults = False
        for dialect in dialects:
            for number, endpoint in enumerate(dialect.routes):
                self.mount(dialect, endpoint, f"{dialect.name}-{number}")
        self.quart.add_url_rule(
            "/-/files/<folder>/<name>", "files", self.serve_file, methods=["GET"], provide_automatic_options=False
        )
        for path, answer in site(dialects, sockets).items():
            self.mount_page(path, answer)
        self.quart.register_error_handler(HTTPException, self.unrouted)
        self.quart.register_error_handler(Exception, self.unforeseen)

    def mount(self, dialect: Dialect, endpoint: Endpoint, name: str) -> None:
        async def view(**path: str) -> Response:
            return await self.serve(dialect, endpoint, path)

        rule = re.sub(r"\{(\w+)\}", r"<\1>", endpoint.path)
        self.quart.add_url_rule(rule, name, view, methods=[endpoint.method], provide_automatic_options=False)

    def mount_page(self, path: str, answer: Answer) -> None:
        async def view() -> Response:
            await self.discard_rest()
            return rendered(sent(answer, request.headers.get("If-None-Match", ""), request.host))

        self.quart.add_url_rule(path, path, view, methods=["GET"], provide_automatic_options=False)

    async def serve(self, dialect: Dialect, endpoint: Endpoint, path: dict[str, str]) -> Response:
        began = trio.current_time()
        ask, witness, outcome = self.ask(path), Witness(self.broker, self.audit), GONE
        try:
            if endpoint.uploads:
                answer = await self.run_upload(dialect, endpoint, ask, witness)
            else:
                await self.admit_first(dialect, endpoint, ask)
                ask.body = await self.whole_body()
                answer = await self.repeats.heed(dialect, endpoint, ask, witness, ask.body)
            outcome = str(answer.status)
        except Refused as refused:
            outcome = refused.reason.value
            if refused.reason is Reason.INTERNAL:
                log.error("internal dialect=%s path=%s detail=%s", dialect.name, endpoint.path, refused.detail)
            answer = dialect.refusal(ask, refused)
        except Exception:  # no bug of ours shows a traceback, or breaks off without an answer
            log.exception("unforeseen dialect=%s method=%s path=%s", dialect.name, endpoint.method, endpoint.path)
            outcome = Reason.INTERNAL.value
            answer = dialect.refusal(ask, Refused(Reason.INTERNAL))
        finally:  # though the caller has gone
            if witness.commands:
                await self.audit.note(line_of(dialect, ask, witness, outcome))
        self.count(dialect.name, answer.status, trio.current_time() - began)
        return rendered(answer)

    async def admit_first(self, dialect: Dialect, endpoint: Endpoint, ask: Ask) -> None:
        """Before the body is kept: what strangers send takes no memory, but it is read, or the connection would hang."""
        try:
            self.admit(dialect, endpoint, ask)
        except Refused as refused:
            await self.discard_rest()
            wrong = refused.__cause__ or refused
            if isinstance(wrong, Refused) and wrong.reason in PROOFS:
                await self.gate.hold_wrong(ask.remote)
            raise

    async def run_upload(self, dialect: Dialect, endpoint: Endpoint, ask: Ask, witness: Witness) -> Answer:
        async def keep(ask: Ask, broker: Witness | Marking) -> Answer:
            await broker.changing(UPLOAD, ask.app.id)
            return await endpoint.run(ask, broker)

        await self.admit_first(dialect, endpoint, ask)
        assert ask.caller is not None
        content_type = ask.headers.get("content-type", "")
        try:
            with trio.fail_after(self.answer_seconds):
                async with received(self.next_piece, content_type, self.files, ask.app, ask.base_url) as body:
                    ask.uploads, ask.fields = body.files, body.fields
                    keeping = msgspec.structs.replace(endpoint, run=keep)
                    answer = await self.repeats.heed(dialect, keeping, ask, witness, body.content())
        except trio.TooSlowError:
            raise Refused(Reason.BAD_FORMAT, f"The upload took longer than {self.answer_seconds:g} seconds.") from None
        except Refused:
            await self.discard_rest()
            raise
        await self.discard_rest()  # the epilogue, if any
        return answer

    def admit(self, dialect: Dialect, endpoint: Endpoint, ask: Ask) -> None:
        if endpoint.open:
            return
        if self.broker.apps is None:
            away = Refused(Reason.OVERLOADED, "The broker is away.", retry_after_ms=1000)
            if not endpoint.alone:
                raise away
            try:
                ask.caller = dialect.admit(ask, {})
            except Refused as refused:  # it may be a key of an app, which nobody knows just now
                raise away from refused
        else:
            ask.caller = dialect.admit(ask, self.broker.apps)
        endpoint.check(ask.caller)
        self.gate.pass_one(ask.caller.app)

    def ask(self, path: dict[str, str]) -> Ask:
        """The request as plain values, without its body."""
        scope: Any = request.scope
        peer, scheme, raw = peer_of(scope), request.scheme, request.query_string
        if self.gate.trusts(peer) and request.headers.get("X-Forwarded-Proto") in ("http", "https"):
            scheme = request.headers["X-Forwarded-Proto"]
        return Ask(
            method=request.method,
            url_path=request.path,
            path=path,
            query=Query(request.args.to_dict(flat=False), raw.decode("utf-8", "replace")) if raw else None,
            headers=Headers([(name.decode("latin1"), value.decode("latin1")) for name, value in scope["headers"]]),
            remote=self.gate.caller(peer, request.headers.get("X-Forwarded-For", "")),
            base_url=self.public_url or f"{scheme}://{request.host}",
            now_s=time.time(),
        )

    async def unrouted(self, error: HTTPException) -> Response:
        """No such path or method, in the form of whoever owns the path; the neutral form where nobody does."""
        began = trio.current_time()
        await self.discard_rest()
        status = error.code or 500
        if status >= 500:
            log.error("http error=%s path=%s", error, request.path)
        dialect = self.owner(request.path)
        headers = tuple((name, value) for name, value in error.get_headers() if name.lower() == "allow")
        if dialect is None:
            texts = {404: "There is nothing at this path.", 405: "This path does not take this method."}
            answer = json_answer({"code": status, "error": texts.get(status, "The request cannot be served.")}, status)
        elif status == 404:
            answer = dialect.envelope_error(self.ask({}), dialect.not_found)
        elif status == 405:
            answer = dialect.envelope_error(self.ask({}), dialect.bad_method)
        elif status == 413:
            answer = dialect.refusal(self.ask({}), Refused(Reason.TOO_LARGE, "The request is too large."))
        else:
            reason = Reason.INTERNAL if status >= 500 else Reason.BAD_FORMAT
            answer = dialect.refusal(self.ask({}), Refused(reason, "The request cannot be read."))
        self.count(dialect.name if dialect else "none", answer.status, trio.current_time() - began)
        response = rendered(answer)
        response.headers.extend(headers)
        return response

    async def unforeseen(self, error: Exception) -> Response:
        log.error("unforeseen path=%s", request.path, exc_info=error)
        dialect = self.owner(request.path)
        if dialect is None:
            return rendered(json_answer({"code": 500, "error": "Internal server error."}, 500))
        return rendered(dialect.refusal(self.ask({}), Refused(Reason.INTERNAL)))

    def owner(self, path: str) -> Dialect | None:
        """Whose root the path lies below; the longest root counts."""
        owned = [
            (root, dialect)
            for dialect in self.dialects
            for root in dialect.roots
            if path == root or path.startswith(root + "/")
        ]
        return max(owned, key=lambda item: len(item[0]))[1] if owned else None

    async def next_piece(self) -> bytes | None:
        """The next piece of the request's body as it comes, None at its end. BAD_FORMAT when the sender stalls."""
        with trio.move_on_after(self.body_seconds):
            return await body_of(request.scope).piece()
        raise Refused(Reason.BAD_FORMAT, f"The body did not arrive within {self.body_seconds:g} seconds.")

    async def whole_body(self) -> bytes:
        """The body of a request that is not an upload. TOO_LARGE beyond `body_bytes`."""
        if bodiless():
            return b""
        gathered, body = bytearray(), body_of(request.scope)
        with trio.move_on_after(self.body_seconds):
            while (piece := await body.piece()) is not None:  # the whole has the time a piece would have
                gathered += piece
                if len(gathered) > self.body_bytes:
                    break
            else:
                return bytes(gathered)
        await self.discard_rest()
        if len(gathered) > self.body_bytes:
            raise Refused(Reason.TOO_LARGE, f"The body is larger than {self.body_bytes} bytes.")
        raise Refused(Reason.BAD_FORMAT, f"The body did not arrive within {self.body_seconds:g} seconds.")

    async def discard_rest(self) -> None:
        """Read what is left of a body and throw it away, up to a bound; beyond it the connection will be closed."""
        if bodiless():
            return
        left = SURPLUS_BYTES
        with trio.move_on_after(SURPLUS_SECONDS):
            try:
                while (piece := await self.next_piece()) is not None:
                    left -= len(piece)
                    if left < 0:
                        return
            except Refused:
                return

    async def serve_file(self, folder: str, name: str) -> Response:
        """An uploaded file, in ranges if asked (sound and video). Open: its name is the secret (`adminapi.files`)."""
        await self.discard_rest()
        found = await trio.to_thread.run_sync(self.files.find, folder, name)
        if found is None:
            return rendered(json_answer({"code": 404, "error": "There is no such file."}, 404))
        response = await send_file(
            found.path, found.type, found.download, attachment_filename=name, conditional=False, cache_timeout=FILE_SECONDS
        )
        size = found.path.stat().st_size
        part = wanted_range(request.headers.get("Range", ""), size)
        if part is not None:
            start, end = part
            if start >= size:
                response = rendered(json_answer({"code": 416, "error": "The file ends before that."}, 416))
                response.headers["Content-Range"] = f"bytes */{size}"
            else:
                response.status_code = 206
                response.set_data(await trio.to_thread.run_sync(read_part, found.path, start, end))
                response.headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
        response.headers["Accept-Ranges"] = "bytes"
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Content-Security-Policy"] = "sandbox"
        return response


def line_of(dialect: Dialect, ask: Ask, witness: Witness, outcome: str) -> dict[str, Any]:
    """What the audit log says of a call."""
    caller = ask.caller
    app = caller.app.id if caller is not None else ""
    return {
        "app": app or next(iter(witness.commands.values())),
        "user": caller.user if caller is not None else "",
        "proof": caller.proof if caller is not None else "",
        **({"operator": caller.operator} if caller is not None and caller.operator else {}),
        "from": ask.remote or peer_of(request.scope),  # a proxy that names nobody is named itself
        "dialect": dialect.name,
        "method": ask.method,
        "path": ask.url_path,
        "commands": list(witness.commands),
        "outcome": outcome,
    }


def rendered(answer: Answer) -> Response:
    pieces = answer.pieces
    response = Response(answer.body if pieces is None else pieces, status=answer.status, content_type=answer.type)
    if pieces is not None:
        response.timeout = None  # how long it goes on is for whoever makes the pieces to say
    elif not answer.body:
        del response.headers["Content-Type"]  # a client would parse the nothing there is
    response.headers.extend(answer.headers)
    return response


def bodiless() -> bool:
    """Its headers say that no body follows; HTTP/2 may bring one without saying so."""
    headers = request.headers
    return request.http_version.startswith("1") and not ("Content-Length" in headers or "Transfer-Encoding" in headers)
