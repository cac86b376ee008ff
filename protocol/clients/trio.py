"""The Trio client of the native socket protocol: one login kept alive over as many connections as it takes (SOCKET.md).

The law: every wait has a deadline, every buffer a bound with a named fate, and the server's word is kept: after a close
code of 4000 to 4499 the client never comes back by itself, after any other loss it does, with full-jitter back-off or
after the time the server asked for. The counterpart is `protocol.wires.native`.

    async with open_client("ws://127.0.0.1:7700", app="demo", user="alice", token="...") as client:
        await client.send(to="bob", text="hello")
        async for push in client:
            print(push["type"], push["data"])

Beside the server's pushes (SOCKET.md "Pushes") the iteration yields what happens on this side: `sync` with the data of
each sync answer behind a login; `client.online`; `client.offline` with `reason` and `retry_in` (seconds);
`client.dropped` with `count`; `client.typing` with `conv_id`, `client_id` and `typing`. It
ends when the session has ended for good; `client.ended` says why.
"""

from __future__ import annotations

import itertools
import re
import secrets
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

import trio

from protocol.clients.connection import Address, Closed, Connection, Unreachable, address_of, encode, open_connection
from protocol.clients.outcomes import (
    LOST,
    OBJECTIONS,
    TOO_BIG,
    TOO_LARGE,
    ConnectionLost,
    Envelope,
    RequestRefused,
    SessionEnded,
    is_final,
    refusal_of,
    too_large,
)
from protocol.clients.pending import Pending
from protocol.clients.waits import PROBE_SECONDS, SETTLE_SECONDS, Waits

__all__ = ["Client", "ConnectionLost", "Envelope", "RequestRefused", "SessionEnded", "Waits", "open_client"]

Encoding = Literal["json", "cbor"]

PUSHES_MOST = 10_000
"""Pushes waiting to be read. When full the oldest is dropped and counted in a `client.dropped`; `sync` and
`msg.history` bring messages back."""
TYPING_SECONDS = 3.0
TYPING = re.compile(r'\{"typing":(true|false)\}')
"""The `attr` of a transient message that says so."""
OBJECTIONS_MOST = 3
"""Connections a `send` may lose to OBJECTIONS before it takes them for its own fault."""
BAD_LOGIN = 4010
"""The close code of a login that cannot succeed, also where the server had no time to send it."""
_LATER = frozenset({4010, 4029, 5030, 5031, 5033, 5034})
"""Error codes after which the same request may succeed (SOCKET.md "Codes")."""
_STALE = frozenset({4004, 4005, TOO_LARGE})
"""Refusals a session token may cause that has run out, or makes the login too long; it is tried once more without."""


