"""parley.js against a server that misbehaves by plan: close codes, silence, refusals, and more than it can hold.

The server is of this file, as a broker does none of it on request; what it says is of SOCKET.md.
"""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

LIBRARY = Path("protocol/clients/parley.js").read_bytes()
QUICK = "{ app: 'a', user: 'u', sync: false, waits: { backoffFirst: 0.05, backoffMost: 0.1, connect: 2, ...waits } }"
START = f"""
  const {{ Client, openClient }} = await import("/parley.js");
  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  const open = (path, waits = {{}}) => openClient(server + path, {QUICK});
  const begin = (path, waits = {{}}) => new Client(server + path, {QUICK});
  const until = async (client, ...types) => {{
    for await (const push of client) if (types.includes(push.type)) return push;
  }};
"""
Run = Callable[..., Any]


class Own(BaseHTTPRequestHandler):
    """A page, and the library beside it."""

    def do_GET(self) -> None:
        script = self.path == "/parley.js"
        self.send_response(200)
        self.send_header("Content-Type", "text/javascript" if script else "text/html")
        self.end_headers()
        self.wfile.write(LIBRARY if script else b'<!doctype html><link rel="icon" href="data:,"><title>Own</title>')

    def log_message(self, format: str, *args: object) -> None:
        pass


class Misbehaving:
    """Does what the path says: `/close/4001`, `/shut/4502`, `/refuse/5031`, `/silent/name`, `/deaf`, `/flood`."""

    def __init__(self) -> None:
        self.connections: dict[str, int] = defaultdict(int)
        self.frames: dict[str, list[dict[str, Any]]] = defaultdict(list)

    def serve(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        path = socket.request.path
        self.connections[path] += 1
        try:
            self.act(socket, path, self.connections[path] == 1)
        except ConnectionClosed:
            pass

    def act(self, socket: ServerConnection, path: str, first: bool) -> None:
        what, _, more = path[1:].partition("/")
        json.loads(socket.recv())
        if what == "deaf":
            socket.recv()
        if what == "shut":
            socket.close(int(more), "as planned")
        if what == "refuse" and first:
            refusal = {"type": "login.error", "code": int(more), "msg": "Not now.", "data": {"retry_after_ms": 30}}
            socket.send(json.dumps(refusal))
            socket.close(4502)
        socket.send(json.dumps({"type": "login.success", "msg": "success", "data": {"session_token": "t"}}))
        if what == "close" and first:
            socket.close(int(more), "as planned")
        if what == "flood":
            for number in range(10_050):
                socket.send(json.dumps({"type": "system.new", "data": {"content": number}}))
        for text in socket:
            frame = json.loads(text)
            self.frames[path].append(frame)
            if what == "flood":
                socket.send(json.dumps({"type": "sync.success", "id": frame["id"], "data": {}}))


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[Misbehaving, str]]:
    misbehaving = Misbehaving()
    with serve(misbehaving.serve, "127.0.0.1", 0, subprotocols=["parley.v1"]) as listening:  # type: ignore[list-item]
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        yield misbehaving, f"ws://127.0.0.1:{listening.socket.getsockname()[1]}"
        listening.shutdown()
    thread.join()


@pytest.fixture(scope="module")
def page(chromium: Browser) -> Iterator[Page]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Own) as own:
        thread = threading.Thread(target=own.serve_forever)
        thread.start()
        context = chromium.new_context()
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{own.server_port}/")
        yield page
        context.close()
        own.shutdown()
        thread.join()


@pytest.fixture
def run(page: Page, server: tuple[Misbehaving, str]) -> Run:
    return lambda script: page.evaluate(f"async (server) => {{ {START} {script} }}", server[1])


@pytest.mark.parametrize("code", [1000, 4000, 4001, 4010, 4499])
def test_a_final_code_ends_it(run: Run, server: tuple[Misbehaving, str], code: int) -> None:
    ended = run(f"""
        const client = await open("/close/{code}"), push = await until(client, "client.ended", "client.offline");
        await pause(250);
        return {{ push, refused: await client.request("sync").catch(({{ name, code }}) => [name, code]) }};
    """)
    assert ended["push"] == {"type": "client.ended", "data": {"code": code, "reason": "as planned"}}
    assert ended["refused"] == ["SessionEnded", code]
    assert server[0].connections[f"/close/{code}"] == 1


@pytest.mark.parametrize("code", [1001, 1011, 1012, 3000, 4500, 4502, 4999])
def test_any_other_code_is_come_back_from(run: Run, server: tuple[Misbehaving, str], code: int) -> None:
    found = run(f"""
        const client = await open("/close/{code}");
        const offline = await until(client, "client.ended", "client.offline");
        await until(client, "client.online");
        client.close();
        return {{ offline, ended: client.ended.code }};
    """)
    assert found["offline"]["type"] == "client.offline"
    assert found["offline"]["data"]["code"] == code
    assert 0 <= found["offline"]["data"]["retry_in"] <= 0.1
    assert found["ended"] == 1000
    assert server[0].connections[f"/close/{code}"] == 2


