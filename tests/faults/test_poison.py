"""F11: what a store cannot take. Most of it is stopped at the door; what comes from elsewhere is set aside in quarantine.

Neither keeps the rows behind it from being applied.
"""

from __future__ import annotations

from typing import Any

import apsw
import cbor2
import pytest
import trio

from tests.faults.test_versions import append, make
from tests.journeys.programs import Host
from tests.journeys.wire import framed_peer, json_peer

pytestmark = pytest.mark.F11
WIDE = 1 << 63
"""One more than SQLite's integers and PostgreSQL's go."""


def stored(host: Host, sql: str) -> Any:
    db = apsw.Connection(str(host.data / "parley.db"), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        return db.execute(sql).get
    finally:
        db.close()


async def applied(host: Host, sql: str, expected: object) -> None:
    with trio.fail_after(10):
        while stored(host, sql) != expected:
            await trio.sleep(0.02)


async def test_poison_on_the_wire_is_refused_or_kept_as_it_is_and_what_follows_is_applied(host: Host) -> None:
    host.broker()
    async with framed_peer(host.tcp_port) as tom:
        await tom.login("tom")
        conversation = (await tom.ok("conv.create", conv_type=3, to_client_ids=[]))["conv_id"]
        send = {"conv_id": conversation, "type": -1}
        texts = ["a\0b", "\U0010ffff\ufffe", "\u202eabc", "'; DROP TABLE messages; --"]
        for text in texts:
            await tom.ok("msg.send", **send, text=text)
        poison = [{"text": "x", "attr": {"n": WIDE}}, {"text": "x", "attr": 1e400}, {"text": "x" * 6000}]
        frames = [cbor2.dumps({"type": "msg.send", "id": 99, "data": {**send, **content}}) for content in poison]
        # Half a surrogate pair is no UTF-8, so no library writes it.
        half = cbor2.dumps({"type": "msg.send", "id": 99, "data": {**send, "text": "_"}}).replace(b"a_", b"c\xed\xa0\x80")
        for frame in [*frames, half]:
            await tom.stream.send_all(len(frame).to_bytes(4, "big") + frame)
            refused = await tom.take()  # a frame that cannot be decoded has no id to be answered by
            assert refused["type"].endswith("error"), refused
    async with json_peer(host.url) as tom:
        await tom.login("tom")
        await tom.ok("msg.send", **send, text="after")
        history = await tom.ok("msg.history", conv_id=conversation, limit=100)
        assert [message["text"] for message in history["messages"]] == [*texts, "after"]
    await applied(host, "SELECT count(*) FROM messages", len(texts) + 1)
    assert stored(host, "SELECT count(*) FROM quarantine") == 0


async def test_a_row_the_store_refuses_is_set_aside_and_what_follows_is_applied(host: Host) -> None:
    """It stands in a journal of which nobody knows who wrote it; it is told, served from where it lies, and stays there."""
    make(host.data)
    append(host.data, ["666666", "users", ["before"], ["before", 1]], ["666666", "users", ["wide"], ["wide", WIDE]])
    append(host.data, ["666666", "users", ["after"], ["after", 1]])
    for _ in range(2):
        host.broker()
        await applied(host, "SELECT count(*) FROM users WHERE id IN ('before', 'after')", 2)
        assert stored(host, "SELECT count(*) FROM users WHERE id = 'wide'") == 0
        assert stored(host, "SELECT count(*) FROM quarantine") == 1
        async with json_peer(host.url) as wide:
            await wide.login("wide")  # an account that exists; its creation date is all that is wrong with it
        host.kill()
    assert any("quarantine" in line and "ERROR" in line for program in host.programs for line in program.lines)
