"""The description is served to anybody, as what it is, from nowhere else, and once."""

from __future__ import annotations

import re
from importlib import resources

import pytest

from adminapi.docs import POLICY
from tests.adminapi.conftest import Served

TYPES = {
    "/-/openapi.json": "application/json",
    "/-/docs": "text/html; charset=utf-8",
    "/-/docs/page.css": "text/css; charset=utf-8",
    "/-/docs/page.js": "text/javascript; charset=utf-8",
}


@pytest.mark.parametrize("path", TYPES)
async def test_a_page_is_open_and_says_what_it_is(served: Served, path: str) -> None:
    served.broker.stop()  # it has nothing to do with the broker
    answer = await served.client.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == TYPES[path]
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["content-security-policy"] == POLICY
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert (await served.client.get(path + "/")).content == answer.content
    assert (await served.client.post(path)).status_code == 405
    assert (await served.client.head(path)).headers["content-length"] == answer.headers["content-length"]


@pytest.mark.parametrize("path", TYPES)
async def test_who_has_it_is_told_so(served: Served, path: str) -> None:
    first = await served.client.get(path)
    tag = first.headers["etag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = await served.client.get(path, headers={"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    for unknown in ('"other"', "", tag.strip('"')):
        assert (await served.client.get(path, headers={"If-None-Match": unknown})).status_code == 200


async def test_the_document_is_of_the_dialects_that_are_mounted(served: Served) -> None:
    found = (await served.client.get("/-/openapi.json")).json()
    assert found["openapi"].startswith("3.1")
    assert [tag["name"] for tag in found["tags"]] == ["native", "parley", "files"]
    assert "/im/conversations" in found["paths"]
    assert "/v1/users" not in found["paths"]


async def test_nothing_on_the_page_comes_from_elsewhere(served: Served) -> None:
    html = (await served.client.get("/-/docs")).text
    wanted = re.findall(r'(?:src|href)="([^"]+)"', html)
    assert wanted
    for place in wanted:
        assert place == "data:," or (await served.client.get(place)).status_code == 200
    for name in ("page.html", "page.css", "page.js"):
        text = resources.files("adminapi.docs").joinpath(name).read_text()
        assert "//" not in re.sub(r"^\s*//.*|;? // .*$", "", text, flags=re.MULTILINE), name
        assert "@import" not in text
        assert "innerHTML" not in text
    assert "<style" not in html
    assert re.findall(r"<script(?![^>]*\bsrc=)", html) == []
    assert re.findall(r"\son\w+=|\sstyle=", html) == []
