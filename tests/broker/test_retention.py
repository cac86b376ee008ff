"""Old messages leave: the floor moves to the oldest message kept, in slices, and readers stop at it at once."""

from __future__ import annotations

from collections.abc import Sequence

from broker.hub.hub import Hub
from broker.hub.recent import FetchedRow, Key
from broker.retention import expire
from protocol.commands import History, Sync
from protocol.ids import first_at
from tests.broker.hub.script import START_MS, Script
from tests.broker.hub.test_messages import group, text

DAY_MS = 86_400_000


async def test_floors_move_past_what_is_too_old(script: Script) -> None:
    conversation = group(script, "tom", "ann")
    quiet = group(script, "tom", "ann")
    for _ in range(250):
        script.say("tom", text("old", conversation=conversation))
    script.say("tom", text("old", conversation=quiet))
    script.ms += 3 * DAY_MS
    script.monotonic += 3 * DAY_MS / 1000
    for _ in range(3):
        script.say("tom", text("new", conversation=conversation))

    async def fetch(hub: Hub, keys: Sequence[Key]) -> list[FetchedRow]:
        return [row for key in keys for row in script.tails[hub.app.id].fetch(key)]

    async def move(hub: Hub, number: int, seq: int) -> None:
        script.core.move_floor(hub, number, seq)
        script.run()

    await expire(script.hub(), first_at(START_MS + DAY_MS), fetch, move)
    heads = script.hub().tables.heads
    assert (heads[conversation].floor, heads[quiet].floor, heads[quiet].last) == (250, 1, b"")
    page = script.say("ann", History(conversation=conversation, after=0))
    assert [message.seq for message in page.messages] == [251, 252, 253]
    states = {state.id: state for state in script.say("ann", Sync()).conversations}
    assert (states[conversation].first_seq, states[conversation].unread) == (251, 3)
    assert (states[quiet].unread, states[quiet].last_message) == (0, None)
    script.restart()
    assert script.hub().tables.heads[conversation].floor == 250
