"""The upgrade request, without a socket."""

from __future__ import annotations

import pytest
from websockets.utils import accept_key

from broker.gateway.limits import public
from broker.gateway.upgrade import KNOWN, KNOWN_BYTES, Handshake, Opened, Rejected, Upgrade
from broker.settings import Sockets
from tests.broker.gateway.conftest import FakeWire

KEY = "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
HEAD = f"Host: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{KEY}"


class Asked:
    def __init__(self) -> None:
        self.upgrades: list[Upgrade] = []
        self.handshake = Handshake(self.choose, public(Sockets()))

    def choose(self, upgrade: Upgrade) -> tuple[FakeWire, str | None]:
        self.upgrades.append(upgrade)
        return FakeWire(upgrade.token), "parley.v1" if "parley.v1" in upgrade.subprotocols else None

    def feed(self, data: str) -> Opened | Rejected | None:
        return self.handshake.feed(data.encode())


def test_any_path_opens_and_the_wire_gets_the_token_of_the_header() -> None:
    asked = Asked()
    opened = asked.feed(f"GET /any/path?a=1&token=q HTTP/1.1\r\n{HEAD}Authorization: Bearer t.o.k\r\n\r\n")
    assert isinstance(opened, Opened)
    (upgrade,) = asked.upgrades
    assert (upgrade.path, upgrade.token, upgrade.query["a"]) == ("/any/path", "t.o.k", "1")
    assert isinstance(opened.wire, FakeWire)
    assert opened.wire.token == "t.o.k"
    assert opened.response.startswith(b"HTTP/1.1 101 ")
    assert b"rotocol:" not in opened.response


def test_the_token_may_be_in_the_query() -> None:
    asked = Asked()
    asked.feed(f"GET /?token=a%2Bb HTTP/1.1\r\n{HEAD}\r\n")
    assert asked.upgrades[0].token == "a+b"


@pytest.mark.F29
def test_a_subprotocol_is_echoed_and_an_extension_never() -> None:
    asked = Asked()
    opened = asked.feed(
        f"GET / HTTP/1.1\r\n{HEAD}Sec-WebSocket-Protocol: other, parley.v1\r\n"
        "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n"
    )
    assert isinstance(opened, Opened)
    assert b"Sec-WebSocket-Protocol: parley.v1\r\n" in opened.response
    assert b"xtension" not in opened.response
    assert asked.upgrades[0].subprotocols == ["other", "parley.v1"]


def test_requests_that_differ_in_their_key_alone_are_read_once_and_each_gets_its_own_answer() -> None:
    asked = Asked()
    first = asked.feed(f"GET /once HTTP/1.1\r\n{HEAD}\r\n")
    second = asked.feed(f"GET /once HTTP/1.1\r\n{HEAD.replace('AAAA', 'BBBB', 1)}\r\n")
    assert isinstance(first, Opened)
    assert isinstance(second, Opened)
    assert asked.upgrades[0] is asked.upgrades[1]
    assert accept_key("AAAAAAAAAAAAAAAAAAAAAA==").encode() in first.response
    assert accept_key("BBBBAAAAAAAAAAAAAAAAAA==").encode() in second.response


@pytest.mark.parametrize(
    ("target", "more"),
    [
        ("/?token=t", ""),
        ("/", "Authorization: Bearer t\r\n"),
        ("/", "X-Forwarded-For: 192.0.2.1\r\n"),
        ("/", f"X-Long: {'x' * KNOWN_BYTES}\r\n"),
    ],
)
def test_a_request_that_says_something_of_one_client_is_not_remembered(target: str, more: str) -> None:
    asked = Asked()
    for _ in range(2):
        asked.feed(f"GET {target} HTTP/1.1\r\n{HEAD}{more}\r\n")
    first, second = asked.upgrades
    assert first == second
    assert first is not second


def test_so_many_requests_are_remembered_and_no_more() -> None:
    asked = Asked()
    for number in range(KNOWN + 1):
        asked.feed(f"GET /{number} HTTP/1.1\r\n{HEAD}\r\n")
    asked.feed(f"GET /0 HTTP/1.1\r\n{HEAD}\r\n")
    assert asked.upgrades[-1] == asked.upgrades[0]
    assert asked.upgrades[-1] is not asked.upgrades[0]


def test_a_request_may_come_byte_by_byte_with_a_frame_behind_it() -> None:
    asked = Asked()
    data = f"GET / HTTP/1.1\r\n{HEAD}\r\n".encode()
    for at in range(len(data) - 1):
        assert asked.handshake.feed(data[at : at + 1]) is None
    opened = asked.handshake.feed(data[-1:] + b"rest")
    assert isinstance(opened, Opened)
    assert opened.framing.pending()


@pytest.mark.parametrize(
    ("request_text", "status"),
    [
        ("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 426),
        (f"POST / HTTP/1.1\r\n{HEAD}\r\n", 405),
        (f"GET / HTTP/1.0\r\n{HEAD}\r\n", 505),
        ("GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", 400),
        ("nonsense\r\n\r\n", 400),
        ("\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\n" + "A: b\r\n" * 500 + "\r\n", 431),
        ("GET / HTTP/1.1\r\n" + "A: b\r\n" * 10_000, 431),
        ("GET /" + "x" * 10_000, 431),
        (f"GET / HTTP/1.1\r\n{HEAD}Sec-WebSocket-Protocol: {' ,' * 2000}\r\n\r\n", 400),
        (f"GET / HTTP/1.1\r\n{HEAD}Content-Length: 5\r\n\r\nhello", 400),
    ],
)
def test_what_is_no_upgrade_gets_a_short_answer(request_text: str, status: int) -> None:
    rejected = Asked().feed(request_text)
    assert isinstance(rejected, Rejected)
    assert rejected.response.startswith(f"HTTP/1.1 {status} ".encode())
    assert len(rejected.response) < 1000


def test_a_request_has_so_many_header_lines_and_no_more() -> None:
    """CVE-2024-37890. Five lines are there already."""
    for more, opens in ((59, True), (60, False)):
        lines = "".join(f"X-{number}: y\r\n" for number in range(more))
        answered = Asked().feed(f"GET / HTTP/1.1\r\n{HEAD}{lines}\r\n")
        assert isinstance(answered, Opened) is opens
        if isinstance(answered, Rejected):
            assert answered.response.startswith(b"HTTP/1.1 431 ")
