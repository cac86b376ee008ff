"""Backup and restore as an operator does them: while people talk, into a file, and from it into a new directory; and what
`parley doctor` says of a row a store refused."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import trio

from tests.journeys.programs import Host
from tests.journeys.wire import Peer, json_peer


def parley(host: Host, *arguments: str) -> tuple[int, str]:
    """One command line; exit code and what was printed."""
    command = [sys.executable, "-m", "adminapi.cli", *arguments, "--config", str(host.config), "--data", str(host.data)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=50)
    return done.returncode, done.stdout + done.stderr


async def history(peer: Peer, conversation: str) -> list[tuple[Any, ...]]:
    """All of it, as the client sees it."""
    rows: list[tuple[Any, ...]] = []
    more = True
    while more:
        last = rows[-1][0] if rows else 0
        page = await peer.ok("msg.history", conv_id=conversation, after=last, limit=100)
        rows += [(row["seq"], row["msg_id"], row["from_client"], row["text"]) for row in page["messages"]]
        more = page["more"]
    return rows


async def talk(peer: Peer, conversation: str, said: list[int], stop: trio.Event) -> None:
    """Say something until told to stop; `said` has the seqs that were acknowledged."""
    while not stop.is_set():
        said.append((await peer.ok("msg.send", conv_id=conversation, type=-1, text=f"message {len(said)}"))["seq"])


async def test_a_restored_broker_is_what_was_backed_up(host: Host, tmp_path: Path) -> None:
    host.broker()
    said: list[int] = []
    stop = trio.Event()
    async with json_peer(host.url) as tom, trio.open_nursery() as nursery:
        await tom.login("tom")
        made = await tom.ok("conv.create", conv_type=3, to_client_ids=[], conv_extend={"name": "team"})
        conversation = made["conv_id"]
        nursery.start_soon(talk, tom, conversation, said, stop)
        while len(said) < 200:
            await trio.sleep(0.01)
        before = len(said)
        code, words = await trio.to_thread.run_sync(parley, host, "backup", str(tmp_path / "saved"))
        assert (code, "everything up to commit" in words) == (0, True), words
        while len(said) < before + 50:
            await trio.sleep(0.01)
        stop.set()
    async with json_peer(host.url) as tom:
        await tom.login("tom", device_id="other")
        cursor = (await tom.ok("sync"))["cursor"]
        original = await history(tom, conversation)
    assert [row[0] for row in original] == said
    assert parley(host, "backup", str(tmp_path / "saved"))[0] == 1  # it replaces nothing
    assert "another broker" in parley(host, "restore", str(tmp_path / "saved"))[1]
    host.kill()
    code, words = parley(host, "restore", str(tmp_path / "saved"))
    assert (code, "not empty" in words) == (78, True), words
    shutil.rmtree(host.data)
    code, words = parley(host, "restore", str(tmp_path / "saved"))
    assert (code, "restored" in words) == (0, True), words
    host.broker()
    async with json_peer(host.url) as tom:
        await tom.login("tom")
        restored = await history(tom, conversation)
        assert len(restored) >= before
        assert restored == original[: len(restored)]
        assert (await tom.ok("conv.get", conv_id=conversation))["conv_extend"] == made["conv_extend"]
        assert (await tom.ok("sync", cursor=cursor))["reset"] is True  # its commit numbers are given again
        assert (await tom.ok("msg.send", conv_id=conversation, type=-1, text="on"))["seq"] == len(restored) + 1


async def test_sends_in_memory_reach_the_watermark_and_survive(host: Host) -> None:
    host.configure(admin={"operator_token": "the-operator"}, store={"write_seconds": 0.01})
    host.broker()
    host.admin()
    async with json_peer(host.url) as tom, httpx.AsyncClient(base_url=host.admin_url) as http:
        await tom.login("tom")
        conversation = (await tom.ok("conv.create", conv_type=3, to_client_ids=[]))["conv_id"]
        for seq in range(1, 51):
            sent = await tom.ok("msg.send", conv_id=conversation, type=-1, text="quick", durability="memory")
            assert (sent["seq"], sent["durability"]) == (seq, "memory")
        assert "durability" not in await tom.ok("msg.send", conv_id=conversation, type=-1, text="kept")
        headers = {"authorization": "Bearer the-operator"}
        with trio.fail_after(10):
            while True:
                mark = (await http.get("/-/api/watermark", headers=headers)).json()
                (target,) = mark["targets"]
                if target["applied"] == mark["accepted"]:
                    break
                await trio.sleep(0.02)
        assert mark["accepted"] == mark["durable"] >= 3
        assert (target["target"], mark["oldest_unapplied_ms"]) == ("sqlite", 0)
    host.kill()
    host.broker()
    async with json_peer(host.url) as tom:
        await tom.login("tom")
        assert [row[0] for row in await history(tom, conversation)] == list(range(1, 52))


async def test_the_doctor_lists_rows_a_store_refused_running_and_stopped(host: Host) -> None:
    host.broker()
    async with json_peer(host.url) as tom:
        await tom.login("tom")
    host.running.signal(15)
    assert host.running.wait() == 0
    db = sqlite3.connect(host.data / "parley.db")
    at_ms = int((time.time() - 3 * 3600) * 1000)
    row = ("666666", "users", b'["odd"]', b'["odd",1]', "OverflowError: too large", at_ms)
    db.execute("INSERT INTO quarantine VALUES (?, ?, ?, ?, ?, ?)", row)
    db.commit()
    db.close()
    line = 'FAULT  quarantine: sqlite, app 666666, table users, key ["odd"], for 3 h: OverflowError: too large'
    code, words = await trio.to_thread.run_sync(parley, host, "doctor")
    assert (code, line in words.splitlines(), "ok     journal: sound" in words) == (1, True, True), words
    host.broker()
    code, words = await trio.to_thread.run_sync(parley, host, "doctor")
    assert (code, line in words.splitlines(), "FAULT  quarantine: 1 rows" in words) == (1, True, True), words
    async with json_peer(host.url) as odd:  # which is served all the same
        await odd.login("odd")
        assert (await odd.ok("user.get"))["ctime"] == 1
