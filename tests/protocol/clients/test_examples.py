"""The examples of the README run as they stand, against a broker: Python's, and JavaScript's in Node. (In a browser:
tests/browser.)"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import trio

from protocol.clients.trio import open_client
from tests.journeys.programs import APP, Host

README = Path(__file__).parents[3] / "README.md"


@pytest.fixture
def node() -> str:
    """One that has a WebSocket."""
    program = shutil.which("node")
    if program is None:
        pytest.skip("needs Node 22 or newer: node is not on the PATH")
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if int(version[1:].split(".")[0]) < 22:
        pytest.skip(f"needs Node 22 or newer, for its WebSocket: this is {version}")
    return program


async def test_the_python_of_the_readme_runs_as_it_stands(tmp_path: Path) -> None:
    found = re.search(r"From Python, on Trio:\n\n```python\n(.*?)```", README.read_text(), re.DOTALL)
    assert found
    printed = await talked_to([sys.executable, "-u", "-c"], found[1], tmp_path)
    assert b"'client.online'" in printed


async def test_the_javascript_of_the_readme_runs_in_node_with_the_file_beside_it(node: str, tmp_path: Path) -> None:
    found = re.search(r"```js\n(import .*?)```", README.read_text(), re.DOTALL)
    assert found
    shutil.copy(README.parent / "protocol/clients/parley.js", tmp_path / "parley.mjs")
    example = found[1].replace("http://127.0.0.1:7780/-/parley.js", f"{tmp_path.as_uri()}/parley.mjs")
    printed = await talked_to([node, "--input-type=module", "--eval"], example, tmp_path)
    assert b"client.online" in printed


async def talked_to(interpreter: list[str], example: str, folder: Path) -> bytes:
    """What the example prints: alice, who greets bob, and whom bob answers."""
    with Host(folder, {**APP, "id": "demo"}) as host:
        host.broker()
        text = example.replace("ws://127.0.0.1:7700", host.url)
        assert text != example
        async with open_client(host.url, app="demo", user="bob") as bob, trio.open_nursery() as nursery:
            start = partial(trio.run_process, [*interpreter, text], stdout=subprocess.PIPE, cwd=README.parent, check=False)
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
    return printed
