"""F25: the wall clock jumps, by an hour and by a day, in service and between two starts.

Nobody is disconnected, ids, times and seqs go on rising, and tokens are judged by the wall as it is.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import trio

from protocol.tokens import make_jwt
from tests.faults.shifted import VARIABLE
from tests.journeys.programs import APP, Host
from tests.journeys.wire import json_peer

pytestmark = pytest.mark.F25
HOUR = 3600
DAY = 24 * HOUR


@pytest.mark.parametrize(
    "jumps",
    [
        pytest.param((HOUR, -DAY), id="an hour, a day"),
        pytest.param((HOUR, 0, -HOUR, -DAY, DAY, 0) * 5, id="all of them", marks=pytest.mark.soak),
    ],
)
async def test_nobody_is_disconnected_and_ids_and_times_go_on_rising(
    host: Host, tmp_path: Path, jumps: tuple[int, ...]
) -> None:
    wall = tmp_path / "wall"
    wall.write_text("0")
    host.configure(sockets={"ping_seconds": 0.3, "pong_seconds": 3.0})
    host.broker("tests.faults.shifted", environ={VARIABLE: str(wall)})
    async with json_peer(host.url) as tom, json_peer(host.url) as ann:
        await ann.login("ann")
        await tom.login("tom")
        conversation = (await tom.ok("msg.send", to="ann", type=-1, text="before"))["conv_id"]
        heard = [await ann.push("msg.new")]
        for offset in jumps:
            change(wall, offset)
            await trio.sleep(0.5)  # longer than the silence after which a peer is asked for a sign of life
            await tom.ok("msg.send", conv_id=conversation, type=-1, text=f"{offset} s off")
            heard.append(await ann.push("msg.new"))
            token = make_jwt(APP["secret"], {"unique_name": "eve", "exp": int(time.time()) + offset + 60})
            async with json_peer(host.url) as eve:
                await eve.login("eve", token=token)
            expired = make_jwt(APP["secret"], {"unique_name": "eve", "exp": int(time.time()) + offset - 600})
            async with json_peer(host.url) as eve:
                assert await eve.refused("login", app_id="666666", client_id="eve", token=expired) // 1000 == 4
        history = (await ann.ok("msg.history", conv_id=conversation, limit=100))["messages"]
    assert [message["seq"] for message in history] == list(range(1, len(jumps) + 2))
    assert [message["text"] for message in heard] == [message["text"] for message in history]
    times = [message["ctime"] for message in history]
    assert times == sorted(times)
    assert times[-1] - times[0] < 60_000
    wall.write_text(str(-DAY))
    host.kill()
    refused = host.start("-m", "tests.faults.shifted", environ={VARIABLE: str(wall)})
    assert refused.wait() == 78
    assert "24.0 hours behind" in refused.lines[-1]
    host.broker("tests.faults.shifted", "--accept-clock", environ={VARIABLE: str(wall)})
    async with json_peer(host.url) as tom:
        await tom.login("tom")
        last = await tom.ok("msg.send", conv_id=conversation, type=-1, text="after")
        assert (last["seq"], last["time"] > times[-1]) == (len(jumps) + 2, True)


def change(file: Path, offset: int) -> None:
    """In one step, as a clock is set."""
    other = file.with_name("next")
    other.write_text(str(offset))
    other.rename(file)
