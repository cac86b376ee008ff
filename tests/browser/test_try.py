"""The try-it page, as a newcomer meets it: two windows, a third that kicks the first, files, and the code that did it."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from tests.browser.checks import flaws
from tests.browser.conftest import OpenPage, parley
from tests.journeys.programs import Up

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page, WebSocketRoute


def window(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=name, exact=True)


def said(page: Page, name: str) -> list[str]:
    """What a window shows, oldest first."""
    return window(page, name).locator(".bubble").all_text_contents()


def say(page: Page, name: str, text: str) -> None:
    window(page, name).get_by_role("textbox").fill(text)
    window(page, name).get_by_role("button", name="Send", exact=True).click()


def code(page: Page) -> Locator:
    return page.get_by_role("region", name="The code that did it")


def picture() -> bytes:
    """A red square, PNG."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compress(b"".join(b"\0" + b"\xff\0\0" * 32 for _ in range(32)))
    head = struct.pack(">IIBBBBB", 32, 32, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.fixture(scope="module", autouse=True)
def rates(site: Up) -> None:
    """More than one newcomer does in a minute."""
    parley(site, "app", "set", "demo", *(f"{name}_per_minute=0" for name in ("sends", "history", "others")))


@pytest.fixture
def page(open_page: OpenPage) -> Iterator[Page]:
    """The page, with both windows logged in and without a click."""
    page = open_page("/-/try/")
    window(page, "alice").get_by_text("bob is online").wait_for()
    window(page, "bob").get_by_text("alice is online").wait_for()
    yield page
    page.close()


def test_two_windows_talk_and_see_typing_unread_and_read(page: Page) -> None:
    alice, bob = window(page, "alice"), window(page, "bob")
    alice.get_by_role("textbox").press_sequentially("good ")
    bob.get_by_text("alice is typing").wait_for()
    assert "client.typing({ to })" in code(page).locator("pre").first.inner_text()
    say(page, "alice", "good morning <b>bob</b>")
    bob.get_by_text("1 unread").wait_for()
    alice.get_by_text("Delivered").last.wait_for()
    assert 'await say(client, "bob", "good morning <b>bob</b>");' in code(page).locator("pre").first.inner_text()
    bob.get_by_role("textbox").click()
    alice.get_by_text("Read").last.wait_for()
    assert bob.get_by_text("1 unread").count() == 0
    assert "await markRead(client," in code(page).locator("pre").first.inner_text()
    assert said(page, "bob")[-1].endswith("good morning <b>bob</b>")


def test_a_third_window_kicks_the_first_before_ones_eyes(page: Page) -> None:
    page.get_by_role("button", name="Log in once more as alice").click()
    first = window(page, "alice")
    first.get_by_text("Close code 4001, replaced.").wait_for()
    assert "This account has logged in again on the same device." in first.get_by_role("alert").inner_text()
    third = window(page, "alice, window 2")
    third.get_by_text("bob is online").wait_for()
    assert first.get_by_role("textbox").count() == 0
    say(page, "bob", "who is there?")
    third.get_by_text("who is there?").wait_for()
    assert "who is there?" not in " ".join(said(page, "alice"))
    assert flaws(page) == []
    first.get_by_role("button", name="Log in here again").click()
    third.get_by_text("Close code 4001, replaced.").wait_for()
    first.get_by_text("who is there?").wait_for()
    third.get_by_role("button", name="Close this window").click()
    assert page.get_by_role("region").count() == 3  # two windows and the code


def others(page: Page, first: str, second: str) -> None:
    """Log these two in, in the place of alice and bob."""
    page.get_by_role("button", name="Other users, or another app").click()
    for name, user in (("First user", first), ("Second user", second)):
        page.get_by_role("group", name=name).get_by_label("User id").fill(user)
    page.get_by_role("button", name="Log both in").click()
    window(page, first).get_by_text(f"{second} is online").wait_for()


def test_a_login_that_is_put_off_says_why_and_when_it_is_tried_again(page: Page) -> None:
    others(page, "anton", "berta")
    for number in range(2, 7):
        page.get_by_role("button", name="Log in once more as anton").click()
        window(page, f"anton, window {number}").get_by_text("online", exact=True).wait_for()
        window(page, f"anton, window {number - 1}" if number > 2 else "anton").get_by_text("Close code 4001").wait_for()
    page.get_by_role("button", name="Log in once more as anton").click()
    late = window(page, "anton, window 7")
    late.get_by_text("This account was taken over too often within a minute; who has it now keeps it").wait_for()
    late.get_by_text("(code 4010)").wait_for()
    late.get_by_text(re.compile(r"It tries again by itself in 5\d s\.")).wait_for()
    timer = late.get_by_role("timer")
    page.wait_for_function("([timer, shown]) => timer.innerText !== shown", arg=[timer.element_handle(), timer.inner_text()])
    assert '"refused": 4010' in code(page).locator("pre.answer").inner_text()
    assert flaws(page) == []
    window(page, "anton, window 6").get_by_text("online", exact=True).wait_for()
    page.get_by_role("combobox", name="Language").select_option("zh")
    page.get_by_text("此账号在一分钟内被顶替的次数过多，暂时保留给当前的登录。登录被拒绝：").wait_for()
    page.get_by_text(re.compile(r"\d+ 秒后自动重试。")).wait_for()


def test_a_window_that_takes_over_knows_what_was_read_before(page: Page) -> None:
    others(page, "carla", "dirk")

    def read(name: str) -> list[bool]:
        return [text == "Read" for text in window(page, name).locator(".own .state").all_inner_texts()]

    for text in ("one", "two", "three"):
        say(page, "carla", text)
    window(page, "dirk").get_by_text("three").wait_for()
    window(page, "dirk").get_by_role("textbox").click()
    window(page, "carla").get_by_text("Read").nth(2).wait_for()
    for text in ("four", "five"):
        say(page, "carla", text)
    window(page, "carla").get_by_text("Delivered").nth(1).wait_for()
    assert read("carla") == [True] * 3 + [False] * 2
    page.get_by_role("button", name="Log in once more as carla").click()
    window(page, "carla, window 2").get_by_text("Read").nth(2).wait_for()
    assert read("carla, window 2") == [True] * 3 + [False] * 2
    for number in range(18):
        say(page, "carla, window 2", f"more {number}")
    window(page, "dirk").get_by_text("more 17").wait_for()
    page.get_by_role("button", name="Log in once more as carla").click()
    third = window(page, "carla, window 3")
    third.get_by_text("more 17").wait_for()
    assert read("carla, window 3") == [False] * 20
    third.get_by_role("button", name="Earlier messages").click()
    third.get_by_text("Read").nth(2).wait_for()
    assert read("carla, window 3") == [True] * 3 + [False] * 20
    window(page, "dirk").get_by_role("textbox").click()
    third.get_by_text("Read").nth(22).wait_for()


def test_an_operators_kick_is_seen_with_its_code_and_words(page: Page, site: Up) -> None:
    answer = page.request.post(
        f"{site.admin_url}/-/api/apps/demo/users/bob/kick",
        headers={"Authorization": f"Bearer {site.value('master_key')}"},
        data={"reason": "house rules"},
    )
    assert answer.ok
    window(page, "bob").get_by_text("house rules").wait_for()
    words = window(page, "bob").get_by_role("alert").inner_text()
    assert "An operator has ended this session. Their words: “house rules”. Close code 4002, kicked." in words


def test_what_the_system_says_is_seen_where_it_was_said(page: Page, site: Up) -> None:
    say(page, "alice", "before the system")
    window(page, "bob").get_by_text("before the system").wait_for()
    answer = page.request.post(
        f"{site.admin_url}/-/api/apps/demo/system",
        headers={"Authorization": f"Bearer {site.value('master_key')}"},
        data={"content": {"text": "<b>maintenance</b> at noon"}},
    )
    assert answer.ok
    for name in ("alice", "bob"):
        window(page, name).get_by_text("The system says: <b>maintenance</b> at noon").wait_for()
    say(page, "bob", "after the system")
    lines = window(page, "alice").get_by_role("log").get_by_role("listitem")
    lines.filter(has_text="after the system").wait_for()
    texts = lines.all_inner_texts()
    places = [
        next(at for at, each in enumerate(texts) if word in each) for word in ("before the", "maintenance", "after the")
    ]
    assert places == sorted(places)


def test_files_and_pictures_go_by_the_users_own_session(page: Page) -> None:
    alice, bob = window(page, "alice"), window(page, "bob")
    alice.locator("input[type=file]").set_input_files(
        [
            {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"hello file"},
            {"name": "red.png", "mimeType": "image/png", "buffer": picture()},
        ]
    )
    image = bob.get_by_role("img", name="red.png")
    image.wait_for()
    page.wait_for_function("image => image.naturalWidth === 32", arg=image.element_handle())
    alice.get_by_role("img", name="red.png").wait_for()
    link = bob.get_by_role("link", name="notes.txt (10 B)").last
    link.wait_for()
    got = page.request.get(str(link.get_attribute("href")))
    assert got.text() == "hello file"
    assert got.headers["content-disposition"].startswith("attachment")
    shown = code(page).locator("pre").first.inner_text()
    assert "Bearer ${client.sessionToken}" in shown
    assert "eyJ" not in shown


def test_what_was_said_before_is_there_when_the_page_opens(page: Page, open_page: OpenPage) -> None:
    for number in range(25):
        say(page, "bob", f"line {number}")
    window(page, "alice").get_by_text("bob: line 24", exact=True).wait_for()
    again = open_page("/-/try/")
    alice = window(again, "alice")
    alice.get_by_text("bob: line 24", exact=True).wait_for()
    assert [text.partition(": ")[2] for text in said(again, "alice")] == [f"line {number}" for number in range(5, 25)]
    window(page, "alice").get_by_text("Close code 4001, replaced.").wait_for()  # the same devices, so the first page is out
    alice.get_by_role("button", name="Earlier messages").click()
    alice.get_by_text("bob: line 0", exact=True).wait_for()
    texts = [text.partition(": ")[2] for text in said(again, "alice")]
    assert texts[-25:] == [f"line {number}" for number in range(25)]


def test_what_a_window_reads_as_it_opens_is_shown_at_once(page: Page, open_page: OpenPage) -> None:
    others(page, "emil", "frida")
    say(page, "emil", "one")
    say(page, "frida", "two")
    window(page, "emil").get_by_text("1 unread").wait_for()
    again = open_page("/-/try/")
    again.route_web_socket("**", without("msg.readers"))
    others(again, "emil", "frida")
    assert "await markRead(client," in code(again).locator("pre").first.inner_text()


def without(kind: str) -> Callable[[WebSocketRoute], None]:
    """Requests of this type do not arrive."""

    def route(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()
        socket.on_message(lambda message: None if kind in str(message) else server.send(message))

    return route


def test_the_code_that_is_shown_runs_as_it_stands(page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    say(page, "alice", 'said "once"')
    window(page, "bob").get_by_text('alice: said "once"', exact=True).wait_for()
    code(page).get_by_role("button", name="Copy").click()
    code(page).get_by_role("button", name="Copied").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == code(page).locator("pre").first.inner_text()
    page.evaluate(f"(async () => {{ {copied} }})()")
    window(page, "bob").get_by_text('alice: said "once"', exact=True).nth(1).wait_for()


@pytest.mark.parametrize(
    ("name", "kind", "copied_name"),
    [("one.png", "image/png", "one.png"), ("one.gif", "image/gif", "drawn.png"), ("a.pdf", "application/pdf", "hello.txt")],
)
def test_the_code_of_a_file_sends_one_that_is_what_it_says(page: Page, name: str, kind: str, copied_name: str) -> None:
    file = {"name": name, "mimeType": kind, "buffer": picture()}
    window(page, "alice").locator("input[type=file]").set_input_files([file])
    bubbles = window(page, "bob").get_by_role("listitem")
    shown = bubbles.get_by_role("img", name=name) if kind.startswith("image/") else bubbles.get_by_role("link", name=name)
    shown.last.wait_for()
    before = bubbles.count()
    copied = code(page).locator("pre").first.inner_text()
    assert "input[type=file]" in copied
    page.evaluate(f"(async () => {{ {copied} }})()")
    bubbles.nth(before).wait_for()
    if kind.startswith("image/"):
        image = bubbles.last.get_by_role("img", name=copied_name)
        image.wait_for()
        page.wait_for_function("image => image.complete && image.naturalWidth === 64", arg=image.element_handle())
    else:
        link = bubbles.last.get_by_role("link", name=f"{copied_name} (5 B)")
        assert page.request.get(str(link.get_attribute("href"))).text() == "hello"


def test_who_is_logged_in_and_who_kicked_whom_is_seen_in_the_console(page: Page, site: Up) -> None:
    page.get_by_role("button", name="Log in once more as alice").click()
    window(page, "alice").get_by_text("Close code 4001, replaced.").wait_for()
    found = re.search(r"sign in as (\S+), password (\S+)\)", site.printed("^console ")[0])
    assert found
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Console").click()
    console = opened.value
    console.fill("input[name=name]", found[1])
    console.fill("input[name=password]", found[2])
    console.keyboard.press("Enter")
    console.get_by_role("row").filter(has_text="alice").get_by_text("replaced another").wait_for()
    bobs = console.get_by_role("row").filter(has_text="bob")
    assert "window" in bobs.inner_text()
    assert "replaced another" not in bobs.inner_text()
    assert flaws(console) == []
    console.close()
    window(page, "alice, window 2").get_by_text("online", exact=True).wait_for()


def test_it_is_in_chinese_and_keeps_what_was_typed(open_page: OpenPage) -> None:
    page = open_page("/-/try/", locale="zh-CN")
    window(page, "alice").get_by_text("bob 在线").wait_for()
    assert page.get_by_role("heading", level=1).inner_text() == "试用 Parley"
    window(page, "alice").get_by_role("textbox").fill("你好")
    page.get_by_role("combobox", name="语言").select_option("en")
    assert page.get_by_role("heading", level=1).inner_text() == "Try Parley"
    assert window(page, "alice").get_by_role("textbox").input_value() == "你好"
    say(page, "alice", "你好")
    window(page, "bob").get_by_text("你好").last.wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_for_everybody_on_a_phone_too(open_page: OpenPage, scheme: str) -> None:
    page = open_page("/-/try/", viewport={"width": 360, "height": 740}, color_scheme=scheme)
    window(page, "alice").get_by_text("bob is online").wait_for()
    say(page, "bob", "a message with averyveryveryveryveryveryveryveryverylongword in it")
    window(page, "alice").get_by_text("averyvery").last.wait_for()
    assert flaws(page) == []
    page.get_by_role("button", name="Log in once more as bob").click()
    window(page, "bob").get_by_text("Close code 4001").wait_for()
    assert flaws(page) == []
    page.get_by_role("button", name="Other users, or another app").click()
    page.get_by_role("heading", name="Who is talking?").wait_for()
    assert flaws(page) == []


def test_the_keyboard_is_enough(page: Page) -> None:
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "To the windows"
    page.keyboard.press("Enter")
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.placeholder") == "Message to bob":
            break
    page.keyboard.type("by hand")
    page.keyboard.press("Enter")
    window(page, "bob").get_by_text("by hand").last.wait_for()


def test_other_apps_ask_who_and_by_what(open_page: OpenPage) -> None:
    page = open_page("/-/try/")
    page.get_by_role("button", name="Other users, or another app").click()
    for name, user in (("First user", "tom"), ("Second user", "tom")):
        page.get_by_role("group", name=name).get_by_label("User id").fill(user)
    page.get_by_role("group", name="First user").get_by_label("Token").fill("not.a.token")
    page.get_by_role("button", name="Log both in").click()
    assert page.evaluate("document.querySelectorAll(':invalid').length") > 0
    page.get_by_role("group", name="Second user").get_by_label("User id").fill("jerry")
    page.get_by_role("button", name="Log both in").click()
    window(page, "jerry").get_by_text("online", exact=True).wait_for()
    window(page, "tom").get_by_text("The login was refused: ").wait_for()
    assert "not.a.token" not in page.content()


def test_the_page_may_connect_to_its_sockets_and_to_nothing_else(site: Up, page: Page) -> None:
    policy = page.request.get(f"{site.admin_url}/-/try/").headers["content-security-policy"]
    assert re.search(r"connect-src ([^;]+)", policy)[1] == f"'self' {site.url}"  # type: ignore[index]  # it is there
    assert "script-src 'self';" in policy
