"""F8: the data directory is moved away, its journal is removed, or it belongs to somebody else.

Nothing may be acknowledged that the next start would not find.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import trio

from tests.faults.crowd import Crowd
from tests.faults.ledger import Outcome
from tests.journeys.programs import Host
from tests.journeys.wire import json_peer

pytestmark = pytest.mark.F8


async def watch(host: Host, part: str) -> None:
    with trio.fail_after(10):
        while not any(part in line for line in host.running.lines):
            await trio.sleep(0.02)


@pytest.mark.parametrize(
    "name",
    [pytest.param(".", id="the directory", marks=pytest.mark.soak), pytest.param("journal", id="its journal")],
)
async def test_what_is_moved_away_in_service_is_noticed_and_what_is_put_back_goes_on(host: Host, name: str) -> None:
    host.broker()
    crowd = Crowd(host, senders=2, burst=1)
    await crowd.gather()
    away = host.data.with_name("away")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(crowd.talk_until_lost)
        await trio.sleep(0.1)
        moved = (host.data / name).resolve()
        moved.rename(away)
        await watch(host, "disk room=False")
        async with json_peer(host.url) as tom:
            await tom.login("listener", device_id="x")
            assert await tom.refused("msg.send", conv_id=crowd.conversations[0], type=-1, text="no") == 5030
            await tom.ok("msg.send", conv_id=crowd.conversations[0], type=-1, text="typing", transient=1)
        away.rename(moved)
        await watch(host, "disk room=True")
        before = len(crowd.ledger.of(Outcome.OK))
        with trio.fail_after(10):
            while len(crowd.ledger.of(Outcome.OK)) == before:
                await trio.sleep(0.02)
        host.kill()
    host.broker()
    await crowd.check_store(await crowd.check())


async def test_a_journal_that_is_removed_in_service_loses_nothing_that_was_acknowledged(host: Host) -> None:
    """It is written without a name until that is noticed; meanwhile, and then, the store takes it all."""
    host.broker()
    crowd = Crowd(host, senders=2, burst=1)
    await crowd.gather()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(crowd.talk_until_lost)
        await trio.sleep(0.1)
        shutil.rmtree(host.data / "journal")
        await watch(host, "disk room=False")
        await trio.sleep(0.5)  # more than the writer's pause
        host.kill()
    host.broker()
    await crowd.check_store(await crowd.check())


def test_a_directory_that_may_not_be_written_is_refused_in_words(host: Host, tmp_path: Path) -> None:
    """Root may write everywhere, and so gives that right up first."""
    command = [sys.executable, "-u"]
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("setpriv is not installed (apt-get install util-linux), and root may write everywhere")
        without = "-dac_override,-dac_read_search"
        command = ["setpriv", f"--bounding-set={without}", f"--inh-caps={without}", *command]
    host.broker()
    assert host.stop() == 0
    for path in (host.data / "journal", host.data):
        path.chmod(0o500)
        refused = host.start("-m", "broker", command=command)
        assert refused.wait() == 78
        assert str(host.data) in refused.lines[-1]
        assert not any("Traceback" in line for line in refused.lines)
        path.chmod(0o700)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, who alone can work as another")
def test_root_works_on_a_directory_as_its_owner(tmp_path: Path) -> None:
    """F8: what `parley doctor` makes while the service is stopped must not lock the service out."""
    data = tmp_path / "data"
    data.mkdir()
    os.chown(data, 65534, 65534)
    script = (
        "import os, sys, pathlib; from broker.__main__ import become_owner\n"
        "become_owner(pathlib.Path(sys.argv[1])); print(os.geteuid(), os.getegid(), os.getgroups())"
    )
    done = subprocess.run([sys.executable, "-c", script, str(data)], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "65534 65534 []"
