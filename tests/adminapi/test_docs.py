"""The description is of what is mounted. How its page is served: test_pages.py."""

from __future__ import annotations

from tests.adminapi.conftest import Served


async def test_the_document_is_of_the_dialects_that_are_mounted(served: Served) -> None:
    answer = await served.client.get("/-/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    found = answer.json()
    assert found["openapi"].startswith("3.1")
    assert [tag["name"] for tag in found["tags"]] == ["native", "parley", "files"]
    assert "/im/conversations" in found["paths"]
    assert "/v1/users" not in found["paths"]
