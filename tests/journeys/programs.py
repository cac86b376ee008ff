"""Starting, stopping and killing the two programs, as an operator does: command lines, a settings file, signals.

Ports are the system's choice; the log says which.
"""

from __future__ import annotations

import contextlib
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

LISTENING = re.compile(r"listening (?:door=(\w+) )?address=(\S+?):(\d+)(?: |$)")
START_SECONDS = 30
STOP_SECONDS = 15
APP = {
    "id": "666666",
    "key": "master",
    "master_key": "the-master-key",
    "secret": "the-secret",
    "token_required": False,
    "sends_per_minute": 0,
    "history_per_minute": 0,
    "others_per_minute": 0,
    "requests_per_second": 0,
    "calls_per_minute": 0,
    "frames_per_second": 0,
}


def toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else '"' + str(value) + '"'


class Program:
    """A child process whose log lines are read as they come."""

    def __init__(
        self,
        *arguments: str,
        command: Sequence[str] = (sys.executable, "-u"),
        environ: Mapping[str, str] | None = None,
        descriptors: Sequence[int] = (),
    ) -> None:
        self.lines: list[str] = []
        self.doors: dict[str, int] = {}
        self._changed = threading.Condition()
        self.process = subprocess.Popen(
            [*command, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, **(environ or {})},
            pass_fds=descriptors,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._changed:
                self.lines.append(line.rstrip())
                found = LISTENING.search(line.rstrip())
                if found:
                    self.doors[found[1] or "admin"] = int(found[3])
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    def wait_line(self, part: str) -> str:
        """The first line with `part` in it, once it is there."""
        deadline = time.monotonic() + START_SECONDS
        with self._changed:
            while True:
                for line in self.lines:
                    if part in line:
                        return line
                left = deadline - time.monotonic()
                if left <= 0 or not self._reader.is_alive():
                    raise AssertionError(f"no line with {part!r} in:\n" + "\n".join(self.lines))
                self._changed.wait(left)

    def wait_door(self, name: str) -> int:
        self.wait_line(f"listening door={name} ")
        return self.doors[name]

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def wait(self) -> int:
        """The exit code."""
        code = self.process.wait(STOP_SECONDS)
        self._reader.join(STOP_SECONDS)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.wait()


class Host:
    """One data directory and the programs on it."""

    def __init__(self, folder: Path, *apps: dict[str, Any], **sections: dict[str, Any]) -> None:
        self.data = folder / "data"
        self.config = folder / "parley.toml"
        self.programs: list[Program] = []
        self.configure(*apps, **sections)

    def configure(self, *apps: dict[str, Any], **sections: dict[str, Any]) -> None:
        sections = {
            **sections,
            "sockets": {"listen": "127.0.0.1:0", "tcp_listen": "127.0.0.1:0", **sections.get("sockets", {})},
            "admin": {"listen": "127.0.0.1:0", **sections.get("admin", {})},
        }
        lines = []
        for name, values in sections.items():
            lines += [f"[{name}]", *(f"{key} = {toml(value)}" for key, value in values.items())]
        for app in apps or (APP,):
            lines += ["[[app]]", *(f"{key} = {toml(value)}" for key, value in app.items())]
        self.config.write_text("\n".join(lines) + "\n")

    def start(self, *arguments: str, **how: Any) -> Program:
        program = Program(*arguments, "--config", str(self.config), "--data", str(self.data), **how)
        self.programs.append(program)
        return program

    def broker(self, module: str = "broker", *options: str, **how: Any) -> Program:
        """A broker that is accepting. `how`: as of `start`."""
        self.running = self.start("-m", module, *options, **how)
        self.port = self.running.wait_door("websocket")
        self.tcp_port = self.running.wait_door("tcp")
        self.running.wait_line("listening door=control ")
        self.url = f"ws://127.0.0.1:{self.port}"
        return self.running

    def admin(self, **how: Any) -> Program:
        """An admin API that is accepting."""
        self.admin_program = self.start("-m", "adminapi", **how)
        self.admin_program.wait_line("adminapi listening address=")
        self.admin_url = f"http://127.0.0.1:{self.admin_program.doors['admin']}"
        self.admin_program.wait_line("broker there")
        return self.admin_program

    def kill(self) -> None:
        """kill -9 the broker."""
        self.running.signal(signal.SIGKILL)
        self.running.wait()

    def stop(self) -> int:
        self.running.signal(signal.SIGTERM)
        return self.running.wait()

    def __enter__(self) -> Host:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        for program in self.programs:
            program.end()
        if value is not None:
            for program in self.programs:
                print("--- log of", program.process.args, *program.lines[-40:], sep="\n")


def free_port() -> int:
    """A port for a program that will be started again on it. Not one that the system gives to outgoing connections and to
    port 0, which others could be given in between."""
    while True:
        port = random.randrange(12_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class Up:
    """`parley up` on a directory of its own, with what it printed."""

    def __init__(self, folder: Path, **environ: str) -> None:
        self.environ = {
            **environ,
            "PARLEY_SOCKETS_LISTEN": f"127.0.0.1:{free_port()}",
            "PARLEY_ADMIN_LISTEN": f"127.0.0.1:{free_port()}",
        }
        self.data = folder / "parley-data"
        self.start()

    def start(self) -> None:
        self.program = Program("-m", "adminapi.cli", "up", "--data", str(self.data), environ=self.environ)
        self.program.wait_line("Ctrl-C stops both.")
        self.lines = [line.strip() for line in self.program.lines]

    def printed(self, pattern: str) -> list[str]:
        return [line for line in self.lines if re.search(pattern, line)]

    @property
    def url(self) -> str:
        return "ws://" + self.environ["PARLEY_SOCKETS_LISTEN"]

    @property
    def admin_url(self) -> str:
        return "http://" + self.environ["PARLEY_ADMIN_LISTEN"]

    def value(self, name: str) -> str:
        """Of the demo app, as printed: key, master_key or secret."""
        return self.printed(rf"^{name} ")[0].split()[1]

    def stop(self) -> int:
        if self.program.process.poll() is None:
            self.program.signal(signal.SIGINT)
        return self.program.wait()

    def children(self) -> dict[str, int]:
        pid = self.program.process.pid
        found = {}
        tasks = Path(f"/proc/{pid}/task").iterdir()
        for child in " ".join((task / "children").read_text() for task in tasks).split():
            command = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
            found[command[command.index(b"-m") + 1].decode()] = int(child)
        return found
