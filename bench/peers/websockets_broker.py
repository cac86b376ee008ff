"""A thin broker on `websockets`, asyncio, by its own advice: `broadcast`, no compression."""

from __future__ import annotations

import asyncio
import sys

import orjson
from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosed
from websockets.version import version

from bench.peers.desk import Desk, Refused, answers, kicked, welcome

KICKED, BAD_LOGIN = 4001, 4010


async def main() -> None:
    desk: Desk[ServerConnection] = Desk(sys.argv[1])
    leaving: set[asyncio.Task[None]] = set()

    async def session(socket: ServerConnection) -> None:
        try:
            said = orjson.loads(await socket.recv())
            replaced = desk.login(socket, said)
            if replaced is not None:
                leaving.add(task := asyncio.create_task(end(replaced, kicked(said["login"]).decode())))
                task.add_done_callback(leaving.discard)
            await socket.send(welcome(said["login"]).decode())
            async for frame in socket:
                said = orjson.loads(frame)
                ack, push = answers(desk.user(socket), said)
                await socket.send(ack.decode())
                broadcast(desk.hearers(said["to"]), push.decode())
        except Refused:
            await socket.close(BAD_LOGIN)
        except ConnectionClosed:
            pass
        finally:
            desk.gone(socket)

    async with serve(session, "127.0.0.1", 0, compression=None, ping_interval=None, backlog=4096) as server:
        print("listening", next(iter(server.sockets)).getsockname()[1], "websockets", version, flush=True)
        await asyncio.Future()


async def end(socket: ServerConnection, farewell: str) -> None:
    """In a task of its own: it waits for the other side."""
    try:
        await socket.send(farewell)
        await socket.close(KICKED)
    except ConnectionClosed:
        pass


if __name__ == "__main__":
    asyncio.run(main())
