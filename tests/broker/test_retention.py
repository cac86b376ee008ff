"""Days of history, to the end: an hour passes, floors move, and the rows are really gone from the store; of one app only."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import trio
from trio.testing import MockClock

from broker.housekeeping import HOUR_SECONDS, keep_house
from broker.hub.housekeeping import Housekeeping
from broker.hub.hub import Hub
from broker.hub.recent import FetchedRow, Key
from broker.persistence.sqlite import SqliteStore
from protocol.commands import CreateConversation, SendMessage, Sent
from protocol.records import Kind, Message
from tests.broker.hub.script import Script, app

DAY_MS = 86_400_000


class House:
    """A broker of two apps with a real store, whose clocks are the test's."""

    def __init__(self, path: Path) -> None:
        self.script = Script(app("a", message_days=7), app("b"))
        self.store = SqliteStore(path)

    def write(self) -> None:
        """What the writer does: apply, then remove."""
        commits = self.script.log.commits
        for number in range(self.store.position, len(commits)):
            self.store.write(commits[number], number + 1)
        while self.store.trim():
            pass

    async def fetch(self, hub: Hub, keys: Sequence[Key]) -> list[FetchedRow]:
        return self.store.fetch(hub.app.id, keys)

    async def issue(self, hub: Hub, command: Housekeeping) -> None:
        self.script.core.keep_house(hub, command)
        self.script.run()

    async def keep(self) -> None:
        await keep_house(
            lambda: list(self.script.apps.hubs.values()), self.fetch, self.issue, lambda: self.script.ms, self.forget_sends
        )

    def forget_sends(self, before: int) -> None:
        while self.store.trim(before):
            pass

    def pass_days(self, days: int) -> None:
        self.script.ms += days * DAY_MS
        self.script.monotonic += days * DAY_MS / 1000

    def said(self) -> dict[tuple[str, int], list[bytes]]:
        """What the store has, by app and conversation."""
        found: dict[tuple[str, int], list[bytes]] = {}
        for name, row in self.store.load("messages"):
            assert isinstance(row, Message)
            found.setdefault((name, row.conversation), []).append(row.body)
        return found


def talk(house: House, name: str, conversation: int, words: str) -> None:
    send = SendMessage(type=-1, body=b'{"text":"%s"}' % words.encode(), conversation=conversation)
    assert isinstance(house.script.manage(send, app=name, user="tom"), Sent)


async def test_after_its_days_a_message_is_gone_from_the_disk(tmp_path: Path, autojump_clock: MockClock) -> None:
    house = House(tmp_path / "parley.db")
    rooms = {}
    for name in ("a", "b"):
        house.script.login(name, user="tom", app=name)
        made = house.script.manage(CreateConversation(kind=Kind.GROUP, members=()), app=name, user="tom")
        rooms[name] = made.conversation.id
        for n in range(250):  # more than one look of housekeeping
            talk(house, name, rooms[name], f"old {n}")
    house.pass_days(6)
    for name in rooms:
        talk(house, name, rooms[name], "new")
    house.write()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(house.keep)
        await trio.sleep(1.5 * HOUR_SECONDS)
        house.write()
        assert {place: len(said) for place, said in house.said().items()} == {("a", rooms["a"]): 251, ("b", rooms["b"]): 251}
        house.pass_days(2)
        await trio.sleep(HOUR_SECONDS)
        house.write()
        nursery.cancel_scope.cancel()
    assert house.said()["a", rooms["a"]] == [b'{"text":"new"}']
    assert len(house.said()["b", rooms["b"]]) == 251
    head = house.script.hub("a").tables.heads[rooms["a"]]
    assert (head.floor, head.last_seq) == (250, 251)
    house.store.close()
