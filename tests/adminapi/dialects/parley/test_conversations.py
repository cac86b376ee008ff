"""Conversations, their members, what was said in them, and what is said now."""

from __future__ import annotations

import socket
from typing import Any

import msgspec
import pytest
import trio

from adminapi.settings import Settings
from adminapi.shared import Shared
from protocol.commands import (
    Condition,
    ConversationFound,
    ConversationPage,
    GetConversation,
    History,
    HistoryPage,
    ListConversations,
    ListMembers,
    Managed,
    MemberList,
)
from protocol.errors import Reason, Refused
from protocol.ids import IdForms
from protocol.records import ConversationInfo, MemberInfo, Message
from tests.adminapi.conftest import APP, Served
from tests.streaming import streaming

OWN = {"authorization": f"Bearer {APP.master_key}"}
CONV = 1 << 40
CONV_ID = IdForms(APP.id).hex32(CONV)
BASE = f"/-/api/apps/{APP.id}/conversations"
ONE = f"{BASE}/{CONV_ID}"


def message(seq: int, text: str = "hi", sender: str = "tom", status: int = 1) -> Message:
    return Message((1 << 41) + seq, CONV, seq, sender, -1, b'{"text":"%s"}' % text.encode(), status=status)


GROUP = ConversationInfo(
    id=CONV, kind=3, name="G", attributes=b'{"a":1}', owner="tom", creator="ann", members=2, created_ms=7, updated_ms=0,
    last_seq=2, last_message=message(2, status=3),
)  # fmt: skip


class Talk:
    """A conversation of the fake broker, that answers History as a hub does."""

    def __init__(self, served: Served, count: int = 0) -> None:
        self.said = [message(seq) for seq in range(1, count + 1)]
        self.asked = 0
        served.broker.on(History, self)
        served.broker.on(GetConversation, ConversationFound(conversation=GROUP))

    def __call__(self, c: History, managed: Managed) -> HistoryPage:
        self.asked += 1
        if c.after is not None:
            there = [each for each in self.said if each.seq > c.after]
            return HistoryPage(conversation=CONV, messages=there[: c.limit], more=len(there) > c.limit)
        there = [each for each in self.said if c.before is None or each.seq < c.before]
        return HistoryPage(conversation=CONV, messages=there[-c.limit :], more=len(there) > c.limit)

    def recall(self, seq: int) -> None:
        patch = 1 + max(each.patch for each in self.said)
        self.said[seq - 1] = msgspec.structs.replace(self.said[seq - 1], status=3, patch=patch)

    def say(self, text: str = "hi", sender: str = "tom") -> None:
        self.said.append(message(len(self.said) + 1, text, sender))


def seqs(found: dict[str, Any]) -> list[int]:
    return [each["seq"] for each in found["messages"]]


async def test_a_search_takes_names_and_ids(served: Served) -> None:
    served.broker.on(ListConversations, ConversationPage(conversations=[GROUP], total=1))
    answer = await served.client.get(f"{BASE}?search={CONV_ID}&limit=5", headers=OWN)
    (found,) = answer.json()["conversations"]
    assert (found["kind"], found["attributes"], found["updated_ms"], found["said_ms"]) == ("group", {"a": 1}, None, None)
    assert (found["last_message"]["status"], found["last_message"]["seq"]) == ("recalled", 2)
    ways = [["name", "contains~", CONV_ID], ["owner", "=", CONV_ID], ["member", "=", CONV_ID], ["id", "=", CONV]]
    where = (Condition("", "any", [[way] for way in ways]),)
    assert served.broker.last.command == ListConversations(where=where, skip=0, size=5)
    await served.client.get(f"{BASE}?search=tom", headers=OWN)
    command = served.broker.last.command
    assert isinstance(command, ListConversations)
    assert [way[0][0] for way in command.where[0].value] == ["name", "owner", "member"]  # type: ignore[attr-defined]


async def test_one_and_its_members(served: Served) -> None:
    served.broker.on(GetConversation, ConversationFound(conversation=GROUP))
    assert (await served.client.get(ONE, headers=OWN)).json()["conversation"] == CONV_ID
    muted = MemberInfo(user="tom", role=2, online=True, muted_until_ms=99, joined_ms=3)
    served.broker.on(ListMembers, MemberList(members=[muted], total=30))
    answer = await served.client.get(f"{ONE}/members?start=20&limit=10", headers=OWN)
    row = {
        "user": "tom", "role": "owner", "online": True, "muted_until_ms": 99, "joined_ms": 3, "read_seq": 0,
        "delivered_seq": 0,
    }  # fmt: skip
    assert answer.json() == {"members": [row], "next": 21, "total": 30}
    assert served.broker.last.command == ListMembers(conversation=CONV, page=3, size=10)
    assert (await served.client.get(f"{ONE}/members?start=5&limit=10", headers=OWN)).status_code == 400
    assert (await served.client.get(f"{BASE}/nonsense", headers=OWN)).status_code == 404


