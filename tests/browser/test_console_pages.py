"""Each page of the console does its work on a running broker, and who is concerned notices."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tests.browser.checks import flaws
from tests.browser.conftest import Person, SignIn, Watch

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

People = Callable[..., Person]
HOSTILE = '<img src=x onerror="console.error(1)">'


FORBIDDEN = ("Kick", "Ban", "Delete", "Export", "Recall", "Mute", "Block", "Send as system", "Announce", "New app", "Save")
"""What a viewer may not do."""


def figure(page: Page, title: str) -> Locator:
    return page.locator("figure").filter(has=page.get_by_role("heading", name=title))


def row(page: Page, text: str) -> Locator:
    return page.get_by_role("row").filter(has_text=text)


def told(page: Page, text: str) -> None:
    """The page says what was done."""
    page.locator("#told").get_by_text(text).wait_for()


def confirm(page: Page, button: str) -> None:
    assert flaws(page) == []
    page.get_by_role("dialog").get_by_role("button", name=button, exact=True).click()


def test_a_number_moves_when_a_client_sends_and_the_chart_says_it_in_words(sign_in: SignIn, person: People) -> None:
    page = sign_in("viewer")
    page.get_by_text("live", exact=True).wait_for()
    alice = person("alice")
    sessions = figure(page, "Sessions")
    sessions.locator("strong").filter(has_text=re.compile("^1$")).wait_for()
    assert "in the last hour between" in (sessions.get_by_role("img").get_attribute("aria-label") or "")
    number = figure(page, "Messages a second").locator("strong").filter(has_text=re.compile("[1-9]"))
    for _ in range(40):
        alice.say("bob", "hello")
        if number.count():
            break
        page.wait_for_timeout(50)
    number.wait_for()
    page.get_by_text("The numbers of the charts as a table").click()
    assert page.get_by_role("columnheader", name="Deliveries a second").count() == 1
    assert flaws(page) == []


def test_a_stream_that_breaks_says_so_and_comes_back(sign_in: SignIn, watch: Watch) -> None:
    watch.expect("net::ERR_FAILED")
    page = sign_in("viewer", "health")
    page.route("**/-/api/live", lambda route: route.abort())
    page.get_by_role("link", name="Overview").click()
    page.get_by_text("not live").wait_for()
    page.get_by_text("The server cannot be reached").wait_for()
    with page.expect_request("**/-/api/live"):
        page.get_by_role("button", name="Try now").click()
    page.unroute("**/-/api/live")  # not before: it comes back by itself, too, and the button goes
    page.get_by_text("live", exact=True).wait_for()


def test_a_session_is_found_looked_at_and_kicked_and_its_client_is_told_why(sign_in: SignIn, person: People) -> None:
    alice = person("alice", "tablet-7")
    person("bob", "phone")
    page = sign_in("support", "app/demo/sessions")
    row(page, "bob").wait_for()
    page.get_by_role("searchbox").fill("tablet-7")
    row(page, "bob").wait_for(state="detached")
    alices = row(page, "tablet-7")
    alices.get_by_role("button", name="Details").click()
    page.get_by_role("dialog").get_by_text("It waits for nothing.").wait_for()
    confirm(page, "Close")
    alices.get_by_role("button", name="Kick").click()
    page.get_by_label("Reason").fill("enough for today")
    confirm(page, "Kick")
    told(page, "alice was kicked.")
    assert alice.ended() == 4002
    assert "enough for today" in json.dumps(alice.pushes)
    page.get_by_text("Nobody is logged in").wait_for()


def test_a_new_session_comes_into_the_list_without_taking_the_focus(sign_in: SignIn, person: People) -> None:
    person("alice", "old")
    page = sign_in("support", "app/demo/sessions")
    kick = row(page, "old").get_by_role("button", name="Kick")
    kick.focus()
    person("bob", "new")
    row(page, "new").wait_for()
    assert kick.evaluate("each => each === document.activeElement")


def asked_to_kick(sign_in: SignIn, name: str, *, beside: str) -> Page:
    """The list of sessions, asking by keyboard whether to kick that one of two."""
    page = sign_in("support", "app/demo/sessions")
    page.get_by_role("searchbox").fill(name.partition("-")[0])
    row(page, beside).wait_for()
    row(page, name).get_by_role("button", name="Kick").focus()
    page.keyboard.press("Enter")
    return page


def test_the_focus_stays_in_the_list_when_its_row_goes(sign_in: SignIn, person: People) -> None:
    first, _ = person("zoe-1", "row"), person("zoe-2", "row")
    page = asked_to_kick(sign_in, "zoe-1", beside="zoe-2")
    page.get_by_role("dialog").get_by_label("Reason").fill("by keyboard")
    page.keyboard.press("Enter")
    told(page, "zoe-1 was kicked.")
    assert first.ended() == 4002
    row(page, "zoe-1").wait_for(state="detached")
    page.get_by_role("link", name="zoe-2").and_(page.locator(":focus")).wait_for()


def test_a_row_stays_while_something_is_asked_about_it(sign_in: SignIn, person: People) -> None:
    first, _ = person("yan-1", "row"), person("yan-2", "row")
    page = asked_to_kick(sign_in, "yan-1", beside="yan-2")
    page.get_by_role("dialog").wait_for()
    first.leave()
    for _ in range(2):  # the second was asked for when it had left
        with page.expect_response("**/sessions?*") as asked:
            pass
        asked.value.finished()
    assert row(page, "yan-1").count() == 1
    page.keyboard.press("Escape")
    row(page, "yan-1").wait_for(state="detached")
    page.get_by_role("link", name="yan-2").and_(page.locator(":focus")).wait_for()


def test_a_user_is_made_banned_and_deleted(sign_in: SignIn, person: People) -> None:
    page = sign_in("admin", "app/demo/users")
    page.get_by_role("button", name="New user").click()
    page.get_by_role("dialog").get_by_label("Name").fill("dora")
    confirm(page, "Create")
    page.get_by_role("heading", name="dora").wait_for()
    dora = person("dora")
    dora.say("alice", "hello")
    page.get_by_role("button", name="Ban").click()
    confirm(page, "Ban")
    told(page, "dora is banned.")
    assert dora.ended() == 4003
    page.get_by_role("button", name="Lift the ban").click()
    told(page, "dora may log in again.")
    with page.expect_download() as download:
        page.get_by_role("button", name="Export").click()
    assert "dora" in Path(download.value.path()).read_text()
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_label("Type dora to confirm").fill("dor")
    confirm(page, "Delete")
    page.get_by_role("alert").filter(has_text="exactly").wait_for()
    page.get_by_role("dialog").get_by_label("Type dora to confirm").fill("dora")
    confirm(page, "Delete")
    told(page, "dora is deleted.")
    page.get_by_role("searchbox").fill("dora")
    page.get_by_text("No user matches").wait_for()


def test_a_conversation_is_read_as_it_is_said_and_moderated(sign_in: SignIn, person: People) -> None:
    alice, bob = person("alice"), person("bob")
    made = alice.ok("conv.create", to_client_ids=["bob"], conv_type=3, conv_extend={"name": "moderated"})
    alice.ok("msg.send", conv_id=made["conv_id"], type=-1, text="before anybody looked")
    page = sign_in("support", "app/demo/conversations")
    page.get_by_role("link", name="moderated").click()
    messages = page.get_by_role("list", name="Messages")
    messages.get_by_text("before anybody looked").wait_for()
    page.get_by_text("live", exact=True).wait_for()
    bob.ok("msg.send", conv_id=made["conv_id"], type=-1, text="while somebody looks")
    messages.get_by_text("while somebody looks").wait_for()
    assert flaws(page) == []

    page.get_by_label("A word of the system").fill("be nice")
    page.get_by_role("button", name="Send as system").click()
    told(page, "Sent to the members who are online.")
    assert "be nice" in json.dumps(bob.push("system.new"))

    line = messages.get_by_role("listitem").filter(has_text="while somebody looks")
    line.get_by_role("button", name="Recall").click()
    confirm(page, "Recall")
    told(page, "The message was recalled.")
    messages.get_by_text("recalled").wait_for()
    assert bob.push("msg.recalled")["conv_id"] == made["conv_id"]
    edited = alice.ok("msg.send", conv_id=made["conv_id"], type=-1, text="a tpyo")
    messages.get_by_text("a tpyo").wait_for()
    alice.ok("msg.edit", conv_id=made["conv_id"], msg_id=edited["msg_id"], text="a typo")
    messages.get_by_text("a typo").wait_for()
    assert messages.get_by_text("a tpyo").count() == 0
    file = {"url": "http://127.0.0.1/x.png", "attr": {"name": "<i>x</i>.png", "size": 2048}}
    alice.ok("msg.send", conv_id=made["conv_id"], type=-2, **file)
    messages.get_by_role("link", name="<i>x</i>.png").wait_for()

    row(page, "bob").get_by_role("button", name="Mute").click()
    confirm(page, "Mute")
    told(page, "bob is muted.")
    row(page, "bob").get_by_text("muted until").wait_for()
    row(page, "bob").get_by_role("button", name="Unmute").click()
    told(page, "bob may speak again.")
    row(page, "bob").get_by_role("button", name="Block").click()
    confirm(page, "Block")
    told(page, "bob is blocked.")
    page.get_by_role("button", name="Lift a block").click()
    page.get_by_role("dialog").get_by_label("User").fill("bob")
    confirm(page, "Lift the block")
    told(page, "bob may come back.")

    page.get_by_label("Search what was said").fill("anybody")
    messages.get_by_text("before anybody looked").wait_for()
    page.get_by_label("Search what was said").fill("never said")
    page.get_by_text("Nothing was said here yet").wait_for()


def test_an_app_shows_its_keys_once_and_its_switches_with_what_they_mean(sign_in: SignIn) -> None:
    page = sign_in("admin", "apps")
    page.get_by_role("button", name="New app").click()
    page.get_by_role("dialog").get_by_label("Id").fill("second")
    confirm(page, "Create")
    page.get_by_role("dialog", name="The keys of second").wait_for()
    keys = page.get_by_role("dialog").get_by_role("definition")
    shown = [text.splitlines()[0] for text in keys.all_inner_texts()]
    assert len(shown) == 3
    confirm(page, "I have kept them")
    page.get_by_role("heading", name="second").wait_for()
    page.get_by_role("button", name="New master_key").click()
    confirm(page, "Make a new one")
    page.get_by_role("dialog", name="The new master_key of second").wait_for()
    fresh = keys.all_inner_texts()[0].splitlines()[0]
    assert fresh not in shown
    confirm(page, "I have kept them")
    page.locator("dialog").wait_for(state="detached")
    assert fresh not in page.content()

    switch = page.get_by_label("open_groups")
    assert page.get_by_text("Anyone of the app may join a group by its id").count() == 1
    assert page.get_by_role("button", name="Save").is_disabled()
    switch.check()
    page.get_by_role("button", name="Save").click()
    told(page, "Saved")
    page.get_by_text("default: false").wait_for()
    assert flaws(page) == []


def test_an_announcement_goes_out_and_shows_how_far_it_has_come(sign_in: SignIn, person: People) -> None:
    alice = person("alice")
    page = sign_in("support", "app/demo/announcements")
    page.get_by_label("What everybody of demo who is online").fill("Maintenance at noon")
    page.get_by_role("button", name="Announce").click()
    confirm(page, "Announce")
    told(page, "It is on its way.")
    row(page, "Maintenance at noon").get_by_text("done").wait_for()
    assert "Maintenance at noon" in json.dumps(alice.push("system.new"))


def test_the_audit_log_names_who_did_it(sign_in: SignIn, person: People) -> None:
    person("erin")
    page = sign_in("support", "app/demo/users/erin")
    page.locator("main").get_by_role("button", name="Kick").first.click()
    confirm(page, "Kick")
    told(page, "erin was kicked.")
    page.get_by_role("link", name="Audit log").click()
    row(page, "/users/erin/kick").get_by_text("the-support").wait_for()
    page.get_by_label("Only this app").fill("no-such-app")
    page.get_by_text("No line matches").wait_for()


def test_the_audit_log_is_in_chinese_with_the_names_of_its_files_beside(sign_in: SignIn, person: People) -> None:
    person("fritz")
    page = sign_in("support", "app/demo/users/fritz", locale="zh-CN", viewport={"width": 360, "height": 740})
    page.locator("main").get_by_role("button", name="封禁").click()
    confirm(page, "封禁")
    told(page, "fritz 已被封禁。")
    page.evaluate("location.hash = '#/audit'")
    line = row(page, "/users/fritz/ban")
    line.get_by_text("封禁或解封用户", exact=True).wait_for()
    line.get_by_text("BanUser", exact=True).wait_for()
    row(page, "/-/api/sign-in").first.get_by_text("登录控制台", exact=True).wait_for()
    row(page, "operator add").first.get_by_text("完成", exact=True).wait_for()
    assert flaws(page) == []


def test_health_says_that_all_is_well(sign_in: SignIn) -> None:
    page = sign_in("viewer", "health")
    page.get_by_text("All checks pass.").wait_for()
    page.get_by_text("Empty: no store has refused a row.").wait_for()
    page.get_by_text("it answers").wait_for()


def test_what_the_server_finds_and_refuses_is_said_in_chinese_too(sign_in: SignIn, watch: Watch) -> None:
    page = sign_in("viewer", "health", locale="zh-CN")
    page.get_by_text("有应答").wait_for()
    page.get_by_text("sqlite 落后日志 0 个提交").wait_for()
    page.get_by_role("button", name="退出登录").click()
    watch.expect("status of 403")
    page.fill("input[name=name]", "nobody")
    page.fill("input[name=password]", "wrong")
    page.keyboard.press("Enter")
    page.get_by_text("名称或密码错误（").wait_for()


def test_a_viewer_sees_no_button_he_may_not_use(sign_in: SignIn, person: People) -> None:
    alice = person("alice")
    made = alice.ok("conv.create", to_client_ids=["bob"], conv_type=3, conv_extend={"name": "seen by a viewer"})
    alice.ok("msg.send", conv_id=made["conv_id"], type=-1, text="hello")
    page = sign_in("viewer", "app/demo/sessions")

    def forbidden() -> list[str]:
        return [name for name in FORBIDDEN if page.locator("main").get_by_role("button", name=name).count()]

    row(page, "alice").get_by_role("button", name="Details").first.wait_for()
    assert forbidden() == []
    page.get_by_role("link", name="alice").first.click()
    page.get_by_role("link", name="seen by a viewer").wait_for()
    assert forbidden() == []
    page.get_by_role("link", name="seen by a viewer").click()
    page.get_by_role("list", name="Messages").get_by_text("hello").wait_for()
    row(page, "bob").wait_for()
    assert forbidden() == []
    page.get_by_role("link", name="Announcements").click()
    page.get_by_role("heading", name="Announcements").wait_for()
    assert forbidden() == []
    page.get_by_role("link", name="Apps").click()
    page.locator("main").get_by_role("link", name="demo").click()
    assert page.get_by_label("open_groups").is_disabled()
    assert forbidden() == []


def test_a_long_name_of_an_attribute_leaves_its_value_room_on_a_phone(sign_in: SignIn, person: People) -> None:
    person("alice").ok("user.update", attributes={"a_name_longer_than_a_phone_is_wide_or_so": "some words to be read"})
    page = sign_in("viewer", "app/demo/users/alice", viewport={"width": 360, "height": 740})
    value = page.get_by_text("some words to be read").bounding_box()
    assert value
    assert value["width"] > 120
    assert flaws(page) == []


def test_what_users_write_is_only_ever_text(sign_in: SignIn, person: People) -> None:
    hostile = person("mallory", HOSTILE)
    hostile.ok("user.update", attributes={"nickname": HOSTILE, HOSTILE: HOSTILE})
    made = hostile.ok("conv.create", to_client_ids=["bob"], conv_type=3, conv_extend={"name": HOSTILE})
    hostile.ok("msg.send", conv_id=made["conv_id"], type=-1, text=HOSTILE)
    page = sign_in("admin", "app/demo/sessions")
    for name in ("Sessions", "Users", "mallory", "Conversations", HOSTILE):
        page.get_by_role("link", name=name, exact=True).first.click()
        page.locator("main").get_by_text(HOSTILE).first.wait_for()
        assert page.locator("img").count() == 0
    page.get_by_role("list", name="Messages").get_by_text(HOSTILE).wait_for()
    assert page.locator("img").count() == 0
