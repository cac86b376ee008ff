"""The try-it page over a restart of the broker, and an app that wants to know who logs in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from protocol.tokens import make_jwt
from tests.browser.conftest import Watch
from tests.browser.test_try import said, say, window
from tests.journeys.programs import APP, Host, free_port

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

GUARDED = {**APP, "id": "guarded", "key": "k", "master_key": "m", "secret": "the-secret-of-guarded", "token_required": True}


@pytest.fixture(scope="module")
def host(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    sockets = {"listen": f"127.0.0.1:{free_port()}"}
    with Host(tmp_path_factory.mktemp("restart"), APP, GUARDED, sockets=sockets) as host:
        host.broker()
        host.admin()
        yield host


@pytest.fixture
def page(chromium: Browser, host: Host, watch: Watch) -> Iterator[Page]:
    watch.expect("WebSocket connection to 'ws://127.0.0.1")  # the browser itself says so while the broker is away
    context = chromium.new_context(base_url=host.admin_url, locale="en-US")
    page = context.new_page()
    watch.on(page)
    page.goto("/-/try/")
    yield page
    context.close()


def test_the_broker_is_killed_and_nothing_is_lost_or_doubled(page: Page, host: Host) -> None:
    alice, bob = window(page, "alice"), window(page, "bob")
    alice.get_by_text("bob is online").wait_for()
    bob.get_by_text("alice is online").wait_for()
    say(page, "alice", "before")
    bob.get_by_text("alice: before", exact=True).wait_for()
    host.kill()
    alice.get_by_text("The server cannot be reached, or takes no more connections from here just now.").wait_for()
    alice.get_by_text("It tries again").wait_for()
    for name in ("alice", "bob"):
        for number in range(3):
            say(page, name, f"{name} while away {number}")
    assert alice.get_by_text("Sending…").count() == 3
    host.broker()
    for seat, name in ((alice, "bob"), (bob, "alice")):
        seat.get_by_text(f"{name}: {name} while away 2", exact=True).wait_for()
        seat.get_by_text("Delivered").or_(seat.get_by_text("Read", exact=True)).last.wait_for()
    at_alice, at_bob = said(page, "alice"), said(page, "bob")
    assert at_alice == at_bob
    assert sorted(at_alice) == sorted(
        ["alice: before", *(f"{name}: {name} while away {number}" for name in ("alice", "bob") for number in range(3))]
    )
    assert [line for line in at_alice if line.startswith("alice: alice")] == sorted(
        line for line in at_alice if line.startswith("alice: alice")
    )


def test_a_window_that_finds_nobody_says_so_and_how_to_try_again(page: Page, host: Host) -> None:
    window(page, "bob").get_by_text("alice is online").wait_for()
    host.kill()
    page.get_by_role("button", name="Log in once more as alice").click()
    second = window(page, "alice, window 2")
    second.get_by_text("not logged in", exact=True).wait_for()
    words = second.get_by_role("alert").inner_text()
    assert "The server cannot be reached, or takes no more connections from here just now. Close code 1006" in words
    assert "parley.js does not try again by itself" in words
    page.get_by_role("combobox", name="Language").select_option("zh")
    assert "无法连接服务器，或者它暂时不再接受来自这里的连接。关闭码 1006" in page.get_by_role("alert").inner_text()
    page.get_by_role("combobox", name="语言").select_option("en")
    host.broker()
    window(page, "alice").get_by_text("bob is online").wait_for()  # back by itself, so replaced only now
    second.get_by_role("button", name="Log in here again").click()
    second.get_by_text("bob is online").wait_for()


def test_an_app_that_wants_tokens_gets_them_from_the_visitor(page: Page) -> None:
    page.get_by_role("button", name="Other users, or another app").click()
    page.get_by_role("textbox", name=re.compile("^App")).fill("guarded")
    for label, user in (("First user", "tom"), ("Second user", "jerry")):
        group = page.get_by_role("group", name=label)
        group.get_by_label("User id").fill(user)
        group.get_by_label("Token").fill(make_jwt("the-secret-of-guarded", {"unique_name": user}))
    page.get_by_role("button", name="Log both in").click()
    window(page, "tom").get_by_text("jerry is online").wait_for()
    say(page, "tom", "with a token")
    window(page, "jerry").get_by_text("tom: with a token", exact=True).wait_for()
    code = page.get_by_role("region", name="The code that did it").locator("pre").first.inner_text()
    assert 'token: "your token"' in code
    assert "eyJ" not in code


def test_only_who_sits_at_this_host_is_offered_an_open_app(page: Page, host: Host) -> None:
    here = page.request.get(f"{host.admin_url}/-/try/where")
    assert here.json() == {"socket": host.url, "apps": ["666666"]}
    assert here.headers["cache-control"] == "no-store"
    elsewhere = page.request.get(f"{host.admin_url}/-/try/where", headers={"X-Forwarded-For": "203.0.113.7"})
    assert elsewhere.json() == {"socket": host.url, "apps": []}
