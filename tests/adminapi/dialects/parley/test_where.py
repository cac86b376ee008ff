"""Where the try-it page finds the sockets, and whom it is told of; and the library any page may import."""

from __future__ import annotations

import msgspec
import pytest
import trio

from adminapi.settings import Settings
from protocol.apps import App, AppSettings
from protocol.sockets import Sockets
from tests.adminapi.conftest import APP, Served

OPEN = msgspec.structs.replace(APP, id="demo", settings=AppSettings(token_required=False))


async def know(served: Served, *apps: App) -> None:
    """These are the apps, and adminapi has heard of it."""
    await served.broker.push_apps(*apps)
    with trio.fail_after(5):
        while set(served.channel.apps or ()) != {app.id for app in apps}:  # noqa: ASYNC110  # it tells nobody
            await trio.sleep(0.001)


async def test_open_apps_are_offered_to_who_sits_here(served: Served) -> None:
    await know(served, OPEN, msgspec.structs.replace(OPEN, id="gone-demo", disabled=True))
    answer = await served.client.get("/-/try/where")
    assert answer.json() == {"socket": "ws://127.0.0.1:7700", "apps": ["demo"]}
    assert answer.headers["cache-control"] == "no-store"
    answer = await served.client.get("/-/try/where", headers={"X-Forwarded-For": "203.0.113.7"})
    assert answer.json()["apps"] == []


@pytest.mark.parametrize("admin_settings", [Settings(graceful_seconds=0.5, trusted_proxies=())])
async def test_where_no_proxy_is_trusted_this_host_is_still_this_host(served: Served) -> None:
    await know(served, OPEN)
    assert (await served.client.get("/-/try/where")).json()["apps"] == ["demo"]


async def test_while_the_broker_is_away_it_says_so(served: Served) -> None:
    served.broker.stop()
    with trio.fail_after(5):
        while (await served.client.get("/-/try/where")).json()["apps"] is not None:
            pass


def test_the_policy_names_all_that_may_be_answered() -> None:
    assert Sockets("", "0.0.0.0:7700", "0.0.0.0:7703").sources == ["ws://{host}:7700", "wss://{host}:7703"]
    assert Sockets("wss://im.example.com:8443/path", "0.0.0.0:7700").sources == ["wss://im.example.com:8443"]


async def test_any_page_may_import_the_library(served: Served) -> None:
    answer = await served.client.get("/-/parley.js")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert "access-control-allow-origin" not in (await served.client.get("/-/try")).headers
    policy = (await served.client.get("/-/try")).headers["content-security-policy"]
    assert "connect-src 'self' ws://127.0.0.1:7700;" in policy
