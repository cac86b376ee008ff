"""The least a Quart-Trio program can do for a call: a route that answers at once. What an admin call is compared with."""

from __future__ import annotations

import socket
from importlib.metadata import version

import hypercorn.trio
import trio
from hypercorn.config import Config
from quart import Response
from quart_trio import QuartTrio

app = QuartTrio(__name__)


@app.get("/")
async def empty() -> Response:
    return Response(b"{}", content_type="application/json")


async def main() -> None:
    sock = socket.create_server(("127.0.0.1", 0), backlog=256)
    config = Config()
    print("listening", sock.getsockname()[1], "quart-trio", version("quart-trio"), flush=True)
    config.bind = [f"fd://{sock.detach()}"]
    config.errorlog = None
    await hypercorn.trio.serve(app, config)


if __name__ == "__main__":
    trio.run(main)
