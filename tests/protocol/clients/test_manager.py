"""`protocol.clients.manager` against a socket of a manager's kind, and descriptors as systemd passes them."""

from __future__ import annotations

import fcntl
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from protocol.clients.manager import Manager, take_sockets


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(tmp_path / "notify"))
        sock.settimeout(10)
        yield sock


def test_what_is_told_arrives_in_lines(listener: socket.socket) -> None:
    manager = Manager({"NOTIFY_SOCKET": listener.getsockname(), "WATCHDOG_USEC": "6000000"})
    assert manager.watchdog_seconds == 6.0
    manager.starting("loading", 30)
    manager.ready("3 sessions")
    manager.alive("4 sessions")
    manager.status("a word")
    manager.stopping("bye")
    told = [listener.recv(1000).decode() for _ in range(5)]
    manager.close()
    assert told == [
        "EXTEND_TIMEOUT_USEC=30000000\nSTATUS=loading",
        "READY=1\nSTATUS=3 sessions",
        "WATCHDOG=1\nSTATUS=4 sessions",
        "STATUS=a word",
        "STOPPING=1\nSTATUS=bye",
    ]


def test_a_manager_that_reads_nothing_or_is_gone_holds_nobody_up(listener: socket.socket) -> None:
    manager = Manager({"NOTIFY_SOCKET": listener.getsockname()})
    for _ in range(10_000):  # more than the socket holds
        manager.alive("here")
    os.unlink(listener.getsockname())
    manager.alive("here")
    manager.close()
    manager.alive("here")
    assert listener.recv(100) == b"WATCHDOG=1\nSTATUS=here"


def test_an_abstract_address_begins_with_an_at(tmp_path: Path) -> None:
    name = f"parley-{os.getpid()}-{tmp_path.name}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind("\0" + name)
        sock.settimeout(10)
        manager = Manager({"NOTIFY_SOCKET": "@" + name})
        manager.status("here")
        manager.close()
        assert sock.recv(100) == b"STATUS=here"


def test_without_a_manager_nothing_happens() -> None:
    manager = Manager({"WATCHDOG_USEC": "1000000"})
    assert manager.watchdog_seconds is None
    manager.ready("here")
    assert take_sockets({}) == {}


def test_a_watchdog_and_sockets_for_another_process_are_not_ours(listener: socket.socket) -> None:
    manager = Manager(
        {"NOTIFY_SOCKET": listener.getsockname(), "WATCHDOG_USEC": "1000000", "WATCHDOG_PID": str(os.getpid() + 1)}
    )
    manager.close()
    assert manager.watchdog_seconds is None
    environ = {"LISTEN_PID": str(os.getpid() + 1), "LISTEN_FDS": "1", "LISTEN_FDNAMES": "sockets"}
    assert take_sockets(environ) == {}
    assert environ == {}


TAKE = """
import os
os.environ["LISTEN_PID"] = str(os.getpid())
from protocol.clients.manager import take_sockets
for name, socks in take_sockets().items():
    print(name, *[sock.getsockname()[1] for sock in socks], *[os.get_inheritable(sock.fileno()) for sock in socks])
print(take_sockets(), "LISTEN_FDS" in os.environ)
"""


def test_sockets_are_taken_by_name_and_once() -> None:
    """In a process of its own, whose descriptors from 3 on are these."""
    socks = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
    ports = [sock.getsockname()[1] for sock in socks]
    # The shell puts them in their places, as the manager does; from numbers that are none of these places.
    high = [fcntl.fcntl(sock, fcntl.F_DUPFD, 100) for sock in reversed(socks)]
    moves = " ".join(f"{3 + number}<&{descriptor}" for number, descriptor in enumerate(high))
    done = subprocess.run(
        ["bash", "-c", f'exec {moves}; exec "$0" -c "$1"', sys.executable, TAKE],
        env={**os.environ, "LISTEN_FDS": "3", "LISTEN_FDNAMES": "tls:sockets:sockets"},
        pass_fds=high,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    for sock, descriptor in zip(socks, high, strict=True):
        sock.close()
        os.close(descriptor)
    assert done.stdout.splitlines() == [
        f"tls {ports[2]} False",
        f"sockets {ports[1]} {ports[0]} False False",
        "{} False",
    ]