async def test_history_pages_from_the_newest_to_the_oldest(served: Served) -> None:
    Talk(served, count=25)
    found, before = [], ""
    while True:
        page = (await served.client.get(f"{ONE}/messages?limit=10{before}", headers=OWN)).json()
        found.append(seqs(page))
        if page["next"] is None:
            break
        before = f"&before={page['next']}"
    assert found == [list(range(16, 26)), list(range(6, 16)), list(range(1, 6))]


async def test_a_search_goes_through_pages_and_says_where_to_go_on(served: Served) -> None:
    talk = Talk(served, count=2500)
    talk.said[4] = message(5, "Needle here")
    talk.said[2400] = message(2401, "x", sender="a-NEEDLE")
    talk.said[2450] = message(2451, "needle")
    page = (await served.client.get(f"{ONE}/messages?search=needle&limit=1", headers=OWN)).json()
    assert (seqs(page), page["next"]) == ([2451], 2451)
    talk.asked = 0
    page = (await served.client.get(f"{ONE}/messages?search=NEEdle&before=2451", headers=OWN)).json()
    assert (seqs(page), page["next"], talk.asked) == ([2401], 451, 20)
    page = (await served.client.get(f"{ONE}/messages?search=needle&before=451", headers=OWN)).json()
    assert (seqs(page), page["next"]) == ([5], None)


async def test_who_watches_hears_what_is_said_and_all_share_one_look(served: Served) -> None:
    talk = Talk(served, count=3)
    async with (
        streaming(served.host, f"{ONE}/tail", OWN) as tail,
        streaming(served.host, f"{ONE}/tail?after=1", OWN) as older,
    ):
        assert seqs(await tail.line()) == []
        assert seqs(await older.line()) == [2, 3]
        talk.asked = 0
        for _ in range(150):
            talk.say()
        first, second = await tail.line(), await older.line()
        assert seqs(first) == seqs(second) == list(range(4, 154))
        assert talk.asked <= 5
        talk.say("last")
        assert (await tail.line())["messages"][0]["body"] == {"text": "last"}


async def test_who_watches_hears_once_what_was_taken_back_or_was_while_he_was_away(served: Served) -> None:
    talk = Talk(served, count=150)
    talk.recall(149)
    async with (
        streaming(served.host, f"{ONE}/tail", OWN) as tail,
        streaming(served.host, f"{ONE}/tail?after=150", OWN) as back,
    ):
        assert seqs(await tail.line()) == []
        assert seqs(await back.line()) == [149]
        talk.recall(60)
        talk.say()
        line = await tail.line()
        assert [(each["seq"], each["status"]) for each in line["messages"]] == [(60, "recalled"), (151, "normal")]
        assert seqs(await back.line()) == [60, 151]
        for _ in range(120):
            talk.say()
        assert seqs(await tail.line()) == [*range(152, 272)]
        talk.recall(200)
        assert seqs(await tail.line()) == [200]


async def test_what_cannot_be_watched_is_refused_and_a_fault_is_told(served: Served) -> None:
    served.broker.on(GetConversation, Refused(Reason.UNKNOWN_CONVERSATION, "none"))
    assert (await served.client.get(f"{ONE}/tail", headers=OWN)).status_code == 404
    talk = Talk(served, count=1)
    async with streaming(served.host, f"{ONE}/tail", OWN) as tail:
        await tail.line()
        served.broker.on(History, Refused(Reason.HISTORY_UNAVAILABLE, "the store is away"))
        assert await tail.line() == {"fault": "the store is away", "reason": "history_unavailable"}
        served.broker.on(History, talk)
        talk.say()
        while "fault" in (line := await tail.line()):
            pass
        assert seqs(line) == [2]


async def test_it_goes_on_when_the_apps_settings_change_and_ends_with_its_key(served: Served) -> None:
    talk = Talk(served)
    async with streaming(served.host, f"{ONE}/tail", OWN) as tail:
        await tail.line()
        await served.change(open_groups=True)
        talk.say()
        assert seqs(await tail.line()) == [1]
        await served.broker.push_apps()
        assert await tail.line() == {}


@pytest.mark.parametrize("query", ["before=0", "limit=101", "before=x", "search=" + "x" * 300])
async def test_what_cannot_be_asked_is_said(served: Served, query: str) -> None:
    assert (await served.client.get(f"{ONE}/messages?{query}", headers=OWN)).status_code == 400


@pytest.mark.parametrize("admin_settings", [Settings(stalled_seconds=1.0, graceful_seconds=0.5)])
async def test_who_takes_nothing_of_it_is_cut_off(served: Served, shared: Shared) -> None:
    talk = Talk(served, count=1)
    name, port = served.host.split(":")
    with trio.socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        await deaf.connect((name, int(port)))
        await deaf.send(f"GET {ONE}/tail HTTP/1.1\r\nhost: h\r\nauthorization: {OWN['authorization']}\r\n\r\n".encode())
        while not shared._watchers:  # noqa: ASYNC110  # it tells nobody
            await trio.sleep(0.01)
        with trio.fail_after(20):
            while shared._watchers:
                talk.say("x" * 60_000)
                await trio.sleep(0.005)
