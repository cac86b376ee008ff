"""Reading an answer that goes on, line by line, as a browser does; whoever leaves in the middle leaves nothing behind."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import h11
import trio


class Stream:
    """The lines of an answer that goes on; its status and headers are there first."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self._stream, self._http, self._gathered = stream, h11.Connection(h11.CLIENT), b""
        self.status, self.type = 0, ""

    async def ask(self, path: str, headers: Mapping[str, str]) -> None:
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
async def streaming(host: str, path: str, headers: Mapping[str, str]) -> AsyncIterator[Stream]:
    """Of the program at `host:port`."""
    name, port = host.split(":")
    async with await trio.open_tcp_stream(name, int(port)) as connection:
        stream = Stream(connection)
        await stream.ask(path, headers)
        assert (stream.status, stream.type) == (200, "application/x-ndjson")
        yield stream
