"""The Autobahn|Testsuite against the broker's WebSocket: `make conformance`; with `--record`, what it said is kept.

Cases 1 to 7, 9 and 10; a failed one is exit code 1. The suite runs on Python 2.7 only: $PYTHON27 names one, else
`python2.7` or pyenv's is taken, and the suite is installed for it from the package index, once. Without it nothing is run
and the exit code is 2; `tests/conformance/test_recorded.py` then still holds us to what passed before.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import trio

from tests.conformance.cases import FILE, Case, write_cases
from tests.conformance.echo import echoing

SUITE = "autobahntestsuite==25.10.1"
HOME = Path(sys.prefix) / "autobahn"
CASES = ["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "9.*", "10.*"]
AGENT = "parley"
MOST_BYTES = 5_000
"""Of a recorded case, either way: larger ones say nothing new about the rules."""
START = """
import site, sys
site.addsitedir(sys.argv[1])
from autobahntestsuite.wstest import run
sys.argv = ["wstest", "-m", "fuzzingclient", "-s", sys.argv[2]]
run()
"""


def python27() -> str | None:
    kept = sorted((Path.home() / ".pyenv" / "versions").glob("2.7*/bin/python"))
    for found in (os.environ.get("PYTHON27"), *map(str, kept), shutil.which("python2.7")):
        if found and subprocess.run([found, "--version"], capture_output=True, check=False).returncode == 0:
            return found
    return None


def install(python: str) -> None:
    if not (HOME / "autobahntestsuite").exists():
        print(f"installing {SUITE} into {HOME}")
        HOME.mkdir(exist_ok=True)
        command = [python, "-m", "pip", "install", "--quiet", "--target", str(HOME), SUITE]
        subprocess.run(command, check=True, cwd=HOME)  # from here it would take us for one of its own packages


class Recorder:
    """Stands between the suite and us, and keeps what both said, a connection a case."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.said: list[tuple[bytearray, bytearray]] = []

    async def serve(self, client: trio.SocketStream) -> None:
        asked, answered = bytearray(), bytearray()
        self.said.append((asked, answered))
        async with await trio.open_tcp_stream("127.0.0.1", self._port) as server:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(pass_on, client, server, asked)
                nursery.start_soon(pass_on, server, client, answered)


async def pass_on(source: trio.SocketStream, target: trio.SocketStream, kept: bytearray) -> None:
    try:
        async for data in source:
            kept += data
            await target.send_all(data)
        await target.send_eof()
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        await target.aclose()  # an end without words is the case's outcome, not this program's


async def run(python: str, record: bool) -> int:
    with TemporaryDirectory() as folder:
        async with echoing() as port, trio.open_nursery() as nursery:
            recorder = Recorder(port)
            if record:
                listeners = await nursery.start(partial(trio.serve_tcp, recorder.serve, 0, host="127.0.0.1"))
                port = listeners[0].socket.getsockname()[1]
            spec = {
                "outdir": folder,
                "servers": [{"agent": AGENT, "url": f"ws://127.0.0.1:{port}"}],
                "cases": CASES,
                "exclude-cases": [],
                "exclude-agent-cases": {},
            }
            await trio.Path(folder, "spec.json").write_text(json.dumps(spec))
            command = [python, "-c", START, str(HOME), f"{folder}/spec.json"]
            done = await trio.run_process(command, capture_stdout=True, capture_stderr=True, check=False)
            nursery.cancel_scope.cancel()
        if done.returncode:
            print(done.stderr.decode(errors="replace"), file=sys.stderr)
            return 1
        outcomes = json.loads(await trio.Path(folder, "index.json").read_text())[AGENT]
    failed = report(outcomes)
    if record and not failed:
        names = sorted(outcomes, key=lambda name: [int(part) for part in name.split(".")])
        assert len(names) == len(recorder.said), "a connection a case"
        cases = [
            Case(name, bytes(asked), bytes(answered)) for name, (asked, answered) in zip(names, recorder.said, strict=True)
        ]
        write_cases([case for case in cases if max(len(case.asked), len(case.answered)) <= MOST_BYTES])
        print(f"recorded in {FILE}")
    return 1 if failed else 0


def report(outcomes: dict[str, dict[str, str]]) -> list[str]:
    """Print what came out; the cases that failed."""
    failed = [name for name, each in outcomes.items() if "FAILED" in (each["behavior"], each["behaviorClose"])]
    counts = Counter(each["behavior"] for each in outcomes.values())
    print(f"{len(outcomes)} cases:", ", ".join(f"{count} {word}" for word, count in counts.most_common()))
    for name, each in outcomes.items():
        if each["behavior"] != "OK":
            print(f"  {name}: {each['behavior']}, close {each['behaviorClose']}")
    return failed


def main() -> int:
    python = python27()
    if python is None:
        print("There is no Python 2.7 here, which the suite needs; name one with PYTHON27=...", file=sys.stderr)
        return 2
    install(python)
    return trio.run(run, python, "--record" in sys.argv)


if __name__ == "__main__":
    sys.exit(main())
