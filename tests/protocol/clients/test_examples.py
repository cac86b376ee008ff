"""The example of the README for Python runs as it stands, against a broker."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import partial
from pathlib import Path

import trio

from protocol.clients.trio import open_client
from tests.journeys.programs import APP, Host

README = Path(__file__).parents[3] / "README.md"


async def test_the_python_of_the_readme_runs_as_it_stands(tmp_path: Path) -> None:
    found = re.search(r"From Python, on Trio:\n\n```python\n(.*?)```", README.read_text(), re.DOTALL)
    assert found
    with Host(tmp_path, {**APP, "id": "demo"}) as host:
        host.broker()
        example = found[1].replace("ws://127.0.0.1:7700", host.url)
        assert example != found[1]
        async with open_client(host.url, app="demo", user="bob") as bob, trio.open_nursery() as nursery:
            command = [sys.executable, "-u", "-c", example]
            start = partial(trio.run_process, command, stdout=subprocess.PIPE, cwd=README.parent, check=False)
            running: trio.Process = await nursery.start(start)
            with trio.fail_after(30):
                async for push in bob:
                    if push["type"] == "msg.new":
                        break
                await bob.send(to="alice", text="hello alice")
                printed = b""
                assert running.stdout is not None
                while b"hello alice" not in printed:
                    printed += await running.stdout.receive_some()
            nursery.cancel_scope.cancel()
    assert (push["data"]["from_client"], push["data"]["text"]) == ("alice", "hello")
    assert b"'client.online'" in printed
