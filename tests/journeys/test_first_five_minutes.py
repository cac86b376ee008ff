"""What a newcomer does: `parley up`, the three printed lines pasted literally, a third login, kill -9, and history."""

from __future__ import annotations

import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import httpx
import pytest

from tests.journeys.programs import Program, Up, free_port
from tests.journeys.wire import json_peer

ROOT = Path(__file__).parents[2]
needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl: apt-get install curl")


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    up = Up(tmp_path)
    yield up
    up.stop()


class Terminal:
    """A pasted line, and what it prints."""

    def __init__(self, line: str) -> None:
        self.process = subprocess.Popen(
            ["sh", "-c", "exec " + line],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            bufsize=1,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        self.lines: queue.Queue[str | None] = queue.Queue()
        assert self.process.stdout is not None
        self.reader = threading.Thread(target=self._read, args=(self.process.stdout,))
        self.reader.start()

    def _read(self, stream: IO[str]) -> None:
        for line in stream:
            self.lines.put(line.rstrip())
        self.lines.put(None)

    def type(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")

    def wait_for(self, part: str) -> str:
        seen: list[str] = []
        while True:
            line = self.lines.get(timeout=20)
            assert line is not None, f"ended without {part!r}: {seen}"
            seen.append(line)
            if part in line:
                return line

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.reader.join()
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            stream.close()


@contextmanager
def terminal(line: str) -> Iterator[Terminal]:
    opened = Terminal(line)
    try:
        yield opened
    finally:
        opened.close()


@needs_curl
def test_the_three_printed_lines_work_as_they_are(up: Up) -> None:
    alice_line, bob_line = up.printed(r"clients\.chat")
    (curl_line,) = up.printed(r"^curl ")
    with terminal(alice_line) as alice, terminal(bob_line) as bob:
        alice.wait_for("alice")
        bob.wait_for("bob")
        alice.type("good morning")
        bob.wait_for("alice: good morning")
        bob.type("good morning to you")
        alice.wait_for("bob: good morning to you")
        answer = subprocess.run(["sh", "-c", curl_line], capture_output=True, text=True, check=True, timeout=20)
        assert '"code":0' in answer.stdout
        bob.wait_for("alice: hello bob")
        with terminal(bob_line) as again:
            bob.wait_for("logged in again")
            assert bob.process.wait(10) == 3
            alice.type("still there?")
            again.wait_for("alice: still there?")


@needs_curl
async def test_what_was_said_is_there_after_kill_9(up: Up) -> None:
    (curl_line,) = up.printed(r"^curl ")
    subprocess.run(["sh", "-c", curl_line], capture_output=True, check=True, timeout=20)
    os.kill(up.children()["broker"], signal.SIGKILL)
    assert up.program.wait() != 0
    assert any("broker ended by signal 9" in line for line in up.program.lines)
    up.start()
    assert [line for line in up.lines if line.startswith("curl ")] == [curl_line]
    (bob_line,) = up.printed(r"demo bob --to alice")
    with terminal(bob_line) as bob_again:
        bob_again.wait_for("alice: hello bob")
    async with json_peer(up.url) as bob:
        await bob.login("bob", app="demo")
        (state,) = (await bob.ok("sync"))["conversations"]
        page = await bob.ok("msg.history", conv_id=state["conv_id"])
        assert [message["text"] for message in page["messages"]] == ["hello bob"]


def test_ctrl_c_stops_everything_within_two_seconds(up: Up) -> None:
    children = up.children()
    assert set(children) == {"broker", "adminapi"}
    began = time.monotonic()
    up.program.signal(signal.SIGINT)
    assert up.program.wait() == 0
    assert time.monotonic() - began < 2.0
    assert not any(Path(f"/proc/{pid}").exists() for pid in children.values())
    assert not any("Traceback" in line for line in up.program.lines)


def test_a_taken_port_is_named(tmp_path: Path, up: Up) -> None:
    second = Program("-m", "adminapi.cli", "up", "--data", str(tmp_path / "other"), environ=up.environ)
    assert second.wait() != 0
    assert up.environ["PARLEY_SOCKETS_LISTEN"] in second.lines[-1]
    assert len(second.lines) == 1


def test_a_data_directory_in_use_is_named(up: Up) -> None:
    ports = {"PARLEY_SOCKETS_LISTEN": f"127.0.0.1:{free_port()}", "PARLEY_ADMIN_LISTEN": f"127.0.0.1:{free_port()}"}
    second = Program("-m", "adminapi.cli", "up", "--data", str(up.data), environ=ports)
    assert second.wait() == 78
    assert len(second.lines) == 1
    assert str(up.data) in second.lines[0]


def test_the_first_line_is_the_page_to_try_and_the_second_opens_the_console(up: Up) -> None:
    first, second = [line for line in up.lines if re.match(r"(try it|console) ", line)]
    assert first == f"try it   {up.admin_url}/-/try/"
    assert up.lines.index(first) < up.lines.index(second) < up.lines.index(f"sockets  {up.url}")
    answer = httpx.get(first.split()[-1])
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    found = re.fullmatch(r"console  (\S+)   \(sign in as demo, password (\S+)\)", second)
    assert found
    assert httpx.get(found[1]).status_code == 200
    signed_in = httpx.post(f"{up.admin_url}/-/api/sign-in", json={"name": "demo", "password": found[2]})
    assert (signed_in.status_code, signed_in.json()["role"]) == (200, "admin")
    up.stop()
    up.start()
    again = f"for a new password: parley operator password demo --data {up.data}"
    assert up.printed("^console ") == [f"console  {up.admin_url}/-/console/   (sign in as demo; {again})"]
    command = [sys.executable, "-m", "adminapi.cli", *again.partition("parley ")[2].split()]
    subprocess.run(command, input="another password", text=True, check=True, capture_output=True)
    signed_in = httpx.post(f"{up.admin_url}/-/api/sign-in", json={"name": "demo", "password": "another password"})
    assert signed_in.status_code == 200
