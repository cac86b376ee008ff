"""Whatever a peer sends gets a clear error or a clean close; the process lives on, bounded, and loses nothing."""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import cbor2
import pytest
import trio
from trio_websocket import ConnectionClosed

from tests.journeys.programs import Host
from tests.journeys.wire import cbor_peer, framed_peer, json_peer

UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
GARBAGE = [
    ("not json", 4406),
    ("[]", 4406),
    ("null", 4406),
    ("{}", 4001),
    ('{"type":5}', 4406),
    ('{"type":"dance"}', 4406),
    ('{"type":"sync","type":"sync"}', 4406),
    ('{"type":"sync","data":{"n":1e999}}', 4406),
    ('{"type":"sync","data":{"n":12345678901234567890123}}', 4406),
    ('{"type":"sync","data":' + "[" * 10_000 + "]" * 10_000 + "}", 4406),
    ('{"type":"sync","data":' + "[" * 17 + "]" * 17 + "}", 4406),
    ('{"type":"sync","data":"\\ud800"}', 4406),
]
CBOR_GARBAGE = [
    b"\xff",
    b"",
    b"\x81" * 10_000,
    cbor2.dumps({"type": "sync", "data": b"bytes"}),
    cbor2.dumps({"type": "sync", "data": float("nan")}),
    cbor2.dumps({"type": "sync"}) + b"\x00",
    cbor2.dumps(cbor2.CBORTag(35, "(a+)+$")),
    b"\xd8\x1c\x81\xd8\x1d\x00",
    b"\xa2\x64type\x64sync\x64type\x64sync",
    b"\xbf\x64type\x64sync\xff",
    b"\xa1\x01\x02",
]


@asynccontextmanager
async def raw(port: int) -> AsyncIterator[trio.SocketStream]:
    async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
        yield stream


async def read_to_end(stream: trio.SocketStream) -> bytes:
    data = b""
    with trio.fail_after(15):
        try:
            while chunk := await stream.receive_some(65536):
                data += chunk
        except trio.BrokenResourceError:
            pass
    return data


@pytest.mark.F30
async def test_unreadable_frames_are_answered_and_the_session_stays(host: Host) -> None:
    host.broker()
    async with json_peer(host.url) as peer:
        await peer.login("tom")
        for text, code in GARBAGE:
            await peer.put_raw(text)
            frame = await peer.take()
            assert frame["code"] == code, text[:80]
            assert frame["type"] in ("error", "sync.error")
            assert frame["msg"]
        assert (await peer.ok("sync"))["reset"] is False
    async with cbor_peer(host.url) as peer:
        await peer.login("tom")
        for data in CBOR_GARBAGE:
            await peer.put_raw(data)
            assert (await peer.take())["code"] == 4406, data[:40]
        await peer.ok("sync")


@pytest.mark.parametrize(
    "text", ["garbage", "{}", '{"type":"dance"}', '{"type":"login"}', '{"type":"login","data":{"app_id":[]}}']
)
async def test_before_login_a_bad_frame_is_the_end(host: Host, text: str) -> None:
    host.broker()
    async with json_peer(host.url) as peer:
        await peer.put_raw(text)
        assert (await peer.take())["code"] in (4001, 4406)
        assert await peer.end() == 4010


async def test_a_request_before_login_is_told_to_log_in(host: Host) -> None:
    host.broker()
    async with json_peer(host.url) as peer:
        assert await peer.refused("sync") == 4003
        await peer.login("tom")


async def test_logins_that_cannot_succeed(host: Host) -> None:
    host.configure(
        {"id": "closed", "key": "k", "master_key": "m", "secret": "s"},
        {"id": "open", "key": "k", "master_key": "m", "secret": "s", "token_required": False},
    )
    host.broker()
    for data, code in (
        ({"app_id": "nowhere", "client_id": "tom"}, 4002),
        ({"app_id": "closed", "client_id": "tom"}, 4004),
        ({"app_id": "closed", "client_id": "tom", "token": "a.b.c"}, 4004),
        ({"app_id": "closed", "client_id": "tom", "session_token": "x"}, 4004),
        ({"app_id": "open", "client_id": "tom", "password": "x"}, 211),
        ({"app_id": "open", "client_id": "not a name!"}, 212),
        ({"app_id": "open", "client_id": ""}, 4406),
        ({"app_id": "open", "client_id": "a\nb"}, 4406),
        ({"app_id": "open", "client_id": "x" * 129}, 4406),
        ({"client_id": "tom"}, 4001),
    ):
        async with json_peer(host.url) as peer:
            frame = await peer.request("login", **data)
            assert frame["code"] in (code, 4001) if code == 4406 else frame["code"] == code, data
            assert await peer.end() == 4010