class Client:
    """One login. Made by `open_client`, used by any number of tasks."""

    def __init__(self, address: Address, login: Envelope, encoding: Encoding, waits: Waits, sync: bool) -> None:
        self.user: str = login["client_id"]
        self.ended: SessionEnded | None = None
        self._address = address
        self._login = login
        self._text = encoding == "json"
        self._waits = waits
        self._sync = sync
        self.session_token = ""
        """Proves this user while the session lasts: at the next login, and where files are uploaded."""
        self._cursor = ""
        self._connection: Connection | None = None
        self._serving: trio.CancelScope | None = None
        self._changed = trio.Event()
        self._numbers = itertools.count(1)
        self._pending = Pending()
        self._pushes: deque[Envelope] = deque()
        self._dropped = 0
        self._pushed = trio.Event()
        self._retry_in = 0.0
        self._typed = -TYPING_SECONDS
        self._was_online = False
        self._refused: RequestRefused | None = None

    async def request(self, kind: str, /, **data: object) -> Envelope:
        """Ask, and answer the `data` of the answer. RequestRefused, ConnectionLost, SessionEnded, trio.TooSlowError;
        ValueError for what cannot be written. Cancelled, it may be carried out all the same."""
        with trio.fail_after(self._waits.request):
            connection = await self._wait_online()
            number = next(self._numbers)
            frame = encode({"type": kind, "id": number, "data": data}, self._text)
            with self._pending.expect(number, kind, len(frame)) as request:
                await connection.write(frame)
                return await request.wait()
        raise AssertionError("unreachable")

    async def tell(self, kind: str, /, **data: object) -> bool:
        """Send a request whose answer nobody waits for (`msg.ack`, `msg.read`). False: nothing was sent."""
        connection = self._connection
        if connection is None:
            return False
        frame = encode({"type": kind, "data": data}, self._text)
        self._pending.ignore(len(frame))
        with trio.move_on_after(self._waits.request):
            return await connection.write(frame)
        return False

    async def send(
        self, *, to: str = "", conv_id: str = "", text: str | None = None, type: int = -1, **more: object
    ) -> Envelope:
        """Say something to a user or in a conversation. Answers `msg_id, conv_id, seq, time` once it is durable.

        A lost connection and refusals of the moment are tried again under the same `client_msg_id`, so that there is
        never a second message. RequestRefused for all other refusals, SessionEnded, trio.TooSlowError, ConnectionLost
        when the server has closed OBJECTIONS_MOST connections that may have been closed because of it.
        """
        data: Envelope = {"type": type, "client_msg_id": secrets.token_hex(16), **more}
        data |= {key: value for key, value in (("to", to), ("conv_id", conv_id)) if value}
        if text is not None:
            data["text"] = text
        objections = 0
        with trio.fail_after(self._waits.send):
            for attempt in itertools.count():
                wait = self._waits.before(attempt)
                try:
                    return await self.request("msg.send", **data)
                except trio.TooSlowError:
                    pass
                except ConnectionLost as lost:
                    objections += lost.code in OBJECTIONS
                    if objections == OBJECTIONS_MOST:
                        raise
                except RequestRefused as refused:
                    if refused.code not in _LATER:
                        raise
                    wait = refused.retry_seconds or wait
                await trio.sleep(wait)
        raise AssertionError("unreachable")

    async def typing(self, *, to: str = "", conv_id: str = "", typing: bool = True) -> bool:
        """Let the others know that one is typing, or has stopped: they hear `client.typing`, nobody keeps it. False: nothing
        was sent, as it was said within TYPING_SECONDS or there is no connection."""
        now = trio.current_time()
        if typing and now < self._typed + TYPING_SECONDS:
            return False
        self._typed = now if typing else now - TYPING_SECONDS
        where = {"to": to} if to else {"conv_id": conv_id}
        return await self.tell("msg.send", **where, type=1, transient=True, no_sync=0, attr={"typing": typing})

    def __aiter__(self) -> Client:
        return self

    async def __anext__(self) -> Envelope:
        while True:
            if self._dropped:
                count, self._dropped = self._dropped, 0
                return {"type": "client.dropped", "data": {"count": count}}
            if self._pushes:
                await trio.lowlevel.checkpoint()
                return self._pushes.popleft()
            if self.ended is not None:
                raise StopAsyncIteration
            await self._pushed.wait()

    # What follows runs in the task `open_client` starts, or serves it.

    async def _run(self) -> None:
        """Connect, log in, read; again and again until the session has ended for good."""
        attempt = 0
        while self.ended is None:
            self._retry_in = 0.0
            began = trio.current_time()
            code, reason = await self._live()
            if trio.current_time() - began > SETTLE_SECONDS:
                attempt = 0
            if is_final(code):
                self._end(SessionEnded(code, reason))
            elif self.ended is None:
                wait = self._retry_in or self._waits.before(attempt)
                attempt += 1
                self._push({"type": "client.offline", "data": {"retry_in": round(wait, 1), "reason": reason}})
                await trio.sleep(wait)

    async def _live(self) -> tuple[int, str]:
        """One connection from opening to end. The close code, LOST if there was none, and its word."""
        deadline = trio.current_time() + self._waits.connect
        try:
            async with open_connection(self._address, self._text, deadline) as connection:
                with trio.fail_at(deadline):
                    await self._log_in(connection)
                return await self._serve(connection)
        except RequestRefused as refused:
            self._refused = refused
            self._retry_in = refused.retry_seconds
            return (LOST if refused.code in _LATER else BAD_LOGIN), refused.text
        except trio.TooSlowError:
            return LOST, "the server did not answer in time"
        except Unreachable as error:
            if not self._was_online:
                self._end(SessionEnded(LOST, str(error)))  # a wrong address, most likely: say so at once
            return LOST, str(error)
        except Closed as closed:
            return closed.code, closed.reason

    async def _log_in(self, connection: Connection) -> None:
        login = dict(self._login)
        if self.session_token:
            login["session_token"] = self.session_token
        frame = encode({"type": "login", "data": login}, self._text)
        await connection.write(frame)
        refused: RequestRefused | None = None
        try:
            while refused is None:
                answer = await connection.read()
                if answer.get("type") == "login.success":
                    self.session_token = answer["data"].get("session_token", "")
                    return
                if answer.get("type") in ("login.error", "error"):
                    refused = refusal_of(answer) or RequestRefused(1, "The server gave no reason.", {})
        except Closed as closed:
            if closed.code != TOO_BIG:
                raise
            refused = too_large("login", len(frame), closed.reason)
        if self.session_token and refused.code in _STALE:
            self.session_token = ""
            refused = RequestRefused(5034, refused.text, {"retry_after_ms": 1})  # at once, without it
        raise refused

    async def _serve(self, connection: Connection) -> tuple[int, str]:
        """A connection that is logged in, until it has ended; how it ended."""
        self._refused = None
        self._was_online = True
        self._connection = connection
        self._wake()
        self._push({"type": "client.online", "data": {}})
        ending = 1000, "closed by us"
        try:
            async with trio.open_nursery() as nursery:
                self._serving = nursery.cancel_scope
                if self._sync:
                    nursery.start_soon(self._catch_up)
                ending = await self._read(connection)
                nursery.cancel_scope.cancel()
        finally:
            self._serving = None
            self._connection = None
            self._pending.lose(*ending)
        return ending

    async def _read(self, connection: Connection) -> tuple[int, str]:
        """Every frame to whom it belongs, until the connection has ended. Never waits to write: a server that is not
        reading may be waiting for us to read."""
        try:
            while True:
                with trio.move_on_after(self._waits.idle) as silence:
                    frame = await connection.read()
                if silence.cancelled_caught:
                    connection.show_life()
                    with trio.fail_after(PROBE_SECONDS):
                        frame = await connection.read()
                self._take(connection, frame)
        except Closed as closed:
            return closed.code, closed.reason
        except trio.TooSlowError:
            return LOST, "the server fell silent"

    def _take(self, connection: Connection, frame: Envelope) -> None:
        number = frame.get("id")
        kind = frame.get("type", "")
        if number is not None:
            self._pending.settle(number, frame)
        elif kind == "ping":
            connection.show_life()
        elif kind == "msg.new" and (said := TYPING.fullmatch(frame["data"].get("attr") or "")):
            data = frame["data"]
            found = {"conv_id": data["conv_id"], "client_id": str(data["from_client"]), "typing": said[1] == "true"}
            self._push({"type": "client.typing", "data": found})
        elif "code" not in frame and not kind.endswith(".success"):
            if kind == "going.away":
                self._retry_in = frame["data"].get("retry_after_ms", 0) / 1000
            self._push(frame)

    async def _catch_up(self) -> None:
        """Ask what changed while we were away, page by page; each answer is yielded as a `sync`."""
        try:
            more = True
            while more:
                state = await self.request("sync", **({"cursor": self._cursor} if self._cursor else {}))
                self._cursor = state.get("cursor", "")
                more = bool(state.get("more"))
                self._push({"type": "sync", "data": state})
        except (RequestRefused, ConnectionLost, SessionEnded, trio.TooSlowError):
            pass  # the next login asks again from the same cursor

    async def _wait_online(self) -> Connection:
        while self._connection is None:
            if self.ended is not None:
                raise SessionEnded(self.ended.code, self.ended.reason)
            await self._changed.wait()
        return self._connection

    def _push(self, push: Envelope) -> None:
        if len(self._pushes) >= PUSHES_MOST:
            self._pushes.popleft()
            self._dropped += 1
        self._pushes.append(push)
        self._wake_reader()

    def _end(self, ended: SessionEnded) -> None:
        self.ended = ended
        self._wake()
        self._wake_reader()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = trio.Event()

    def _wake_reader(self) -> None:
        self._pushed.set()
        self._pushed = trio.Event()

    async def _first(self) -> None:
        """Wait for the first login. What `open_client` raises; a refusal of the moment is tried again."""
        why = "the login was not accepted in time"
        try:
            with trio.fail_after(self._waits.connect):
                await self._wait_online()
                return
        except SessionEnded as ended:
            why = ended.reason
        except trio.TooSlowError:
            pass
        raise self._refused or ConnectionLost(f"Could not log in at {self._address.url}: {why}.")

    def _hang_up(self) -> bool:
        """End the session from this side. False: there is no connection to say goodbye on."""
        self._end(SessionEnded(1000, "closed by us"))
        if self._serving is None:
            return False
        self._serving.cancel()
        return True


