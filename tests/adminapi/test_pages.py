"""Pages are served to anybody, as what they are, from nowhere else, and once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from adminapi.pages import TYPES, Folder, bare, fixed, policy, sent
from tests.adminapi.conftest import Served

ADMINAPI = Path(__file__).parents[2] / "adminapi"
FOLDERS = {"look": "/-/look", "docs": "/-/docs", "console": "/-/console", "tryit": "/-/try", "translator": "/-/translate"}
FILES = {
    path if name != "page.html" else below: folder / name
    for each, below in FOLDERS.items()
    for folder in [ADMINAPI / each]
    for name in sorted(entry.name for entry in folder.iterdir() if entry.suffix in TYPES)
    for path in [f"{below}/{name}"]
}
MOST_LINES = 400


@pytest.mark.parametrize("path", [*FILES, "/-/openapi.json"])
async def test_a_page_is_open_and_says_what_it_is(served: Served, path: str) -> None:
    served.broker.stop()  # it has nothing to do with the broker
    answer = await served.client.get(path)
    assert answer.status_code == 200
    if path in FILES:
        assert answer.content == FILES[path].read_bytes()
        assert answer.headers["content-type"] == TYPES[FILES[path].suffix]
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'; style-src 'self'; ")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert (await served.client.get(path + "/")).content == answer.content
    assert (await served.client.post(path)).status_code == 405
    assert (await served.client.head(path)).headers["content-length"] == answer.headers["content-length"]
    tag = answer.headers["etag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = await served.client.get(path, headers={"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    for unknown in ('"other"', "", tag.strip('"')):
        assert (await served.client.get(path, headers={"If-None-Match": unknown})).status_code == 200


@pytest.mark.parametrize("path", FILES)
async def test_nothing_of_a_page_comes_from_elsewhere_and_nothing_becomes_markup(served: Served, path: str) -> None:
    text = FILES[path].read_text()
    assert len(text.splitlines()) <= MOST_LINES
    bare_text = re.sub(r"^\s*//.*|;? // .*$|http://www.w3.org/2000/svg", "", text, flags=re.MULTILINE)
    assert not re.search(r"""["'`(]\s*(https?:)?//""", bare_text)
    for forbidden in ("@import", "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"):
        assert forbidden not in text
    wanted = []
    if path.endswith(".js"):
        assert text.startswith("// "), "what it holds and the law"
        wanted = [f"{path.rpartition('/')[0]}/{place}" for place in re.findall(r'from "\./([^"]+)"', text)]
        wanted += re.findall(r'from "(/[^"]+)"', text)
    elif path in FOLDERS.values():
        wanted = [place for place in re.findall(r'(?:src|href)="([^"]+)"', text) if place != "data:,"]
        assert wanted
        assert "<style" not in text
        assert re.findall(r"<script(?![^>]*\bsrc=)", text) == []
        assert re.findall(r"\son\w+=|\sstyle=", text) == []
    for place in wanted:
        assert (await served.client.get(place)).status_code == 200, place


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("chat.example:7780", "chat.example"),
        ("[::1]:7780", "[::1]"),
        ("127.0.0.1", "127.0.0.1"),
        ("a; script-src *", "localhost"),
        ("", "localhost"),
    ],
)
def test_a_page_connects_to_the_host_it_was_asked_from_and_nobody_writes_a_policy(host: str, name: str) -> None:
    answer = sent(fixed(b"", "text/html", Folder("", "", ("ws://{host}:7700",)).connect), "", host)
    assert dict(answer.headers)["Content-Security-Policy"] == policy([f"ws://{name}:7700"])
    assert bare(host) == name
