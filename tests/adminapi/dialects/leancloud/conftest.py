"""LeanCloud's API over the fake broker, which answers as the seed prints, and a short way to speak to it."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from adminapi.dialect import Dialect
from adminapi.dialects.leancloud import LeanCloud
from adminapi.dialects.native import Native
from protocol.commands import (
    AddMembers,
    Beside,
    ConversationFound,
    CreateConversation,
    Created,
    DeleteConversation,
    DeleteMessage,
    Done,
    EditMessage,
    GetConversation,
    History,
    HistoryPage,
    Kick,
    ListMembers,
    Managed,
    MemberList,
    MembersChanged,
    Mute,
    Patched,
    PutUser,
    RecallMessage,
    RemoveMembers,
    SendMessage,
    Sent,
    Unmute,
    UpdateConversation,
    UserFound,
)
from protocol.ids import IdForms, first_at
from protocol.records import ConversationInfo, Kind, MemberInfo, Message, Status, UserInfo
from protocol.richtext import body_of
from tests.adminapi.conftest import APP, FakeBroker, Served

IDS = IdForms(APP.id)
CREATED_MS = 1516074032814
"""2018-01-16T03:40:32.814Z, as the seed prints it."""
UPDATED_MS = 1516074037683
CONV = first_at(CREATED_MS)
CONV_ID = IDS.hex24(CONV)
AT = 1495431811151
MSG = first_at(AT)
MSG_ID = IDS.base64(MSG)
FOREIGN = IdForms("bare").hex24(CONV)
"""The id that another app makes of the same number."""
HEADERS = {"X-LC-Id": APP.id, "X-LC-Key": f"{APP.master_key},master"}
ROOT = "/1.2/rtm/conversations"
HERE = f"{ROOT}/{CONV_ID}"
UPDATED = {"updatedAt": "2018-01-16T03:40:37.683Z", "objectId": CONV_ID}


def said(seq: int, sender: str = "tom", status: int = 1, ms: int | None = None) -> Message:
    kind, body = body_of(f"m{seq}") if status == Status.NORMAL else (-1, b"{}")
    number = MSG if ms is None else first_at(ms)
    return Message(id=number, conversation=CONV, seq=seq, sender=sender, type=kind, body=body, status=status)


class Talk:
    """A conversation as the hub keeps it, so far as GetConversation and History show it."""

    def __init__(self, messages: list[Message], kind: int = Kind.GROUP) -> None:
        self.messages = messages
        self.kind = kind
        self.reads = 0

    def info(self, *_: Any) -> ConversationFound:
        newest = self.messages[-1] if self.messages else None
        found = ConversationInfo(
            id=CONV,
            kind=self.kind,
            name="My First Conversation",
            attributes=b'{"color":"red","name":"shadowed"}',
            owner="",
            creator="",
            members=2,
            created_ms=CREATED_MS,
            updated_ms=0,
            last_seq=newest.seq if newest else 0,
            first_seq=self.messages[0].seq if newest else 1,
            last_message=newest,
        )
        return ConversationFound(conversation=found)

    def history(self, command: History, _: Any) -> HistoryPage:
        self.reads += 1
        assert 1 <= command.limit <= 100
        if isinstance(command.newer_than, Beside):
            page = [each for each in self.messages if each.old_id == command.newer_than.old_id]
        elif command.after is not None:
            page = [each for each in self.messages if each.seq > command.after][: command.limit]
        else:
            before = command.before
            page = [each for each in self.messages if before is None or each.seq < before][-command.limit :]
        return HistoryPage(conversation=CONV, messages=page, more=False)

    def answer(self, broker: FakeBroker) -> None:
        broker.on(GetConversation, self.info)
        broker.on(History, self.history)


def members(*names: str, muted: int = 0) -> MemberList:
    return MemberList(members=[MemberInfo(name, 0, False, muted) for name in names], total=len(names))


@pytest.fixture
def dialects() -> list[Dialect]:
    return [Native(), LeanCloud()]


@pytest.fixture
async def served(served: Served) -> Served:
    """The fake answers as the seed prints."""
    broker = served.broker
    talk = Talk([said(1)])
    talk.answer(broker)
    made = Created(conversation=talk.info().conversation, created=True)
    broker.on(CreateConversation, made)
    broker.on(PutUser, lambda c, m: UserFound(user=UserInfo(user=c.user, attributes=b"{}", online=False, created_ms=1)))
    for done in (UpdateConversation, DeleteConversation, Mute, Unmute, Kick):
        broker.on(done, Done(time_ms=UPDATED_MS))
    for changes in (AddMembers, RemoveMembers):
        broker.on(changes, lambda c, m: MembersChanged(allowed=list(c.users), failed=[]))
    broker.on(ListMembers, members("client1", "client2"))
    broker.on(SendMessage, Sent(message=MSG, conversation=CONV, seq=1, time_ms=AT))
    for patch in (EditMessage, RecallMessage, DeleteMessage):
        broker.on(patch, Patched(time_ms=UPDATED_MS))
    return served


async def call(served: Served, method: str, path: str, **more: Any) -> httpx.Response:
    more.setdefault("headers", HEADERS)
    return await served.client.request(method, path, **more)


async def ok(served: Served, method: str, path: str, **more: Any) -> Any:
    answer = await call(served, method, path, **more)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    return answer.json()


async def refused(served: Served, method: str, path: str, **more: Any) -> tuple[int, int]:
    """(status, code) of an error in LeanCloud's form."""
    answer = await call(served, method, path, **more)
    body = answer.json()
    assert set(body) == {"code", "error"}
    assert isinstance(body["error"], str)
    assert body["error"]
    return answer.status_code, body["code"]


def managed(command: Any, user: str = "", *newcomers: str) -> Managed:
    return Managed(app=APP.id, rev=3, command=command, user=user, newcomers=newcomers)


async def sent(served: Served, **body: Any) -> SendMessage:
    await ok(served, "POST", f"{HERE}/messages", json={"from_client": "tom", "message": "x", **body})
    command = served.broker.last.command
    assert isinstance(command, SendMessage)
    return command


async def query(served: Served, where: Any = None, more: str = "") -> Any:
    text = "" if where is None else "where=" + quote(json.dumps(where))
    return await ok(served, "GET", f"{ROOT}?{text}{more}")
