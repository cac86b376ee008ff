"""Announcements, and how far they have come."""

from __future__ import annotations

import pytest

from protocol.commands import Announce, Announced, AnnouncementList, ListAnnouncements
from protocol.ids import IdForms
from protocol.records import AnnouncementInfo
from tests.adminapi.conftest import APP, Served
from tests.adminapi.dialects.parley.conftest import SignIn

BASE = f"/-/api/apps/{APP.id}/announcements"
ID = 1 << 41
SHOWN = IdForms(APP.id).hex32(ID)


async def test_support_announces_and_viewers_see_how_far_it_is(served: Served, sign_in: SignIn) -> None:
    served.broker.on(Announce, Announced(time_ms=5, announcement=ID, total=3))
    content = {"text": "down at ten"}
    answer = await served.client.post(BASE, headers=await sign_in("support"), json={"content": content})
    assert answer.json() == {"announcement": SHOWN, "total": 3, "time_ms": 5}
    assert served.broker.last.command == Announce(content=b'{"text":"down at ten"}')
    info = AnnouncementInfo(ID, b'{"text":"down at ten"}', 5, 2, 3, False)
    served.broker.on(ListAnnouncements, AnnouncementList(announcements=[info]))
    answer = await served.client.get(BASE, headers=await sign_in("viewer"))
    row = {"announcement": SHOWN, "content": content, "at_ms": 5, "reached": 2, "total": 3, "done": False}
    assert answer.json() == [row]


@pytest.mark.parametrize("body", ["{}", "[]", "{"])
async def test_what_says_nothing_is_refused(served: Served, sign_in: SignIn, body: str) -> None:
    answer = await served.client.post(BASE, headers=await sign_in("admin"), content=body)
    assert answer.status_code == 400
