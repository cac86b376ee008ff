"""A fake broker end of the control channel, and adminapi in front of it.

It is a fake, not a mock: it speaks the real frames over a real Unix socket, and answers by a table from command to function.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
import trio

from adminapi.app import Front, build
from adminapi.audit.log import AuditLog
from adminapi.audit.witness import Audit
from adminapi.control import Channel
from adminapi.desk import services
from adminapi.dialect import Dialect, Endpoint
from adminapi.dialects.native import Native
from adminapi.dialects.parley import Parley
from adminapi.dialects.parley.endpoints.streams import NDJSON
from adminapi.dialects.parley.services import Services
from adminapi.door import Door, listening
from adminapi.files import Files
from adminapi.metrics import Metrics
from adminapi.passwords import Passwords
from adminapi.repeats.calls import Repeats
from adminapi.settings import Settings, load
from adminapi.shared import Shared
from protocol.apps import App, AppSettings
from protocol.commands import AppTable, Command, Managed, Reply, WatchApps
from protocol.errors import CloseReason, Reason, Refused
from protocol.ids import ALIASES, TEMPORARIES
from protocol.pushes import AppsChanged
from protocol.wires.control import ControlWire
from protocol.wires.wire import End, Ending, Say, Submit
from tests.adminapi.described import description_of

APP = App(id="666666", key="master", master_key="a-long-secret", secret="another-secret-of-32-characters!", rev=3)
BARE = App(id="bare", key="k2", master_key="m2", secret="s2", settings=AppSettings(bare_app_id=True, file_bytes=70_000))
GONE = App(id="gone", key="k3", master_key="m3", secret="s3", disabled=True)

Function = Callable[[Any, Managed | None], Any]
"""(command, its envelope) -> Reply, Refused, or None for no answer at all. It may be async."""


class FakeBroker:
    """Listens at `path` while it runs; `table` says how it answers, `heard` what it was asked."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.apps: tuple[App, ...] = (APP, BARE, GONE)
        self.table: dict[type[Command], Function] = {WatchApps: lambda command, managed: AppTable(apps=list(self.apps))}
        self.heard: list[Command | Managed] = []
        self.hello = True
        self.imports = False
        """Whether what answers knows of imported conversations, as a hub does."""
        self._connections: dict[trio.SocketStream, ControlWire] = {}
        self._nursery: trio.Nursery | None = None
        self._up: trio.CancelScope | None = None

    def on(self, kind: type[Command], function: Function | Reply | Refused | None) -> None:
        self.table[kind] = function if callable(function) else lambda command, managed: function

    @property
    def last(self) -> Managed:
        found = self.heard[-1]
        assert isinstance(found, Managed)
        return found

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        with contextlib.suppress(FileNotFoundError):
            self.path.unlink()
        listener = trio.socket.socket(trio.socket.AF_UNIX, trio.socket.SOCK_STREAM)
        await listener.bind(str(self.path))
        listener.listen()
        with trio.CancelScope() as self._up:
            async with trio.open_nursery() as self._nursery:
                task_status.started()
                with listener:
                    while True:
                        sock, _ = await listener.accept()
                        self._nursery.start_soon(self.serve, trio.SocketStream(sock))

    def stop(self) -> None:
        assert self._up is not None
        self._up.cancel()

    def drop(self) -> None:
        """Break every connection."""
        for stream in list(self._connections):
            stream.socket.close()

    async def push_apps(self, *apps: App) -> None:
        self.apps = apps
        for stream, wire in self._connections.items():
            payload = wire.push(AppsChanged(app="", apps=apps))
            assert payload is not None
            await stream.send_all(framed(payload))

    async def send_raw(self, data: bytes) -> None:
        for stream in self._connections:
            await stream.send_all(data)

    async def serve(self, stream: trio.SocketStream) -> None:
        wire = self._connections[stream] = ControlWire("epoch-1")
        gathered = bytearray()
        try:
            async with stream, trio.open_nursery() as nursery:
                lock = trio.Lock()
                while True:
                    data = await stream.receive_some()
                    if not data:
                        nursery.cancel_scope.cancel()
                        return
                    gathered += data
                    while len(gathered) >= 4 and len(gathered) >= 4 + (size := int.from_bytes(gathered[:4], "big")):
                        payload = bytes(gathered[4 : 4 + size])
                        del gathered[: 4 + size]
                        for item in wire.receive(payload, False, 0) if self.hello else ():
                            if isinstance(item, Say):
                                await stream.send_all(framed(item.payload))
                            elif isinstance(item, Submit):
                                nursery.start_soon(self.answer, stream, lock, wire, item)
                            else:
                                assert isinstance(item, End)
                                for last in wire.farewell(Ending(item.reason), 0).payloads:
                                    await stream.send_all(framed(last))
                                nursery.cancel_scope.cancel()
                                return
        except* (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        finally:
            self._connections.pop(stream, None)

    async def answer(self, stream: trio.SocketStream, lock: trio.Lock, wire: ControlWire, item: Submit) -> None:
        managed, command = None, item.command
        if isinstance(command, Managed):
            managed, command = command, command.command
        if not self.imports and getattr(command, "conversation", 0) & ~TEMPORARIES >= ALIASES:  # no handler hears of one
            async with lock:
                await stream.send_all(framed(wire.reply(item.request, Refused(Reason.UNKNOWN_CONVERSATION, "none"))))
            return
        if type(command) is not WatchApps:
            self.heard.append(item.command)
        function = self.table.get(type(command))
        if function is None:
            reply: Any = Refused(Reason.INTERNAL, f"the fake knows no {type(command).__name__}")
        else:
            reply = function(command, managed)
            if hasattr(reply, "__await__"):
                reply = await reply
        if reply is not None:
            async with lock:
                await stream.send_all(framed(wire.reply(item.request, reply)))

    async def farewell(self, reason: CloseReason) -> None:
        for stream, wire in self._connections.items():
            for payload in wire.farewell(Ending(reason), 0).payloads:
                await stream.send_all(framed(payload))
        self.drop()


def framed(payload: bytes) -> bytes:
    return len(payload).to_bytes(4, "big") + payload


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path: a Unix socket's has at most 107 characters."""
    path = Path(tempfile.mkdtemp(prefix="parley-"))
    yield path
    shutil.rmtree(path)


async def checked(
    pieces: AsyncGenerator[bytes, None], differences: Callable[[bytes], list[str]], found: list[str]
) -> AsyncGenerator[bytes, None]:
    async with contextlib.aclosing(pieces):
        async for piece in pieces:
            found.extend(differences(piece))
            yield piece


@pytest.fixture(autouse=True)
def answers_are_described(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every answer of an endpoint, in every test, is as `/-/openapi.json` says; so the seeds' examples are checks of it."""
    found: list[str] = []
    serve = Front.serve

    async def watched(front: Front, dialect: Dialect, endpoint: Endpoint, path: dict[str, str]) -> Any:
        response = await serve(front, dialect, endpoint, path)
        type, description = response.content_type or "", description_of(front.dialects)
        if type == NDJSON:  # which may go on for ever
            body = response.response
            body.iter = checked(
                body.iter, partial(description.differences, endpoint.method, endpoint.path, 200, type), found
            )
            return response
        body = await response.get_data()
        found.extend(description.differences(endpoint.method, endpoint.path, response.status_code, type, body))
        return response

    monkeypatch.setattr(Front, "serve", watched)
    yield
    assert not found, "\n".join(found)


@pytest.fixture
async def broker(folder: Path, nursery: trio.Nursery) -> FakeBroker:
    fake = FakeBroker(folder / "control.sock")
    await nursery.start(fake.run)
    return fake


OPERATOR = "the-operators-own-token"


class Served:
    """adminapi at a real address, the fake broker behind it."""

    def __init__(
        self, broker: FakeBroker, channel: Channel, files: Files, audit: AuditLog, host: str, client: httpx.AsyncClient
    ) -> None:
        self.broker, self.channel, self.files, self.audit = broker, channel, files, audit
        self.host = host
        self.client = client

    async def call(self, method: str, path: str, **more: Any) -> httpx.Response:
        """A request with the app's key, unless `headers` says otherwise."""
        more.setdefault("headers", {"app-id": APP.id, "app-key": APP.key})
        return await self.client.request(method, path, **more)

    async def change(self, **settings: Any) -> None:
        """Change the app's settings, and wait until adminapi has heard of it."""
        changed = msgspec.structs.replace(APP, settings=AppSettings(**settings))
        await self.broker.push_apps(changed)
        with trio.fail_after(5):
            while self.channel.apps is None or self.channel.apps[APP.id] != changed:  # noqa: ASYNC110  # it tells nobody
                await trio.sleep(0.001)

    async def stream(self) -> trio.SocketStream:
        """A connection of one's own, to write bytes to."""
        host, port = self.host.split(":")
        return await trio.open_tcp_stream(host, int(port))


def desk(
    data: Path, metrics: Metrics, token: str = OPERATOR, shared: Shared | None = None, repeats: Repeats | None = None
) -> Services:
    """What our own dialect is given, on this data directory."""
    place = load(None, str(data), {})
    audit = Audit(AuditLog(place.audit))
    given = services(place, Passwords(), metrics, shared or Shared(), audit, repeats or Repeats(place.repeats))
    return msgspec.structs.replace(given, operator_token=token)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def shared() -> Shared:
    """Who watches what, in `served`."""
    return Shared()


@pytest.fixture
def repeats(folder: Path) -> Iterator[Repeats]:
    """Of `served`."""
    kept = Repeats(folder / "repeats.db")
    yield kept
    kept.close()


@pytest.fixture
def dialects(folder: Path, metrics: Metrics, shared: Shared, repeats: Repeats) -> list[Dialect]:
    """What `served` mounts; the folder of a dialect has its own."""
    return [Native(), Parley(desk(folder, metrics, shared=shared, repeats=repeats))]


@pytest.fixture
def admin_settings() -> Settings:
    """What `served` runs under; a test that wants others is parametrized with them."""
    return Settings(graceful_seconds=0.5)


@pytest.fixture
async def served(
    broker: FakeBroker,
    folder: Path,
    dialects: list[Dialect],
    metrics: Metrics,
    repeats: Repeats,
    admin_settings: Settings,
) -> AsyncIterator[Served]:
    channel, files = Channel(broker.path, deadline_seconds=2.0), Files(folder / "files")
    sock = listening("127.0.0.1:0")
    host = f"127.0.0.1:{sock.getsockname()[1]}"
    stop = trio.Event()
    audit = Audit(AuditLog(folder / "audit"))
    app: Any = build(channel, dialects, files, settings=admin_settings, audit=audit, repeats=repeats, count=metrics.count)
    serve = partial(Door(sock, admin_settings, metrics).serve, app, stop.wait)
    async with trio.open_nursery() as inner:
        inner.start_soon(channel.run)
        inner.start_soon(serve)
        with trio.fail_after(5):
            await channel.wait_ready()
        async with httpx.AsyncClient(base_url=f"http://{host}", timeout=10, verify=False) as client:
            yield Served(broker, channel, files, audit.files, host, client)
        inner.cancel_scope.cancel()
