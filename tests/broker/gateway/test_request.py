"""Upgrade requests read in one step: the same request as the library reads and accepts, or left to it."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from websockets import http11
from websockets.server import ServerProtocol

from broker.gateway.request import Request, read_plain, take_key

KEY = "AAAAAAAAAAAAAAAAAAAAAA=="
PLAIN = {
    "Host": "x",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": KEY,
    "Sec-WebSocket-Version": "13",
}
NAMES = st.sampled_from(
    [*PLAIN, "upgrade", "Sec-WebSocket-Protocol", "Origin", "Content-Length", "Transfer-Encoding", "X y"]
)
VALUES = st.sampled_from(
    [
        *(
            "",
            "x",
            " websocket ",
            "WebSocket",
            "keep-alive, Upgrade",
            "upgrade",
            "close",
            "13",
            "8",
            KEY,
            KEY[:-3] + "B==",
            "0",
        ),
        *("a, b", "a,,b", "a b", ",", "a\tb", "a\r\nb", "\xe9", "chunked"),
    ]
)
LINES = st.lists(st.tuples(NAMES, VALUES), max_size=3)


def head_of(lines: list[tuple[str, str]], target: str = "/", end: str = "\r\n") -> bytes:
    text = f"GET {target} HTTP/1.1\r\n" + "".join(f"{name}: {value}{end}" for name, value in lines) + "\r\n"
    return text.encode("latin-1")


def read(head: bytes) -> tuple[Request, str] | None:
    keyed = take_key(head)
    found = read_plain(keyed[0]) if keyed is not None else None
    return None if keyed is None or found is None else (found, keyed[1])


@given(
    LINES,
    st.permutations(sorted(PLAIN)),
    st.sampled_from(["/", "/a?b=c", "/a:b", "*", "/\xe9", "/a b"]),
    st.sampled_from(["\r\n", "\n"]),
)
@example([("", ""), ("Sec-WebSocket-Protocol", "a , b")], sorted(PLAIN), "/", "\r\n")
@example([("", ""), ("Upgrade", "websocket")], sorted(PLAIN), "/", "\r\n")
@example([("", ""), ("Content-Length", "5")], sorted(PLAIN), "/", "\r\n")
def test_what_is_read_in_one_step_is_what_the_library_accepts(
    more: list[tuple[str, str]], names: list[str], target: str, end: str
) -> None:
    other = dict(more[:1])
    head = head_of([*((name, other.get(name, PLAIN[name])) for name in names), *more[1:]], target, end)
    plain = read(head)
    if plain is None:
        return
    found, accept = plain
    protocol = ServerProtocol(subprotocols=None)
    protocol.receive_data(head)
    (request,) = protocol.events_received()
    assert isinstance(request, http11.Request)
    response = protocol.accept(request)
    assert response.status_code == 101
    assert response.headers["Sec-WebSocket-Accept"] == accept
    headers = [(name.lower(), value) for name, value in request.headers.raw_items()]
    headers.remove(("sec-websocket-key", request.headers["Sec-WebSocket-Key"]))
    assert (request.path, headers) == (found.target, list(found.headers.items()))
    offered: list[str] = []

    def remember(protocol: ServerProtocol, subprotocols: list[str]) -> None:
        offered.extend(subprotocols)

    again = ServerProtocol(select_subprotocol=remember)  # type: ignore[arg-type]  # it chooses none
    again.receive_data(head)
    again.accept(request)
    assert offered == found.subprotocols


@pytest.mark.parametrize("connection", ["Upgrade", "keep-alive, Upgrade"])
@pytest.mark.parametrize(
    "more", [[], [("Sec-WebSocket-Protocol", "a, b")], [("Sec-WebSocket-Extensions", "permessage-deflate")]]
)
def test_what_browsers_and_libraries_send_is_read_in_one_step(connection: str, more: list[tuple[str, str]]) -> None:
    found = read(head_of([*(PLAIN | {"Connection": connection}).items(), *more]))
    assert found is not None
    assert found[1] == "ICX+Yqv66kxgM0FcWaLWlFLwTAI="


@pytest.mark.parametrize(
    "more",
    [
        ("Host", "y"),
        ("Content-Length", "5"),
        ("Transfer-Encoding", "chunked"),
        ("Sec-WebSocket-Protocol", "a b"),
        ("X", "\xe9"),
        ("sec-websocket-key", KEY),
    ],
)
def test_what_is_in_doubt_is_left_to_the_library(more: tuple[str, str]) -> None:
    assert read(head_of([*PLAIN.items(), more])) is None
