"""The client of the control channel: one connection, many callers, and the mirrored table of apps (DESIGN 5).

The law: a call is sent at most once. What was in flight when the channel broke may have been carried out, so its caller
is told `outcome_unknown` and decides for itself; only commands that change nothing are repeated, within their deadline.
While the broker is away everything is refused at once (`overloaded` with a retry time, "try again later" in every
dialect), because callers that pile up behind a dead broker would fall on it together when it comes back.

A caller that is cancelled takes its entry with it; the answer that comes later finds nobody and is dropped.
The bytes are `protocol.wires.control`'s; the other end is the broker's gateway with a `ControlWire`.
"""

from __future__ import annotations

import logging
import random
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import NoReturn

import trio

from protocol.apps import App
from protocol.commands import AppTable, Command, Managed, Reply, WatchApps
from protocol.errors import Reason, Refused
from protocol.pushes import AppsChanged
from protocol.wires.control import (
    ANSWER_BYTES,
    Answer,
    Bye,
    ControlCalls,
    Hello,
    Malformed,
    Ping,
    misunderstood,
    understood,
)

log = logging.getLogger("adminapi.control")

DEADLINE_SECONDS = 10.0
HELLO_SECONDS = 5.0
"""From connecting to the table of apps."""
CALLS = 64
CALLS_PER_APP = 16
WAIT_SECONDS = 2.0
"""A call waits so long for one of those places, then it is refused."""
WAITING = 512
"""Callers waiting for a place, of all apps; more are refused at once."""
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 3.0
"""Seconds between two attempts to connect; doubled each time, each drawn from the upper half, so that several
programs do not come back in step."""
RETRY_MS = 1000


class Broken(Exception):
    """The channel is unusable; the sentence says why."""


