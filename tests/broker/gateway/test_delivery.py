"""Effects: order, sharing of bytes, and what a failing wire costs."""

from __future__ import annotations

import pytest

from broker.hub.effects import Post
from protocol.errors import CloseReason
from protocol.pushes import Push
from protocol.wires.wire import Ending, Farewell
from tests.broker.gateway.conftest import FakeWire, running


async def test_a_push_reaches_all_but_the_skipped_in_order_and_unknown_sessions_are_no_error() -> None:
    async with running() as broker:
        clients = [await broker.client(framed) for framed in (False, True, False)]
        sessions = broker.core.sessions()
        for number in range(10):
            broker.post([1, *sessions], b"%d" % number, skip=sessions[1] if number == 5 else 0)
        for index, client in enumerate(clients):
            expected = [b"%d" % number for number in range(10) if (index, number) != (1, 5)]
            assert [await client.receive() for _ in expected] == expected


async def test_a_push_is_encoded_once_for_each_form(monkeypatch: pytest.MonkeyPatch) -> None:
    encoded: list[Push] = []
    push_of = FakeWire.push

    def counting(self: FakeWire, push: Push) -> bytes | None:
        encoded.append(push)
        return push_of(self, push)

    monkeypatch.setattr(FakeWire, "push", counting)
    async with running() as broker:
        clients = [await broker.client(framed) for framed in [False, True] * 5]
        broker.post(broker.core.sessions(), b"hello")
        for client in clients:
            assert await client.receive() == b"hello"
        assert len(encoded) == 2
        assert broker.reactor.statistics().pushes == 10


async def test_a_wire_without_a_word_for_it_or_failing_on_it_says_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with running() as broker:
        client = await broker.client()
        sessions = broker.core.sessions()
        monkeypatch.setattr(FakeWire, "push", lambda self, push: None)
        broker.post(sessions, b"a")
        await broker.until(lambda: not broker.core.outgoing)
        monkeypatch.setattr(FakeWire, "push", lambda self, push: 1 // 0)
        broker.post(sessions * 100, b"b")
        await broker.until(lambda: not broker.core.outgoing)
        assert caplog.text.count("push could not be encoded") == 1
        monkeypatch.undo()
        broker.post(sessions, b"c")
        assert await client.receive() == b"c"


async def test_a_session_that_has_not_logged_in_gets_no_push() -> None:
    async with running() as broker:
        stranger = await broker.client(login=None)
        await broker.until(lambda: len(broker.reactor.table.outboxes) == 1)
        broker.effect(Post(list(broker.reactor.table.outboxes), None))  # type: ignore[arg-type]
        await broker.until(lambda: not broker.core.outgoing)
        await stranger.send(b"ping")
        assert await stranger.receive() == b"pong"


@pytest.mark.parametrize("code", [None, 1005])
async def test_a_farewell_without_a_close_code_waits_and_a_wrong_one_costs_only_itself(
    monkeypatch: pytest.MonkeyPatch, code: int | None
) -> None:
    def farewell(self: FakeWire, ending: Ending, now_ms: int) -> Farewell:
        return Farewell(payloads=[b"last words"], code=code, text="", seconds=0.3)

    monkeypatch.setattr(FakeWire, "farewell", farewell)
    async with running() as broker:
        client = await broker.client()
        (session,) = broker.core.sessions()
        broker.kick(session, CloseReason.KICKED)
        assert await client.receive() == b"last words"
        if code is None:
            assert await client.raw() == b""  # no close frame, and the end of the stream only after the grace
        else:
            assert (await client.next()).data[:2] == (4002).to_bytes(2, "big")  # type: ignore[attr-defined]


async def test_a_reply_that_cannot_be_rendered_ends_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running() as broker:
        client = await broker.client()
        monkeypatch.setattr(FakeWire, "reply", lambda self, request, reply: 1 // 0)
        await client.send(b"echo x")
        assert await client.receive() == b"bye internal"
