"""Both programs as systemd runs them: sockets passed in, readiness and the watchdog told, a restart that refuses nobody.

The command lines and the sockets' names are the units'; only where settings and data lie is a test's own.
`systemd-socket-activate` holds the sockets as PID 1 would; a socket of this test's own is what NOTIFY_SOCKET names.
"""

from __future__ import annotations

import shutil
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
import trio
import trio.testing

from tests.journeys.programs import Host, Program
from tests.journeys.wire import json_peer

ACTIVATE = shutil.which("systemd-socket-activate")
SECONDS = 30.0
UNITS = Path(__file__).parents[2] / "systemd"


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(tmp_path / "notify"))
        sock.settimeout(SECONDS)
        yield sock


def wait_for(manager: socket.socket, words: str) -> str:
    """The next message with these words; others are passed over."""
    while True:
        told = manager.recv(4096).decode()
        if words in told:
            return told


def said(unit: str, key: str) -> str:
    return next(line for line in (UNITS / unit).read_text().splitlines() if line.startswith(key + "=")).partition("=")[2]


def command_line(unit: str) -> list[str]:
    """As the unit has it, but for the paths."""
    program, verb, *places = said(unit, "ExecStart").split()
    assert (program, places) == ("/opt/parley/bin/parley", "--config /etc/parley/parley.toml --data /var/lib/parley".split())
    return ["-m", "adminapi.cli", verb]


def activated(host: Host, manager: socket.socket, name: str) -> tuple[Program, int]:
    """A program that the first connection to the port will start."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert ACTIVATE is not None
    environ = {"NOTIFY_SOCKET": manager.getsockname(), "WATCHDOG_USEC": "600000"}
    fdname = said(f"{name}.socket", "FileDescriptorName")
    how = [
        f"--listen=127.0.0.1:{port}",
        f"--fdname={fdname}",
        *(f"--setenv={key}={value}" for key, value in environ.items()),
    ]
    program = host.start(*command_line(f"{name}.service"), command=(ACTIVATE, *how, sys.executable, "-u"))
    program.wait_line("Listening on")
    return program, port


def held(host: Host, manager: socket.socket, name: str, sock: socket.socket) -> Program:
    """A broker with this listening socket, which stays ours, as PID 1 keeps it."""
    script = 'exec 3<&"$1"; shift; LISTEN_PID=$$ exec "$@"'
    return host.start(
        *command_line("broker.service"),
        command=("bash", "-c", script, "-", str(sock.fileno()), sys.executable, "-u"),
        environ={"NOTIFY_SOCKET": manager.getsockname(), "LISTEN_FDS": "1", "LISTEN_FDNAMES": name},
        descriptors=[sock.fileno()],
    )  # fmt: skip


@pytest.mark.skipif(ACTIVATE is None, reason="systemd-socket-activate is not here (apt-get install systemd)")
async def test_the_first_connection_starts_the_broker_and_is_served(host: Host, manager: socket.socket) -> None:
    program, port = activated(host, manager, "broker")
    async with json_peer(f"ws://127.0.0.1:{port}") as tom:
        await tom.login("tom")
        wait_for(manager, "READY=1")
        assert "WATCHDOG=1" in wait_for(manager, "sessions: 1, commits not in the store yet: ")
        program.signal(signal.SIGTERM)
        wait_for(manager, "STOPPING=1")
    assert program.wait() == 0


def test_the_admin_api_is_no_session_in_what_systemctl_shows(host: Host, manager: socket.socket) -> None:
    broker = host.broker(environ={"NOTIFY_SOCKET": manager.getsockname(), "WATCHDOG_USEC": "600000"})
    host.admin()
    manager.setblocking(False)
    with suppress(BlockingIOError):
        while True:  # what was told before it was there
            manager.recv(4096)
    manager.settimeout(SECONDS)
    wait_for(manager, "sessions: 0,")
    broker.signal(signal.SIGTERM)
    assert broker.wait() == 0


@pytest.mark.skipif(ACTIVATE is None, reason="systemd-socket-activate is not here (apt-get install systemd)")
def test_the_first_request_starts_the_admin_api_and_is_answered(host: Host, manager: socket.socket) -> None:
    program, port = activated(host, manager, "adminapi")
    assert httpx.get(f"http://127.0.0.1:{port}/-/health", timeout=SECONDS).status_code == 200
    wait_for(manager, "READY=1")
    wait_for(manager, "WATCHDOG=1")
    program.signal(signal.SIGTERM)
    wait_for(manager, "STOPPING=1")
    assert program.wait() == 0


async def test_who_comes_during_a_restart_waits_and_is_not_refused(host: Host, manager: socket.socket) -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        url = f"ws://127.0.0.1:{sock.getsockname()[1]}"
        first = held(host, manager, said("broker.socket", "FileDescriptorName"), sock)
        await trio.to_thread.run_sync(wait_for, manager, "READY=1")
        async with json_peer(url) as tom:
            await tom.login("tom")
            conversation = (await tom.ok("conv.create", conv_type=3, to_client_ids=[]))["conv_id"]
            await tom.ok("msg.send", conv_id=conversation, type=-1, text="before")
            first.signal(signal.SIGTERM)
            assert (await tom.push("going.away"))["retry_after_ms"] > 0
        assert first.wait() == 0
        async with trio.open_nursery() as nursery:

            async def come_back() -> None:
                async with json_peer(url) as again:
                    await again.login("tom")
                    page = await again.ok("msg.history", conv_id=conversation, limit=10)
                    assert [message["text"] for message in page["messages"]] == ["before"]

            nursery.start_soon(come_back)  # nobody accepts yet
            await trio.testing.wait_all_tasks_blocked()
            second = held(host, manager, said("broker.socket", "FileDescriptorName"), sock)
        second.signal(signal.SIGTERM)
        assert second.wait() == 0


def test_a_socket_of_another_name_is_refused_in_words(host: Host, manager: socket.socket) -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        program = held(host, manager, "smtp", sock)
        assert program.wait() == 78
    assert "smtp" in program.lines[-1]
    assert "sockets, tcp and tls" in program.lines[-1]
