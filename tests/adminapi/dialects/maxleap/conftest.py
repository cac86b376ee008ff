"""adminapi with the MaxLeap dialect, and behind the fake broker hubs that keep what they are told.

The hubs are the real ones, driven as a script (`tests.broker.hub.script`), so an answer here is what the calls before it
have made; the control channel between is the real one too, spoken by the fake.
"""

from __future__ import annotations

from typing import Any

import httpx
import msgspec
import pytest

from adminapi.dialect import Dialect
from adminapi.dialects.leancloud import LeanCloud
from adminapi.dialects.maxleap import MaxLeap
from adminapi.dialects.native import Native
from broker.hub.handlers import HANDLERS, SCANS
from protocol.apps import App
from protocol.commands import AddFriend, CreateConversation, Login, PutUser, PutVisitor, SendMessage
from protocol.ids import IdForms
from tests.adminapi.conftest import APP, FakeBroker, Served
from tests.adminapi.dialects.maxleap.printed import Book
from tests.broker.hub.script import Script, app

SETTINGS = app(group_members=4, room_members=5, file_bytes=100_000).settings
OURS = msgspec.structs.replace(APP, settings=SETTINGS)
THEIRS = App(id="theirs", key="their-key", master_key="their-master-key", secret="s", settings=SETTINGS)
HEADERS = {"X-ML-AppId": OURS.id, "X-ML-APIKey": OURS.master_key}
OTHER = {"X-ML-AppId": THEIRS.id, "X-ML-APIKey": THEIRS.key}
IDS = IdForms(OURS.id)


class World:
    """The HTTP side, and the hubs behind it."""

    def __init__(self, script: Script, served: Served) -> None:
        self.script = script
        self.broker, self.files = served.broker, served.files
        self.host, self.client = served.host, served.client

    async def call(self, method: str, path: str, **more: Any) -> httpx.Response:
        more.setdefault("headers", HEADERS)
        return await self.client.request(method, path, **more)

    async def get(self, path: str, **more: Any) -> Any:
        """The JSON value of a GET that must succeed."""
        answer = await self.call("GET", path, **more)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json"), answer.text
        return answer.json()

    async def does(self, method: str, path: str, status: int, body: Any = None, **more: Any) -> Any:
        """The JSON value of a call that must answer so, None if its body is empty."""
        if body is not None:
            more["json"] = body
        answer = await self.call(method, path, **more)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    async def refused(self, method: str, path: str, **more: Any) -> tuple[int, int]:
        """(HTTP status, code) of a call that must fail, in the dialect's form."""
        answer = await self.call(method, path, **more)
        body = answer.json()
        assert set(body) == {"errorCode", "errorMessage"}, body
        assert isinstance(body["errorMessage"], str)
        assert body["errorMessage"]
        return answer.status_code, body["errorCode"]

    async def users(self, *names: str) -> None:
        for name in names:
            await self.does("POST", f"/ctx/{name}/attributes", 201, {})

    async def group(self, *users: str, **more: Any) -> str:
        """A group of users who are made; the first owns it."""
        await self.users(*users)
        made = await self.does("POST", "/groups", 201, {"owner": users[0], "members": list(users[1:]), **more})
        assert isinstance(made, str)
        return made

    async def room(self, *users: str, **more: Any) -> str:
        await self.users(*users)
        made = await self.does("POST", "/rooms", 201, {"members": list(users), **more})
        assert isinstance(made, str)
        return made

    def manage(self, command: Any, user: str = "") -> Any:
        return self.script.manage(command, app=OURS.id, user=user)

    def say(self, user: str, words: str, *, to: str = "", conversation: str = "", kind: int = -1, key: str = "text") -> int:
        """A message of 1 ms later than the last; its time."""
        self.script.pass_ms(1)
        number = (IDS.parse(conversation) or 0) if conversation else 0
        body = msgspec.json.encode({key: words})
        sent = self.manage(SendMessage(type=kind, body=body, to=to, conversation=number), user=user)
        return int(sent.time_ms)

    def foreign(self) -> tuple[str, str, str]:
        """A user, a visitor, and the id of a group of the other app."""
        for command in (PutUser(user="stranger"), PutVisitor(user="guest")):
            self.script.manage(command, app=THEIRS.id)
        made = self.script.manage(CreateConversation(kind=3, members=("stranger",)), app=THEIRS.id, user="stranger")
        return "stranger", "guest", IdForms(THEIRS.id).hex32(made.conversation.id)


@pytest.fixture
def dialects() -> list[Dialect]:
    return [Native(), LeanCloud(), MaxLeap()]


@pytest.fixture
async def broker(broker: FakeBroker) -> FakeBroker:
    broker.apps = (OURS, THEIRS)
    return broker


@pytest.fixture
async def world(served: Served) -> World:
    script = Script(OURS, THEIRS)
    for kind in (*HANDLERS, *SCANS):
        served.broker.on(kind, lambda c, m: script.ask(1, m))
    return World(script, served)


@pytest.fixture
async def book(world: World) -> Book:
    """The world the examples speak of."""
    await world.users("testuser1", "testuser2", "testuser3", "baz", "friendid1")
    await world.does("POST", "/ctx/testuser1/attributes", 201, {"key1": "value1", "key2": "value2", "name": "隔壁老王"})
    for install in ("installid1", "installid2"):
        world.script.ask(world.script.number(install), Login(app=OURS.id, user="testuser1", install=install, device=install))
    world.manage(AddFriend(user="testuser2"), user="testuser1")
    group = await world.group("testuser1", "testuser2", name="testgroup1")
    room = await world.room("testuser1", "testuser2", name="room_test")
    await world.does("POST", f"/rooms/{room}/attributes", 201, {"company": "maxleap"})
    visitor = await world.does("POST", "/passengers", 201, {"name": "王尼玛"})
    said = [
        {"speaker": user, "content": {"media": 0, "body": words}, "ts": world.say(user, words, to=to)}
        for user, words, to in (("testuser1", "hi", "testuser2"), ("testuser2", "hello", "testuser1"))
    ]
    in_group = {"media": 1, "body": "http://h/a.png"}
    ts = world.say("testuser2", "http://h/a.png", conversation=group, kind=-2, key="url")
    grouped = [{"speaker": "testuser2", "content": in_group, "ts": ts}]
    ts = world.say(visitor, "help", to="testuser1")
    visited = [{"speaker": visitor, "content": {"media": 0, "body": "help"}, "ts": ts}]
    return {
        "group": group,
        "room": room,
        "passenger": visitor,
        "friends_chats": said,
        "group_chats": grouped,
        "passenger_chats": visited,
        "now": world.script.ms,
    }