def test_a_frame_that_was_too_big_is_the_largest_one(run: Run) -> None:
    found = run("""
        const client = await open("/close/1009");
        const outcomes = [client.send({ to: "b", text: "x".repeat(2000) }), client.request("sync", {})];
        return Promise.all(outcomes.map((each) => each.catch(({ name, code }) => [name, code])));
    """)
    assert found[0] == ["RequestRefused", 4030]
    assert found[1][0] == "ConnectionLost"


def test_a_login_refused_for_the_moment_is_tried_again(run: Run, server: tuple[Misbehaving, str]) -> None:
    found = run("""
        const client = await open("/refuse/5031");
        client.close();
        return open("/refuse/213").catch(({ name, code, text }) => [name, code, text]);
    """)
    assert found == ["RequestRefused", 213, "Not now."]
    assert server[0].connections == server[0].connections | {"/refuse/5031": 2, "/refuse/213": 1}


def test_who_makes_a_client_hears_what_the_first_login_comes_to(run: Run) -> None:
    found = run("""
        const later = begin("/refuse/4010"), never = begin("/refuse/211");
        const offline = await until(later, "client.offline", "client.online");
        await until(later, "client.online");
        later.close();
        return { offline, ended: await until(never, "client.ended", "client.offline"), refused: never.ended.refused };
    """)
    assert found["offline"] == {
        "type": "client.offline",
        "data": {"code": 1006, "reason": "Not now.", "refused": 4010, "retry_in": 0.03},
    }
    assert found["ended"] == {"type": "client.ended", "data": {"code": 4010, "reason": "Not now.", "refused": 211}}
    assert found["refused"] == 211


@pytest.mark.parametrize("code", [4010, 4502])
def test_a_close_before_the_first_login_is_what_the_login_failed_of(run: Run, code: int) -> None:
    found = run(f"""
        const failed = await open("/shut/{code}", {{ connect: 0.3 }}).catch((error) => error);
        return [failed.name, failed.code, failed.message];
    """)
    assert found[:2] == ["ConnectionLost", code]
    assert found[2].endswith(": as planned")


def test_every_wait_has_its_deadline(run: Run, server: tuple[Misbehaving, str]) -> None:
    found = run("""
        const deaf = await open("/deaf", { connect: 0.2 }).catch(({ name, message }) => [name, message]);
        const client = await open("/silent/deadlines", { request: 0.1, send: 0.3 });
        const request = await client.request("sync").catch(({ name }) => name);
        const send = await client.send({ to: "b", text: "?" }).catch(({ name }) => name);
        client.close();
        return { deaf, request, send };
    """)
    assert found["deaf"][0] == "ConnectionLost"
    assert (found["request"], found["send"]) == ("TooSlow", "TooSlow")
    sends = [
        frame["data"]["client_msg_id"] for frame in server[0].frames["/silent/deadlines"] if frame["type"] == "msg.send"
    ]
    assert len(sends) > 1
    assert len(set(sends)) == 1


def test_silence_is_looked_into_and_then_left(run: Run, server: tuple[Misbehaving, str]) -> None:
    found = run("""
        const client = await open("/silent/idle", { idle: 0.15, probe: 0.15 });
        const { data } = await until(client, "client.offline");
        client.close();
        return data;
    """)
    assert (found["code"], found["reason"]) == (1006, "the server fell silent")
    assert server[0].frames["/silent/idle"][0] == {"type": "ping", "data": {}}


def test_what_waits_is_bounded_and_refused_beyond_that(run: Run, server: tuple[Misbehaving, str]) -> None:
    found = run("""
        const client = await open("/silent/window");
        const sends = Array.from({ length: 1000 }, () => client.send({ to: "b", text: "." }).catch(({ name }) => name));
        const one_more = await client.send({ to: "b", text: "." }).catch(({ name, code }) => [name, code]);
        await pause(200);
        client.close();
        return { one_more, ends: [...new Set(await Promise.all(sends))] };
    """)
    assert found == {"one_more": ["RequestRefused", 4029], "ends": ["SessionEnded"]}
    assert len(server[0].frames["/silent/window"]) == 64


def test_who_does_not_listen_loses_the_oldest_and_is_told_how_many(run: Run) -> None:
    found = run("""
        const client = await open("/flood");
        await client.request("sync");
        client.close();
        const all = [];
        for await (const push of client) all.push(push);
        return { first: all[0], count: all.length, last: all.at(-2).data };
    """)
    assert found["first"] == {"type": "client.dropped", "data": {"count": 52}}  # client.online and client.ended count too
    assert found["count"] == 10_001
    assert found["last"] == {"content": 10_049}
