"""`parley up`: both programs in the foreground, a demo app on an empty directory, and the lines to paste (DESIGN 7).

The law: this process serves nothing itself. It starts `python -m broker` and `python -m adminapi`, waits until each
answers, and from then on only watches: a signal stops both, the broker first, within two seconds; the death of one stops
the other, and its exit code becomes ours with a sentence. The children get their own process groups, so that a Ctrl-C at
the terminal reaches them through us and in that order.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import cast

import msgspec
import trio

from adminapi.control import Channel, connected
from adminapi.operators.accounts import Account, Accounts, new_serial
from adminapi.passwords import Passwords
from adminapi.settings import Place
from protocol.apps import App, AppSettings
from protocol.commands import AddApp, CreateConversation, Created, Managed, PutUser
from protocol.errors import Refused
from protocol.ids import IdForms
from protocol.records import Kind
from protocol.settings import BadSettings, address

START_SECONDS = 60.0
"""A broker with a long journal takes its time (DESIGN 8: 8 s for the largest we promise)."""
STOP_SECONDS = 2.0
DEMO = "demo"
DEMO_USERS = ("alice", "bob")


class Ended(Exception):
    """A child ended by itself."""

    def __init__(self, name: str, code: int) -> None:
        super().__init__(name, code)
        self.name, self.code = name, code


def child_command(module: str, config: str | None, data: Path, *more: str) -> list[str]:
    """How a program of ours is started; also the command line's `broker`, `admin` and `doctor`."""
    chosen = ["--config", config] if config else []
    return [sys.executable, "-m", module, *chosen, "--data", str(data), *more]


def check_free(text: str, setting: str) -> None:
    """BadSettings if the address is taken; said before anything is started."""
    if not text:
        return
    host, port = address(text, setting)
    try:
        family, _, _, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(where)
    except OSError as error:
        raise BadSettings(f"{setting} {text}: {error.strerror or error}; free it or set another") from None


def check_unused(data: Path) -> None:
    """BadSettings if a broker holds the data directory: its control socket would answer in the place of ours."""
    try:
        with (data / "lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise BadSettings(f"another broker uses {data}; stop it first, or give another --data") from None
    except OSError as error:
        raise BadSettings(f"the data directory {data} cannot be used: {error.strerror or error}") from None


def up(config: str | None, place: Place) -> int:
    """Run until stopped; the exit code."""
    check_free(place.sockets_listen, "[sockets] listen")
    check_free(place.admin.listen, "[admin] listen")
    try:
        place.data.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadSettings(f"the data directory {place.data} cannot be made: {error.strerror or error}") from None
    check_unused(place.data)
    return trio.run(partial(supervise, config, place))


async def supervise(config: str | None, place: Place) -> int:
    stop = trio.Event()
    children: dict[str, trio.Process] = {}
    code = 0
    async with trio.open_nursery() as nursery:
        nursery.start_soon(watch_signals, stop)
        try:
            code = await run(config, place, children, stop)
        finally:
            with trio.CancelScope(shield=True):
                await stop_all(children)
            nursery.cancel_scope.cancel()
    return code


async def run(config: str | None, place: Place, children: dict[str, trio.Process], stop: trio.Event) -> int:
    """Start both and watch them. Returns the exit code; the children may still run."""
    try:
        await started(children, "broker", child_command("broker", config, place.data), partial(reached, place), stop)
        if stop.is_set():
            return 0
        async with connected(place.control) as channel:
            app = await demo_app(place, channel)
            conversation = None if app is None else await demo_conversation(app, channel)
            signing = "" if app is None else await demo_operator(place)
        await started(children, "adminapi", child_command("adminapi", config, place.data), partial(open_at, place), stop)
        if stop.is_set():
            return 0
        print(welcome(place, app, conversation, signing), flush=True)
        await first_end(children, stop)
    except Ended as ended:
        how = f"by signal {-ended.code}" if ended.code < 0 else f"with code {ended.code}"
        print(f"parley up: {ended.name} ended {how}; the reason stands above.", file=sys.stderr)
        return ended.code if ended.code > 0 else 1
    except Refused as refused:
        print(f"parley up: {refused.detail}", file=sys.stderr)
        return 1
    return 0


async def started(
    children: dict[str, trio.Process],
    name: str,
    command: Sequence[str],
    ready: Callable[[], Awaitable[bool]],
    stop: trio.Event,
) -> None:
    """Start one child and wait until it answers, it or one before it ends (Ended), or `stop` is set."""
    process = children[name] = await trio.lowlevel.open_process(command, stdin=subprocess.DEVNULL, start_new_session=True)

    async def poll() -> None:
        while not await ready():  # noqa: ASYNC110  # another program's state has no Event
            await trio.sleep(0.03)

    async def until_ready(scope: trio.CancelScope) -> None:
        await poll()
        scope.cancel()

    with trio.move_on_after(START_SECONDS) as scope:
        ended: list[BaseException] = []
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(until_ready, nursery.cancel_scope)
                for each, running in children.items():
                    nursery.start_soon(end_of, each, running)
                await stop.wait()
                nursery.cancel_scope.cancel()
        except* Ended as group:
            ended += group.exceptions
        raise_first(ended)
    if scope.cancelled_caught:
        print(f"parley up: {name} did not answer within {START_SECONDS:.0f} s.", file=sys.stderr)
        raise Ended(name, process.returncode or 1)


async def first_end(children: dict[str, trio.Process], stop: trio.Event) -> None:
    """Until `stop` is set, or Ended by the first child that ends."""
    ended: list[BaseException] = []
    try:
        async with trio.open_nursery() as nursery:
            for name, process in children.items():
                nursery.start_soon(end_of, name, process)
            await stop.wait()
            nursery.cancel_scope.cancel()
    except* Ended as group:
        ended += group.exceptions
    raise_first(ended)


def raise_first(errors: list[BaseException]) -> None:
    """Not inside `except*`: Python before 3.11.4 wraps what is raised there in another group."""
    if errors:
        raise errors[0]


async def end_of(name: str, process: trio.Process) -> None:
    raise Ended(name, await process.wait())


async def stop_all(children: dict[str, trio.Process]) -> None:
    """SIGTERM to the broker, then to adminapi; what is left after two seconds is killed."""
    for process in children.values():
        if process.poll() is None:
            process.terminate()
    with trio.move_on_after(STOP_SECONDS):
        for process in children.values():
            await process.wait()
    for name, process in children.items():
        if process.poll() is None:
            print(f"parley up: {name} did not stop within {STOP_SECONDS:.0f} s and was killed.", file=sys.stderr)
            process.kill()
            await process.wait()


async def watch_signals(stop: trio.Event) -> None:
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT, signal.SIGHUP) as signals:
        async for _ in signals:
            stop.set()