@asynccontextmanager
async def open_client(
    url: str,
    *,
    app: str,
    user: str,
    device: str = "",
    token: str | None = None,
    password: str | None = None,
    platform: str = "",
    tag: str = "",
    ext: Envelope | None = None,
    encoding: Encoding = "json",
    sync: bool = True,
    waits: Waits | None = None,
) -> AsyncIterator[Client]:
    """Log in and keep the session while the body runs. `ext` are the attributes of a user this login creates.

    RequestRefused when the first login is refused, ConnectionLost when the server cannot be reached or does not let us
    in within `waits.connect`, ValueError for a URL that is none or a login that cannot be written.
    With `sync` every login is followed by the sync the server offers, yielded among the pushes.
    """
    address = address_of(url)
    login: Envelope = {"app_id": app, "client_id": user, "device_id": device}
    optional = {"token": token, "password": password, "platform": platform, "tag": tag, "ext": ext}
    login |= {key: value for key, value in optional.items() if value}
    encode({"type": "login", "data": login}, encoding == "json")  # raises here, bare, what would fail in `_run`
    client = Client(address, login, encoding, waits or Waits(), sync)
    failure: BaseException | None = None
    async with trio.open_nursery() as nursery:
        nursery.start_soon(client._run)
        try:
            await client._first()
            yield client
        except (Exception, KeyboardInterrupt) as error:
            failure = error  # carried out of the nursery by hand: callers catch RequestRefused, not a group of one
        # With a connection `_run` comes to its end by itself, within the seconds a farewell may take.
        if not client._hang_up():
            nursery.cancel_scope.cancel()
    if failure is not None:
        raise failure