class Link:
    """One connection to the broker: what waits to be written and who waits for which answer."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self.stream = stream
        self.unsent: dict[int, bytes] = {}
        self.waiting: dict[int, Slot] = {}
        self.wake = trio.Event()
        self._gathered = bytearray()
        self._last = 0

    def put(self, payload: bytes, request: int = 0) -> None:
        """Hand over a frame; a `request` of 0 is no call."""
        if request == 0:
            self._last += 1
            request = -self._last
        self.unsent[request] = len(payload).to_bytes(4, "big") + payload
        self.wake.set()

    def next_request(self) -> int:
        self._last += 1
        return self._last

    async def write(self) -> NoReturn:
        while True:
            await self.wake.wait()
            self.wake = trio.Event()
            batch, self.unsent = b"".join(self.unsent.values()), {}
            await self.stream.send_all(batch)

    async def next_frame(self) -> bytes | None:
        """The payload of the next frame, None when the broker closes. Broken if it announces one that is too long."""
        while True:
            if len(self._gathered) >= 4:
                size = int.from_bytes(self._gathered[:4], "big")
                if size > ANSWER_BYTES:
                    raise Broken("the broker announced a frame that is too long")
                if len(self._gathered) >= 4 + size:
                    payload = bytes(self._gathered[4 : 4 + size])
                    del self._gathered[: 4 + size]
                    return payload
            data = await self.stream.receive_some(65_536)
            if not data:
                return None
            self._gathered += data

    def end(self) -> None:
        """Nobody will answer any more."""
        for slot in self.waiting.values():
            slot.event.set()
        self.waiting.clear()


class Slot:
    """Where one caller waits; `outcome` stays None if the channel breaks first."""

    __slots__ = ("event", "outcome")

    def __init__(self) -> None:
        self.event = trio.Event()
        self.outcome: Reply | Refused | None = None


class Channel:
    """The broker as adminapi sees it. `run` in a nursery, `call` from anywhere.

    `apps` is the mirrored table, None while there is none; `fault` is one sentence on why the broker is away, "" while
    it is there; `epoch` is its data epoch.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        deadline_seconds: float = DEADLINE_SECONDS,
        calls: int = CALLS,
        calls_per_app: int = CALLS_PER_APP,
    ) -> None:
        self.path = Path(path)
        self.apps: Mapping[str, App] | None = None
        self.fault = "The broker has not been reached yet."
        self.epoch = ""
        self.program = ""
        self._deadline_seconds = deadline_seconds
        self._calls_per_app = calls_per_app
        self._codec = ControlCalls()
        self._link: Link | None = None
        self._ready = trio.Event()
        self._places = trio.Semaphore(calls)
        self._app_places: dict[str, tuple[trio.Semaphore, list[int]]] = {}
        self._queued = 0

    # Calling

    async def call(self, command: Managed | Command, *, deadline_seconds: float | None = None) -> Reply:
        """The broker's reply. Refused by the broker, or by the channel: OVERLOADED (nothing was done; broker away, no
        place, or a read that ran out of time), OUTCOME_UNKNOWN, TOO_LARGE or BAD_FORMAT (never sent)."""
        seconds = self._deadline_seconds if deadline_seconds is None else deadline_seconds
        deadline = trio.current_time() + seconds
        self._present()
        async with self._place(command.app if isinstance(command, Managed) else ""):
            reads = (command.command if isinstance(command, Managed) else command).reads
            while True:
                outcome, sent = await self._attempt(self._present(), command, deadline)
                if isinstance(outcome, Refused):
                    raise outcome
                if outcome is not None:
                    return outcome
                if not reads:
                    raise unknown() if sent else away("The broker went away before the call was sent.")
                with trio.move_on_at(deadline):
                    await self.wait_ready()
                if trio.current_time() >= deadline:
                    raise away("The broker did not answer in time.")

    def _present(self) -> Link:
        if self._link is None or self.apps is None:
            raise away("The broker is away.")
        return self._link

    async def _attempt(self, link: Link, command: Managed | Command, deadline: float) -> tuple[Reply | Refused | None, bool]:
        """One sending: the outcome, None if there is none; and whether the bytes may have left."""
        request = link.next_request()
        left_ms = max(0, round((deadline - trio.current_time()) * 1000))
        payload = self._codec.call(request, command, left_ms)
        slot = link.waiting[request] = Slot()
        link.put(payload, request)
        sent = True
        try:
            with trio.move_on_at(deadline):
                await slot.event.wait()
        finally:
            # Also when cancelled: an entry that was not written yet is not written any more.
            link.waiting.pop(request, None)
            if link.unsent.pop(request, None) is not None:
                sent = False
        return slot.outcome, sent

    @asynccontextmanager
    async def _place(self, app: str) -> AsyncGenerator[None, None]:
        """One of the app's places and one of all; the app's first, so that a busy app waits for itself."""
        entry = self._app_places.setdefault(app, (trio.Semaphore(self._calls_per_app), [0]))
        places, users = entry
        users[0] += 1
        try:
            if self._queued >= WAITING:
                raise away("Too many calls are waiting.")
            await self._take(places)
            try:
                yield
            finally:
                self._places.release()
                places.release()
        finally:
            users[0] -= 1
            if users[0] == 0 and self._app_places.get(app) is entry:
                del self._app_places[app]

    async def _take(self, places: trio.Semaphore) -> None:
        """Both places. Nearly always they are free, and then nothing is set up for waiting."""
        if places.value > 0 and self._places.value > 0:
            await trio.lowlevel.checkpoint_if_cancelled()  # who has given up already sends nothing
            places.acquire_nowait()
            self._places.acquire_nowait()
            return
        async with AsyncExitStack() as held:
            self._queued += 1
            try:
                with trio.move_on_after(WAIT_SECONDS) as scope:
                    await held.enter_async_context(places)
                    await held.enter_async_context(self._places)
            finally:
                self._queued -= 1
            if scope.cancelled_caught:
                raise away("Too many calls are in flight.")
            held.pop_all()

    # Being connected

    async def wait_ready(self) -> None:
        """Until the broker is there and the table of apps is known."""
        while self.apps is None:
            await self._ready.wait()

    async def run(self) -> NoReturn:
        """Keep connected, for ever. Cancel it to end it."""
        pause = FIRST_PAUSE
        while True:
            served = False
            try:
                with trio.fail_after(HELLO_SECONDS):
                    stream = await trio.open_unix_socket(str(self.path))
            except (OSError, ValueError, trio.TooSlowError) as error:
                fault = f"The broker's control socket {self.path} cannot be reached: {error}."
            else:
                async with stream:
                    fault, served = await self._serve(Link(stream))
            if fault != self.fault:
                log.warning("broker away reason=%s", fault)
            self.fault = fault
            pause = FIRST_PAUSE if served else pause
            await trio.sleep(pause * random.uniform(0.5, 1.0))
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _serve(self, link: Link) -> tuple[str, bool]:
        """Use one connection to its end. Returns the sentence why it ended, and whether it was ever of use."""
        fault = "The broker closed the control channel."
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(link.write)
                link.put(self._codec.hello())
                with trio.move_on_after(HELLO_SECONDS) as hello:
                    while (payload := await link.next_frame()) is not None:
                        heard = self._codec.receive(payload)
                        if isinstance(heard, Bye):
                            fault = f"The broker closed the control channel: {heard.text or heard.reason}"
                            break
                        self._heard(link, heard)
                        if self._link is link:
                            hello.deadline = float("inf")
                if hello.cancelled_caught:
                    fault = "The broker did not answer the hello in time."
                nursery.cancel_scope.cancel()
        except* (trio.BrokenResourceError, trio.ClosedResourceError):
            fault = "The control channel broke."
        except* (Broken, Malformed) as group:
            fault = f"The control channel is not understood: {group.exceptions[0]}"
        finally:
            served = self._link is link
            if served:
                self._link, self.apps, self.fault, self._ready = None, None, fault, trio.Event()
                log.warning("broker away reason=%s", fault)
            link.end()
        return fault, served

    def _heard(self, link: Link, heard: Hello | Answer | AppsChanged | Ping) -> None:
        if isinstance(heard, Answer):
            self._answered(link, heard)
        elif isinstance(heard, AppsChanged):
            self._mirror(link, heard.apps)
        elif isinstance(heard, Ping):
            link.put(self._codec.pong())
        else:
            self._greeted(link, heard)

    def _greeted(self, link: Link, hello: Hello) -> None:
        if not understood(hello.words):
            raise Broken(misunderstood(hello.words))
        self.epoch, self.program = hello.epoch, hello.program
        request = link.next_request()
        link.waiting[request] = Slot()  # nobody waits at it; `_answered` knows the table by its type
        link.put(self._codec.call(request, WatchApps(), round(HELLO_SECONDS * 1000)), request)

    def _answered(self, link: Link, answer: Answer) -> None:
        slot = link.waiting.pop(answer.request, None)
        if isinstance(answer.outcome, AppTable):
            self._mirror(link, answer.outcome.apps)
        elif self.apps is None and isinstance(answer.outcome, Refused):
            raise Broken(answer.outcome.detail)
        if slot is not None:  # else its caller has gone
            slot.outcome = answer.outcome
            slot.event.set()

    def _mirror(self, link: Link, apps: list[App] | tuple[App, ...]) -> None:
        if self._link is None:
            self._link, self.fault = link, ""
            log.info("broker there program=%s epoch=%s apps=%d", self.program, self.epoch, len(apps))
        self.apps = {app.id: app for app in apps}
        self._ready.set()


def away(detail: str) -> Refused:
    return Refused(Reason.OVERLOADED, detail, retry_after_ms=RETRY_MS)


def unknown() -> Refused:
    detail = "The broker went away, or took too long, while it had the call; whether it was carried out is unknown."
    return Refused(Reason.OUTCOME_UNKNOWN, detail, retry_after_ms=RETRY_MS)


@asynccontextmanager
async def connected(path: Path | str, seconds: float = 1.5) -> AsyncGenerator[Channel, None]:
    """A channel for a short errand (the command line). Refused OVERLOADED with a sentence if there is no broker."""
    channel = Channel(path)
    refused: Refused | None = None
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(channel.run)
            with trio.move_on_after(seconds):
                await channel.wait_ready()
            if channel.apps is None:
                raise away(channel.fault)
            yield channel
            nursery.cancel_scope.cancel()
    except* Refused as group:
        found = group.exceptions[0]
        assert isinstance(found, Refused)
        refused = found
    if refused is not None:
        raise refused  # not above: Python before 3.11.4 wraps what an `except*` raises in another group
