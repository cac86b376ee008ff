"""The LeanCloud dialect: every request of the seed beside its printed answer, curl's traps, proof, codes and refusals."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import hypercorn.trio
import pytest
import trio

from adminapi.__main__ import configured, listening
from adminapi.app import build
from adminapi.control import Channel
from adminapi.dialect import Ask, Headers
from adminapi.dialects.leancloud import LeanCloud
from adminapi.dialects.native import Native
from adminapi.files import Files
from protocol.commands import (
    AddMembers,
    Condition,
    ConversationFound,
    ConversationPage,
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
    ListConversations,
    ListMembers,
    Managed,
    MemberList,
    MembersChanged,
    Mute,
    OnlineUsers,
    Patched,
    PutUser,
    QueryPresence,
    RecallMessage,
    RemoveMembers,
    SendMessage,
    Sent,
    Unmute,
    UpdateConversation,
    UserFound,
)
from protocol.errors import Reason, Refused
from protocol.ids import IdForms, first_at
from protocol.records import ConversationInfo, Kind, MemberFailure, MemberInfo, Message, Status, UserInfo
from protocol.richtext import body_of
from protocol.signatures import sign_request
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
        if command.after is not None:
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
async def served(broker: FakeBroker, folder: Path, nursery: trio.Nursery) -> AsyncIterator[Served]:
    """adminapi with this dialect; the fake answers as the seed prints."""
    channel, files = Channel(broker.path, deadline_seconds=2.0), Files(folder / "files")
    sock = listening("127.0.0.1:0")
    host = f"127.0.0.1:{sock.getsockname()[1]}"
    app: Any = build(channel, [Native(), LeanCloud()], files)
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
    async with trio.open_nursery() as inner:
        inner.start_soon(channel.run)
        stop = trio.Event()
        inner.start_soon(partial(hypercorn.trio.serve, app, configured(sock, 0.5), shutdown_trigger=stop.wait))
        with trio.fail_after(5):
            await channel.wait_ready()
        async with httpx.AsyncClient(base_url=f"http://{host}", timeout=10, verify=False) as client:
            yield Served(broker, channel, files, host, client)
        inner.cancel_scope.cancel()


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


def managed(command: Any, user: str = "") -> Managed:
    return Managed(app=APP.id, rev=3, command=command, user=user)


# The seed, in its order


async def test_lc01_create(served: Served) -> None:
    body = {"name": "My First Conversation", "m": ["BillGates", "SteveJobs"]}
    answer = await ok(served, "POST", ROOT, json=body)
    assert answer == {"objectId": CONV_ID, "createdAt": "2018-01-16T03:40:32.814Z"}
    assert list(answer) == ["objectId", "createdAt"]
    assert len(CONV_ID) == 24
    command = CreateConversation(kind=Kind.GROUP, members=("BillGates", "SteveJobs"), name="My First Conversation")
    assert served.broker.last == managed(command)


async def test_lc01_everything_else_is_a_custom_attribute(served: Served) -> None:
    body = {"m": ["a", "b"], "unique": True, "tr": True, "c": "b", "attr": {"x": 1}, "level": 5, "gone": None}
    await ok(served, "POST", ROOT + "/", json=body)
    command = CreateConversation(
        kind=Kind.ROOM, members=("a", "b"), unique=True, attributes=b'{"attr":{"x":1},"level":5,"gone":null}'
    )
    assert served.broker.last == managed(command, user="b")


async def test_lc01_without_anything(served: Served) -> None:
    await ok(served, "POST", ROOT)
    assert served.broker.last == managed(CreateConversation(kind=Kind.GROUP, members=()))


async def test_lc01_users_nobody_has_registered_are_made_first(served: Served) -> None:
    here = {"BillGates"}

    def create(command: CreateConversation, _: Any) -> Any:
        if missing := [user for user in command.members if user not in here]:
            return Refused(Reason.UNKNOWN_USER, f"there is no user {missing[0]}")
        return Created(conversation=Talk([]).info().conversation, created=True)

    def put(command: PutUser, _: Any) -> Any:
        assert command.must_be_new
        assert (command.attributes, command.password) == (None, None)
        if command.user in here:
            return Refused(Reason.EXISTS, "is here")
        here.add(command.user)
        return UserFound(user=UserInfo(user=command.user, attributes=b"{}", online=False, created_ms=1))

    served.broker.on(CreateConversation, create)
    served.broker.on(PutUser, put)
    await ok(served, "POST", ROOT, json={"m": ["BillGates", "SteveJobs"]})
    assert here == {"BillGates", "SteveJobs"}
    assert len(served.broker.heard) == 4
    await ok(served, "POST", ROOT, json={"m": ["BillGates", "SteveJobs"]})
    assert len(served.broker.heard) == 5


async def test_a_deleted_user_is_not_made_again(served: Served) -> None:
    served.broker.on(CreateConversation, Refused(Reason.UNKNOWN_USER, "deleted"))
    served.broker.on(PutUser, Refused(Reason.EXISTS, "was deleted"))
    assert await refused(served, "POST", ROOT, json={"m": ["a"]}) == (404, 4401)
    served.broker.on(PutUser, Refused(Reason.BAD_USER_ID, "a space"))
    assert await refused(served, "POST", ROOT, json={"m": ["a b"]}) == (400, 4401)


async def test_lc02_update(served: Served) -> None:
    answer = await ok(served, "PUT", HERE, json={"name": "Updated Conversation"})
    assert answer == UPDATED
    assert list(answer) == ["updatedAt", "objectId"]
    assert served.broker.last == managed(UpdateConversation(conversation=CONV, name="Updated Conversation", merge=True))
    await ok(served, "PUT", HERE, json={"color": "blue", "attr": {"a": [1]}})
    assert served.broker.last.command == UpdateConversation(
        conversation=CONV, attributes=b'{"color":"blue","attr":{"a":[1]}}', merge=True
    )


async def test_lc03_delete(served: Served) -> None:
    assert await ok(served, "DELETE", HERE) == {}
    assert served.broker.last == managed(DeleteConversation(conversation=CONV))


async def test_lc04_add_members(served: Served) -> None:
    before = int(time.time() * 1000) - 1
    answer = await ok(served, "POST", f"{HERE}/members", json={"client_ids": ["Tom", "Jerry"]})
    assert list(answer) == ["updatedAt", "objectId"]
    assert answer["objectId"] == CONV_ID
    stamp = time.strftime("%Y-%m-%dT%H:%M", time.gmtime(before / 1000))
    assert answer["updatedAt"][:13] == stamp[:13]
    assert (len(answer["updatedAt"]), answer["updatedAt"][-1]) == (24, "Z")
    assert served.broker.last == managed(AddMembers(conversation=CONV, users=("Tom", "Jerry"), strict=True))


async def test_lc05_remove_members_with_a_body_on_delete(served: Served) -> None:
    answer = await ok(served, "DELETE", f"{HERE}/members", json={"client_ids": ["Tom", "Jerry"]})
    assert list(answer) == ["updatedAt", "objectId"]
    assert served.broker.last == managed(RemoveMembers(conversation=CONV, users=("Tom", "Jerry")))


@pytest.mark.parametrize("query", ["client_ids=Tom&client_ids=Jerry", 'client_ids=["Tom","Jerry"]'])
async def test_lc05_the_same_in_the_query_where_a_proxy_drops_the_body(served: Served, query: str) -> None:
    await ok(served, "DELETE", f"{HERE}/members?{query}")
    assert served.broker.last == managed(RemoveMembers(conversation=CONV, users=("Tom", "Jerry")))


async def test_lc05_who_stays_makes_an_error_that_names_him(served: Served) -> None:
    failed = [MemberFailure(user="Jerry", reason="not_allowed")]
    served.broker.on(RemoveMembers, MembersChanged(allowed=["Tom"], failed=failed))
    answer = await call(served, "DELETE", f"{HERE}/members", json={"client_ids": ["Tom", "Jerry"]})
    assert (answer.status_code, answer.json()["code"]) == (403, 4403)
    assert "Jerry" in answer.json()["error"]


async def test_lc06_list_members_is_a_bare_array(served: Served) -> None:
    assert await ok(served, "GET", f"{HERE}/members") == ["client1", "client2"]
    assert served.broker.last == managed(ListMembers(conversation=CONV))


async def test_lc07_silence(served: Served) -> None:
    answer = await ok(served, "POST", f"{HERE}/mutes", json={"client_id": "some-client-id", "ttl": 50})
    assert answer == UPDATED
    assert served.broker.last == managed(Mute(conversation=CONV, user="some-client-id", seconds=50))


async def test_lc07_the_printed_body_lacks_client_id_and_the_answer_says_so(served: Served) -> None:
    answer = await call(served, "POST", f"{HERE}/mutes", json={"conv_id": "some-conv-id", "ttl": 50})
    assert (answer.status_code, answer.json()["code"]) == (400, 1)
    assert "client_id" in answer.json()["error"]


@pytest.mark.parametrize("method", ["POST", "DELETE"])
async def test_lc07_lc08_client_ids_is_the_later_notification_mute_and_changes_nothing(served: Served, method: str) -> None:
    answer = await ok(served, method, f"{HERE}/mutes", json={"client_ids": ["Tom", "Jerry"]})
    assert answer == {"updatedAt": "2018-01-16T03:40:32.814Z", "objectId": CONV_ID}
    assert served.broker.heard == [managed(GetConversation(conversation=CONV))]
    served.broker.on(GetConversation, Refused(Reason.UNKNOWN_CONVERSATION, "none"))
    assert await refused(served, method, f"{HERE}/mutes", json={"client_ids": ["Tom"]}) == (404, 4303)


@pytest.mark.parametrize("body", [None, {"client_id": "some-client-id"}])
async def test_lc08_unsilence(served: Served, body: Any) -> None:
    query = "" if body else "?client_id=some-client-id"
    assert await ok(served, "DELETE", f"{HERE}/mutes{query}", json=body) == UPDATED
    assert served.broker.last == managed(Unmute(conversation=CONV, user="some-client-id"))


async def test_lc09_list_silenced(served: Served) -> None:
    muted = [MemberInfo(name, 0, False, until) for name, until in (("client1", -1), ("x", 0), ("client2", AT))]
    served.broker.on(ListMembers, MemberList(members=muted, total=3))
    assert await ok(served, "GET", f"{HERE}/mutes") == ["client1", "client2"]


async def test_lc10_send(served: Served) -> None:
    answer = await ok(served, "POST", f"{HERE}/messages", json={"from_client": "tom", "message": "hello"})
    assert answer == {"msg-id": MSG_ID, "timestamp": 1495431811151}
    assert len(MSG_ID) == 22
    command = SendMessage(conversation=CONV, type=-1, body=b'{"text":"hello","lc":"hello"}')
    assert served.broker.last == managed(command, user="tom")


async def test_lc10_all_fields(served: Served) -> None:
    rich = '{"_lctype":-2,"_lctext":"pic","_lcfile":{"url":"http://x/y"}}'
    body = {
        "from_peer": "tom",
        "message": rich,
        "transient": True,
        "no_sync": True,
        "push_data": {"alert": "hi"},
        "priority": "LOW",
        "mention_all": True,
        "mention_client_ids": ["a", "b"],
    }
    await ok(served, "POST", f"{HERE}/messages", json=body)
    assert served.broker.last.user == "tom"
    assert served.broker.last.command == SendMessage(
        conversation=CONV,
        type=-2,
        body=json.dumps({"text": "pic", "url": "http://x/y", "lc": rich}, separators=(",", ":")).encode(),
        transient=True,
        no_sync=True,
        push_data=b'{"alert":"hi"}',
        priority=3,
        mention_all=True,
        mentions=("a", "b"),
    )


async def sent(served: Served, **body: Any) -> SendMessage:
    await ok(served, "POST", f"{HERE}/messages", json={"from_client": "tom", "message": "x", **body})
    command = served.broker.last.command
    assert isinstance(command, SendMessage)
    return command


@pytest.mark.parametrize(
    ("priority", "kept"),
    [(None, 1), ("", 1), ("high", 1), ("HIGH", 1), ("Normal", 2), ("normal", 2), ("low", 3), ("lOW", 3)],
)
async def test_lc10_priority_is_high_unless_said_and_any_case(served: Served, priority: Any, kept: int) -> None:
    assert (await sent(served, priority=priority)).priority == kept


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (None, b""),
        ("", b""),
        ({"alert": "x"}, b'{"alert":"x"}'),
        ('{"alert": "x"}', b'{"alert":"x"}'),
        ("just text", b'"just text"'),
    ],
)
async def test_lc10_push_data_is_kept_as_json(served: Served, given: Any, kept: bytes) -> None:
    assert (await sent(served, push_data=given)).push_data == kept


async def test_lc10_a_message_that_is_an_object_is_kept_as_its_compact_json(served: Served) -> None:
    command = await sent(served, message={"_lctype": -1, "_lctext": "hi"})
    assert json.loads(command.body) == {"text": "hi", "lc": '{"_lctype":-1,"_lctext":"hi"}'}


async def test_lc10_five_kilobytes_and_not_a_byte_more(served: Served) -> None:
    await sent(served, message="é" * 2560)
    body: dict[str, Any] = {"from_client": "tom", "message": "é" * 2560 + "x"}
    assert await refused(served, "POST", f"{HERE}/messages", json=body) == (413, 116)
    body = {"from_client": "tom", "message": {"_lctype": -1, "_lcattrs": "x" * 5120}}
    assert await refused(served, "POST", f"{HERE}/messages", json=body) == (413, 116)


async def test_lc10_a_sender_nobody_has_registered_is_made(served: Served) -> None:
    answers = [Refused(Reason.UNKNOWN_USER, "none"), Sent(message=MSG, conversation=CONV, seq=1, time_ms=AT)]
    served.broker.on(SendMessage, lambda c, m: answers.pop(0))
    await sent(served)
    assert [type(each.command) for each in served.broker.heard if isinstance(each, Managed)] == [
        SendMessage,
        PutUser,
        SendMessage,
    ]


@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_lc11_edit(served: Served, method: str) -> None:
    body = {"from_client": "tom", "message": "new", "timestamp": AT}
    assert await ok(served, method, f"{HERE}/messages/{MSG_ID}", json=body) == {"result": {}}
    patch = b'{"text":"new","attr":null,"url":null,"lc":"new"}'
    assert served.broker.last == managed(EditMessage(conversation=CONV, message=MSG, body=patch), user="tom")


@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_lc12_recall_ignores_the_message_of_the_example(served: Served, method: str) -> None:
    body = {"from_client": "tom", "message": "", "timestamp": AT}
    assert await ok(served, method, f"{HERE}/messages/{MSG_ID}/recall", json=body) == {"result": {}}
    assert served.broker.last == managed(RecallMessage(conversation=CONV, message=MSG), user="tom")


@pytest.mark.parametrize("field", ["from_client", "client_id", "from_peer"])
async def test_lc13_delete_with_the_name_of_the_table_or_of_the_example(served: Served, field: str) -> None:
    assert await ok(served, "DELETE", f"{HERE}/messages/{MSG_ID}?{field}=tom&timestamp={AT}") == {"result": {}}
    assert served.broker.last == managed(DeleteMessage(conversation=CONV, message=MSG), user="tom")


EDITS = [
    ("POST", f"{HERE}/messages/{MSG_ID}"),
    ("PUT", f"{HERE}/messages/{MSG_ID}"),
    ("POST", f"{HERE}/messages/{MSG_ID}/recall"),
    ("PUT", f"{HERE}/messages/{MSG_ID}/recall"),
    ("DELETE", f"{HERE}/messages/{MSG_ID}"),
]


@pytest.mark.parametrize(("method", "path"), EDITS)
async def test_lc20_message_and_time_address_it_together_and_its_author_only(served: Served, method: str, path: str) -> None:
    good = {"from_client": "tom", "message": "x", "timestamp": AT}
    assert await refused(served, method, path, json={**good, "timestamp": 123}) == (404, 4404)
    assert await refused(served, method, path, json={**good, "timestamp": AT + 1}) == (404, 4404)
    assert served.broker.heard == []
    assert await refused(served, method, path, json={**good, "from_client": "jerry"}) == (403, 4403)
    for missing in ("from_client", "timestamp"):
        assert await refused(served, method, path, json={**good, missing: None}) == (400, 1)
    for bad in (-1, 1.5, "x", True, [AT]):
        assert await refused(served, method, path, json={**good, "timestamp": bad}) == (400, 107)
    for gone in ([], [said(1, status=Status.RECALLED)], [said(1, status=Status.DELETED)], [said(1, ms=AT - 5)]):
        Talk(gone).answer(served.broker)
        assert await refused(served, method, path, json=good) == (404, 4404)
    foreign = path.replace(MSG_ID, IdForms("bare").base64(MSG))
    assert await refused(served, method, foreign, json=good) == (404, 4404)
    assert not [each for each in served.broker.heard if not isinstance(each.command, GetConversation | History)]  # type: ignore[union-attr]


@pytest.mark.parametrize("count", [1, 2, 3, 7, 64, 1000])
async def test_lc20_any_message_is_found_however_old(served: Served, count: int) -> None:
    # The first were removed long ago; gaps in time are of any size.
    messages = [said(seq, f"user{seq}", ms=AT + seq * seq) for seq in range(40, 40 + count)]
    for at in {0, count // 3, count // 2, count - 1}:
        talk = Talk(messages)
        talk.answer(served.broker)
        ms = messages[at].time_ms
        body = {"from_client": f"user{messages[at].seq}", "timestamp": ms}
        path = f"{HERE}/messages/{IDS.base64(messages[at].id)}/recall"
        assert await ok(served, "POST", path, json=body) == {"result": {}}
        assert talk.reads <= 22
    near = IDS.base64(messages[0].id + 1)
    assert await refused(
        served, "POST", f"{HERE}/messages/{near}/recall", json={"from_client": "user40", "timestamp": AT + 1600}
    )


# What curl makes of the printed lines (MUX-11)


async def curl(served: Served, *arguments: str) -> Any:
    headers = [part for name, value in HEADERS.items() for part in ("-H", f"{name}: {value}")]
    line = ["curl", "-sS", "--max-time", "5", *headers, "-H", "Content-Type: application/json", *arguments]
    done = await trio.run_process(line, capture_stdout=True, capture_stderr=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def has_curl() -> bool:
    try:
        return subprocess.run(["curl", "--version"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


CURL = pytest.mark.skipif(not has_curl(), reason="there is no curl here")


@CURL
async def test_the_printed_lines_work_in_curl(served: Served) -> None:
    here = f"http://{served.host}{HERE}"
    send = '{"from_client":"tom","message":"a+b%20c"}'
    assert await curl(served, "-X", "POST", "-d", send, f"{here}/messages") == {"msg-id": MSG_ID, "timestamp": AT}
    # -G moves the body into the query string, as it is; with --data-urlencode it is escaped.
    for data in ("-d", "--data-urlencode"):
        assert await curl(served, "-X", "POST", "-G", data, send, f"{here}/messages") == {"msg-id": MSG_ID, "timestamp": AT}
        command = served.broker.last.command
        assert isinstance(command, SendMessage)
        assert json.loads(command.body)["text"] == "a+b%20c"
        edit = '{"from_client":"tom","message":"new","timestamp":' + f"{AT}}}"
        assert await curl(served, "-X", "POST", "-G", data, edit, f"{here}/messages/{MSG_ID}") == {"result": {}}
        assert await curl(served, "-X", "POST", "-G", data, edit, f"{here}/messages/{MSG_ID}/recall") == {"result": {}}
    spaced = '{"from_client": "tom", "message": "a b"}'
    await curl(served, "-X", "POST", "-G", "--data-urlencode", spaced, f"{here}/messages")
    assert json.loads(served.broker.last.command.body)["text"] == "a b"  # type: ignore[attr-defined]
    pairs = ("--data-urlencode", "client_id=tom", "--data-urlencode", f"timestamp={AT}")
    assert await curl(served, "-X", "DELETE", "-G", *pairs, f"{here}/messages/{MSG_ID}") == {"result": {}}
    assert await curl(served, "-X", "DELETE", "-G", *pairs[:2], f"{here}/mutes") == UPDATED
    more = ("-d", "from_client=tom", "--data-urlencode", "message=a b", "-d", "transient=true", "-d", "priority=low")
    await curl(served, "-X", "POST", "-G", *more, f"{here}/messages")
    command = served.broker.last.command
    assert isinstance(command, SendMessage)
    assert (command.transient, command.priority, json.loads(command.body)["text"]) == (True, 3, "a b")


@pytest.mark.parametrize(
    "query",
    [
        '{"from_client":"tom","message":"a b"}',
        "{%22from_client%22:%22tom%22,%22message%22:%22a%20b%22}",
        "%7B%22from_client%22%3A%22tom%22%2C+%22message%22%3A%22a+b%22%7D",
        "from_client=tom&message=a%20b",
        "from_client=tom&message=a+b",
    ],
)
async def test_mux11_json_or_pairs_in_the_query_with_an_empty_body(served: Served, query: str) -> None:
    await ok(served, "POST", f"{HERE}/messages?{query}")
    command = served.broker.last.command
    assert isinstance(command, SendMessage)
    assert served.broker.last.user == "tom"
    assert json.loads(command.body)["text"] == "a b" or "+" in query


async def test_mux11_a_body_goes_before_the_query(served: Served) -> None:
    body = {"from_client": "tom", "message": "body"}
    await ok(served, "POST", HERE + '/messages?{"from_client":"x","message":"query"}', json=body)
    assert served.broker.last.user == "tom"
    await ok(served, "POST", f"{HERE}/messages?from_client=x&no_sync=1", json=body)
    assert served.broker.last.user == "tom"
    assert served.broker.last.command.no_sync  # type: ignore[attr-defined]


@pytest.mark.parametrize("query", ["{", "{nonsense}", "%7B%22a%22", '{"a":1,"a":2}'])
async def test_mux11_what_only_begins_like_json_is_refused(served: Served, query: str) -> None:
    assert await refused(served, "POST", f"{HERE}/messages?{query}") == (400, 107)


# Proof (LC-27)

AN_HOUR = 3_600_000


def signed(key: str = APP.master_key, away_ms: int = 0, master: bool = True) -> str:
    return sign_request(key, int(time.time() * 1000) + away_ms, master=master)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"X-LC-Id": APP.id, "X-LC-Key": "a-long-secret,master"}, None),
        ({"X-LC-Id": APP.id, "X-LC-Key": "a-long-secret"}, None),
        ({"x-lc-id": APP.id, "x-lc-sign": lambda: signed()}, None),
        ({"X-LC-Id": APP.id, "X-LC-Sign": lambda: signed(master=False)}, None),
        ({"X-LC-Id": APP.id, "X-LC-Sign": lambda: signed(away_ms=-600_000)}, None),
        ({"X-LC-Id": APP.id, "X-LC-Sign": lambda: signed(away_ms=-AN_HOUR)}, (401, 401)),
        ({"X-LC-Id": APP.id, "X-LC-Sign": lambda: signed(away_ms=AN_HOUR)}, (401, 401)),
        ({"X-LC-Id": APP.id, "X-LC-Sign": lambda: signed("master")}, (401, 401)),
        ({"X-LC-Id": APP.id, "X-LC-Sign": "nonsense"}, (401, 401)),
        ({"X-LC-Id": APP.id, "X-LC-Sign": ""}, (401, 401)),
        ({"X-LC-Id": APP.id, "X-LC-Key": "a-long-secret", "X-LC-Sign": "nonsense"}, (401, 401)),
        ({"X-LC-Id": APP.id, "X-LC-Key": "master"}, (401, 401)),
        ({"X-LC-Id": APP.id, "X-LC-Key": "master,master"}, (401, 401)),
        ({"X-LC-Id": APP.id, "X-LC-Key": "a-long-secret,maste"}, (401, 401)),
        ({"X-LC-Id": APP.id, "X-LC-Key": ",master"}, (401, 401)),
        ({"X-LC-Id": APP.id, "X-LC-Key": ""}, (401, 401)),
        ({"X-LC-Id": APP.id, "X-LC-Key": "geheim-ü".encode()}, (401, 401)),
        ({"X-LC-Id": "bare", "X-LC-Key": "a-long-secret,master"}, (401, 401)),
        ({"X-LC-Id": APP.id}, (401, 401)),
        ({"X-LC-Key": "a-long-secret,master"}, (401, 401)),
        ({}, (401, 401)),
        ({"X-LC-Id": "nobody", "X-LC-Key": "x"}, (401, 4100)),
        ({"X-LC-Id": "gone", "X-LC-Key": "m3,master"}, (401, 4100)),
        ({"app-id": APP.id, "app-key": "a-long-secret"}, (401, 401)),
    ],
)
async def test_only_the_master_key_proves_a_back_office(
    served: Served, headers: dict[str, Any], expected: tuple[int, int] | None
) -> None:
    given = {name: value() if callable(value) else value for name, value in headers.items()}
    if expected is None:
        assert await ok(served, "GET", f"{HERE}/members", headers=given)
    else:
        assert await refused(served, "GET", f"{HERE}/members", headers=given) == expected
        assert served.broker.heard == []


async def test_the_app_key_is_told_what_is_missing(served: Served) -> None:
    answer = await call(served, "DELETE", HERE, headers={"X-LC-Id": APP.id, "X-LC-Key": APP.key})
    assert answer.json()["error"].startswith("Unauthorized.")
    assert "master key" in answer.json()["error"]
    assert APP.master_key not in answer.text


def test_a_dialect_without_a_window_takes_a_sign_of_any_time() -> None:
    headers = Headers([("X-LC-Id", APP.id), ("X-LC-Sign", sign_request(APP.master_key, AT))])
    ask = Ask(method="GET", headers=headers, now_s=time.time())
    assert LeanCloud(sign_window_seconds=0).admit(ask, {APP.id: APP}).app is APP
    with pytest.raises(Refused) as error:
        LeanCloud().admit(ask, {APP.id: APP})
    assert error.value.reason is Reason.UNAUTHORIZED


# Codes (LC-26)


def test_every_reason_has_a_rendering() -> None:
    assert set(LeanCloud.renderings) == set(Reason)


@pytest.mark.parametrize("reason", Reason)
async def test_what_the_broker_refuses_has_its_code_and_a_status_that_means_it(served: Served, reason: Reason) -> None:
    served.broker.on(DeleteConversation, Refused(reason, "the user 7", retry_after_ms=1500))
    answer = await call(served, "DELETE", HERE)
    rendering = LeanCloud.renderings[reason]
    text = "Internal server error. No information available." if reason is Reason.INTERNAL else "the user 7"
    assert answer.status_code == rendering.status
    assert answer.json() == {"code": rendering.code, "error": text}
    assert answer.headers["retry-after"] == "2"


@pytest.mark.parametrize(
    ("reason", "status", "code"),
    [
        (Reason.UNKNOWN_APP, 401, 4100),
        (Reason.UNKNOWN_CONVERSATION, 404, 4303),
        (Reason.FULL, 403, 4304),
        (Reason.UNKNOWN_USER, 404, 4401),
        (Reason.NOT_ALLOWED, 403, 4403),
        (Reason.UNKNOWN_MESSAGE, 404, 4404),
        (Reason.MUTED, 403, 4563),
        (Reason.UNAUTHORIZED, 401, 401),
        (Reason.TOO_FAST, 429, 429),
    ],
)
def test_the_codes_an_app_of_leanclouds_knows(reason: Reason, status: int, code: int) -> None:
    assert (LeanCloud.renderings[reason].status, LeanCloud.renderings[reason].code) == (status, code)


# Bad input


@pytest.mark.parametrize(
    ("method", "path", "body", "expected"),
    [
        ("POST", ROOT, {"m": "tom"}, (400, 107)),
        ("POST", ROOT, {"m": [{}]}, (400, 107)),
        ("POST", ROOT, {"m": ["a\u0000b"]}, (400, 107)),
        ("POST", ROOT, {"m": ["x" * 129]}, (400, 107)),
        ("POST", ROOT, {"m": [str(n) for n in range(501)]}, (400, 107)),
        ("POST", ROOT, {"name": 5}, (400, 107)),
        ("POST", ROOT, {"name": "x" * 257}, (400, 107)),
        ("POST", ROOT, {"unique": "perhaps"}, (400, 107)),
        ("POST", ROOT, {"unique": [1]}, (400, 107)),
        ("POST", ROOT, {"sys": True}, (400, 4314)),
        ("POST", ROOT, {"m": ["a"], "c": "b"}, (400, 107)),
        ("POST", ROOT, {"objectId": "x"}, (400, 107)),
        ("POST", ROOT, {"createdAt": "x"}, (400, 107)),
        ("POST", ROOT, {"a.b": 1}, (400, 107)),
        ("POST", ROOT, {"": 1}, (400, 107)),
        ("POST", ROOT, {"$x": 1}, (400, 107)),
        ("POST", ROOT, {"n": {"__op": "Increment", "amount": 1}}, (400, 107)),
        ("PUT", HERE, {"m": ["a"]}, (400, 107)),
        ("PUT", HERE, {"m": None}, (400, 107)),
        ("PUT", HERE, {"unique": True}, (400, 107)),
        ("PUT", HERE, {"updatedAt": "x"}, (400, 107)),
        ("PUT", HERE, {"mu": []}, (400, 107)),
        ("PUT", HERE, {"name": []}, (400, 107)),
        ("POST", f"{HERE}/members", {}, (400, 1)),
        ("POST", f"{HERE}/members", {"client_ids": "[1"}, (400, 107)),
        ("POST", f"{HERE}/members", {"client_ids": {"a": 1}}, (400, 107)),
        ("POST", f"{HERE}/members", {"client_ids": [None]}, (400, 107)),
        ("DELETE", f"{HERE}/members", {}, (400, 1)),
        ("POST", f"{HERE}/mutes", {}, (400, 1)),
        ("POST", f"{HERE}/mutes", {"client_id": "a"}, (400, 1)),
        ("POST", f"{HERE}/mutes", {"client_id": "a", "ttl": 0}, (400, 107)),
        ("POST", f"{HERE}/mutes", {"client_id": "a", "ttl": 86_401}, (400, 107)),
        ("POST", f"{HERE}/mutes", {"client_id": "a", "ttl": "soon"}, (400, 107)),
        ("POST", f"{HERE}/mutes", {"client_id": ["a"], "ttl": 5}, (400, 107)),
        ("DELETE", f"{HERE}/mutes", {}, (400, 1)),
        ("POST", f"{HERE}/messages", {}, (400, 1)),
        ("POST", f"{HERE}/messages", {"from_client": "", "message": ""}, (400, 1)),
        ("POST", f"{HERE}/messages", {"from_client": "a"}, (400, 1)),
        ("POST", f"{HERE}/messages", {"from_client": ["a"], "message": "x"}, (400, 107)),
        ("POST", f"{HERE}/messages", {"from_client": "a", "message": 5}, (400, 107)),
        ("POST", f"{HERE}/messages", {"from_client": "a", "message": ["x"]}, (400, 107)),
        ("POST", f"{HERE}/messages", {"from_client": "a", "message": "x", "transient": 2}, (400, 107)),
        ("POST", f"{HERE}/messages", {"from_client": "a", "message": "x", "no_sync": "maybe"}, (400, 107)),
        ("POST", f"{HERE}/messages", {"from_client": "a", "message": "x", "priority": "urgent"}, (400, 107)),
        ("POST", f"{HERE}/messages", {"from_client": "a", "message": "x", "priority": 1}, (400, 107)),
        ("POST", f"{HERE}/messages", {"from_client": "a", "message": "x", "push_data": 5}, (400, 107)),
        ("POST", f"{HERE}/messages", {"from_client": "a", "message": "x", "push_data": "{nonsense"}, (400, 107)),
        ("POST", f"{HERE}/messages", {"from_client": "a", "message": "x", "push_data": "x" * 4097}, (413, 116)),
        ("POST", f"{HERE}/messages", {"from_client": "a", "message": "x", "mention_client_ids": 5}, (400, 107)),
        ("POST", f"{HERE}/messages/{MSG_ID}", {"from_client": "a", "timestamp": AT}, (400, 1)),
        ("POST", "/1.2/rtm/clients/tom/kick", {"reason": "x" * 21}, (400, 107)),
        ("POST", "/1.2/rtm/clients/tom/kick", {"reason": 5}, (400, 107)),
        ("POST", "/1.2/rtm/clients/check-online", {}, (400, 1)),
        ("POST", "/1.2/rtm/clients/check-online", {"client_ids": [str(n) for n in range(21)]}, (400, 107)),
    ],
)
async def test_bad_input_is_refused_and_nothing_is_asked(
    served: Served, method: str, path: str, body: Any, expected: tuple[int, int]
) -> None:
    assert await refused(served, method, path, json=body) == expected
    assert served.broker.heard == []


@pytest.mark.parametrize(
    ("method", "path", "body", "expected"),
    [
        ("GET", "/1.2/rtm/nothing", b"", (404, 404)),
        ("GET", "/1.2", b"", (404, 404)),
        ("GET", f"{HERE}/members/tom", b"", (404, 404)),
        ("PATCH", HERE, b"{}", (405, 405)),
        ("OPTIONS", ROOT, b"", (405, 405)),
        ("POST", ROOT, b"{", (400, 107)),
        ("POST", ROOT, b"[]", (400, 107)),
        ("POST", ROOT, b'{"a":1,"a":2}', (400, 107)),
        ("POST", ROOT, b"\xff\xfe", (400, 107)),
        ("POST", ROOT, b"[" * 100_000, (400, 107)),
        ("POST", ROOT, b"name=x", (400, 107)),
        ("POST", ROOT, b" " * 1_100_000, (413, 116)),
        ("DELETE", f"{HERE}/members", b"null", (400, 107)),
    ],
)
async def test_what_fails_before_its_endpoint_answers_in_the_same_form(
    served: Served, method: str, path: str, body: bytes, expected: tuple[int, int]
) -> None:
    assert await refused(served, method, path, content=body) == expected


FOREIGN = IdForms("bare").hex24(CONV)


@pytest.mark.parametrize("conversation", [FOREIGN, "x", "0" * 24, "5a5d7432c3422b31ed845e75", "%00", "a" * 500])
@pytest.mark.parametrize(
    ("method", "rest", "body"),
    [
        ("PUT", "", {"name": "x"}),
        ("DELETE", "", None),
        ("POST", "/members", {"client_ids": ["a"]}),
        ("DELETE", "/members", {"client_ids": ["a"]}),
        ("GET", "/members", None),
        ("POST", "/mutes", {"client_id": "a", "ttl": 5}),
        ("POST", "/mutes", {"client_ids": ["a"]}),
        ("DELETE", "/mutes", {"client_id": "a"}),
        ("GET", "/mutes", None),
        ("POST", "/messages", {"from_client": "a", "message": "x"}),
        ("POST", f"/messages/{MSG_ID}", {"from_client": "a", "message": "x", "timestamp": AT}),
        ("PUT", f"/messages/{MSG_ID}/recall", {"from_client": "a", "timestamp": AT}),
        ("DELETE", f"/messages/{MSG_ID}", {"from_client": "a", "timestamp": AT}),
        ("GET", "/messages", None),
    ],
)
async def test_a_conversation_of_another_app_is_none(
    served: Served, method: str, rest: str, body: Any, conversation: str
) -> None:
    assert await refused(served, method, f"{ROOT}/{conversation}{rest}", json=body) == (404, 4303)
    assert served.broker.heard == []


async def test_every_form_of_an_id_is_accepted_and_its_own_emitted(served: Served) -> None:
    for form in (IDS.hex32(CONV), IDS.hex24(CONV), IDS.base64(CONV), str(CONV)):
        assert (await ok(served, "PUT", f"{ROOT}/{form}", json={}))["objectId"] == CONV_ID
    for form in (IDS.hex32(MSG), IDS.base64(MSG), str(MSG)):
        await ok(served, "DELETE", f"{HERE}/messages/{form}?from_client=tom&timestamp={AT}")


async def test_a_post_with_an_idempotency_key_is_done_once(served: Served) -> None:
    headers = {**HEADERS, "Idempotency-Key": "k"}
    body = {"from_client": "tom", "message": "x"}
    first = await ok(served, "POST", f"{HERE}/messages", json=body, headers=headers)
    assert await ok(served, "POST", f"{HERE}/messages", json=body, headers=headers) == first
    assert len(served.broker.heard) == 1


# LC-30

ROW = {
    "color": "red",
    "name": "My First Conversation",
    "objectId": CONV_ID,
    "m": ["client1", "client2"],
    "lm": {"__type": "Date", "iso": "2017-05-22T05:43:31.151Z"},
    "createdAt": "2018-01-16T03:40:32.814Z",
    "updatedAt": "2018-01-16T03:40:32.814Z",
}


async def query(served: Served, where: Any = None, more: str = "") -> Any:
    text = "" if where is None else "where=" + quote(json.dumps(where))
    return await ok(served, "GET", f"{ROOT}?{text}{more}")


async def test_lc30_query_conversations(served: Served) -> None:
    page = ConversationPage(conversations=[Talk([said(1)]).info().conversation], total=1)
    served.broker.on(ListConversations, page)
    assert await query(served, {"name": "first conversation"}) == {"results": [ROW]}
    asked = [each.command for each in served.broker.heard if isinstance(each, Managed)]
    assert asked[0] == ListConversations(where=(Condition("name", "=", "first conversation"),), page=1, size=100)
    room = Talk([], Kind.ROOM).info().conversation
    room.creator = "tom"
    served.broker.on(ListConversations, ConversationPage(conversations=[room], total=1))
    row = (await query(served))["results"][0]
    assert (row["tr"], row["c"]) == (True, "tom")
    assert "m" not in row
    assert "lm" not in row
    assert isinstance(served.broker.last.command, ListConversations)


async def test_lc30_a_conversation_deleted_meanwhile_is_left_out(served: Served) -> None:
    served.broker.on(ListConversations, ConversationPage(conversations=[Talk([]).info().conversation], total=1))
    served.broker.on(ListMembers, Refused(Reason.UNKNOWN_CONVERSATION, "gone"))
    assert await query(served) == {"results": []}


@pytest.mark.parametrize(
    ("skip", "limit", "names"),
    [
        (0, 3, "c0 c1 c2"),
        (3, 3, "c3 c4 c5"),
        (1, 3, "c1 c2 c3"),
        (5, 3, "c5 c6"),
        (9, 3, ""),
        (2, 20, "c2 c3 c4 c5 c6"),
        (0, 0, ""),
    ],
)
async def test_lc30_skip_and_limit(served: Served, skip: int, limit: int, names: str) -> None:
    def page(command: ListConversations, _: Any) -> ConversationPage:
        rows = [Talk([]).info().conversation for _ in range(7)]
        for number, row in enumerate(rows):
            row.name = f"c{number}"
        start = command.skip
        return ConversationPage(conversations=rows[start : start + command.size], total=7)

    served.broker.on(ListConversations, page)
    found = (await query(served, more=f"&skip={skip}&limit={limit}"))["results"]
    assert " ".join(row["name"] for row in found) == names


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({}, []),
        ({"objectId": CONV_ID}, [Condition("id", "=", CONV)]),
        ({"objectId": FOREIGN}, [Condition("id", "=", 0)]),
        ({"objectId": {"$in": [CONV_ID, "x"]}}, [Condition("id", "in", [CONV, 0])]),
        ({"m": "Tom"}, [Condition("member", "=", "Tom")]),
        ({"m": {"$in": ["Tom", "Jerry"]}}, [Condition("member", "in", ["Tom", "Jerry"])]),
        ({"c": {"$ne": "Tom"}}, [Condition("creator", "!=", "Tom")]),
        ({"tr": True}, [Condition("kind", "=", 4)]),
        ({"tr": False}, [Condition("kind", "!=", 4)]),
        ({"tr": {"$ne": True}}, [Condition("kind", "!=", 4)]),
        ({"level": 5}, [Condition("attributes.level", "=", 5)]),
        ({"attr": {"a": 1}}, [Condition("attributes.attr", "=", {"a": 1})]),
        (
            {"level": {"$gt": 1, "$gte": 2, "$lt": 9, "$lte": 8, "$ne": 5}},
            [
                Condition("attributes.level", op, value)
                for op, value in ((">", 1), (">=", 2), ("<", 9), ("<=", 8), ("!=", 5))
            ],
        ),
        ({"createdAt": {"$gt": "2018-01-16T03:40:32.814Z"}}, [Condition("created", ">", CREATED_MS)]),
        (
            {"createdAt": {"$lte": {"__type": "Date", "iso": "2018-01-16T03:40:32.814Z"}}},
            [Condition("created", "<=", CREATED_MS)],
        ),
        ({"createdAt": {"__type": "Date", "iso": "2018-01-16T03:40:32.814Z"}}, [Condition("created", "=", CREATED_MS)]),
    ],
)
async def test_lc30_where(served: Served, where: Any, expected: list[Condition]) -> None:
    served.broker.on(ListConversations, ConversationPage(conversations=[], total=0))
    assert await query(served, where) == {"results": []}
    assert served.broker.last.command == ListConversations(where=tuple(expected), page=1, size=100)


@pytest.mark.parametrize(
    ("where", "named"),
    [
        ('{"name":{"$regex":"x"}}', "$regex"),
        ('{"$or":[{"name":"x"}]}', "$or"),
        ('{"m":{"$all":["x"]}}', "$all"),
        ('{"level":{"$exists":true}}', "$exists"),
        ('{"updatedAt":{"$gt":"2018-01-16T03:40:32.814Z"}}', "updatedAt"),
        ('{"attr.x":1}', "attr.x"),
        ('{"createdAt":5}', "createdAt"),
        ('{"createdAt":{"$gt":"yesterday"}}', "createdAt"),
        ('{"objectId":5}', "objectId"),
        ('{"tr":1}', "tr"),
        ('{"tr":{"$in":[true]}}', "tr"),
        ('{"m":{"$in":"x"}}', "$in"),
        ('{"m":{"x":1}}', "user ids"),
        ("[]", "JSON object"),
        ("nonsense", "JSON object"),
        ("[" * 40, "JSON object"),
    ],
)
async def test_lc30_where_is_refused_by_what_is_wrong_in_it(served: Served, where: str, named: str) -> None:
    answer = await call(served, "GET", f"{ROOT}?where={quote(where)}")
    assert (answer.status_code, answer.json()["code"]) == (400, 107)
    assert named in answer.json()["error"] or "where" in answer.json()["error"]
    assert served.broker.heard == []


@pytest.mark.parametrize("bounds", ["skip=-1", "skip=x", "limit=1001", "limit=1e3", "limit=-1", "skip=1000001"])
async def test_lc30_paging_is_bounded(served: Served, bounds: str) -> None:
    assert await refused(served, "GET", f"{ROOT}?{bounds}") == (400, 107)


async def test_lc30_kick(served: Served) -> None:
    assert await ok(served, "POST", "/1.2/rtm/clients/tom/kick", json={"reason": "why"}) == {}
    assert served.broker.last == managed(Kick(user="tom", reason="why"))
    assert await ok(served, "POST", "/1.2/rtm/clients/tom%20x/kick") == {}
    assert served.broker.last == managed(Kick(user="tom x"))
    served.broker.on(Kick, Refused(Reason.UNKNOWN_USER, "none"))
    assert await ok(served, "POST", "/1.2/rtm/clients/nobody/kick") == {}
    served.broker.on(Kick, Refused(Reason.STORAGE_UNAVAILABLE, "full"))
    assert await refused(served, "POST", "/1.2/rtm/clients/tom/kick") == (503, 503)


async def test_lc30_check_online(served: Served) -> None:
    served.broker.on(QueryPresence, OnlineUsers(online=["Jerry"]))
    body = {"client_ids": ["Tom", "Jerry"]}
    assert await ok(served, "POST", "/1.2/rtm/clients/check-online", json=body) == {"results": ["Jerry"]}
    assert served.broker.last == managed(QueryPresence(users=("Tom", "Jerry")))


# The history query


def talk_of(count: int, first: int = 1) -> Talk:
    """Two messages in every millisecond."""
    rows = []
    for seq in range(first, first + count):
        row = said(seq, ms=AT + seq // 2)
        row.id += seq % 2
        rows.append(row)
    return Talk(rows)


async def history(served: Served, **query: Any) -> list[str]:
    rows = await ok(served, "GET", f"{HERE}/messages", params=query)
    return [row["data"] for row in rows]


async def test_history_row(served: Served) -> None:
    row = {
        "timestamp": AT,
        "conv-id": CONV_ID,
        "data": "m1",
        "from": "tom",
        "msg-id": MSG_ID,
        "is-conv": True,
        "is-room": False,
        "to": CONV_ID,
        "bin": False,
        "from-ip": "",
    }
    assert await ok(served, "GET", f"{HERE}/messages") == [row]
    Talk([]).answer(served.broker)
    assert await ok(served, "GET", f"{HERE}/messages") == []


@pytest.mark.parametrize(
    ("start", "stop", "flags", "expected"),
    [
        (3, 1, "", "m2"),
        (3, 1, "include_start", "m3 m2"),
        (3, 1, "include_stop", "m2 m1"),
        (3, 1, "include_start include_stop", "m3 m2 m1"),
        (1, 3, "reversed", "m2"),
        (1, 3, "reversed include_start", "m1 m2"),
        (1, 3, "reversed include_stop", "m2 m3"),
        (3, None, "", "m2 m1"),
        (None, 1, "", "m3 m2"),
        (1, None, "reversed", "m2 m3"),
        (None, 3, "reversed", "m1 m2"),
        (None, None, "", "m3 m2 m1"),
        (None, None, "reversed", "m1 m2 m3"),
        (1, 3, "", ""),
    ],
)
@pytest.mark.parametrize("named", [True, False])
async def test_history_as_the_table_of_the_later_document(
    served: Served, start: int | None, stop: int | None, flags: str, expected: str, named: bool
) -> None:
    talk = Talk([said(seq, ms=AT + 10 * seq) for seq in (1, 2, 3)])
    talk.answer(served.broker)
    query: dict[str, Any] = dict.fromkeys(flags.split(), "true")
    for prefix, seq in (("", start), ("till_", stop)):
        if seq is not None:
            query[prefix + "timestamp"] = AT + 10 * seq
            if named:
                query[prefix + "msgid"] = IDS.base64(talk.messages[seq - 1].id)
    assert " ".join(await history(served, **query)) == expected


async def test_history_is_exact_over_many_pages_and_within_a_millisecond(served: Served) -> None:
    talk = talk_of(450, first=7)
    talk.answer(served.broker)
    every = [f"m{seq}" for seq in range(7, 457)]
    assert await history(served) == every[:-101:-1]
    assert await history(served, limit=1000) == every[::-1]
    assert await history(served, limit=1000, reversed=1) == every
    assert await history(served, limit=230, reversed=1) == every[:230]
    middle = talk.messages[200]
    at = {"msgid": IDS.base64(middle.id), "timestamp": middle.time_ms}
    assert await history(served, **at, limit=150) == every[199:49:-1]
    assert await history(served, **at, limit=2, include_start=1) == every[200:198:-1]
    assert await history(served, **at, limit=3, reversed=1) == every[201:204]
    ms = talk.messages[201].time_ms
    assert {each.time_ms for each in talk.messages[201:203]} == {ms}
    assert await history(served, timestamp=ms, limit=1) == every[200:201]
    assert await history(served, timestamp=ms, limit=2, include_start=1) == every[202:200:-1]
    assert await history(served, timestamp=ms, till_timestamp=ms - 2, include_stop=1) == every[200:196:-1]
    assert await history(served, timestamp=AT + 999_999) == every[:-101:-1]
    assert await history(served, timestamp=5) == []
    assert await history(served, timestamp=AT + 999_999, reversed=1) == []


async def test_history_leaves_out_what_was_deleted_and_marks_what_was_recalled(served: Served) -> None:
    rows = [said(seq, ms=AT + seq, status=Status.DELETED if seq % 3 else Status.RECALLED) for seq in range(1, 301)]
    Talk(rows).answer(served.broker)
    assert await history(served) == ['{"_lctype":-127}'] * 100
    Talk([said(seq, ms=AT + seq, status=Status.DELETED) for seq in range(1, 301)]).answer(served.broker)
    assert await history(served) == []


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("limit=0", (400, 107)),
        ("limit=1001", (400, 107)),
        ("limit=x", (400, 107)),
        ("timestamp=x", (400, 107)),
        ("till_timestamp=-1", (400, 107)),
        ("reversed=maybe", (400, 107)),
        ("msgid=x", (404, 4404)),
        (f"msgid={IdForms('bare').base64(MSG)}&timestamp={AT}", (404, 4404)),
        (f"msgid={MSG_ID}&timestamp=5", (404, 4404)),
        (f"till_msgid={MSG_ID}&till_timestamp=5", (404, 4404)),
    ],
)
async def test_history_refusals(served: Served, query: str, expected: tuple[int, int]) -> None:
    assert await refused(served, "GET", f"{HERE}/messages?{query}") == expected
    assert served.broker.heard == []
