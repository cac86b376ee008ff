"""PostgreSQL as the store behind a broker, from the package index or from where it is installed.

The law: it belongs to the bench alone, on a Unix socket in a folder of its own, with the settings it comes with, so what it
commits is on disk. It runs on the generator's core, as it would on a machine of its own: what it uses is its own
figure and never the broker's.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import tempfile
from pathlib import Path

from bench.machine import TICKS, cores
from bench.servers import Broker, Server, ServerFailed, found, version

NOBODY = 65_534
"""initdb and postgres do not run as root."""
INIT = ("--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync", "-U", "postgres", "-D")


class Postgres(Server):
    """One with nothing in it but the database `postgres`."""

    listening = re.compile(rb'\.s\.PGSQL\.(\d+)"[\s\S]*ready to accept connections')
    stop_signal = signal.SIGINT  # the other one waits for its clients to leave

    def __init__(self) -> None:
        binary, init = found("postgres"), found("initdb")
        assert binary is not None, "postgres is not installed"
        assert init is not None, "initdb is not installed"
        # Not in the case's folder: nobody may look into that one, and a socket's path may be no longer than 107 bytes.
        self._folder = tempfile.TemporaryDirectory(prefix="parley-bench-postgres-")
        folder = Path(self._folder.name)
        user = None
        if os.geteuid() == 0:
            user = NOBODY
            os.chown(folder, NOBODY, NOBODY)
        data = folder / "data"
        try:
            subprocess.run([init, *INIT, str(data)], check=True, capture_output=True, cwd=folder, user=user)
        except subprocess.CalledProcessError as error:
            self._folder.cleanup()
            raise ServerFailed(f"initdb failed\n{error.stderr.decode(errors='replace')}") from None
        command = [binary, "-D", str(data), "-c", "listen_addresses=", "-c", f"unix_socket_directories={data}"]
        super().__init__(f"PostgreSQL {version(binary, '--version')}", command, folder, core=cores()[1], user=user)
        self.url = f"postgresql://postgres@/postgres?host={data}"

    @property
    def pids(self) -> tuple[int, ...]:
        pid = self._process.pid
        return (pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))

    def cpu_seconds(self) -> float:
        """Of its processes, those that have ended too."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return super().cpu_seconds() + (int(fields[13]) + int(fields[14])) / TICKS

    def stop(self) -> None:
        super().stop()
        self._folder.cleanup()


class PostgresBroker(Broker):
    """The broker of this tree with its messages in a PostgreSQL of its own."""

    def __init__(self, folder: Path, name: str = "Parley on PostgreSQL") -> None:
        self.database = Postgres()
        try:
            super().__init__(folder, name, store=self.database.url)
        except BaseException:
            self.database.stop()
            raise

    def stop(self) -> None:
        super().stop()
        self.database.stop()
