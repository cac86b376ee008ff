"""Messages of many conversations at once (`protocols.md` 2.12, 2.13)."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from protocol.commands import Condition, ConversationPage, History, HistoryPage, ListConversations, Managed
from protocol.ids import EPOCH_MS, LARGEST, first_at
from protocol.records import ConversationInfo, Message, Status
from tests.adminapi.conftest import Served
from tests.adminapi.dialects.leancloud.conftest import AT, CONV, IDS, Talk, managed, ok, refused, said

OLD = "/1.1/rtm/messages/history"
ALL = "/1.2/rtm/messages"
TOM = "/1.2/rtm/clients/tom/messages"


class Archive:
    """Three conversations, as the hub shows them; tom and ann speak in turns, and one message of tom's is deleted."""

    def __init__(self) -> None:
        self.reads: list[History] = []
        self.talks: dict[int, list[Message]] = {}
        for number in range(3):
            rows = [said(seq, "tom" if seq % 2 else "ann", ms=AT + 10 * seq + number) for seq in range(1, 5)]
            self.talks[CONV + number] = [msgspec.structs.replace(row, conversation=CONV + number) for row in rows]
        self.talks[CONV][2] = msgspec.structs.replace(self.talks[CONV][2], status=Status.DELETED, body=b"{}")

    def infos(self, *_: Any) -> ConversationPage:
        def info(number: int, rows: list[Message]) -> ConversationInfo:
            found = Talk(rows).info().conversation
            return msgspec.structs.replace(found, id=number)

        found = [info(number, rows) for number, rows in self.talks.items()]
        return ConversationPage(conversations=found[::-1], total=len(found))

    def history(self, command: History, _: Any) -> HistoryPage:
        """Pages of three, so that there is more."""
        self.reads.append(command)
        assert command.newer_than is not None
        assert command.older_than is not None
        rows = [row for row in self.talks[command.conversation] if command.newer_than < row.id < command.older_than]
        page = rows[:3] if command.forward else rows[-3:]
        return HistoryPage(conversation=command.conversation, messages=page, more=len(page) < len(rows))


@pytest.fixture
async def archive(served: Served) -> Archive:
    found = Archive()
    served.broker.on(ListConversations, found.infos)
    served.broker.on(History, found.history)
    return found


async def times(served: Served, path: str, **query: Any) -> list[int]:
    """When what is answered was said, after AT."""
    rows = await ok(served, "GET", path, params=query)
    assert all(row["conv-id"] == row["to"] == IDS.hex24(CONV + row["timestamp"] % 10 - AT % 10) for row in rows)
    return [row["timestamp"] - AT for row in rows]


EVERYTHING = [42, 41, 40, 32, 31, 22, 21, 20, 12, 11, 10]


@pytest.mark.parametrize("path", [ALL, OLD])
async def test_everything_newest_first(served: Served, archive: Archive, path: str) -> None:
    assert await times(served, path) == EVERYTHING
    asked = served.broker.heard[0]
    where = (Condition("last", ">=", EPOCH_MS),)
    assert asked == managed(ListConversations(where=where, sort=("-last",), size=1000))
    assert await times(served, path, limit=2) == [42, 41]
    assert await times(served, path, limit=4, reversed="true") == [10, 11, 12, 20]
    time = "max_ts" if path == OLD else "timestamp"
    assert await times(served, path, limit=2, **{time: AT + 32}) == [31, 22]
    assert await times(served, path, msgid=IDS.base64(first_at(AT + 21)), **{time: AT + 21}) == [20, 12, 11, 10]


async def test_a_stretch_of_it(served: Served, archive: Archive) -> None:
    between = {"timestamp": AT + 32, "till_timestamp": AT + 20}
    assert await times(served, ALL, **between) == [31, 22, 21]
    assert await times(served, ALL, **between, include_start="true", include_stop="true") == [32, 31, 22, 21, 20]
    asked = next(each.command for each in served.broker.heard if isinstance(each, Managed))
    assert isinstance(asked, ListConversations)
    assert asked.where == (Condition("last", ">=", AT + 21),)


async def test_what_comes_too_late_is_not_read(served: Served, archive: Archive) -> None:
    archive.talks[CONV] = archive.talks[CONV][:1]
    assert await times(served, ALL, limit=2) == [42, 41]
    assert {each.conversation for each in archive.reads} == {CONV + 2, CONV + 1}
    assert [each.older_than for each in archive.reads] == [LARGEST, LARGEST]


@pytest.mark.parametrize("path", [TOM, OLD + "?from=tom"])
async def test_what_one_has_said(served: Served, archive: Archive, path: str) -> None:
    path, _, sender = path.partition("?")
    query = {"from": "tom"} if sender else {}
    assert await times(served, path, **query) == [32, 31, 12, 11, 10]
    asked = served.broker.heard[0]
    where = (Condition("last", ">=", EPOCH_MS), Condition("member", "=", "tom"))
    assert asked == managed(ListConversations(where=where, sort=("-last",), size=1000))
    assert await times(served, path, **query, limit=3) == [32, 31, 12]


async def test_too_much_is_refused_with_what_to_narrow(served: Served, archive: Archive) -> None:
    infos = archive.infos()
    infos.total = 1001
    served.broker.on(ListConversations, infos)
    assert await times(served, ALL, limit=2) == [42, 41]
    for path in (TOM, f"{ALL}?reversed=true", f"{ALL}?timestamp={AT}"):
        assert await refused(served, "GET", path) == (400, 4310)
    infos.total = 3

    def endless(command: History, _: Any) -> HistoryPage:
        row = msgspec.structs.replace(said(1, "ann"), id=(command.older_than or 0) - 2, conversation=command.conversation)
        return HistoryPage(conversation=command.conversation, messages=[row], more=True)

    served.broker.on(History, endless)
    assert await refused(served, "GET", TOM) == (400, 4310)
    assert sum(isinstance(each, Managed) and isinstance(each.command, History) for each in served.broker.heard) < 320


async def test_bad_input(served: Served, archive: Archive) -> None:
    for path in (ALL, TOM, OLD):
        assert await refused(served, "GET", f"{path}?limit=1001") == (400, 107)
        assert await refused(served, "GET", f"{path}?msgid=x") == (404, 4404)
    assert await refused(served, "GET", f"{OLD}?convid=x") == (404, 4303)
