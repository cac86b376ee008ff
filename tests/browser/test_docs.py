"""The documentation in a browser: searched, filled in, handed to the translator; in both languages, on a phone, in the
dark."""

from __future__ import annotations

import pytest

from tests.browser.checks import flaws
from tests.browser.conftest import OpenPage

PHONE = {"viewport": {"width": 360, "height": 740}}


def test_a_search_finds_endpoints_by_path_word_and_row(open_page: OpenPage) -> None:
    page = open_page("/-/docs")
    page.locator("section").first.wait_for()
    every = page.locator(".endpoint:visible").count()
    assert every > 200
    assert page.locator("#count").inner_text() == f"{every} endpoints"
    search = page.get_by_label("Search the endpoints")
    search.fill("zd-04")
    assert page.locator(".endpoint:visible").all_inner_texts()[0].startswith("POST")
    assert page.locator("section:visible h2").all_inner_texts() == ["Native"]
    search.fill("no such thing anywhere")
    assert page.locator("#count").inner_text() == "Nothing is called so. Fewer words find more."
    assert page.locator(".endpoint:visible").count() == 0


def test_an_endpoint_opens_with_its_request_filled_in(open_page: OpenPage) -> None:
    page = open_page("/-/docs#jmessage_post_v1_users")
    line = page.locator("#jmessage_post_v1_users .request pre")
    line.wait_for()
    assert '-u "$APP_ID:$MASTER_KEY"' in line.inner_text()
    page.locator("#mine summary").click()
    page.get_by_label("App id").fill("demo")
    page.get_by_label("Key", exact=True).fill("my-key")
    assert "-u 'demo:my-key'" in line.inner_text()
    assert "4 to 128 characters" in page.locator("#jmessage_post_v1_users .inside").inner_text()
    assert flaws(page) == []
    assert page.evaluate("[localStorage.length, document.cookie]") == [0, ""]


def test_an_operation_is_handed_to_the_translator_without_the_key(open_page: OpenPage) -> None:
    page = open_page("/-/docs#native_post_im_conversations_conv_id_members")
    page.locator("#mine summary").click()
    page.get_by_label("App id").fill("demo")
    page.get_by_label("Key", exact=True).fill("my-key")
    page.get_by_role("link", name="Translate this call").click()
    page.get_by_role("region", name="What it is").get_by_text("For the app demo.").wait_for()
    assert "my-key" not in page.get_by_label("A curl line").input_value()
    assert "my-key" not in page.url
    page.get_by_role("link", name="In the documentation").click()
    page.locator("#native_post_im_conversations_conv_id_members[open]").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_in_chinese_on_a_phone(open_page: OpenPage, scheme: str) -> None:
    page = open_page("/-/docs#leancloud_post_1_2_rtm_conversations", locale="zh-CN", color_scheme=scheme, **PHONE)
    page.get_by_role("heading", name="管理接口").wait_for()
    page.locator("#leancloud_post_1_2_rtm_conversations .request").wait_for()
    assert page.get_by_role("heading", name="请求", exact=True).count() == 1
    assert flaws(page) == []
    page.get_by_label("语言").select_option("en")
    page.get_by_role("heading", name="Request", exact=True).wait_for()
    assert page.get_by_role("link", name="Documentation").get_attribute("aria-current") == "page"


def test_by_keyboard_alone(open_page: OpenPage) -> None:
    page = open_page("/-/docs")
    page.locator("section").first.wait_for()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.get_by_label("Search the endpoints").focus()
    page.keyboard.type("zd-07")
    page.locator(".endpoint:visible summary").focus()
    page.keyboard.press("Enter")
    page.locator(".endpoint[open] .request").wait_for()
