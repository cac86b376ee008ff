"""F38: nobody reads the log any more, or its disk is full; both programs go on and end as asked."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from adminapi.cli.errands import asked
from adminapi.settings import load
from protocol.commands import Stats, StatsReport
from protocol.errors import Refused
from tests.journeys.programs import Host

pytestmark = pytest.mark.F38
SECONDS = 15


@pytest.fixture(params=["stopped", "full"])
def log(request: pytest.FixtureRequest) -> Iterator[int]:
    """A descriptor that takes nothing: a pipe filled to its last byte, a device without room."""
    if request.param == "full":
        descriptor = os.open("/dev/full", os.O_WRONLY)
        yield descriptor
        os.close(descriptor)
        return
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    try:
        while True:
            os.write(writer, b"x" * 512)
    except BlockingIOError:
        os.set_blocking(writer, True)
    yield writer
    os.close(reader)
    os.close(writer)


@contextmanager
def started(host: Host, module: str, log: int) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", module, "--config", str(host.config), "--data", str(host.data)]
    program = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        yield program
    finally:
        program.kill()
        program.wait()


def figures(host: Host) -> dict[str, float]:
    """Of the broker, once it answers."""
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            report = asked(load(str(host.config), str(host.data)), Stats())
        except Refused:
            assert time.monotonic() < deadline, "the broker waits for the reader of its log"
        else:
            assert isinstance(report, StatsReport)
            return report.counters


def test_programs_whose_log_takes_nothing_serve_and_end_as_asked(host: Host, log: int) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{free.getsockname()[1]}"  # no line tells which one the system chose
    host.configure(admin={"listen": place})
    with started(host, "broker", log) as broker, started(host, "adminapi", log) as admin:
        assert figures(host)["log_lines_dropped_total"] >= 0
        url, deadline = f"http://{place}", time.monotonic() + SECONDS
        while True:
            try:
                if httpx.get(f"{url}/-/ready").status_code == 200:
                    break
            except httpx.TransportError:
                pass
            assert time.monotonic() < deadline, "the admin API waits for the reader of its log"
        for program in (admin, broker):
            program.send_signal(signal.SIGTERM)
            assert program.wait(SECONDS) == 0


def test_last_words_wait_for_nobody(tmp_path: Path, log: int) -> None:
    """Of a broker that cannot start."""
    host = Host(tmp_path)
    host.data.write_text("not a directory")
    with started(host, "broker", log) as broker:
        assert broker.wait(SECONDS) == 78
