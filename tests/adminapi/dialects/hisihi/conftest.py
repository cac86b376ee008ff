"""The dialect over the fake broker, whose answers are those of a real hub driven as a script: causes are real, and what the
sessions of that hub hear can be looked at."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
import trio

from adminapi.app import build
from adminapi.audit.log import AuditLog
from adminapi.audit.witness import Audit
from adminapi.control import Channel
from adminapi.dialects.hisihi import Hisihi
from adminapi.dialects.native import Native
from adminapi.door import Door, listening
from adminapi.files import Files
from adminapi.metrics import Metrics
from adminapi.repeats.calls import Repeats
from adminapi.settings import Settings
from broker.hub.handlers import HANDLERS, SCANS
from protocol.apps import App, AppSettings
from protocol.commands import AddMembers, CreateConversation, DeleteConversation, ListMembers, PutUser
from protocol.ids import IdForms
from protocol.pushes import SystemNew
from protocol.records import Kind
from tests.adminapi.conftest import FakeBroker
from tests.broker.hub.script import Script

SETTINGS: dict[str, Any] = {"token_required": False, "group_members": 6}
APP = App(id="666666", key="the-key", master_key="the-master-key", secret="s", settings=AppSettings(**SETTINGS))
OTHER = App(id="other", key="k2", master_key="m2", secret="s2", settings=AppSettings(**SETTINGS))
OPEN = App(id="open", key="k3", master_key="m3", secret="s3", settings=AppSettings(**SETTINGS, hisihi_unsigned=True))
GONE = App(id="gone", key="k4", master_key="m4", secret="s4", disabled=True)
IDS = IdForms(APP.id)
PROOF = {"app-id": APP.id, "Authorization": f"Bearer {APP.master_key}"}
GROUP = {
    "group_name": "666",
    "member_client_ids": "o12:u232:p23",
    "organization_id": 2,
    "conversation_id": "",
    "group_avatar": "http://pic.hisihi.com/232rwfrqw.jpg",
    "admin_uid": "o12",
    "description": "群描述信息",
}
"""As the seed prints it."""


class Office:
    """A back office of `APP`, and the hub behind it."""

    def __init__(self, script: Script, broker: FakeBroker, client: httpx.AsyncClient) -> None:
        self.script = script
        self.broker = broker
        self.client = client

    async def call(self, method: str, path: str, **more: Any) -> httpx.Response:
        more.setdefault("headers", PROOF)
        return await self.client.request(method, path, **more)

    async def ok(self, method: str, path: str, status: int = 200, **more: Any) -> Any:
        answer = await self.call(method, path, **more)
        assert answer.status_code == status, answer.text
        if status == 204:
            assert answer.content == b""
            return None
        assert answer.headers["content-type"] == "application/json"
        return answer.json()

    async def refused(self, method: str, path: str, **more: Any) -> tuple[int, int]:
        """(status, code) of an error in the seed's form (HI-23)."""
        answer = await self.call(method, path, **more)
        body = answer.json()
        assert set(body) == {"msg", "code", "request"}, body
        assert isinstance(body["msg"], str)
        assert body["msg"]
        assert body["request"] == f"{method}  {path.partition('?')[0]}"
        return answer.status_code, body["code"]

    # What is there.

    def manage(self, command: Any, user: str = "", app: str = APP.id) -> Any:
        return self.script.manage(command, app=app, user=user)

    def user(self, name: str, /, **attributes: Any) -> None:
        self.manage(PutUser(user=name, attributes=orjson.dumps(attributes)))

    def group(self, *users: str, name: str = "", app: str = APP.id, most: int = 0, **attributes: Any) -> int:
        """A group as another dialect makes it; the first user owns it."""
        for user in users:
            self.manage(PutUser(user=user), app=app)
        raw = orjson.dumps(attributes)
        command = CreateConversation(kind=Kind.GROUP, members=users[1:], name=name, attributes=raw, most=most)
        return int(self.manage(command, user=users[0] if users else "", app=app).conversation.id)

    def members(self, conversation: int) -> dict[str, int]:
        """User -> role."""
        return {member.user: member.role for member in self.manage(ListMembers(conversation=conversation)).members}

    def join(self, conversation: int, *users: str) -> None:
        for user in users:
            self.manage(PutUser(user=user))
        self.manage(AddMembers(conversation=conversation, users=users))

    def end(self, conversation: int) -> None:
        self.manage(DeleteConversation(conversation=conversation))

    # What is heard.

    def online(self, *users: str) -> None:
        for user in users:
            self.script.login(user, app=APP.id)
        self.quiet(*users)

    def quiet(self, *users: str) -> None:
        for user in users:
            self.script.heard(user)

    def notices(self, user: str) -> list[Any]:
        """The system messages that came to this user since last asked."""
        return [orjson.loads(push.content) for push in self.script.pushes(user) if isinstance(push, SystemNew)]


@pytest.fixture
def default_app() -> str:
    return ""


@pytest.fixture
async def office(folder: Path, broker: FakeBroker, nursery: trio.Nursery, default_app: str) -> AsyncIterator[Office]:
    script = Script(APP, OTHER, OPEN, GONE)
    broker.apps, broker.imports = (APP, OTHER, OPEN, GONE), True
    for kind in (*HANDLERS, *SCANS):
        broker.on(kind, lambda command, managed: script.ask(1, managed or command))
    channel, files = Channel(broker.path, deadline_seconds=2.0), Files(folder / "files")
    sock = listening("127.0.0.1:0")
    host = f"127.0.0.1:{sock.getsockname()[1]}"
    settings = Settings(graceful_seconds=0.5, trusted_proxies=())
    app: Any = build(
        channel,
        [Native(), Hisihi(default_app)],
        files,
        settings=settings,
        audit=Audit(AuditLog(folder / "audit")),
        repeats=Repeats(folder / "repeats.db"),
    )
    async with trio.open_nursery() as inner:
        inner.start_soon(channel.run)
        stop = trio.Event()
        inner.start_soon(Door(sock, settings, Metrics()).serve, app, stop.wait)
        with trio.fail_after(5):
            await channel.wait_ready()
        async with httpx.AsyncClient(base_url=f"http://{host}", timeout=10, verify=False) as client:
            yield Office(script, broker, client)
        inner.cancel_scope.cancel()
