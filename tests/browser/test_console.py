"""The console's door and shell: who gets in, what the page keeps, languages, looks, keyboard."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.adminapi.test_words import scripts, translated
from tests.browser.checks import flaws
from tests.browser.conftest import PASSWORD, OpenPage, Person, SignIn, Watch, operator, parley
from tests.journeys.programs import Up

PLACES = (
    "overview",
    "health",
    "apps",
    "apps/demo",
    "audit",
    "app/demo/sessions",
    "app/demo/users",
    "app/demo/users/alice",
    "app/demo/conversations",
    "app/demo/announcements",
    "nowhere",
)
ENGLISH = translated(scripts("console"))
LEFT_IN = """(main, english) => {
  const found = document.createTreeWalker(main, NodeFilter.SHOW_TEXT), left = [];
  while (found.nextNode()) {
    const { data, parentElement } = found.currentNode;
    if (english.includes(data.trim()) && !parentElement.closest("[lang=en]")) left.push(data);
  }
  return left;
}"""
"""What is still shown in English and is not the server's."""
LOOKS = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "narrow": {"viewport": {"width": 360, "height": 740}, "locale": "zh-CN", "has_touch": True},
}


def test_a_wrong_password_is_refused_in_words_and_the_right_one_leaves_no_trace_in_the_browser(
    site: Up, open_page: OpenPage, watch: Watch
) -> None:
    name = operator(site, "admin")
    page = open_page("/-/console/")
    assert flaws(page) == []
    watch.expect("status of 403")
    page.fill("input[name=name]", name)
    page.fill("input[name=password]", "wrong horse")
    page.keyboard.press("Enter")
    page.get_by_role("alert").filter(has_text="password").wait_for()
    assert flaws(page) == []
    page.fill("input[name=password]", PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Overview").wait_for()
    assert page.context.cookies() == []
    assert page.evaluate("[localStorage.length, sessionStorage.length, (indexedDB.databases ? 1 : 0)]")[:2] == [0, 0]
    page.reload()
    page.get_by_role("heading", name="console").wait_for()  # the token was in the page's memory alone


def test_the_door_says_where_an_account_comes_from_and_that_is_true(site: Up, open_page: OpenPage) -> None:
    page = open_page("/-/console/")
    page.get_by_text("make run prints an account in its terminal, at the first start with the demo app").wait_for()
    assert re.search(r"sign in as demo, password \S+\)", site.printed("^console ")[0])
    program, *command, name = page.locator("code").last.inner_text().split()
    assert (program, name) == ("parley", "NAME")
    parley(site, *command, "newcomer", stdin=PASSWORD)
    page.get_by_label("Language").select_option("zh")
    page.get_by_text("make run 首次启动并带有演示应用时，会在终端的“console”一行给出账号。").wait_for()
    page.get_by_text("其他账号在服务器上创建： parley operator add NAME").wait_for()
    page.fill("input[name=name]", "newcomer")
    page.fill("input[name=password]", PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="概览").wait_for()


def test_who_tries_too_often_is_told_how_long_to_wait(open_page: OpenPage, watch: Watch) -> None:
    watch.expect("status of 403")
    watch.expect("status of 429")
    page = open_page("/-/console/", extra_http_headers={"X-Forwarded-For": "192.0.2.7"})
    page.fill("input[name=name]", "nobody")
    button = page.get_by_role("button", name="Sign in", exact=True)
    for _ in range(12):
        page.fill("input[name=password]", "guess")
        with page.expect_response("**/-/api/sign-in") as answer:
            page.keyboard.press("Enter")
        if answer.value.status == 429:
            break
        page.get_by_role("button", name="Sign in", exact=True, disabled=False).wait_for()
    page.get_by_role("alert").filter(has_text="Too many").wait_for()
    page.get_by_role("button", name=re.compile("Wait [0-9]+ s")).wait_for()
    assert button.count() == 0


def test_an_apps_key_signs_in_to_that_app_alone(site: Up, open_page: OpenPage, watch: Watch) -> None:
    watch.expect("status of 401")
    page = open_page("/-/console/")
    page.get_by_text("With a key instead").click()
    page.fill("input[name=key]", "no-key")
    page.keyboard.press("Enter")
    page.get_by_role("alert").filter(has_text="neither").wait_for()
    page.fill("input[name=key]", site.value("master_key"))
    page.keyboard.press("Enter")
    page.get_by_role("navigation").get_by_role("link", name="Sessions").wait_for()
    assert page.get_by_role("link", name="Health").count() == 0
    assert page.get_by_role("button", name="New app").count() == 0


def test_a_session_that_was_ended_leads_back_to_the_door_with_the_reason(
    site: Up, sign_in: SignIn, open_page: OpenPage, watch: Watch
) -> None:
    watch.expect("status of 401")
    page = sign_in("viewer", "app/demo/users")
    parley(site, "operator", "role", operator(site, "viewer"), "viewer")  # ends the sessions of the account
    page.get_by_role("searchbox").fill("a")
    page.get_by_role("alert").filter(has_text="Your session has ended").wait_for()
    page.fill("input[name=name]", operator(site, "viewer"))
    page.fill("input[name=password]", PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Users").wait_for()  # where it was left


def test_the_language_is_the_browsers_until_one_is_chosen_and_then_that_one(sign_in: SignIn) -> None:
    page = sign_in("admin", "app/demo/sessions", locale="zh-CN")
    page.get_by_role("heading", name="会话").wait_for()
    assert page.locator("html").get_attribute("lang") == "zh-CN"
    page.get_by_label("语言").select_option("en")
    page.get_by_role("heading", name="Sessions").wait_for()
    page.reload()
    page.get_by_role("button", name="Sign in", exact=True).wait_for()


def test_the_theme_is_the_systems_until_one_is_chosen(sign_in: SignIn) -> None:
    page = sign_in("admin", color_scheme="light")
    paper = "getComputedStyle(document.querySelector('.side')).backgroundColor"
    light = page.evaluate(paper)
    page.get_by_label("Theme").select_option("dark")
    dark = page.evaluate(paper)
    assert light != dark
    assert flaws(page) == []
    page.get_by_label("Theme").select_option("")
    assert page.evaluate(paper) == light


@pytest.mark.parametrize("look", LOOKS)
def test_every_page_can_be_used_by_whom_sees_badly_or_has_a_phone(
    sign_in: SignIn, person: Callable[..., Person], look: str
) -> None:
    said = person("alice").say("bob", "hello")
    page = sign_in("admin", **LOOKS[look])
    found = {}
    for place in (*PLACES, f"app/demo/conversations/{said['conv_id']}"):
        page.evaluate("place => { location.hash = '#/' + place }", place)
        page.locator("main h1").wait_for()
        page.locator("[aria-busy]").first.wait_for(state="detached")
        if look == "narrow":
            assert page.locator("main").evaluate(LEFT_IN, sorted(ENGLISH)) == [], place
        if wrong := flaws(page):
            found[place] = wrong
    assert found == {}


def test_the_keyboard_reaches_the_content_and_the_menu(sign_in: SignIn) -> None:
    page = sign_in("admin", "app/demo/users", viewport={"width": 360, "height": 740})
    first = page.locator("a[href], button, input, select").first
    first.focus()
    assert first.inner_text() == "To the content"
    assert first.bounding_box()["y"] >= 0  # it shows itself
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    menu = page.get_by_role("button", name="Menu")
    menu.press("Enter")
    assert menu.get_attribute("aria-expanded") == "true"
    assert flaws(page) == []
    page.get_by_role("link", name="Conversations").press("Enter")
    page.get_by_role("heading", name="Conversations").wait_for()
    assert menu.get_attribute("aria-expanded") == "false"
