"""HI-09, HI-10, HI-17: who comes, who goes, who asks, and who is told (HI-26)."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from protocol.apps import AppSettings
from protocol.commands import Block, DeleteUser, GetUser, ListJoinRequests
from protocol.errors import Refused
from tests.adminapi.dialects.hisihi.conftest import APP, IDS, OTHER, Office

ROOTS = ["/im", "/v1/im"]
APPLIED = {"message": "已为您提交加群申请"}


def told(notice: Any) -> tuple[str, str, list[str]]:
    attributes = notice["_lcattrs"]
    assert notice["_lctype"] == 1
    assert notice["_lctext"] == attributes["message_info"]
    assert attributes["type"] == "group"
    assert attributes["conversation_id"] == IDS.hex24(attributes["gid"])
    return attributes["sys_message_type"], attributes["uid"], attributes["member_client_ids"]


def asking(office: Office, number: int) -> list[str]:
    return [each.user for each in office.manage(ListJoinRequests(conversation=number)).requests]


@pytest.mark.parametrize("root", ROOTS)
@pytest.mark.parametrize("given", ["c667:c775", ["c667", "c775"]])
async def test_hi09_add(office: Office, root: str, given: object) -> None:
    number = office.group("o12", "c1")
    office.online("c1", "c775", "c3")
    for path in (number, IDS.hex32(number)):
        answer = await office.ok("POST", f"{root}/group/{path}/member", 201, json={"member_client_ids": given})
        assert answer == {"group_id": number, "member_client_ids": "c667:c775"}
        assert office.members(number) == {"o12": 2, "c1": 0, "c667": 0, "c775": 0}
    # Told once: whoever is asked again has not come again.
    for user in ("c1", "c775"):
        assert [told(notice) for notice in office.notices(user)] == [("added_to_group", "o12", ["c667", "c775"])]
    assert office.notices("c3") == []


async def test_hi09_all_or_nobody(office: Office) -> None:
    number = office.group("o12", "c1", most=3)
    crowd = {"member_client_ids": "c1:c2:c3"}
    assert await office.refused("POST", f"/im/group/{number}/member", json=crowd) == (400, 7004)
    strange = {"member_client_ids": "c2:Nobody"}
    assert await office.refused("POST", f"/im/group/{number}/member", json=strange) == (404, 1001)
    office.manage(Block(conversation=number, user="c1"))
    assert await office.refused("POST", f"/im/group/{number}/member", json={"member_client_ids": "c2:c1"}) == (403, 1004)
    office.user("c9")
    office.manage(DeleteUser(user="c9"))
    assert await office.refused("POST", f"/im/group/{number}/member", json={"member_client_ids": "c9"}) == (404, 1001)
    assert office.members(number) == {"o12": 2}


async def test_hi09_many_at_once(office: Office) -> None:
    hub = office.script.hub(APP.id)
    hub.app = msgspec.structs.replace(APP, settings=AppSettings(token_required=False, group_members=2000))
    number = office.group("o12")
    many = [f"c{n}" for n in range(1000)]
    await office.ok("POST", f"/im/group/{number}/member", 201, json={"member_client_ids": ":".join(many)})
    assert list(office.members(number)) == ["o12", *many]
    one_more = {"member_client_ids": [*many, "c1000"]}
    assert await office.refused("POST", f"/im/group/{number}/member", json=one_more) == (400, 1000)
    office.online("c999")
    await office.ok(
        "POST", f"/im/group/{number}/member", 201, json={"member_client_ids": [f"c{n}" for n in range(995, 1015)]}
    )
    (notice,) = office.notices("c999")
    assert notice["_lctext"].endswith("c1009 等 15 人 加入群聊")
    assert len(notice["_lcattrs"]["member_client_ids"]) == 15


@pytest.mark.parametrize("root", ROOTS)
async def test_hi10_the_removed_one_is_told(office: Office, root: str) -> None:
    office.user("c2", nickname="LEE")
    number = office.group("o12", "c1", "c3")
    office.join(number, "c2")
    office.online("o12", "c1", "c2")
    await office.ok("DELETE", f"{root}/group/{number}/member/c2", 204)
    assert office.members(number) == {"o12": 2, "c1": 0, "c3": 0}
    notices = office.notices("c2")
    assert [told(notice) for notice in notices] == [("removed_from_group", "o12", ["c2"])]
    assert notices[0]["_lctext"] == "LEE 被移出群聊"
    assert office.notices("o12") == office.notices("c1") == []
    assert await office.refused("DELETE", f"{root}/group/{number}/member/c2") == (400, 7005)
    assert office.notices("c2") == []


@pytest.mark.parametrize("uid", ["c2", "2"])
async def test_hi10_who_removes_himself_tells_the_admin_only(office: Office, uid: str) -> None:
    number = office.group("o12", "c1", "c2")
    office.online("o12", "c1", "c2")
    await office.ok("DELETE", f"/im/group/{number}/member/c2?uid={uid}", 204)
    assert [told(notice) for notice in office.notices("o12")] == [("removed_from_group", "c2", ["c2"])]
    assert office.notices("c1") == office.notices("c2") == []
    await office.ok("DELETE", f"/im/group/{number}/member/c1?uid=o12", 204)
    assert [told(notice) for notice in office.notices("c1")] == [("removed_from_group", "o12", ["c1"])]
    assert office.notices("o12") == []


async def test_hi10_the_admin_is_not_removed(office: Office) -> None:
    number, nobodys = office.group("o12", "c1"), office.group()
    for query in ("", "?uid=o12"):
        assert await office.refused("DELETE", f"/im/group/{number}/member/o12{query}") == (403, 1008)
    assert office.members(number) == {"o12": 2, "c1": 0}
    office.join(nobodys, "c1")
    await office.ok("DELETE", f"/im/group/{nobodys}/member/c1?uid=c1", 204)
    assert office.members(nobodys) == {}


@pytest.mark.parametrize("root", ROOTS)
async def test_hi17_the_admin_is_told_and_the_application_kept(office: Office, root: str) -> None:
    office.user("c5", nickname="LEE")
    number = office.group("o12", "c1", name="g123")
    office.online("o12", "c1", "c5")
    path = f"{root}/user/c5/group/{number}/join_group_notification"
    for _ in range(2):
        assert await office.ok("POST", path, 201) == APPLIED
        notices = office.notices("o12")
        assert [told(notice) for notice in notices] == [("user_join_group_apply", "c5", ["c5"])]
        assert notices[0]["_lctext"] == "LEE 申请加入 g123"
    assert office.notices("c1") == office.notices("c5") == []
    assert asking(office, number) == ["c5"]
    await office.ok("POST", f"{root}/group/{number}/member", 201, json={"member_client_ids": "c5"})
    assert asking(office, number) == []


async def test_hi17_nothing_is_lost_while_the_admin_is_away_or_there_is_none(office: Office) -> None:
    number, nobodys = office.group("o12"), office.group()
    for group in (number, nobodys):
        assert await office.ok("POST", f"/im/user/c77/group/{group}/join_group_notification", 201) == APPLIED
        assert asking(office, group) == ["c77"]
    assert office.manage(GetUser(user="c77")).user.user == "c77"


@pytest.mark.parametrize("root", ROOTS)
async def test_hi17_a_member_already(office: Office, root: str) -> None:
    number = office.group("o12", "c1")
    office.online("o12")
    for user in ("c1", "o12"):
        answer = await office.call("POST", f"{root}/user/{user}/group/{number}/join_group_notification")
        assert (answer.status_code, answer.json()) == (400, {"code": 7009, "message": "用户已在该群组中"})
    assert office.notices("o12") == []


async def test_hi17_what_is_refused(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    number, foreign = office.group("o12", "c1"), office.group("c5", app=OTHER.id)
    office.manage(Block(conversation=number, user="c1"))
    assert await office.refused("POST", f"/im/user/c1/group/{number}/join_group_notification") == (403, 1004)
    assert await office.refused("POST", f"/im/user/c5/group/{foreign}/join_group_notification") == (404, 7003)
    assert await office.refused("POST", f"/im/user/Ann/group/{number}/join_group_notification") == (404, 1001)
    assert await office.refused("POST", f"/im/user/a:b/group/{number}/join_group_notification") == (400, 1000)
    monkeypatch.setattr("broker.hub.requests.MOST_OPEN", 0)
    assert await office.refused("POST", f"/im/user/c2/group/{number}/join_group_notification") == (400, 7008)
    assert isinstance(office.manage(GetUser(user="Ann")), Refused)
    assert asking(office, number) == []
