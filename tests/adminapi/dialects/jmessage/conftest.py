"""JMessage's API over the fake broker, which answers as the seed prints, and what is sent and checked again and again."""

from __future__ import annotations

import base64
import json
from typing import Any

import httpx
import pytest

from adminapi.dialect import Dialect
from adminapi.dialects.jmessage import JMessage
from adminapi.dialects.native import Native
from protocol.commands import (
    AddMembers,
    ConversationFound,
    ConversationPage,
    CreateConversation,
    Created,
    DeleteConversation,
    DeleteUser,
    Done,
    GetConversation,
    GetUser,
    ListConversations,
    ListMembers,
    ListUsers,
    Managed,
    MemberList,
    MembersChanged,
    PutUser,
    RemoveMembers,
    SendMessage,
    Sent,
    UpdateUser,
    UserFound,
    UserList,
)
from protocol.errors import Reason, Refused
from protocol.records import ConversationInfo, MemberInfo, UserInfo
from tests.adminapi.conftest import APP, Served

GID = 13579
MSG = 43143728109
TIME_MS = 1_420_041_600_000
"""2015-01-01 00:00:00 at +08:00."""
MESSAGE: dict[str, Any] = {
    "version": 1,
    "target_type": "single",
    "target_id": "javen",
    "target_name": "Javen Fang",
    "from_type": "user",
    "from_id": "fang",
    "from_name": "Fang Javen",
    "create_time": 135431243278,
    "msg_type": "text",
    "msg_body": {"extras": {}, "text": "Hello, JMessage!"},
}


def basic(name: str = APP.id, secret: str = APP.master_key) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()}


def info(
    kind: int = 3, name: str = "泡否", attributes: str = '{"desc":"你懂的。。。"}', number: int = GID
) -> ConversationInfo:
    return ConversationInfo(
        id=number,
        kind=kind,
        name=name,
        attributes=attributes.encode(),
        owner="tom",
        creator="tom",
        members=3,
        created_ms=TIME_MS,
        updated_ms=0,
    )


def user(name: str, attributes: Any = None, updated_ms: int = 0) -> UserFound:
    raw = json.dumps(attributes or {}).encode()
    return UserFound(user=UserInfo(user=name, attributes=raw, online=False, created_ms=TIME_MS, updated_ms=updated_ms))


def member(name: str, role: int = 0, joined_ms: int = TIME_MS) -> MemberInfo:
    return MemberInfo(user=name, role=role, online=False, joined_ms=joined_ms)


async def hashed(password: str) -> str:
    return f"hash of {password}"


class Jiguang(Served):
    """adminapi called with the proof of JMessage."""

    async def call(self, method: str, path: str, **more: Any) -> httpx.Response:
        more.setdefault("headers", basic())
        return await self.client.request(method, path, **more)

    @property
    def commands(self) -> list[Any]:
        return [heard.command for heard in self.broker.heard if isinstance(heard, Managed)]


@pytest.fixture
def dialects() -> list[Dialect]:
    return [Native(), JMessage(hashed)]


@pytest.fixture
async def served(served: Served) -> Jiguang:
    """The fake answers as the seed prints: tom, eddie, annie and javen are users, tom owns a group of three."""
    known = {"tom", "eddie", "annie", "javen", "fang", "test", "test1", "test2", "test3", "test4"}

    def get_user(command: GetUser, managed: Any) -> Any:
        if command.user not in known:
            return Refused(Reason.UNKNOWN_USER, f"there is no user {command.user}")
        return user(command.user)

    def put_user(command: PutUser, managed: Any) -> Any:
        if command.must_be_new and command.user in known:
            return Refused(Reason.EXISTS, f"user {command.user} exists already")
        known.add(command.user)
        return user(command.user)

    def send(command: SendMessage, managed: Managed) -> Any:
        if missing := {managed.user, command.to or "tom"} - known - set(managed.newcomers):
            return Refused(Reason.UNKNOWN_USER, f"there is no user {missing.pop()}")
        return Sent(message=MSG, conversation=GID, seq=1, time_ms=TIME_MS)

    def get_group(command: GetConversation, managed: Any) -> Any:
        found = {GID: info(), 111: info(kind=1)}.get(command.conversation)
        return ConversationFound(conversation=found) if found else Refused(Reason.UNKNOWN_CONVERSATION)

    members = [member("tom", 2), member("eddie"), member("javen"), member("test3"), member("test4")]
    for kind, function in {
        GetUser: get_user,
        PutUser: put_user,
        SendMessage: send,
        GetConversation: get_group,
        UpdateUser: lambda command, managed: user(managed.user),
        DeleteUser: Done(time_ms=1),
        ListUsers: UserList(users=[user(name).user for name in ("tom", "eddie", "annie")], total=12580),
        CreateConversation: Created(conversation=info(), created=True),
        ListMembers: MemberList(members=members, total=len(members)),
        AddMembers: lambda command, managed: MembersChanged(allowed=list(command.users), failed=[]),
        RemoveMembers: lambda command, managed: MembersChanged(allowed=list(command.users), failed=[]),
        DeleteConversation: Done(time_ms=1),
        ListConversations: ConversationPage(conversations=[info(number=n) for n in (111, 222, 333)], total=1322),
    }.items():
        served.broker.on(kind, function)  # type: ignore[arg-type]  # functions of one command each
    return Jiguang(served.broker, served.channel, served.files, served.audit, served.host, served.client)


def error_of(answer: httpx.Response, status: int, code: int) -> str:
    """The message, after a look at everything else."""
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert list(answer.json()) == ["error"]
    assert list(answer.json()["error"]) == ["code", "message"]
    return str(answer.json()["error"]["message"])
