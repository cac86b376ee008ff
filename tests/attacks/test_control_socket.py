"""The control socket and the program behind it: strangers, nonsense, floods, and a death in the middle (F12, F13)."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest
import trio

from tests.attacks.strangers import GONE, descriptors, pulse, put, rest, stranger
from tests.journeys.programs import Host

NOBODY = 65_534
NONSENSE = [
    b"",
    b"\0\0",
    struct.pack(">I", 1000) + b"\x93\x01",
    struct.pack(">I", (1 << 32) - 1),
    struct.pack(">I", 3) + b"\xff\xff\xff",
    struct.pack(">I", 0) * 50,
    struct.pack(">I", 2) + b"\x91\x91",
    b"GET / HTTP/1.1\r\n\r\n",
]
CALL = b"GET /im/conversations?where=[] HTTP/1.1\r\nHost: x\r\napp-id: 666666\r\napp-key: master\r\n\r\n"
CALLERS, CALLS = 50, 20


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Where every user of the machine may look in."""
    folder = Path(tempfile.mkdtemp(prefix="parley-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@contextmanager
def as_nobody() -> Iterator[None]:
    """The whole process, so nothing is awaited inside."""
    groups, group = os.getgroups(), os.getegid()
    os.setgroups([])
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(group)
        os.setgroups(groups)


@pytest.mark.F13
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_another_uid_is_kept_out_by_the_file_and_by_the_broker(open_folder: Path) -> None:
    """F13: mode 0660 keeps it out; where somebody has opened the file, SO_PEERCRED does, and the log names the uid."""
    with Host(open_folder) as host:
        broker = host.broker()
        host.data.chmod(0o755)
        path = host.data / "control.sock"
        with socket.socket(socket.AF_UNIX) as sock, as_nobody(), pytest.raises(PermissionError):
            sock.connect(str(path))
        path.chmod(0o666)
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(5)
            with as_nobody():
                sock.connect(str(path))
            assert sock.recv(1) == b""
        broker.wait_line(f"control connection refused uid={NOBODY}")


@pytest.mark.F12
async def test_half_messages_and_nonsense_cost_their_connection(host: Host) -> None:
    """F12: half-written control messages, at once and many; the admin API beside them is served."""
    broker = host.broker()
    host.admin()
    path = str(host.data / "control.sock")
    async with pulse(host.url) as beats, httpx.AsyncClient(base_url=host.admin_url) as http:
        before = descriptors(broker.process.pid)
        for raw in NONSENSE * 5:
            async with await trio.open_unix_socket(path) as stream:
                await put(stream, raw)
        assert (await http.get("/-/ready")).status_code == 200
        with trio.fail_after(5):
            while descriptors(broker.process.pid) > before:
                await trio.sleep(0.02)
    beats.check()
    assert not [line for line in broker.lines if "Traceback" in line]


@pytest.mark.F12
async def test_the_admin_program_floods_dies_and_comes_back(host: Host) -> None:
    """F12: a thousand calls at once, kill -9 in the middle of them, and a new one on the same broker."""
    broker = host.broker()
    admin = host.admin()
    port = admin.doors["admin"]
    answers: list[int] = []
    answering = trio.Event()

    async def call() -> None:
        async with stranger(port) as stream:
            await put(stream, CALL * CALLS)
            with suppress(*GONE):
                first = await stream.receive_some()
                answering.set()
                answers.append((first + await rest(stream, 20)).count(b"HTTP/1.1 200"))

    async with pulse(host.url) as beats, trio.open_nursery() as nursery:
        for _ in range(CALLERS):
            nursery.start_soon(call)
        await answering.wait()
        admin.signal(signal.SIGKILL)
    beats.check()
    assert 0 < sum(answers) < CALLERS * CALLS  # it died in the middle
    host.admin()
    async with httpx.AsyncClient(base_url=host.admin_url) as http:
        headers = {"app-id": "666666", "app-key": "master"}
        assert (await http.get("/im/conversations", params={"where": "[]"}, headers=headers)).json()["code"] != 5031
    assert broker.process.poll() is None
