"""5,000 idle logged-in sessions cost the broker at most 8 KiB each (DESIGN 8)."""

from __future__ import annotations

import resource
import socket
import time

import orjson
import pytest

from tests.journeys.programs import Host
from tests.journeys.test_bad_input import UPGRADE, resident

SESSIONS = 5_000
WARM = 300
DESCRIPTORS = SESSIONS + WARM + 400


def frame(payload: bytes) -> bytes:
    """A masked text frame of up to 125 bytes; the mask is zero."""
    assert len(payload) < 126
    return bytes((0x81, 0x80 | len(payload))) + b"\0\0\0\0" + payload


def open_session(port: int, number: int) -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", port), timeout=10)
    login = orjson.dumps({"type": "login", "data": {"app_id": "666666", "client_id": f"u{number}", "device_id": "d"}})
    sock.sendall(UPGRADE + frame(login))
    answer = b""
    while b"login.success" not in answer:
        chunk = sock.recv(4096)
        assert chunk, answer
        answer += chunk
    return sock


def test_five_thousand_idle_sessions(host: Host) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < DESCRIPTORS:
        pytest.skip(f"needs {DESCRIPTORS} descriptors, the hard limit here is {hard}: ulimit -Hn {DESCRIPTORS}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, DESCRIPTORS), hard))
    sockets: list[socket.socket] = []
    try:
        pid = host.broker().process.pid
        sockets += [open_session(host.port, number) for number in range(WARM)]
        before = resident(pid)
        sockets += [open_session(host.port, WARM + number) for number in range(SESSIONS)]
        settled = resident(pid)
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline and settled != (settled := resident(pid)):
            time.sleep(0.2)
        assert (settled - before) / SESSIONS <= 8.0
    finally:
        for sock in sockets:
            sock.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
