"""Where the router sends clients (`protocols.md` 2.1)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from adminapi.dialect import Ask, Query
from adminapi.dialects.leancloud.router import Router
from protocol.sockets import Sockets
from tests.adminapi.conftest import Served
from tests.adminapi.dialects.leancloud.conftest import call, refused


@pytest.mark.parametrize("path", ["/v1/route", "/2/route"])
async def test_anybody_is_told_where_the_sockets_are(served: Served, path: str) -> None:
    answer = await call(served, "GET", f"{path}?appId=666666&secure=true&_t=1", headers={})
    assert answer.status_code == 200
    url = "ws://127.0.0.1:7700"
    assert answer.json() == {"server": url, "secondary": url, "ttl": 3600}
    assert served.broker.heard == []


async def test_the_rest_below_v1_is_not_ours(served: Served) -> None:
    assert await refused(served, "POST", "/v1/route", headers={}) == (405, 405)
    answer = await call(served, "GET", "/v1/routes", headers={})
    assert answer.json()["error"] == "There is nothing at this path."


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("http://im.example.com", "ws://im.example.com:7700"),
        ("https://im.example.com:8443/base", "ws://im.example.com:7700"),
        ("http://[::1]:80", "ws://[::1]:7700"),
        ("http://a b", "ws://0.0.0.0:7700"),
        ('http://"><script>', "ws://0.0.0.0:7700"),
        ("http://[", "ws://0.0.0.0:7700"),
        ("http://", "ws://0.0.0.0:7700"),
        ("", "ws://0.0.0.0:7700"),
    ],
)
def test_the_sockets_are_at_the_host_that_was_asked(base: str, url: str) -> None:
    assert Sockets("", "0.0.0.0:7700").at(base) == url


@pytest.mark.parametrize(
    ("secure", "tls", "url"),
    [
        ("true", "0.0.0.0:7703", "wss://im.example.com:7703"),
        ("false", "0.0.0.0:7703", "ws://im.example.com:7700"),
        ("", "0.0.0.0:7703", "ws://im.example.com:7700"),
        ("true", "", "ws://im.example.com:7700"),
    ],
)
async def test_who_asks_for_tls_is_sent_to_the_listener_for_it(secure: str, tls: str, url: str) -> None:
    ask = Ask(method="GET", base_url="http://im.example.com", query=Query({"secure": [secure]}))
    unused: Any = None
    answer = await Router(Sockets("", "0.0.0.0:7700", tls)).route(ask, unused)
    assert json.loads(answer.body) == {"server": url, "secondary": url, "ttl": 3600}
    assert Sockets("", "0.0.0.0:7700", tls).at("http://a b", secure=secure == "true") == url.replace(
        "im.example.com", "0.0.0.0"
    )
    last = await Router(Sockets("ws://other:1", "0.0.0.0:7700", tls)).route(ask, unused)
    assert json.loads(last.body)["server"] == "ws://other:1"


async def test_the_operator_has_the_last_word() -> None:
    ask = Ask(method="GET", base_url="http://im.example.com")
    unused: Any = None
    answer = await Router(Sockets("wss://sockets.example.com/im", "0.0.0.0:7700")).route(ask, unused)
    assert answer.body == (
        b'{"server":"wss://sockets.example.com/im","secondary":"wss://sockets.example.com/im","ttl":3600}'
    )
