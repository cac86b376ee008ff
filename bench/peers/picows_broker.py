"""A thin broker on `picows`, asyncio: frames are handled where they are parsed, writes are the transport's."""

from __future__ import annotations

import asyncio
import sys
from importlib.metadata import version

import orjson
from picows import WSFrame, WSListener, WSMsgType, WSTransport, WSUpgradeRequest, ws_create_server

from bench.peers.desk import Desk, Refused, answers, kicked, welcome

KICKED, BAD_LOGIN = 4001, 4010


class Session(WSListener):
    def __init__(self, desk: Desk[Session]) -> None:
        self._desk = desk
        self._user = ""
        self.transport: WSTransport

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type is WSMsgType.CLOSE:
            transport.send_close()
            transport.disconnect()
            return
        said = orjson.loads(frame.get_payload_as_memoryview())
        if self._user:
            ack, push = answers(self._user, said)
            transport.send(WSMsgType.TEXT, ack)
            for each in self._desk.hearers(said["to"]):
                each.transport.send(WSMsgType.TEXT, push)
            return
        try:
            replaced = self._desk.login(self, said)
        except Refused:
            transport.send_close(BAD_LOGIN)
            return
        self._user = said["login"]
        if replaced is not None:
            replaced.transport.send(WSMsgType.TEXT, kicked(self._user))
            replaced.transport.send_close(KICKED)
            replaced.transport.disconnect()
        transport.send(WSMsgType.TEXT, welcome(self._user))

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self._desk.gone(self)


async def main() -> None:
    desk: Desk[Session] = Desk(sys.argv[1])

    def session(request: WSUpgradeRequest) -> Session:
        return Session(desk)

    server = await ws_create_server(session, "127.0.0.1", 0, backlog=4096)
    print("listening", server.sockets[0].getsockname()[1], "picows", version("picows"), flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
