"""The JMessage dialect: every request of the seed beside its printed answer, then codes, proof, spellings and refusals."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import hypercorn.trio
import pytest
import trio

from adminapi.__main__ import configured, listening
from adminapi.app import build
from adminapi.control import Channel
from adminapi.dialect import Ask, Caller
from adminapi.dialects.jmessage import JMessage
from adminapi.dialects.jmessage.codes import RENDERINGS
from adminapi.dialects.jmessage.registration import Registration
from adminapi.dialects.native import Native
from adminapi.files import Files
from adminapi.passwords import Passwords
from protocol.commands import (
    AddMembers,
    Condition,
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
from protocol.ids import IdForms
from protocol.records import ConversationInfo, MemberFailure, MemberInfo, UserInfo
from tests.adminapi.conftest import APP, BARE, FakeBroker, Served

GID = 13579
MSG = 43143728109
TIME_MS = 1_420_041_600_000
"""2015-01-01 00:00:00 at +08:00."""


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
    """adminapi with our dialect beside the native one."""

    async def call(self, method: str, path: str, **more: Any) -> httpx.Response:
        more.setdefault("headers", basic())
        return await self.client.request(method, path, **more)

    @property
    def commands(self) -> list[Any]:
        return [heard.command for heard in self.broker.heard if isinstance(heard, Managed)]


@pytest.fixture
async def served(broker: FakeBroker, folder: Path, nursery: trio.Nursery) -> AsyncIterator[Jiguang]:
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
        if missing := {managed.user, command.to or "tom"} - known:
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
        broker.on(kind, function)  # type: ignore[arg-type]  # functions of one command each
    channel, files = Channel(broker.path, deadline_seconds=2.0), Files(folder / "files")
    sock = listening("127.0.0.1:0")
    host = f"127.0.0.1:{sock.getsockname()[1]}"
    app: Any = build(channel, [Native(), JMessage(hashed)], files)
    serve = partial(hypercorn.trio.serve, app, configured(sock, 0.5), shutdown_trigger=trio.Event().wait)
    async with trio.open_nursery() as inner:
        inner.start_soon(channel.run)
        inner.start_soon(serve)
        with trio.fail_after(5):
            await channel.wait_ready()
        async with httpx.AsyncClient(base_url=f"http://{host}", timeout=10, verify=False) as client:
            yield Jiguang(broker, channel, files, host, client)
        inner.cancel_scope.cancel()


def error_of(answer: httpx.Response, status: int, code: int) -> str:
    """The message, after a look at everything else."""
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert list(answer.json()) == ["error"]
    assert list(answer.json()["error"]) == ["code", "message"]
    return str(answer.json()["error"]["message"])


# The seed's examples, in its order


@pytest.mark.parametrize("path", ["/v1/users/", "/v1/users"])
async def test_jm01_register(served: Jiguang, path: str) -> None:
    body = [{"username": "dev_fang", "password": "password"}, {"username": "dev_fang", "password": "password"}]
    answer = await served.call("POST", path, json=body)
    assert answer.status_code == 201
    assert answer.headers["content-type"] == "application/json"
    taken = {"code": 899001, "message": "User exists"}
    assert answer.json() == [{"username": "dev_fang"}, {"username": "dev_fang", "error": taken}]
    put = PutUser(user="dev_fang", attributes=b"{}", password="hash of password", must_be_new=True)
    assert served.broker.last == Managed(app=APP.id, rev=3, command=put)


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


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages/"])
async def test_jm02_send_a_message(served: Jiguang, path: str) -> None:
    answer = await served.call("POST", path, json=MESSAGE)
    assert answer.status_code == 200
    assert answer.json() == {"msg_id": 43143728109}
    assert type(answer.json()["msg_id"]) is int
    managed = served.broker.last
    assert managed.user == "fang"
    command = managed.command
    assert isinstance(command, SendMessage)
    assert (command.to, command.conversation, command.type, command.transient) == ("javen", 0, -1, False)
    attr = {key: MESSAGE[key] for key in MESSAGE if not key.startswith("target_") and key != "from_id"}
    attr["target_name"] = "Javen Fang"
    assert json.loads(command.body) == {"text": "Hello, JMessage!", "attr": attr}


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


async def test_jm03_what_was_never_set_is_left_out(served: Jiguang) -> None:
    served.broker.on(GetUser, user("test", {"nickname": None}, updated_ms=TIME_MS + 86_400_000))
    answer = await served.call("GET", "/v1/users/test/")
    times = {"mtime": "2015-01-02 00:00:00", "ctime": "2015-01-01 00:00:00"}
    assert answer.json() == {"username": "test", **times}


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


GROUP = {
    "gid": 13579,
    "owner_username": "tom",
    "group_name": "泡否",
    "members_username": ["eddie", "annie"],
    "group_desc": "你懂的。。。",
}


@pytest.mark.parametrize("path", ["/v1/groups/", "/v1/groups"])
async def test_jm07_create_a_group(served: Jiguang, path: str) -> None:
    answer = await served.call("POST", path, json={key: GROUP[key] for key in GROUP if key != "gid"})
    assert answer.status_code == 201
    assert answer.json() == GROUP
    assert list(answer.json()) == list(GROUP)
    attributes = '{"desc":"你懂的。。。"}'.encode()
    command = CreateConversation(kind=3, members=("eddie", "annie"), name="泡否", attributes=attributes)
    assert served.broker.last == Managed(app=APP.id, rev=3, user="tom", command=command)


async def test_jm07_in_the_words_of_the_later_sdks(served: Jiguang) -> None:
    body = {"owner_username": "tom", "name": "g", "desc": "d", "members_username": ["tom", "annie", "annie"], "flag": 1}
    answer = await served.call("POST", "/v1/groups/", json=body)
    expected = {"gid": GID, "owner_username": "tom", "group_name": "g", "members_username": ["annie"], "group_desc": "d"}
    assert answer.json() == expected
    answer = await served.call("POST", "/v1/groups/", json={"owner_username": "tom", "group_name": "g"})
    assert answer.json() == {**expected, "members_username": [], "group_desc": ""}


async def test_jm08_get_a_group(served: Jiguang) -> None:
    served.broker.on(ListMembers, MemberList(members=[member("tom", 2), member("eddie"), member("javen")], total=3))
    answer = await served.call("GET", "/v1/groups/13579")
    assert answer.status_code == 200
    assert answer.json() == {**GROUP, "members_username": ["eddie", "javen"]}
    assert type(answer.json()["gid"]) is int


async def test_jm08_a_group_of_another_dialect_shows_what_it_has(served: Jiguang) -> None:
    served.broker.on(GetConversation, ConversationFound(conversation=info(name="", attributes='{"name":"隔壁","desc":7}')))
    answer = await served.call("GET", "/v1/groups/13579")
    assert (answer.json()["group_name"], answer.json()["group_desc"]) == ("隔壁", "")


async def test_jm09_delete_a_group(served: Jiguang) -> None:
    answer = await served.call("DELETE", "/v1/groups/13579")
    assert (answer.status_code, answer.content) == (204, b"")
    assert served.broker.last.command == DeleteConversation(conversation=GID)


@pytest.mark.parametrize("path", ["/v1/groups/13579/members", "/v1/groups/13579/members/"])
async def test_jm10_change_members(served: Jiguang, path: str) -> None:
    answer = await served.call("POST", path, json={"add": ["test1", "test2"], "remove": ["test3", "test4"]})
    assert (answer.status_code, answer.content) == (204, b"")
    assert served.commands[-2:] == [
        AddMembers(conversation=GID, users=("test1", "test2"), strict=True),
        RemoveMembers(conversation=GID, users=("test3", "test4")),
    ]


async def test_jm10_one_of_the_two_is_enough(served: Jiguang) -> None:
    for body, command in (({"add": ["test1"]}, AddMembers), ({"remove": ["test3"], "add": None}, RemoveMembers)):
        answer = await served.call("POST", "/v1/groups/13579/members", json=body)
        assert answer.status_code == 204
        assert isinstance(served.broker.last.command, command)


async def test_jm11_list_members(served: Jiguang) -> None:
    # 2015-03-20 22:00:13 and 2015-03-11 01:12:00 at +08:00
    members = [member("tom", 0, 1_426_860_013_000), member("annie", 2, 1_426_007_520_000)]
    served.broker.on(ListMembers, MemberList(members=members, total=2))
    answer = await served.call("GET", "/v1/groups/13579/members/")
    assert answer.status_code == 200
    assert answer.json() == [
        {"username": "tom", "flag": 0, "ctime": "2015-03-20 22:00:13"},
        {"username": "annie", "flag": 1, "ctime": "2015-03-11 01:12:00"},
    ]


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


async def test_jm13_list_groups(served: Jiguang) -> None:
    answer = await served.call("GET", "/v1/groups/?start=1100&count=100")
    assert answer.status_code == 200
    assert answer.json() == {"total": 1322, "start": 1100, "count": 100, "groups": [111, 222, 333]}
    expected = ListConversations(where=(Condition("kind", "=", 3),), skip=1100, size=100)
    assert served.broker.last.command == expected


# Paging


@pytest.mark.parametrize(("start", "count"), [(0, 1), (7, 5), (1001, 500), (1150, 100), (12_345, 500), (199_000, 500)])
async def test_any_start_and_count_get_exactly_those(served: Jiguang, start: int, count: int) -> None:
    def listed(command: ListConversations, managed: Any) -> ConversationPage:
        first = command.skip
        rows = [info(number=number + 1) for number in range(first, first + command.size)]
        return ConversationPage(conversations=rows, total=200_000)

    served.broker.on(ListConversations, listed)
    answer = await served.call("GET", f"/v1/groups?start={start}&count={count}")
    assert answer.json()["groups"] == list(range(start + 1, start + count + 1))


async def test_paging_left_out(served: Jiguang) -> None:
    for path in ("/v1/users", "/v1/users/?start=&count="):
        answer = await served.call("GET", path)
        assert (answer.json()["start"], answer.json()["count"]) == (0, 100)


@pytest.mark.parametrize("path", ["/v1/users/", "/v1/groups/"])
@pytest.mark.parametrize("query", ["start=-1", "start=x", "start=1.5", "start=9999999999999", "count=0", "count=501"])
async def test_paging_is_bounded(served: Jiguang, path: str, query: str) -> None:
    message = error_of(await served.call("GET", f"{path}?{query}"), 400, 899003)
    assert message.startswith(f"Parameter invalid! {query[:5]} must be")
    assert served.broker.heard == []


# Registration


async def test_jm01_each_entry_alone_in_order(served: Jiguang) -> None:
    entries: list[dict[str, Any]] = [
        {"username": "dev_fang", "password": "password"},
        {"username": "eddie", "password": "password"},
        {"username": "abc", "password": "password"},
        {"username": "_abc", "password": "password"},
        {"username": "a b c d", "password": "password"},
        {"username": "小明明明", "password": "password"},
        {"username": "a" * 129, "password": "password"},
        {"password": "password"},
        {"username": ["x"], "password": "password"},
        {"username": "nopassword"},
        {"username": "number", "password": 123456},
        {"username": "short", "password": "abc"},
        {"username": "long", "password": "x" * 129},
        {"username": "birth", "password": "password", "birthday": "someday"},
        {"username": "a.b-c@d_e", "password": "密码"},
        {"username": 10086, "password": "5f4dcc3b5aa765d61d8327deb882cf99"},
    ]
    answer = await served.call("POST", "/v1/users/", json=entries)
    assert answer.status_code == 201
    bad, password = 899003, 899004
    codes = [None, 899001, bad, bad, bad, bad, bad, bad, bad, bad, bad, password, password, bad, None, None]
    assert [row.get("error", {}).get("code") for row in answer.json()] == codes
    assert [row["username"] for row in answer.json()[7:10]] == ["", "", "nopassword"]
    assert answer.json()[9]["error"]["message"] == "Parameter invalid! password is missing."
    assert answer.json()[15] == {"username": "10086"}
    puts = [command for command in served.commands if isinstance(command, PutUser)]
    assert [(put.user, put.password) for put in puts] == [
        ("dev_fang", "hash of password"),
        ("a.b-c@d_e", "hash of 密码"),
        ("10086", "hash of 5f4dcc3b5aa765d61d8327deb882cf99"),
    ]


async def test_jm01_with_a_profile(served: Jiguang) -> None:
    profile = {
        "nickname": "方",
        "avatar": "qiniu/image/x",
        "birthday": "1990-01-24",
        "signature": "",
        "gender": "1",
        "region": "深圳",
        "address": None,
        "star": 3,
        "extras": {"a": 1},
    }
    answer = await served.call("POST", "/v1/users/", json=[{"username": "fang2", "password": "password", **profile}])
    assert answer.json() == [{"username": "fang2"}]
    put = served.broker.last.command
    assert isinstance(put, PutUser)
    assert put.attributes is not None
    kept = {key: profile[key] for key in ("nickname", "avatar", "region", "star", "extras")}
    assert json.loads(put.attributes) == {**kept, "birthday": "1990-01-24 00:00:00", "gender": 1}


async def test_jm33_five_hundred_are_taken_and_one_more_is_899013(served: Jiguang) -> None:
    entries = [{"username": f"user{number}", "password": "password"} for number in range(501)]
    message = error_of(await served.call("POST", "/v1/users/", json=entries), 403, 899013)
    assert message == "user list is bigger than 500"
    assert served.broker.heard == []
    answer = await served.call("POST", "/v1/users/", json=entries[:500])
    assert answer.json() == [{"username": entry["username"]} for entry in entries[:500]]


async def test_jm01_a_real_hash_is_argon2id(served: Jiguang) -> None:
    ask = Ask(method="POST", body=b'[{"username":"dev_fang","password":"password"}]')
    ask.caller = Caller(app=APP)
    answer = await Registration(Passwords().hash).run(ask, served.channel)
    assert (answer.status, json.loads(answer.body)) == (201, [{"username": "dev_fang"}])
    put = served.broker.last.command
    assert isinstance(put, PutUser)
    assert str(put.password).startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def registering(*names: str) -> Ask:
    body = json.dumps([{"username": name, "password": "password"} for name in names]).encode()
    ask = Ask(method="POST", body=body)
    ask.caller = Caller(app=APP)
    return ask


async def test_jm01_when_the_hasher_has_no_room_the_rest_is_899030(served: Jiguang) -> None:
    calls: list[str] = []

    async def full_after_two(password: str) -> str:
        calls.append(password)
        if len(calls) > 2:
            raise Refused(Reason.OVERLOADED, retry_after_ms=2000)
        return "hash"

    answer = await Registration(full_after_two).run(registering("one1", "two2", "three", "four"), served.channel)
    busy = {"code": 899030, "message": "Server response time out, please try again later"}
    assert json.loads(answer.body) == [
        {"username": "one1"},
        {"username": "two2"},
        {"username": "three", "error": busy},
        {"username": "four", "error": busy},
    ]
    assert len(calls) == 3
    with pytest.raises(Refused):
        await Registration(full_after_two).run(registering("five", "six6"), served.channel)


async def test_jm01_a_list_has_a_minute(served: Jiguang) -> None:
    ticks = iter([0.0, 1.0, 61.0])
    answer = await Registration(hashed, lambda: next(ticks)).run(registering("one1", "two2", "three"), served.channel)
    assert [row.get("error", {}).get("code") for row in json.loads(answer.body)] == [None, 899030, 899030]


# Errors: JM-20 to JM-34, each by a cause


async def test_jm20_internal_error_shows_nothing(served: Jiguang, caplog: pytest.LogCaptureFixture) -> None:
    served.broker.on(DeleteUser, Refused(Reason.INTERNAL, "secret"))
    assert error_of(await served.call("DELETE", "/v1/users/test"), 500, 899000) == "Server internal error"
    served.broker.on(GetUser, Done(time_ms=1))
    assert error_of(await served.call("GET", "/v1/users/test"), 500, 899000) == "Server internal error"
    assert "unforeseen" in caplog.text


async def test_jm22_no_such_user(served: Jiguang) -> None:
    message = error_of(await served.call("GET", "/v1/users/nobody"), 403, 899002)
    assert message == "No such user: there is no user nobody"
    error_of(await served.call("GET", "/v1/users/nobody/groups/"), 403, 899002)
    for kind, method, path, body in (
        (UpdateUser, "PUT", "/v1/users/nobody", {"nickname": "x"}),
        (DeleteUser, "DELETE", "/v1/users/nobody", None),
        (CreateConversation, "POST", "/v1/groups/", {"owner_username": "nobody", "group_name": "g"}),
        (AddMembers, "POST", "/v1/groups/13579/members", {"add": ["nobody"]}),
    ):
        served.broker.on(kind, Refused(Reason.UNKNOWN_USER, "there is no user nobody"))
        error_of(await served.call(method, path, json=body), 403, 899002)


async def test_jm25_a_name_no_user_can_have(served: Jiguang) -> None:
    for path in ("/v1/users/a%20b", "/v1/users/%00", "/v1/users/" + "a" * 129):
        assert error_of(await served.call("GET", path), 403, 899005).startswith("Invalid uid")
    error_of(await served.call("POST", "/v1/messages", json={**MESSAGE, "from_id": "a\nb"}), 403, 899005)
    error_of(await served.call("POST", "/v1/groups/13579/members", json={"add": ["a b"]}), 403, 899005)
    assert served.broker.heard == []


async def test_names_of_other_dialects_are_shown_unchanged(served: Jiguang) -> None:
    served.broker.on(GetUser, lambda command, managed: user(command.user))
    for name in ("8", "小明", "tom@x.com"):
        assert (await served.call("GET", f"/v1/users/{name}")).json()["username"] == name


UNKNOWN_GIDS = ["1", "111", "0", "-5", "x", "99999999999999999999", "0" * 32, IdForms(BARE.id).hex32(GID)]
"""111 is a direct conversation; the last is an id of another app."""


@pytest.mark.parametrize("gid", UNKNOWN_GIDS)
async def test_jm26_gid_invalid(served: Jiguang, gid: str) -> None:
    for method, path, body in (
        ("GET", f"/v1/groups/{gid}", None),
        ("DELETE", f"/v1/groups/{gid}", None),
        ("GET", f"/v1/groups/{gid}/members/", None),
        ("POST", f"/v1/groups/{gid}/members", {"add": ["test1"]}),
        ("POST", "/v1/messages", {**MESSAGE, "target_type": "group", "target_id": gid}),
    ):
        assert error_of(await served.call(method, path, json=body), 403, 899006) == "gid invalid"
    assert all(isinstance(command, GetConversation) for command in served.commands)


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({}, 401, 899007),
        ({"Authorization": ""}, 401, 899007),
        ({"X-LC-Id": APP.id, "X-LC-Key": APP.master_key}, 401, 899007),
        ({"Authorization": "Basic"}, 401, 899008),
        ({"Authorization": "Basic !!!"}, 401, 899008),
        ({"Authorization": "Basic " + base64.b64encode(b"no colon").decode()}, 401, 899008),
        ({"Authorization": "Basic " + base64.b64encode(b"\xff\xfe:x").decode()}, 401, 899008),
        ({"Authorization": f"Bearer {APP.master_key}"}, 401, 899008),
        (basic(secret=""), 401, 899008),
        (basic(secret="wrong"), 401, 899008),
        (basic(secret="mästér"), 401, 899008),
        (basic(secret=APP.key), 401, 899008),
        (basic(secret=BARE.master_key), 401, 899008),
        (basic("nobody"), 400, 899009),
        (basic("gone", "m3"), 400, 899009),
        (basic("", ""), 400, 899009),
    ],
)
async def test_jm27_to_29_proof(served: Jiguang, headers: dict[str, str], status: int, code: int) -> None:
    texts = {899007: "Missing authen info.", 899008: "Basic authentication failed.", 899009: "appkey not exists"}
    answer = await served.call("GET", "/v1/users/tom", headers=headers)
    assert error_of(answer, status, code) == texts[code]
    assert ("www-authenticate" in answer.headers) is (status == 401)
    assert served.broker.heard == []


async def test_proof_in_any_case_and_for_each_app_its_own(served: Jiguang) -> None:
    headers = {"authorization": basic()["Authorization"].replace("Basic", "basic")}
    assert (await served.call("GET", "/v1/users/tom", headers=headers)).status_code == 200
    assert (await served.call("GET", "/v1/users/tom", headers=basic("bare", "m2"))).status_code == 200
    assert served.broker.last.app == "bare"


@pytest.mark.parametrize("body", [{"remove": ["tom"]}, {"remove": ["annie"]}, {"add": ["test1"], "remove": ["nobody"]}])
async def test_jm30_delete_fail(served: Jiguang, body: Any) -> None:
    message = error_of(await served.call("POST", "/v1/groups/13579/members", json=body), 400, 899010)
    assert message.startswith("Delete fail: ")
    assert not any(isinstance(command, AddMembers | RemoveMembers) for command in served.commands)


async def test_jm30_an_owner_who_became_one_meanwhile(served: Jiguang) -> None:
    failed = [MemberFailure(user="test3", reason="not_allowed")]
    served.broker.on(RemoveMembers, MembersChanged(allowed=[], failed=failed))
    error_of(await served.call("POST", "/v1/groups/13579/members", json={"remove": ["test3"]}), 400, 899010)


async def test_jm31_repeat_to_add_the_members(served: Jiguang) -> None:
    answer = await served.call("POST", "/v1/groups/13579/members", json={"add": ["test1", "eddie"]})
    assert error_of(answer, 400, 899011) == "Repeat to add the members: eddie is a member of this group."
    assert not any(isinstance(command, AddMembers) for command in served.commands)


async def test_jm32_no_enough_space(served: Jiguang) -> None:
    for kind, path, body in (
        (AddMembers, "/v1/groups/13579/members", {"add": ["test1"]}),
        (CreateConversation, "/v1/groups/", {"owner_username": "tom", "group_name": "g"}),
    ):
        served.broker.on(kind, Refused(Reason.FULL, "this conversation may have 2 members, not 3"))
        assert error_of(await served.call("POST", path, json=body), 403, 899012).startswith("no enough space for members")


@pytest.mark.parametrize(
    "reason",
    [
        Reason.OVERLOADED,
        Reason.OUTCOME_UNKNOWN,
        Reason.GOING_AWAY,
        Reason.STORAGE_UNAVAILABLE,
        Reason.HISTORY_UNAVAILABLE,
        Reason.TOO_FAST,
    ],
)
async def test_jm34_try_again_later(served: Jiguang, reason: Reason) -> None:
    served.broker.on(DeleteUser, Refused(reason, retry_after_ms=1500))
    answer = await served.call("DELETE", "/v1/users/test")
    message = error_of(answer, 429 if reason is Reason.TOO_FAST else 503, 899030)
    assert message == "Server response time out, please try again later"
    assert answer.headers["retry-after"] == "2"


async def test_jm34_while_the_broker_is_away(served: Jiguang) -> None:
    served.broker.stop()
    for _ in range(3):
        answer = await served.call("DELETE", "/v1/users/test")
        await trio.sleep(0.01)
    error_of(answer, 503, 899030)
    assert "retry-after" in answer.headers


def test_every_refusal_has_a_line_and_none_is_a_success() -> None:
    assert set(RENDERINGS) == set(Reason)
    assert all(line.status >= 400 and line.code // 100 == 8990 for line in RENDERINGS.values())


# Messages

MEDIA = {"media_id": "qiniu/image/j/1", "media_crc32": 12345, "fsize": 10}
BODIES: dict[str, tuple[int, dict[str, Any]]] = {
    "text": (-1, {"text": "hi", "extras": {"k": [1]}}),
    "image": (-2, {**MEDIA, "width": 1, "height": 2, "format": "png"}),
    "voice": (-3, {**MEDIA, "duration": 1.5, "format": "mp3"}),
    "video": (-4, {"video": {**MEDIA, "fname": "x.mp4"}, "duration": 9}),
    "location": (-5, {"latitude": 22.5, "longitude": 114, "scale": 1, "lable": "深圳"}),
    "file": (-6, {**MEDIA, "fname": "x.pdf"}),
    "custom": (1, {"anything": {"at": "all"}}),
}


@pytest.mark.parametrize("msg_type", BODIES)
async def test_jm02_every_type_to_a_group_keeps_its_body_whole(served: Jiguang, msg_type: str) -> None:
    number, msg_body = BODIES[msg_type]
    body = {**MESSAGE, "target_type": "group", "target_id": GID, "msg_type": msg_type, "msg_body": msg_body}
    assert (await served.call("POST", "/v1/messages", json=body)).json() == {"msg_id": MSG}
    command = served.broker.last.command
    assert isinstance(command, SendMessage)
    assert (command.to, command.conversation, command.type) == ("", GID, number)
    kept = json.loads(command.body)
    assert (kept["attr"]["msg_type"], kept["attr"]["msg_body"]) == (msg_type, msg_body)
    assert kept.get("url") == (MEDIA["media_id"] if msg_type in ("image", "voice", "video", "file") else None)
    assert kept.get("text") == msg_body.get("text")


@pytest.mark.parametrize("form", ["hex32", "hex24", "base64"])
async def test_every_form_of_a_gid_is_accepted(served: Jiguang, form: str) -> None:
    gid = getattr(IdForms(APP.id), form)(GID)
    assert (await served.call("GET", f"/v1/groups/{gid}")).json()["gid"] == GID
    body = {**MESSAGE, "target_type": "group", "target_id": gid}
    assert (await served.call("POST", "/v1/messages", json=body)).status_code == 200


async def test_jm02_an_admin_is_made_by_his_first_message(served: Jiguang) -> None:
    body = {**MESSAGE, "from_type": "admin", "from_id": "boss"}
    assert (await served.call("POST", "/v1/messages", json=body)).json() == {"msg_id": MSG}
    assert PutUser(user="boss", must_be_new=True) in served.commands
    error_of(await served.call("POST", "/v1/messages", json={**body, "target_id": "nobody"}), 403, 899002)
    error_of(await served.call("POST", "/v1/messages", json={**body, "from_id": "x"}), 403, 899005)


async def test_jm02_a_user_is_not(served: Jiguang) -> None:
    for change in ({"from_id": "boss"}, {"target_id": "nobody"}):
        error_of(await served.call("POST", "/v1/messages", json={**MESSAGE, **change}), 403, 899002)
    assert not any(isinstance(command, PutUser) for command in served.commands)


@pytest.mark.parametrize("truth", [True, "True", "true", 1, "1"])
async def test_jm02_flags_of_the_later_sdks(served: Jiguang, truth: Any) -> None:
    notification = {"title": "t", "alert": "a"}
    await served.call("POST", "/v1/messages", json={**MESSAGE, "no_offline": truth, "notification": notification})
    command = served.broker.last.command
    assert isinstance(command, SendMessage)
    assert (command.transient, json.loads(command.push_data)) == (True, notification)
    await served.call("POST", "/v1/messages", json={**MESSAGE, "no_offline": "False", "no_notification": truth})
    command = served.broker.last.command
    assert isinstance(command, SendMessage)
    assert (command.transient, command.push_data) == (False, b'{"no_notification":true}')


async def test_jm02_only_what_is_needed_and_a_key_that_makes_repeats_one(served: Jiguang) -> None:
    body = {key: MESSAGE[key] for key in ("target_type", "target_id", "from_type", "from_id", "msg_type", "msg_body")}
    headers = {**basic(), "Idempotency-Key": "once"}
    for _ in range(2):
        assert (await served.call("POST", "/v1/messages", json=body, headers=headers)).status_code == 200
    assert len(served.commands) == 1
    assert served.broker.last.command.client_msg_id == "once"  # type: ignore[attr-defined]  # a SendMessage


async def test_jm02_the_body_has_4096_bytes(served: Jiguang) -> None:
    frame = len(b'{"text":""}')
    for size, status in ((4096, 200), (4097, 400)):
        body = {**MESSAGE, "msg_body": {"text": "x" * (size - frame)}}
        assert (await served.call("POST", "/v1/messages", json=body)).status_code == status


def deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"version": "x"},
        {"target_type": None},
        {"target_type": "chatroom"},
        {"target_type": ["single"]},
        {"target_id": None},
        {"target_id": ""},
        {"target_id": {}},
        {"target_id": True},
        {"from_type": None},
        {"from_type": "robot"},
        {"from_id": None},
        {"from_id": []},
        {"create_time": "yesterday"},
        {"create_time": -1},
        {"target_name": 7},
        {"from_name": "x" * 257},
        {"msg_type": None},
        {"msg_type": "event"},
        {"msg_type": {}},
        {"msg_body": None},
        {"msg_body": "text"},
        {"msg_body": []},
        {"msg_body": {}},
        {"msg_body": {"text": ""}},
        {"msg_body": {"text": 5}},
        {"msg_body": {"text": "x", "extras": "y"}},
        {"msg_body": {"text": "x", "extras": deep(14)}},
        {"msg_type": "image"},
        {"msg_type": "image", "msg_body": {**MEDIA, "width": "1", "height": 2}},
        {"msg_type": "image", "msg_body": {**MEDIA, "width": True, "height": 2}},
        {"msg_type": "voice", "msg_body": {**MEDIA, "duration": 1}},
        {"msg_type": "video", "msg_body": {"video": [], "duration": 1}},
        {"msg_type": "video", "msg_body": {"video": {}, "duration": 1}},
        {"msg_type": "location", "msg_body": {"latitude": 1, "longitude": 1, "scale": 1}},
        {"no_offline": "perhaps"},
        {"no_offline": []},
        {"notification": "x"},
    ],
)
async def test_jm02_refusals(served: Jiguang, change: dict[str, Any]) -> None:
    message = error_of(await served.call("POST", "/v1/messages", json={**MESSAGE, **change}), 400, 899003)
    assert message.startswith("Parameter invalid! ")
    assert served.broker.heard == []


async def test_a_message_across_apps_is_899009(served: Jiguang) -> None:
    for field in ("target_appkey", "from_appkey"):
        error_of(await served.call("POST", "/v1/messages", json={**MESSAGE, field: "bare"}), 400, 899009)
        assert (await served.call("POST", "/v1/messages", json={**MESSAGE, field: APP.id})).status_code == 200


# Bad input elsewhere


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/users/", {"username": "dev_fang", "password": "password"}),
        ("POST", "/v1/users/", []),
        ("POST", "/v1/users/", ["dev_fang"]),
        ("POST", "/v1/users/", [{"username": "dev_fang", "password": "password"}, None]),
        ("PUT", "/v1/users/test", {}),
        ("PUT", "/v1/users/test", []),
        ("PUT", "/v1/users/test", {"username": "other", "password": "x"}),
        ("PUT", "/v1/users/test", {"nickname": 5}),
        ("PUT", "/v1/users/test", {"nickname": "a\nb"}),
        ("PUT", "/v1/users/test", {"nickname": "名" * 22}),
        ("PUT", "/v1/users/test", {"signature": "x" * 251}),
        ("PUT", "/v1/users/test", {"region": {}}),
        ("PUT", "/v1/users/test", {"address": ["x"]}),
        ("PUT", "/v1/users/test", {"gender": 3}),
        ("PUT", "/v1/users/test", {"gender": "male"}),
        ("PUT", "/v1/users/test", {"gender": True}),
        ("PUT", "/v1/users/test", {"star": 1.5}),
        ("PUT", "/v1/users/test", {"birthday": "1990-02-30"}),
        ("PUT", "/v1/users/test", {"birthday": 19900124}),
        ("PUT", "/v1/users/test", {"avatar": "x" * 1025}),
        ("PUT", "/v1/users/test", {"extras": "x"}),
        ("PUT", "/v1/users/test", {"extras": {"x": "y" * 4096}}),
        ("POST", "/v1/groups/", {}),
        ("POST", "/v1/groups/", []),
        ("POST", "/v1/groups/", {"owner_username": "tom"}),
        ("POST", "/v1/groups/", {"group_name": "g"}),
        ("POST", "/v1/groups/", {"owner_username": ["tom"], "group_name": "g"}),
        ("POST", "/v1/groups/", {"owner_username": "tom", "group_name": ""}),
        ("POST", "/v1/groups/", {"owner_username": "tom", "group_name": 5}),
        ("POST", "/v1/groups/", {"owner_username": "tom", "group_name": "a\u0000b"}),
        ("POST", "/v1/groups/", {"owner_username": "tom", "group_name": "名" * 22}),
        ("POST", "/v1/groups/", {"owner_username": "tom", "group_name": "g", "group_desc": "x" * 251}),
        ("POST", "/v1/groups/", {"owner_username": "tom", "group_name": "g", "members_username": "eddie"}),
        ("POST", "/v1/groups/", {"owner_username": "tom", "group_name": "g", "members_username": [{}]}),
        ("POST", "/v1/groups/13579/members", {}),
        ("POST", "/v1/groups/13579/members", []),
        ("POST", "/v1/groups/13579/members", {"add": [], "remove": []}),
        ("POST", "/v1/groups/13579/members", {"add": "test1"}),
        ("POST", "/v1/groups/13579/members", {"add": [None]}),
        ("POST", "/v1/groups/13579/members", {"add": ["test1"], "remove": ["test1"]}),
        ("POST", "/v1/groups/13579/members", {"add": [f"user{number}" for number in range(501)]}),
    ],
)
async def test_jm23_parameter_invalid(served: Jiguang, method: str, path: str, body: Any) -> None:
    message = error_of(await served.call(method, path, json=body), 400, 899003)
    assert message.startswith("Parameter invalid! ")
    assert served.broker.heard == []


async def test_jm04_null_and_empty_text_unset_a_field(served: Jiguang) -> None:
    await served.call("PUT", "/v1/users/test", json={"nickname": None, "birthday": "", "star": "7", "unknown": 1})
    assert served.broker.last.command == UpdateUser(attributes=b'{"nickname":null,"star":7,"birthday":null}')


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("POST", "/v1/users/", b'[{"username":"dev_fang","password":"password"},\n]', 400, 899003),
        ("POST", "/v1/users/", b"{", 400, 899003),
        ("POST", "/v1/users/", b"", 400, 899003),
        ("POST", "/v1/users/", b"\xff\xfe", 400, 899003),
        ("POST", "/v1/users/", b"[" * 100_000, 400, 899003),
        ("POST", "/v1/users/", b" " * 1_100_000, 400, 899003),
        ("POST", "/v1/messages", b'{"version":NaN}', 400, 899003),
        ("POST", "/v1/messages", b'{"version":1,"version":1}', 400, 899003),
        ("POST", "/v1/groups/", '{“owner_username”: "tom"}'.encode(), 400, 899003),
        ("GET", "/v1/users/tom/friends", b"", 404, 404),
        ("GET", "/v1/messages/x", b"", 404, 404),
        ("PUT", "/v1/groups/13579", b"{}", 405, 405),
        ("DELETE", "/v1/users/", b"", 405, 405),
        ("PATCH", "/v1/groups/", b"{}", 405, 405),
    ],
)
async def test_what_cannot_be_read_or_routed_answers_in_the_form(
    served: Jiguang, method: str, path: str, body: bytes, status: int, code: int
) -> None:
    error_of(await served.call(method, path, content=body), status, code)
    assert served.broker.heard == []


@pytest.mark.parametrize("content_type", ["application/json;charset:utf-8", "text/plain", "application/octet-stream", ""])
async def test_the_content_type_does_not_matter(served: Jiguang, content_type: str) -> None:
    headers = {**basic(), "Content-Type": content_type}
    answer = await served.call("POST", "/v1/messages/", content=json.dumps(MESSAGE).encode(), headers=headers)
    assert answer.json() == {"msg_id": MSG}
