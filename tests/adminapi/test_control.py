"""The channel: pipelining, deadlines, cancellation, and what happens to calls when the broker goes away."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cbor2
import pytest
import trio
import trio.testing

from adminapi import control
from adminapi.control import Channel, connected
from protocol.commands import (
    ConversationFound,
    DeleteConversation,
    Done,
    GetConversation,
    Managed,
    SendMessage,
    Stats,
    StatsReport,
)
from protocol.errors import CloseReason, Reason, Refused
from protocol.records import ConversationInfo
from protocol.wires.control import WORDS
from tests.adminapi.conftest import APP, FakeBroker

INFO = ConversationInfo(
    id=5, kind=3, name="", attributes=b"{}", owner="a", creator="a", members=1, created_ms=1, updated_ms=0
)


def read(conversation: int = 5) -> Managed:
    return Managed(app=APP.id, rev=3, command=GetConversation(conversation=conversation))


def write(conversation: int = 5) -> Managed:
    return Managed(app=APP.id, rev=3, command=DeleteConversation(conversation=conversation))


@pytest.fixture
async def channel(broker: FakeBroker, nursery: trio.Nursery) -> Channel:
    channel = Channel(broker.path, deadline_seconds=2.0)
    nursery.start_soon(channel.run)
    with trio.fail_after(2):
        await channel.wait_ready()
    return channel


def refusal(caught: pytest.ExceptionInfo[Refused]) -> Reason:
    return caught.value.reason


async def until(holds: Callable[[], bool]) -> None:
    with trio.fail_after(2):
        while not holds():  # noqa: ASYNC110  # nothing announces it
            await trio.sleep(0.001)


async def test_the_table_of_apps_is_mirrored(broker: FakeBroker, channel: Channel) -> None:
    assert channel.apps is not None
    assert channel.apps["666666"] == APP
    assert channel.epoch == "epoch-1"
    assert channel.fault == ""
    await broker.push_apps(APP)
    await until(lambda: channel.apps is not None and len(channel.apps) == 1)


async def test_calls_are_pipelined_and_answers_find_their_callers(broker: FakeBroker, channel: Channel) -> None:
    async def slow_first(command: Any, managed: Any) -> ConversationFound:
        await trio.sleep(0.05 if command.conversation == 0 else 0)
        return ConversationFound(conversation=ConversationInfo(**{**fields(INFO), "id": command.conversation}))

    broker.on(GetConversation, slow_first)
    found: list[int] = []

    async def ask(number: int) -> None:
        reply = await channel.call(read(number))
        assert isinstance(reply, ConversationFound)
        assert reply.conversation.id == number
        found.append(number)

    async with trio.open_nursery() as nursery:
        for number in range(200):
            nursery.start_soon(ask, number)
    assert sorted(found) == list(range(200))
    assert found[-1] == 0 or found.index(0) > 5


def fields(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__struct_fields__}


async def test_a_refusal_comes_as_it_is(broker: FakeBroker, channel: Channel) -> None:
    broker.on(DeleteConversation, Refused(Reason.MUTED, "Until noon.", retry_after_ms=5))
    with pytest.raises(Refused) as caught:
        await channel.call(write())
    assert (refusal(caught), caught.value.detail, caught.value.retry_after_ms) == (Reason.MUTED, "Until noon.", 5)


async def test_a_cancelled_caller_leaves_its_place_and_the_late_answer_is_dropped(
    broker: FakeBroker, channel: Channel
) -> None:
    release = trio.Event()

    async def late(command: Any, managed: Any) -> Done:
        await release.wait()
        return Done(time_ms=1)

    broker.on(DeleteConversation, late)
    broker.on(GetConversation, ConversationFound(conversation=INFO))
    async with trio.open_nursery() as nursery:
        for _ in range(control.CALLS_PER_APP):
            nursery.start_soon(channel.call, write())
        await trio.testing.wait_all_tasks_blocked(0.02)
        nursery.cancel_scope.cancel()
    release.set()
    for _ in range(3):
        assert isinstance(await channel.call(read()), ConversationFound)
    assert channel._link is not None
    assert channel._link.waiting == {}
    assert channel._app_places == {}


async def test_a_call_cancelled_before_it_was_written_is_never_sent(broker: FakeBroker, channel: Channel) -> None:
    broker.on(DeleteConversation, Done(time_ms=1))
    with trio.CancelScope() as scope:
        scope.cancel()
        await channel.call(write())
    await trio.sleep(0.02)
    assert broker.heard == []


async def test_a_write_in_flight_when_the_channel_breaks_is_outcome_unknown_and_not_repeated(
    broker: FakeBroker, channel: Channel
) -> None:
    def broken(command: Any, managed: Any) -> None:
        broker.drop()

    broker.on(DeleteConversation, broken)
    with pytest.raises(Refused) as caught:
        await channel.call(write())
    assert refusal(caught) is Reason.OUTCOME_UNKNOWN
    await channel.wait_ready()
    await trio.sleep(0.05)
    assert len(broker.heard) == 1


async def test_a_read_in_flight_is_repeated_once_the_channel_is_back(broker: FakeBroker, channel: Channel) -> None:
    def broken_once(command: Any, managed: Any) -> ConversationFound | None:
        if len(broker.heard) > 1:
            return ConversationFound(conversation=INFO)
        broker.drop()
        return None

    broker.on(GetConversation, broken_once)
    assert isinstance(await channel.call(read()), ConversationFound)
    assert len(broker.heard) == 2


async def test_while_the_broker_is_away_calls_are_refused_at_once_and_it_recovers_by_itself(
    folder: Path, nursery: trio.Nursery
) -> None:
    channel = Channel(folder / "control.sock")
    nursery.start_soon(channel.run)
    for _ in range(2):
        await trio.testing.wait_all_tasks_blocked(0.05)
        began = trio.current_time()
        with pytest.raises(Refused) as caught:
            await channel.call(read())
        assert refusal(caught) is Reason.OVERLOADED
        assert caught.value.retry_after_ms > 0
        assert trio.current_time() - began < 0.5
        fake = FakeBroker(folder / "control.sock")
        fake.on(GetConversation, ConversationFound(conversation=INFO))
        await nursery.start(fake.run)
        with trio.fail_after(5):
            await channel.wait_ready()
        assert isinstance(await channel.call(read()), ConversationFound)
        fake.stop()
        await until(lambda: channel.apps is None)


async def test_a_read_out_of_time_is_overloaded_a_write_is_outcome_unknown(broker: FakeBroker, channel: Channel) -> None:
    broker.on(GetConversation, None)
    broker.on(DeleteConversation, None)
    for command, reason in ((read(), Reason.OVERLOADED), (write(), Reason.OUTCOME_UNKNOWN)):
        with pytest.raises(Refused) as caught:
            await channel.call(command, deadline_seconds=0.05)
        assert refusal(caught) is reason


async def test_one_app_cannot_take_all_places(broker: FakeBroker, channel: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "WAIT_SECONDS", 0.05)
    broker.on(DeleteConversation, None)
    broker.on(Stats, StatsReport(counters={"sessions": 1.0}))
    async with trio.open_nursery() as nursery:
        for _ in range(control.CALLS_PER_APP):
            nursery.start_soon(channel.call, write())
        await trio.testing.wait_all_tasks_blocked(0.02)
        with pytest.raises(Refused) as caught:
            await channel.call(write())
        assert refusal(caught) is Reason.OVERLOADED
        assert len(broker.heard) == control.CALLS_PER_APP
        assert isinstance(await channel.call(Stats()), StatsReport)
        nursery.cancel_scope.cancel()


async def test_a_call_too_large_is_refused_and_the_channel_lives(broker: FakeBroker, channel: Channel) -> None:
    broker.on(GetConversation, ConversationFound(conversation=INFO))
    huge = SendMessage(type=-1, body=b"x" * 1_100_000, conversation=1)
    with pytest.raises(Refused) as caught:
        await channel.call(Managed(app=APP.id, rev=3, command=huge))
    assert refusal(caught) is Reason.TOO_LARGE
    assert isinstance(await channel.call(read()), ConversationFound)


@pytest.mark.parametrize(
    "raw",
    [
        b"\xff\xff\xff\xff",
        b"\x00\x00\x00\x01\xff",
        b"\x00\x00\x00\x00",
    ],
)
@pytest.mark.F12
async def test_nonsense_from_the_broker_costs_the_connection_only(broker: FakeBroker, channel: Channel, raw: bytes) -> None:
    await broker.send_raw(raw)
    await until(lambda: channel.apps is None)
    assert "not understood" in channel.fault
    with trio.fail_after(2):
        await channel.wait_ready()


async def test_a_farewell_is_told(broker: FakeBroker, channel: Channel) -> None:
    await broker.farewell(CloseReason.GOING_AWAY)
    await until(lambda: channel.apps is None)
    assert "going_away" in channel.fault


async def speak(folder: Path, nursery: trio.Nursery, words: int) -> Path:
    """A broker that says hello in this words version, and shows an empty table of apps."""

    async def serve(stream: trio.SocketStream) -> None:
        with contextlib.suppress(trio.BrokenResourceError):
            for frame in ({"words": words, "program": "9.0"}, {"i": 1, "r": {"reply": "AppTable", "apps": []}}):
                payload = cbor2.dumps(frame)
                await stream.send_all(len(payload).to_bytes(4, "big") + payload)
                await stream.receive_some()  # the hello; the call for the table
            await trio.sleep_forever()

    path = folder / "control.sock"
    listener = trio.socket.socket(trio.socket.AF_UNIX, trio.socket.SOCK_STREAM)
    await listener.bind(str(path))
    listener.listen()
    nursery.start_soon(trio.serve_listeners, serve, [trio.SocketListener(listener)])
    return path


@pytest.mark.parametrize("words", [WORDS - 1, WORDS + 1])
async def test_a_broker_one_words_version_away_is_used(folder: Path, nursery: trio.Nursery, words: int) -> None:
    async with connected(await speak(folder, nursery, words), 3) as channel:
        assert channel.program == "9.0"
    nursery.cancel_scope.cancel()


@pytest.mark.parametrize("words", [WORDS - 2, WORDS + 2, 99])
async def test_any_other_words_version_is_said_in_a_sentence(folder: Path, nursery: trio.Nursery, words: int) -> None:
    with pytest.raises(Refused, match=f"version {WORDS} .* other {words}, .*restart both"):
        async with connected(await speak(folder, nursery, words), 0.3):
            raise AssertionError("never reached")
    nursery.cancel_scope.cancel()


async def test_no_broker_is_said_in_a_sentence(folder: Path) -> None:
    with pytest.raises(Refused, match="cannot be reached"):
        async with connected(folder / "nothing.sock", 0.1):
            raise AssertionError("never reached")


async def test_an_errand_gets_its_answer_and_its_own_errors(broker: FakeBroker) -> None:
    broker.on(Stats, StatsReport(counters={}))
    async with connected(broker.path) as channel:
        assert isinstance(await channel.call(Stats()), StatsReport)
    with pytest.raises(Refused, match="muted"):
        async with connected(broker.path):
            raise Refused(Reason.MUTED)


async def test_a_silent_broker_is_given_up(
    broker: FakeBroker, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "HELLO_SECONDS", 0.05)
    broker.hello = False
    channel = Channel(broker.path)
    nursery.start_soon(channel.run)
    await trio.sleep(0.1)
    assert "did not answer the hello" in channel.fault
    broker.hello = True
    with trio.fail_after(2):
        await channel.wait_ready()