@pytest.mark.F26
async def test_oversize_frames(host: Host) -> None:
    host.broker()
    async with json_peer(host.url) as peer:
        await peer.put_raw('{"type":"login","data":{"app_id":"666666","client_id":"' + "x" * 5000 + '"}}')
        assert await peer.end() == 1009
    async with json_peer(host.url) as peer:
        await peer.login("tom")
        frame = await peer.request("msg.send", to="tom2", type=-1, text="x" * 60_000)
        assert frame["code"] in (211, 4030)
        await peer.put_raw('{"type":"sync","data":{"x":"' + "x" * 70_000 + '"}}')
        assert await peer.end() == 1009
    async with raw(host.tcp_port) as stream:
        await stream.send_all(struct.pack(">I", 1 << 31))
        await read_to_end(stream)


@pytest.mark.F28
async def test_websocket_violations_close_with_their_code(host: Host) -> None:
    host.broker()
    for frame, code in (
        (b"\x81\x05hello", 1002),  # not masked
        (b"\xc1\x80\0\0\0\0", 1002),  # RSV1: nothing was negotiated
        (b"\x83\x80\0\0\0\0", 1002),  # reserved opcode
        (b"\x89\xfe\x00\xff" + b"\0" * 260, 1002),  # ping over 125 bytes
        (b"\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0", 1009),  # 2**63
        (b"\x81\x82\0\0\0\0\xff\xfe", 1007),  # not UTF-8
    ):
        async with raw(host.port) as stream:
            await stream.send_all(UPGRADE + frame)
            data = (await read_to_end(stream)).partition(b"\r\n\r\n")[2]
            close = data.rfind(b"\x88")
            assert close >= 0, frame
            assert struct.unpack(">H", data[close + 2 : close + 4])[0] == code, frame


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X-Padding: y\r\n" * 2000 + b"\r\n",
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n",
        b"\r\n\r\n",
    ],
)
@pytest.mark.CVE
async def test_what_is_no_upgrade_is_answered_and_closed(host: Host, head: bytes) -> None:
    host.broker()
    async with raw(host.port) as stream:
        try:
            await stream.send_all(head)
        except trio.BrokenResourceError:
            return
        answer = await read_to_end(stream)
        assert answer.startswith(b"HTTP/1.1 4"), answer[:100]


@pytest.mark.F16
async def test_silent_and_slow_strangers_are_closed_and_others_served(host: Host) -> None:
    host.configure(sockets={"login_seconds": 1.0})
    host.broker()
    async with trio.open_nursery() as nursery:

        async def dribble() -> None:
            async with raw(host.port) as stream:
                with trio.fail_after(10):
                    try:
                        for byte in UPGRADE * 5:
                            await stream.send_all(bytes([byte]))
                            await trio.sleep(0.05)
                    except trio.BrokenResourceError:
                        return
                    await read_to_end(stream)

        async def silent() -> None:
            async with raw(host.port) as stream:
                await read_to_end(stream)

        async def upgraded() -> None:
            async with json_peer(host.url) as peer:
                assert await peer.end() == 4503

        for task in (dribble, silent, upgraded):
            for _ in range(20):
                nursery.start_soon(task)
        async with json_peer(host.url) as peer:
            with trio.fail_after(0.9):
                await peer.login("tom")


