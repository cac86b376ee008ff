"""A thin broker on `trio-websocket`: a task a connection, a fan-out is a loop of sends."""

from __future__ import annotations

import sys
from functools import partial
from importlib.metadata import version

import orjson
import trio
from trio_websocket import ConnectionClosed, WebSocketConnection, WebSocketRequest, WebSocketServer, serve_websocket

from bench.peers.desk import Desk, Refused, answers, kicked, welcome

KICKED, BAD_LOGIN = 4001, 4010


async def main() -> None:
    desk: Desk[WebSocketConnection] = Desk(sys.argv[1])

    async def session(request: WebSocketRequest) -> None:
        socket = await request.accept()
        try:
            said = orjson.loads(await socket.get_message())
            replaced = desk.login(socket, said)
            if replaced is not None:
                await tell(replaced, kicked(said["login"]))
                nursery.start_soon(partial(replaced.aclose, code=KICKED))
            await socket.send_message(welcome(said["login"]).decode())
            while True:
                said = orjson.loads(await socket.get_message())
                ack, push = answers(desk.user(socket), said)
                await socket.send_message(ack.decode())
                for each in list(desk.hearers(said["to"])):
                    await tell(each, push)
        except Refused:
            await socket.aclose(BAD_LOGIN)
        except ConnectionClosed:
            pass
        finally:
            desk.gone(socket)

    async with trio.open_nursery() as nursery:
        server: WebSocketServer = await nursery.start(partial(serve_websocket, session, "127.0.0.1", 0, ssl_context=None))
        print("listening", server.port, "trio-websocket", version("trio-websocket"), flush=True)


async def tell(socket: WebSocketConnection, frame: bytes) -> None:
    """It may be on its way out."""
    try:
        await socket.send_message(frame.decode())
    except ConnectionClosed:
        pass


if __name__ == "__main__":
    trio.run(main)
