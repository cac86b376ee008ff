"""Users who say one thing at a time, on Parley's own client library: who prepares a case, and the bystanders whose
messages are waited for while others load the server.

The law: never the load. The library costs the generator about half a millisecond a message where the cases' own loops cost
it a few microseconds, so these users have one message on the way, and no figure is made of the CPU their round took.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from typing import TypeVar

import trio

from bench.servers import APP
from bench.wires.parley import token
from bench.wires.wire import Unexpected
from protocol.clients.trio import Client, ConnectionLost, RequestRefused, SessionEnded, open_client

T = TypeVar("T")


def meet(port: int, users: Sequence[str], act: Callable[..., Awaitable[T]]) -> T:
    """What `act` makes of their clients, in this order, all logged in; they leave afterwards. Unexpected if one cannot log
    in or is refused something."""

    url = f"ws://127.0.0.1:{port}"

    async def together() -> T:
        async with AsyncExitStack() as opened:
            opening = [open_client(url, app=APP, user=user, token=token(user), sync=False) for user in users]
            return await act(*[await opened.enter_async_context(each) for each in opening])

    try:
        return trio.run(together)
    except (RequestRefused, ConnectionLost, SessionEnded, trio.TooSlowError) as error:
        raise Unexpected(str(error)) from error


async def heard(client: Client) -> str:
    """The text of the next message."""
    async for push in client:
        if push["type"] == "msg.new":
            return str(push["data"]["text"])
    raise Unexpected(f"{client.user}: {client.ended}")
