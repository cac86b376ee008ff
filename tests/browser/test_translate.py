"""The call translator in a browser: paste, read, copy, run; in both languages, on a phone, in the dark."""

from __future__ import annotations

import pytest

from adminapi.translator.curl import read
from tests.browser.checks import flaws
from tests.browser.conftest import OpenPage, Watch
from tests.journeys.programs import Up

JMESSAGE = 'curl -X POST https://api.im.jpush.cn/v1/users/ -u a:b -d \'[{"username":"fang","password":"password"}]\''
PHONE = {"viewport": {"width": 360, "height": 740}}


def test_an_example_is_translated_by_one_click(open_page: OpenPage) -> None:
    page = open_page("/-/translate/")
    assert flaws(page) == []
    page.get_by_role("button", name="Native Send a message").click()
    what = page.get_by_role("region", name="What it is")
    what.get_by_text("/im/conversations/{conv_id}/message").wait_for()
    assert "For the app 666666." in what.inner_text()
    assert "Send a message" in page.get_by_role("region", name="What it becomes here").inner_text()
    leancloud = page.locator("[data-dialect=leancloud]")
    assert "/1.2/rtm/conversations/" in leancloud.locator("pre").inner_text()
    assert "the same, but" in leancloud.inner_text()
    assert "the nearest" in page.locator("[data-dialect=maxleap]").inner_text()
    assert page.locator("[data-none]").all_inner_texts() == ["Hisihi", "Parley's own"]
    assert flaws(page) == []


def test_a_pasted_line_is_translated_and_what_is_none_is_told(open_page: OpenPage, watch: Watch) -> None:
    watch.expect("status of 400")
    page = open_page("/-/translate")
    line = page.get_by_label("A curl line")
    line.fill("wget http://127.0.0.1/x")
    line.press("Control+Enter")
    page.get_by_text("This is no curl line: it begins with 'wget', not with curl.").wait_for()
    assert line.get_attribute("aria-invalid") == "true"
    assert flaws(page) == []
    line.fill(JMESSAGE)
    line.press("Control+Enter")
    page.locator("[data-dialect=parley] .tag.good").wait_for()
    assert line.get_attribute("aria-invalid") is None


def test_what_the_viewer_types_of_his_app_fills_the_lines_in(open_page: OpenPage) -> None:
    page = open_page("/-/translate#line=" + "curl%20-X%20DELETE%20h/v1/users/fang")
    shown = page.locator("[data-dialect=parley] pre")
    shown.wait_for()
    assert "/apps/$APP_ID/users/fang" in shown.inner_text()
    page.get_by_label("App id").fill("demo")
    page.get_by_label("Master key, or an operator's token").fill("my-key")
    assert "/apps/demo/users/fang" in shown.inner_text()
    assert "$MASTER_KEY" in shown.inner_text()
    page.get_by_label("Show the key in the lines").check()
    assert "Bearer my-key" in shown.inner_text()
    assert page.evaluate("[localStorage.length, document.cookie]") == [0, ""]


def test_a_line_is_copied_and_a_key_with_quotes_stays_one_word(open_page: OpenPage) -> None:
    page = open_page("/-/translate#line=curl%20h/v1/users/fang", permissions=["clipboard-read", "clipboard-write"])
    page.get_by_label("App id").fill("demo")
    page.get_by_label("Master key, or an operator's token").fill('a"b$HOME')
    page.get_by_label("Show the key in the lines").check()
    page.get_by_role("button", name="Copy the line: Parley's own").click()
    page.get_by_text("Copied").wait_for()
    line = page.evaluate("navigator.clipboard.readText()")
    assert line == page.locator("[data-dialect=parley] pre").inner_text()
    assert read(line).plain().header("authorization") == 'Bearer a"b$HOME'


def test_a_line_is_run_for_the_viewers_app(open_page: OpenPage, site: Up, watch: Watch) -> None:
    watch.expect("status of 401")
    page = open_page("/-/translate")
    page.get_by_label("A curl line").fill(JMESSAGE)
    page.get_by_role("button", name="Translate", exact=True).click()
    run = page.get_by_role("region", name="Run it")
    run.get_by_role("button", name="Run").click()
    run.get_by_text("Type your app's id and your key above first.").wait_for()
    page.get_by_label("App id").fill("demo")
    page.get_by_label("Master key, or an operator's token").fill("wrong")
    run.get_by_role("button", name="Run").click()
    run.get_by_text("neither an operator's token").wait_for()
    page.get_by_label("Master key, or an operator's token").fill(site.value("master_key"))
    run.get_by_role("button", name="Run").click()
    run.get_by_text("Status 201").wait_for()
    assert '"username": "fang"' in run.locator("pre").inner_text()
    assert flaws(page) == []
    run.get_by_role("button", name="Run").click()
    run.get_by_text("899001").wait_for()


def test_a_line_of_another_dialect_is_translated_in_its_turn(open_page: OpenPage) -> None:
    page = open_page("/-/translate#line=" + "curl%20-X%20DELETE%20h/v1/users/fang")
    page.locator("[data-dialect=parley]").get_by_role("button", name="Translate this").click()
    page.locator("[data-dialect=jmessage] .tag.good").wait_for()
    assert "/-/api/apps/" in page.get_by_label("A curl line").input_value()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_in_chinese_on_a_phone(open_page: OpenPage, scheme: str) -> None:
    page = open_page("/-/translate", locale="zh-CN", color_scheme=scheme, **PHONE)
    page.get_by_role("button", name="LeanCloud 创建会话").click()
    page.get_by_role("heading", name="其他方言的同一调用").wait_for()
    assert "创建会话" in page.get_by_role("region", name="在这里变成的命令").inner_text()
    assert flaws(page) == []
    page.get_by_label("语言").select_option("en")
    page.get_by_text("Create a conversation", exact=True).first.wait_for()
    page.get_by_role("heading", name="The same in the other dialects").wait_for()
    assert page.title() == "Call translator · Parley"
