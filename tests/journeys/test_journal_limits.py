"""A journal that the store does not take is full at a limit: what would be durable is refused, and it ends by itself."""

from __future__ import annotations

import pytest
import trio

from tests.journeys.programs import Host
from tests.journeys.wire import json_peer

MIB = 1 << 20


@pytest.mark.parametrize("limit", [{"journal_bytes": MIB}, {"journal_seconds": 1.5}], ids=["bytes", "age"])
async def test_a_journal_the_store_does_not_take_is_full_and_empties(host: Host, limit: dict[str, float]) -> None:
    """In bytes, or by the age of its oldest row. The store gathers for seconds here; either is met long before it writes."""
    host.configure(
        store={"journal_bytes": 64 * MIB, **limit, "segment_bytes": MIB // 16, "write_seconds": 6.0, "free_bytes": 0}
    )
    host.broker()
    seqs: list[int] = []
    refused, accepted = 0, False
    async with json_peer(host.url) as tom:
        await tom.login("tom")
        conversation = (await tom.ok("conv.create", conv_type=3, to_client_ids=[]))["conv_id"]
        with trio.fail_after(30):
            while not (refused and seqs[-1] == len(seqs) and accepted):
                frame = await tom.request("msg.send", conv_id=conversation, type=-1, text="x" * 5000)
                accepted = frame["type"] == "msg.send.success"
                if accepted:
                    seqs.append(frame["data"]["seq"])
                    await trio.sleep(0.005)
                    assert sum(path.stat().st_size for path in (host.data / "journal").iterdir()) < 16 * MIB
                else:
                    assert frame["code"] == 5030
                    refused += 1
                    await trio.sleep(0.1)
        assert seqs == list(range(1, len(seqs) + 1))
        assert len(seqs) > MIB // 20_000  # each is on the journal as a message and in its head