async def reached(place: Place) -> bool:
    """The control socket answers the hello."""
    try:
        async with connected(place.control, 2.0):
            return True
    except Refused:
        return False


async def open_at(place: Place) -> bool:
    """adminapi answers, and has reached the broker: what is printed next works at once."""
    answer = b""
    try:
        async with await admin_stream(place) as stream:
            await stream.send_all(b"GET /-/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            while b"\r\n" not in answer and (data := await stream.receive_some(4096)):
                answer += data
    except (OSError, trio.BrokenResourceError):
        return False
    return answer.startswith(b"HTTP/1.1 200")


async def admin_stream(place: Place) -> trio.abc.Stream:
    """A connection to adminapi, by TLS where it wants that. It is our own child: whose certificate it is does not matter."""
    stream = await trio.open_tcp_stream(*reachable(place.admin.listen))
    if not place.admin.tls_cert:
        return stream
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return trio.SSLStream(stream, context, https_compatible=True)


def reachable(listen: str) -> tuple[str, int]:
    """Where to connect for what listens there; every address means this host."""
    host, port = address(listen, "listen")
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port


def url(scheme: str, listen: str) -> str:
    host, port = reachable(listen)
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


async def demo_app(place: Place, channel: Channel) -> App | None:
    """The demo app: made where no app is known and none is set, else the one made before. None if others rule here."""
    assert channel.apps is not None
    if DEMO in channel.apps:
        return channel.apps[DEMO]
    if place.lists_apps or channel.apps:
        return None
    settings = AppSettings(token_required=False)
    key, master_key, secret = (secrets.token_urlsafe(size) for size in (16, 24, 32))
    app = App(id=DEMO, key=key, master_key=master_key, secret=secret, settings=settings)
    await channel.call(AddApp(app=app))
    return app


async def demo_conversation(app: App, channel: Channel) -> str:
    """The direct conversation of alice and bob, both created if need be; its id as the native dialect prints it."""
    for user in DEMO_USERS:
        await channel.call(Managed(app=app.id, rev=0, command=PutUser(user=user)))
    create = CreateConversation(kind=Kind.DIRECT, members=(DEMO_USERS[1],))
    reply = cast(Created, await channel.call(Managed(app=app.id, rev=0, user=DEMO_USERS[0], command=create)))
    return IdForms(app.id).hex32(reply.conversation.id)


async def demo_operator(place: Place) -> str:
    """How the operator `demo` signs in, who is made where there is no operator yet; "" if there is no such one. The password
    is known at the first start alone."""
    accounts = Accounts(place.operators)
    book = accounts.book()
    if book.find(DEMO) is not None:
        return f"   (sign in as {DEMO}; for a new password: parley operator password {DEMO} --data {place.data})"
    if book.operators:
        return ""
    password = secrets.token_urlsafe(9)
    hashed, now_ms = await Passwords().hash(password), time.time_ns() // 1_000_000
    account = Account(name=DEMO, role="admin", password=hashed, since_ms=now_ms, serial=new_serial())
    await trio.to_thread.run_sync(accounts.change, lambda book: book.put(account))
    return f"   (sign in as {DEMO}, password {password})"


def interpreter() -> str:
    """This Python as one would type it here."""
    path, here = Path(sys.executable), Path.cwd()
    return os.path.relpath(path, here) if path.is_relative_to(here) else str(path)


def welcome(place: Place, app: App | None, conversation: str | None, signing: str) -> str:
    """What is printed once both are up. `signing`: how to sign in to the console."""
    sockets, admin = url("ws", place.sockets_listen), url("https" if place.admin.tls_cert else "http", place.admin.listen)
    lines = [f"try it   {admin}/-/try/", f"console  {admin}/-/console/{signing}", f"sockets  {sockets}", f"admin    {admin}"]
    if app is None or conversation is None:
        return "\n".join([*lines, "Ctrl-C stops both."])
    said = msgspec.json.encode({"from_client": DEMO_USERS[0], "type": -1, "text": "hello bob"}).decode()
    lines += [
        f"app      {app.id}",
        f"  key         {app.key}",
        f"  master_key  {app.master_key}",
        f"  secret      {app.secret}",
        "",
        "Two terminals that talk to each other:",
        f"  {interpreter()} -m protocol.clients.chat {sockets} {app.id} alice --to bob",
        f"  {interpreter()} -m protocol.clients.chat {sockets} {app.id} bob --to alice",
        "and a message from the back office, alice to bob:",
        f"  curl -X POST -H 'app-id: {app.id}' -H 'app-key: {app.key}' -H 'Content-Type: application/json'"
        f" -d '{said}' {admin}/im/conversations/{conversation}/message",
        "",
        "Ctrl-C stops both.",
    ]
    return "\n".join(lines)
