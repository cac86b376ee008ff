"""How the broker ends: signals twice, a damaged journal, `parley doctor`, and what clients are told after a cut."""

from __future__ import annotations

import signal
from pathlib import Path

import httpx
import pytest

from tests.journeys.programs import Host
from tests.journeys.wire import json_peer


def test_more_signals_while_it_stops_change_nothing(host: Host) -> None:
    for numbers in ((signal.SIGINT, signal.SIGINT), (signal.SIGTERM, signal.SIGTERM), (signal.SIGTERM, signal.SIGHUP)):
        broker = host.broker()
        for number in numbers:
            broker.signal(number)
        assert broker.wait() == 0
        assert not (host.data / "control.sock").exists()
        assert not any("Traceback" in line for line in broker.lines)


def test_a_hang_up_ends_neither_program_and_the_broker_reads_its_apps_again(host: Host) -> None:
    broker, admin = host.broker(), host.admin()
    for program in (admin, broker):
        program.signal(signal.SIGHUP)
    broker.wait_line("settings reloaded")
    with httpx.Client(base_url=host.admin_url, timeout=10) as http:
        assert http.get("/-/ready").status_code == 200
    for program in (admin, broker):
        program.signal(signal.SIGTERM)
        assert program.wait() == 0


@pytest.mark.F4
async def test_a_damaged_journal_is_refused_in_words_and_cut_only_when_asked(host: Host) -> None:
    host.configure(store={"write_seconds": 60.0})  # so everything stays in the journal
    host.broker()
    async with json_peer(host.url) as tom:
        await tom.login("tom")
        conversation = (await tom.ok("conv.create", conv_type=3, to_client_ids=[]))["conv_id"]
        for n in range(20):
            await tom.ok("msg.send", conv_id=conversation, type=-1, text=f"message {n:02}")
        cursor = (await tom.ok("sync"))["cursor"]
    host.kill()
    code, words = check(host)
    assert code == 0
    behind = int(words.split(" commits behind")[0].rpartition(" ")[2])
    assert behind >= 4  # else the store has what is damaged below
    victim = 20 - behind // 2
    (segment,) = (host.data / "journal").iterdir()
    flip(segment, f"message {victim:02}".encode())
    refused = host.start("-m", "broker")
    assert refused.wait() == 78
    assert "commit" in refused.lines[-1]
    assert "doctor" in refused.lines[-1]
    assert check(host)[0] == 78
    code, words = check(host, "--cut")
    assert (code, "cut" in words) == (0, True)
    host.broker()
    async with json_peer(host.url) as tom:
        await tom.login("tom")
        told = await tom.ok("sync", cursor=cursor)
        assert told["reset"] is True
        page = await tom.ok("msg.history", conv_id=conversation, limit=100)
        assert [message["text"] for message in page["messages"]] == [f"message {n:02}" for n in range(victim)]


def check(host: Host, *more: str) -> tuple[int, str]:
    program = host.start("-m", "broker", "--check", *more)
    return program.wait(), program.lines[-1]


def flip(path: Path, part: bytes) -> None:
    """One bit, in the first record that holds `part`."""
    data = path.read_bytes()
    place = data.index(part)
    path.write_bytes(data[:place] + bytes((data[place] ^ 1,)) + data[place + 1 :])
