"""Node and the published LeanCloud SDKs: fetching them, and running a scenario that uses them.

The law: the packages are what the registry serves under that very version, fetched once into the user's cache, never into
the tree. Where Node or the registry is missing the tests are skipped with the reason; with PARLEY_REQUIRE_NODE=1 they fail.
The counterpart is sdk.js: each line it prints is a JSON array of who, what and the details.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest

PACKAGE = "leancloud-realtime"
FOLDER = Path(__file__).parent
INSTALL_SECONDS = 40
RUN_SECONDS = 20
GET_NODE = "install Node 18 or newer with npm (apt-get install nodejs npm, or https://nodejs.org/)"


def missing(reason: str) -> None:
    if os.environ.get("PARLEY_REQUIRE_NODE") == "1":
        pytest.fail(f"PARLEY_REQUIRE_NODE is set, but {reason}", pytrace=False)
    pytest.skip(reason)


def modules(version: str) -> Path:
    """The node_modules with this SDK in it; skips the test that asks if they are not to be had."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        missing(f"node or npm is not on the PATH: {GET_NODE}")
    fetched = fetch(version)
    if isinstance(fetched, str):
        missing(fetched)
    assert isinstance(fetched, Path)
    return fetched


@functools.cache
def fetch(version: str) -> Path | str:
    """Or why it cannot be had; asked once a run, as a registry out of reach takes its time."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "parley-tests"
    place = cache / f"{PACKAGE}-{version}"
    if not place.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            said = install(version, folder)
            if said:
                return f"npm cannot install {PACKAGE}@{version}; the registry must be in reach once. It says: {said[-500:]}"
            try:
                Path(folder, "out").rename(place)
            except OSError:
                assert place.exists()  # another run was faster
    return place / "node_modules"


def install(version: str, folder: str) -> str:
    """What npm says if it fails."""
    place = Path(folder, "out")
    place.mkdir()
    flags = ["--no-audit", "--no-fund", "--ignore-scripts", "--save-exact"]
    command = ["npm", "install", *flags, "--prefix", str(place), f"{PACKAGE}@{version}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False, cwd=folder)
    except subprocess.TimeoutExpired:
        return f"nothing within {INSTALL_SECONDS} s"
    return "" if done.returncode == 0 else done.stderr or f"exit code {done.returncode}"


class Scenario:
    """A scenario that runs; what it prints is read as it is asked for."""

    def __init__(self, sdk: Path, name: str, *arguments: str) -> None:
        self.lines: list[list[Any]] = []
        self._errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            ["node", str(FOLDER / f"{name}.js"), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env={**os.environ, "NODE_PATH": str(sdk)},
        )
        self._deadline = threading.Timer(RUN_SECONDS, self.process.kill)
        self._deadline.start()

    def _next(self) -> list[Any] | None:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            return None
        self.lines.append(json.loads(line))
        return self.lines[-1]

    def wait(self, who: str, what: str) -> list[Any]:
        """The details of the next such line."""
        while (line := self._next()) is not None:
            if line[:2] == [who, what]:
                return line[2:]
        raise AssertionError(f"{who} has no {what} in: {self.lines}\n{self.errors()}")

    def tell(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def finish(self) -> Scenario:
        """To the end, which must be a good one."""
        while self._next() is not None:
            pass
        assert self.process.wait() == 0, f"{self.lines}\n{self.errors()}"
        return self

    def of(self, who: str) -> list[list[Any]]:
        """All that concerns one client, in its order."""
        return [line[1:] for line in self.lines if line[0] == who]

    def errors(self) -> str:
        self._errors.seek(0)
        return self._errors.read()

    def __enter__(self) -> Scenario:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self._deadline.cancel()
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self._errors):
            assert stream is not None
            stream.close()
