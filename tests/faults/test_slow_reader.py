"""F14: a recipient stops reading. It is cut off as slow, the others notice nothing, and it catches up when it is back."""

from __future__ import annotations

import socket
import struct
from contextlib import ExitStack
from pathlib import Path

import cbor2
import pytest
import trio

from tests.faults.crowd import LISTENER, Crowd
from tests.faults.ledger import Outcome
from tests.journeys.programs import Host

OUTBOX = 256 * 1024
GROWTH = 32 << 20
"""Of the broker's memory, at most; what is sent to the deaf is some ten times their outboxes."""
DEAF = 8
SENT = 800
SIZE = 4000


def memory(pid: int) -> int:
    """Resident bytes."""
    words = Path(f"/proc/{pid}/statm").read_text().split()
    return int(words[1]) * 4096


def deaf(port: int, device: str) -> socket.socket:
    """A logged-in connection of the listener that takes next to nothing from the kernel and never reads."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    sock.settimeout(10)
    sock.connect(("127.0.0.1", port))
    login = {"app_id": "666666", "client_id": LISTENER, "device_id": device}
    frame = cbor2.dumps({"type": "login", "id": 1, "data": login})
    sock.sendall(struct.pack(">I", len(frame)) + frame)
    (size,) = struct.unpack(">I", sock.recv(4, socket.MSG_WAITALL))
    assert cbor2.loads(sock.recv(size, socket.MSG_WAITALL))["type"] == "login.success"
    return sock


def drained(sock: socket.socket) -> int:
    """Bytes until the end of the connection."""
    count = 0
    try:
        while data := sock.recv(1 << 20):
            count += len(data)
    except ConnectionResetError:
        pass
    return count


@pytest.mark.F14
async def test_those_who_do_not_read_are_cut_off_and_the_others_notice_nothing(host: Host) -> None:
    host.configure(sockets={"outbox_bytes": OUTBOX, "outbox_seconds": 5.0})
    host.broker()
    crowd = Crowd(host, size=SIZE)
    await crowd.gather()
    with ExitStack() as stack:
        sockets = [stack.enter_context(deaf(host.tcp_port, f"deaf{n}")) for n in range(DEAF)]
        async with trio.open_nursery() as nursery:
            nursery.start_soon(crowd.talk_until_lost)
            await talk_past(host, crowd, sockets)
            host.kill()
    host.broker()
    await crowd.check()  # as that user, from the first message on


async def talk_past(host: Host, crowd: Crowd, sockets: list[socket.socket]) -> None:
    """A few MiB, after which they have been cut off and all others still hear."""
    before = memory(host.running.process.pid)
    with trio.fail_after(20):
        while len(crowd.ledger.of(Outcome.OK)) < SENT:
            await trio.sleep(0.02)
    assert memory(host.running.process.pid) - before < GROWTH
    for sock in sockets:
        with trio.fail_after(10):
            assert await trio.to_thread.run_sync(drained, sock) < SENT * SIZE
    heard = len(crowd.ledger.heard)
    assert heard > SENT / 2  # by the listener who reads, on the same account
    with trio.fail_after(10):
        while len(crowd.ledger.heard) < heard + 50:
            await trio.sleep(0.02)
