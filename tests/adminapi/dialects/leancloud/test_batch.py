"""Several calls on `_Conversation` in one request, as `AV.Object.saveAll` sends them (LC-30)."""

from __future__ import annotations

from typing import Any

import pytest

from protocol.commands import CreateConversation, UpdateConversation
from protocol.errors import Reason, Refused
from protocol.records import Kind
from tests.adminapi.conftest import APP, Served
from tests.adminapi.dialects.leancloud.conftest import CONV, CONV_ID, call, managed, ok, refused

PATH = "/1.1/classes/_Conversation"


async def test_each_is_carried_out_in_its_order_and_answered_in_its_place(served: Served) -> None:
    served.broker.on(UpdateConversation, Refused(Reason.UNKNOWN_CONVERSATION, "none"))
    calls = [
        {"method": "POST", "path": PATH, "body": {"name": "team", "m": ["a"]}},
        {"method": "PUT", "path": f"{PATH}/{CONV_ID}", "body": {"name": "crew"}},
        {"method": "DELETE", "path": f"{PATH}/{CONV_ID}"},
    ]
    made, changed, gone = await ok(served, "POST", "/1.1/batch", json={"requests": calls})
    assert made == {"success": {"objectId": CONV_ID, "createdAt": "2018-01-16T03:40:32.814Z"}}
    assert (set(changed), changed["error"]["code"]) == ({"error"}, 4303)
    assert changed["error"]["error"]
    assert gone == {"success": {}}
    first, second, _ = served.broker.heard
    assert first == managed(CreateConversation(kind=Kind.GROUP, members=("a",), name="team"), "", "a")
    assert second == managed(UpdateConversation(conversation=CONV, name="crew", merge=True))


@pytest.mark.parametrize(
    "inner",
    [
        {"method": "POST", "path": "/1.1/classes/Todo", "body": {}},
        {"method": "PATCH", "path": PATH},
        {"method": "POST", "path": "/1.1/rtm/messages", "body": {}},
        {"method": "POST", "path": PATH, "body": []},
        {"path": 5},
        "text",
    ],
)
async def test_what_is_no_call_on_conversations_is_refused_in_its_place(inner: Any, served: Served) -> None:
    (answer,) = await ok(served, "POST", "/1.1/batch", json={"requests": [inner]})
    assert answer["error"]["code"] == 107
    assert served.broker.heard == []


async def test_a_batch_is_a_list_of_at_most_fifty_and_needs_the_master_key(served: Served) -> None:
    one = {"method": "DELETE", "path": f"{PATH}/{CONV_ID}"}
    assert len(await ok(served, "POST", "/1.1/batch", json={"requests": [one] * 50})) == 50
    for wrong in ({"requests": {}}, {"requests": [one] * 51}):
        assert await refused(served, "POST", "/1.1/batch", json=wrong) == (400, 107)
    headers = {"X-LC-Id": APP.id, "X-LC-Key": APP.key}
    assert (await call(served, "POST", "/1.1/batch", headers=headers, json={"requests": [one]})).status_code == 401
    assert len(served.broker.heard) == 50
