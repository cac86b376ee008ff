"""The calls on users but for registration: JM-03 to JM-06 and JM-12 beside their printed answers."""

from __future__ import annotations

from typing import Any

from protocol.commands import (
    Condition,
    ConversationPage,
    DeleteUser,
    GetUser,
    ListConversations,
    ListUsers,
    Managed,
    UpdateUser,
)
from tests.adminapi.conftest import APP
from tests.adminapi.dialects.jmessage.conftest import Jiguang, info, user


async def test_jm03_get_a_user(served: Jiguang) -> None:
    profile = {
        "nickname": "hello",
        "star": 2,
        "avatar": "/avatar/path",
        "birthday": "1990-01-24 00:00:00",
        "gender": 0,
        "signature": "orz",
        "region": "shenzhen",
        "address": "shenzhen",
    }
    served.broker.on(GetUser, user("test", {**profile, "ext": 1}))
    answer = await served.call("GET", "/v1/users/test")
    printed = {"username": "test", **profile, "mtime": "2015-01-01 00:00:00", "ctime": "2015-01-01 00:00:00"}
    assert answer.status_code == 200
    assert answer.json() == printed
    assert list(answer.json()) == list(printed)
    assert served.broker.last.command == GetUser(user="test")


async def test_names_of_other_dialects_are_shown_unchanged(served: Jiguang) -> None:
    served.broker.on(GetUser, lambda command, managed: user(command.user))
    for name in ("8", "小明", "tom@x.com"):
        assert (await served.call("GET", f"/v1/users/{name}")).json()["username"] == name


async def test_jm04_update_a_user(served: Jiguang) -> None:
    body = {"nickname": "Hello JMessage", "avatar": "/avatar/path/new"}
    answer = await served.call("PUT", "/v1/users/test", json=body)
    assert (answer.status_code, answer.content) == (204, b"")
    attributes = b'{"nickname":"Hello JMessage","avatar":"/avatar/path/new"}'
    assert served.broker.last == Managed(app=APP.id, rev=3, user="test", command=UpdateUser(attributes=attributes))


async def test_jm05_delete_a_user(served: Jiguang) -> None:
    answer = await served.call("DELETE", "/v1/users/test")
    assert (answer.status_code, answer.content) == (204, b"")
    assert served.broker.last.command == DeleteUser(user="test")


async def test_jm06_list_users(served: Jiguang) -> None:
    answer = await served.call("GET", "/v1/users/?start=1100&count=100")
    assert answer.status_code == 200
    assert answer.json() == {"total": 12580, "start": 1100, "count": 100, "users": ["tom", "eddie", "annie"]}
    assert served.broker.last.command == ListUsers(skip=1100, limit=100)


async def test_jm12_list_the_groups_of_a_user(served: Jiguang) -> None:
    served.broker.on(ListConversations, ConversationPage(conversations=[info(number=n) for n in (111, 222, 333)], total=3))
    answer = await served.call("GET", "/v1/users/tom/groups/")
    assert answer.status_code == 200
    assert answer.json() == [111, 222, 333]
    where = (Condition("member", "=", "tom"), Condition("kind", "=", 3))
    assert served.broker.last.command == ListConversations(where=where, page=1, size=200)


async def test_jm12_more_groups_than_one_page_has(served: Jiguang) -> None:
    numbers = list(range(1, 452))

    def listed(command: ListConversations, managed: Any) -> ConversationPage:
        start = (command.page - 1) * command.size
        rows = [info(number=number) for number in numbers[start : start + command.size]]
        return ConversationPage(conversations=rows, total=len(numbers))

    served.broker.on(ListConversations, listed)
    assert (await served.call("GET", "/v1/users/tom/groups")).json() == numbers
