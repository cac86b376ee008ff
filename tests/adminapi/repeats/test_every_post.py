"""`Idempotency-Key` is heeded on every POST of every dialect (DESIGN 6).

Every route the program mounts is asked through HTTP. Its endpoint's function and its dialect's proofs, which other tests
look at, are replaced by ones that do the same everywhere and let everybody in.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
import trio

from adminapi.app import build
from adminapi.audit.log import AuditLog
from adminapi.audit.witness import Audit
from adminapi.control import Channel
from adminapi.dialect import Answer, Ask, Broker, Caller, Dialect, Endpoint, json_answer
from adminapi.dialects.parley.endpoints.streams import NDJSON
from adminapi.door import Door, listening
from adminapi.files import Files
from adminapi.metrics import Metrics
from adminapi.repeats.calls import Repeats, interrupted
from adminapi.settings import Settings
from protocol.apps import App
from protocol.commands import BanUser, Done
from tests.adminapi.conftest import APP, FakeBroker
from tests.adminapi.described import mounted_on

UNKEPT = {"/-/api/sign-in", "/-/api/sign-out", "/-/api/translate"}
"""Each session is signed in and out by itself, and translating changes nothing."""


@pytest.fixture(autouse=True)
def answers_are_described() -> None:
    """They are not: here every endpoint answers the same."""


async def ban(ask: Ask, broker: Broker) -> Answer:
    reply = await broker.call(ask.managed(BanUser(user="tom")))
    assert isinstance(reply, Done)
    return json_answer(reply.time_ms)


def open_to_all(dialect: Dialect) -> Dialect:
    """Its roots and routes, each of which bans tom."""

    def admit(self: Dialect, ask: Ask, apps: Mapping[str, App]) -> Caller:
        return Caller(app=APP, whole=True)

    found: Dialect = object.__new__(type("Open", (type(dialect),), {"admit": admit}))
    found.__dict__.update(dialect.__dict__)
    found.routes = type(dialect.routes)(msgspec.structs.replace(endpoint, run=ban) for endpoint in dialect.routes)
    return found


@pytest.fixture
async def client(broker: FakeBroker, folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    dialects = [open_to_all(dialect) for dialect in mounted_on(folder)]
    channel, settings, repeats = Channel(broker.path), Settings(graceful_seconds=0.5), Repeats(folder / "repeats.db")
    audit = Audit(AuditLog(folder / "audit"))
    app: Any = build(channel, dialects, Files(folder / "files"), settings=settings, audit=audit, repeats=repeats)
    sock = listening("127.0.0.1:0")
    async with trio.open_nursery() as inner:
        inner.start_soon(channel.run)
        inner.start_soon(partial(Door(sock, settings, Metrics()).serve, app, trio.Event().wait))
        with trio.fail_after(5):
            await channel.wait_ready()
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{sock.getsockname()[1]}", timeout=10) as client:
            yield client
        inner.cancel_scope.cancel()
    repeats.close()


def posts(folder: Path) -> list[Endpoint]:
    return [endpoint for dialect in mounted_on(folder) for endpoint in dialect.routes if endpoint.method == "POST"]


async def test_every_post_of_every_dialect_is_done_once_under_a_key(
    client: httpx.AsyncClient, broker: FakeBroker, tmp_path: Path
) -> None:
    broker.on(BanUser, lambda command, managed: Done(time_ms=len(broker.heard)))
    found = posts(tmp_path)
    assert len(found) > 50
    assert {endpoint.path for endpoint in found if endpoint.open or endpoint.alone} == UNKEPT
    assert NDJSON not in {endpoint.about.type for endpoint in found}, "what comes in pieces is not kept"
    for number, endpoint in enumerate((endpoint for endpoint in found if endpoint.path not in UNKEPT), 1):
        path = re.sub(r"\{\w+\}", "1", endpoint.path)
        body = {"files": {"file": ("a.txt", b"one", "text/plain")}} if endpoint.uploads else {"json": {"a": 1}}
        for _ in range(2):
            answer = await client.post(path, headers={"Idempotency-Key": "k"}, **body)
            assert (answer.status_code, answer.json()) == (200, number), f"{endpoint.path}: {answer.text}"


def test_every_dialect_says_that_the_outcome_is_unknown_and_not_to_come_back(tmp_path: Path) -> None:
    """JMessage's line for it says "try again later", which would be in vain."""
    for dialect in mounted_on(tmp_path):
        answer = dialect.refusal(Ask(method="POST"), interrupted())
        assert b"whether it was carried out is unknown" in answer.body, dialect.name
        assert "Retry-After" not in dict(answer.headers)
