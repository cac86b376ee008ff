"""Every request with every field missing, and of every wrong type (CVE-2011-4320, CVE-2024-38355, CVE-2022-21676; F30)."""

from __future__ import annotations

from typing import Any

import pytest

from protocol.wires.native.requests import REQUESTS
from tests.journeys.programs import Host
from tests.journeys.wire import framed_peer

FIELDS = {
    "conv_id": "0" * 32,
    "msg_id": "0" * 32,
    "client_id": "ann",
    "client_ids": ["ann"],
    "to": "ann",
    "type": -1,
    "text": "x",
    "seq": 1,
    "conv_type": 3,
    "name": "x",
    "attributes": {},
    "ext": {},
    "seconds": 1,
    "limit": 1,
    "where": {},
}
"""What the requests know, one for all: each takes what it knows."""
STRANGE = [None, -1, 1 << 62, 1.5, "", "x" * 5000, [None] * 300, {"__proto__": {"b": []}}]


@pytest.mark.CVE
@pytest.mark.F30
async def test_no_missing_and_no_strange_field_does_more_than_be_refused(host: Host) -> None:
    """CVE-2011-4320 (ejabberd: a missing attribute), CVE-2024-38355 (socket.io: one bad packet, one process)."""
    broker = host.broker()
    asked: list[dict[str, Any]] = [{}, *({name: value for name, value in FIELDS.items() if name != left} for left in FIELDS)]
    asked += [{**FIELDS, name: value} for name in FIELDS for value in STRANGE]
    for request in sorted(set(REQUESTS) - {"logout"}):
        part = asked[:10] if request == "sync" else asked  # who goes on asking for that one is sent away
        async with framed_peer(host.tcp_port) as peer:
            await peer.login("tom")
            for start in range(0, len(part), 20):
                ten = list(enumerate(part[start : start + 20]))
                for number, data in ten:
                    await peer.put({"type": request, "id": number, "data": data})
                for number, data in ten:
                    answer = await peer.answer(number)
                    assert answer["type"] in (f"{request}.success", f"{request}.error"), data
                    assert answer.get("code") != 1, (request, data, answer)  # an error of ours
            for whole in (None, 5, "x", []):
                await peer.put({"type": request, "id": 99, "data": whole})
                await peer.answer(99)
    assert not [line for line in broker.lines if "Traceback" in line or "handler failed" in line]
