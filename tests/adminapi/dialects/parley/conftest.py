"""Operators who have signed in, for the tests of our own API."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import h11
import pytest
import trio

from adminapi.operators.accounts import Account, Accounts
from adminapi.passwords import Passwords
from tests.adminapi.conftest import Served

PASSWORD = "open sesame"


class Stream:
    """The lines of an answer that goes on; its status and headers are there first."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self._stream, self._http, self._gathered = stream, h11.Connection(h11.CLIENT), b""
        self.status, self.type = 0, ""

    async def ask(self, path: str, headers: dict[str, str]) -> None:
        request = h11.Request(method="GET", target=path, headers=[("host", "h"), *headers.items()])
        await self._stream.send_all((self._http.send(request) or b"") + (self._http.send(h11.EndOfMessage()) or b""))
        event = await self._event()
        assert isinstance(event, h11.Response)
        self.status, self.type = event.status_code, dict(event.headers)[b"content-type"].decode()

    async def line(self) -> dict[str, Any]:
        """The next one; {} at the end."""
        with trio.fail_after(10):
            while b"\n" not in self._gathered:
                event = await self._event()
                if not isinstance(event, h11.Data):
                    return {}
                self._gathered += event.data
        line, _, self._gathered = self._gathered.partition(b"\n")
        found: dict[str, Any] = json.loads(line)
        return found

    async def _event(self) -> Any:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            self._http.receive_data(await self._stream.receive_some())
        return event


@asynccontextmanager
async def streaming(served: Served, path: str, headers: dict[str, str]) -> AsyncIterator[Stream]:
    async with await served.stream() as connection:
        stream = Stream(connection)
        await stream.ask(path, headers)
        assert (stream.status, stream.type) == (200, "application/x-ndjson")
        yield stream


SignIn = Callable[[str], Awaitable[dict[str, str]]]


@pytest.fixture
async def sign_in(served: Served, folder: Path) -> SignIn:
    """From a role to the headers of an operator of that name and role."""
    hash = await Passwords().hash(PASSWORD)

    def made(role: str) -> Account:
        return Account(name=role, role=role, password=hash, since_ms=1, serial="s1")  # type: ignore[arg-type]

    def all_roles(book: object) -> object:
        for role in ("viewer", "support", "admin"):
            book = book.put(made(role))  # type: ignore[attr-defined]
        return book

    Accounts(folder / "operators.json").change(all_roles)  # type: ignore[arg-type]

    async def done(role: str) -> dict[str, str]:
        answer = await served.client.post("/-/api/sign-in", json={"name": role, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        return {"authorization": f"Bearer {answer.json()['token']}"}

    return done