async def test_ids_of_another_app_do_not_exist(host: Host) -> None:
    other = {"id": "other", "key": "k", "master_key": "m", "secret": "s", "token_required": False}
    from tests.journeys.programs import APP

    host.configure(APP, other)
    host.broker()
    async with json_peer(host.url) as tom, json_peer(host.url) as ann, json_peer(host.url) as eve:
        await tom.login("tom")
        await ann.login("ann")
        await eve.login("eve", app="other")
        sent = await tom.ok("msg.send", to="ann", type=-1, text="secret")
        conversation, message = sent["conv_id"], sent["msg_id"]
        for name, data, code in (
            ("msg.send", {"type": -1, "text": "x"}, 4011),
            ("msg.history", {}, 4011),
            ("msg.ack", {"seq": 1}, 4011),
            ("msg.read", {"seq": 1}, 4011),
            ("msg.readers", {"msg_id": message}, 4011),
            ("msg.edit", {"msg_id": message, "text": "x"}, 4011),
            ("msg.recall", {"msg_id": message}, 4011),
            ("conv.get", {}, 4011),
            ("conv.update", {"name": "x"}, 4011),
            ("conv.delete", {}, 4011),
            ("conv.join", {}, 4011),
            ("conv.leave", {}, 4011),
            ("conv.members", {}, 4011),
            ("conv.members.add", {"client_ids": ["eve"]}, 4011),
            ("conv.members.remove", {"client_ids": ["tom"]}, 4011),
            ("conv.mute", {"client_id": "tom"}, 4011),
            ("conv.unmute", {"client_id": "tom"}, 4011),
        ):
            assert await eve.refused(name, conv_id=conversation, **data) == code, name
        assert await eve.refused("msg.send", to="tom", type=-1, text="x") == 211
        assert await eve.refused("user.get", client_id="tom") == 211
        assert await eve.refused("friend.add", client_id="tom") == 211
        assert (await eve.ok("presence.query", client_ids=["tom"]))["online"] == []
        assert (await eve.ok("conv.list"))["total"] == 0
        assert (await eve.ok("sync"))["conversations"] == []


@pytest.mark.CVE
@pytest.mark.F26
async def test_a_flood_before_login_costs_no_memory(host: Host) -> None:
    broker = host.broker()
    before = resident(broker.process.pid)

    async def flood() -> None:
        async with raw(host.port) as stream:
            frame = b"\x01\xff" + struct.pack(">Q", 1 << 40) + b"\0\0\0\0"
            try:
                await stream.send_all(UPGRADE + frame + b"x" * 1_000_000)
            except trio.BrokenResourceError:
                return
            await read_to_end(stream)

    async with trio.open_nursery() as nursery:
        for _ in range(200):
            nursery.start_soon(flood)
    assert resident(broker.process.pid) - before < 30 * 1024
    async with json_peer(host.url) as peer:
        await peer.login("tom")


@pytest.mark.F15
async def test_a_peer_that_sends_too_fast_is_told_and_then_closed(host: Host) -> None:
    app = {"id": "slow", "key": "k", "master_key": "m", "secret": "s", "token_required": False, "frames_per_second": 5}
    host.configure(app)
    host.broker()
    async with json_peer(host.url) as peer:
        await peer.login("tom", app="slow")
        frames = []

        async def flood() -> None:
            """Until it is closed: a machine that stops for a moment gives it time to ask again, and refusals start anew."""
            with suppress(ConnectionClosed):
                while True:
                    await peer.put({"type": "presence.query", "data": {"client_ids": []}})

        with trio.fail_after(30):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(flood)
                with suppress(EOFError):
                    while True:
                        frames.append(await peer.take())
        assert await peer.end() == 4504
        refused = [frame for frame in frames if frame.get("code") == 4029]
        assert len(refused) >= 20
        assert all(frame["data"]["retry_after_ms"] > 0 for frame in refused)


async def test_a_recipient_that_reads_nothing_is_cut_and_catches_up(host: Host) -> None:
    host.configure(sockets={"outbox_bytes": 65_536})
    host.broker()
    async with framed_peer(host.tcp_port) as slow, json_peer(host.url) as tom:
        await slow.login("ann")
        await tom.login("tom")
        first = await tom.ok("msg.send", to="ann", type=-1, text="x" * 5000)
        for _ in range(3000):  # 15 MB: more than the kernel's buffers and the outbox together
            await tom.ok("msg.send", conv_id=first["conv_id"], type=-1, text="x" * 5000)
        await slow.end()
        assert len(slow.pushes) < 3000
    async with json_peer(host.url) as ann:
        await ann.login("ann")
        (state,) = (await ann.ok("sync"))["conversations"]
        assert (state["first_seq"], state["last_seq"], state["unread"]) == (1, 3001, 3001)
        page = await ann.ok("msg.history", conv_id=first["conv_id"], after=0, limit=100)
        seqs = [message["seq"] for message in page["messages"]]
        assert seqs == list(range(1, len(seqs) + 1))
        assert (page["more"], len(seqs) > 10) == (True, True)


def resident(pid: int) -> int:
    """KiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1])
    raise AssertionError(f"no process {pid}")
