"""A program that uses a vendor's SDK and says what it is told: each line it prints is a JSON array of who, what and the
details. The law: it is read as it is asked for, and it ends within its time, well or with its errors shown."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import threading
from types import TracebackType
from typing import Any, Self

RUN_SECONDS = 20


class Running:
    """A scenario that runs; what it prints is read as it is asked for."""

    def __init__(self, command: list[str], environ: dict[str, str]) -> None:
        self.lines: list[list[Any]] = []
        self._errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env={**os.environ, **environ},
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

    def finish(self) -> Self:
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

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self._deadline.cancel()
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self._errors):
            assert stream is not None
            stream.close()
