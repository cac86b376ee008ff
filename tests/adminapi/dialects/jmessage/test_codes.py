"""The seed's table of errors, JM-20 to JM-34, each by a cause; JM-23 is in `test_parameters`, JM-27 to JM-29 in
`test_proof`, JM-33 in `test_registration`."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from adminapi.dialects.jmessage.codes import RENDERINGS
from protocol.commands import (
    AddMembers,
    CreateConversation,
    DeleteUser,
    Done,
    GetConversation,
    GetUser,
    MembersChanged,
    RemoveMembers,
    UpdateUser,
)
from protocol.errors import Reason, Refused
from protocol.ids import IdForms
from protocol.records import MemberFailure
from tests.adminapi.conftest import BARE
from tests.adminapi.dialects.jmessage.conftest import GID, MESSAGE, Jiguang, error_of


async def test_jm20_internal_error_shows_nothing(served: Jiguang, caplog: pytest.LogCaptureFixture) -> None:
    served.broker.on(DeleteUser, Refused(Reason.INTERNAL, "secret"))
    assert error_of(await served.call("DELETE", "/v1/users/test"), 500, 899000) == "Server internal error"
    served.broker.on(GetUser, Done(time_ms=1))
    assert error_of(await served.call("GET", "/v1/users/test"), 500, 899000) == "Server internal error"
    assert "unforeseen" in caplog.text


async def test_jm22_no_such_user(served: Jiguang) -> None:
    message = error_of(await served.call("GET", "/v1/users/nobody"), 403, 899002)
    assert message == "No such user: there is no user nobody"
    error_of(await served.call("GET", "/v1/users/nobody/groups/"), 403, 899002)
    for kind, method, path, body in (
        (UpdateUser, "PUT", "/v1/users/nobody", {"nickname": "x"}),
        (DeleteUser, "DELETE", "/v1/users/nobody", None),
        (CreateConversation, "POST", "/v1/groups/", {"owner_username": "nobody", "group_name": "g"}),
        (AddMembers, "POST", "/v1/groups/13579/members", {"add": ["nobody"]}),
    ):
        served.broker.on(kind, Refused(Reason.UNKNOWN_USER, "there is no user nobody"))
        error_of(await served.call(method, path, json=body), 403, 899002)


async def test_jm25_a_name_no_user_can_have(served: Jiguang) -> None:
    for path in ("/v1/users/a%20b", "/v1/users/%00", "/v1/users/" + "a" * 129):
        assert error_of(await served.call("GET", path), 403, 899005).startswith("Invalid uid")
    error_of(await served.call("POST", "/v1/messages", json={**MESSAGE, "from_id": "a\nb"}), 403, 899005)
    error_of(await served.call("POST", "/v1/groups/13579/members", json={"add": ["a b"]}), 403, 899005)
    assert served.broker.heard == []


UNKNOWN_GIDS = ["1", "111", "0", "-5", "x", "99999999999999999999", "0" * 32, IdForms(BARE.id).hex32(GID)]
"""111 is a direct conversation; the last is an id of another app."""


@pytest.mark.parametrize("gid", UNKNOWN_GIDS)
async def test_jm26_gid_invalid(served: Jiguang, gid: str) -> None:
    for method, path, body in (
        ("GET", f"/v1/groups/{gid}", None),
        ("DELETE", f"/v1/groups/{gid}", None),
        ("GET", f"/v1/groups/{gid}/members/", None),
        ("POST", f"/v1/groups/{gid}/members", {"add": ["test1"]}),
        ("POST", "/v1/messages", {**MESSAGE, "target_type": "group", "target_id": gid}),
    ):
        assert error_of(await served.call(method, path, json=body), 403, 899006) == "gid invalid"
    assert all(isinstance(command, GetConversation) for command in served.commands)


@pytest.mark.parametrize("body", [{"remove": ["tom"]}, {"remove": ["annie"]}, {"add": ["test1"], "remove": ["nobody"]}])
async def test_jm30_delete_fail(served: Jiguang, body: Any) -> None:
    message = error_of(await served.call("POST", "/v1/groups/13579/members", json=body), 400, 899010)
    assert message.startswith("Delete fail: ")
    assert not any(isinstance(command, AddMembers | RemoveMembers) for command in served.commands)


async def test_jm30_an_owner_who_became_one_meanwhile(served: Jiguang) -> None:
    failed = [MemberFailure(user="test3", reason="not_allowed")]
    served.broker.on(RemoveMembers, MembersChanged(allowed=[], failed=failed))
    error_of(await served.call("POST", "/v1/groups/13579/members", json={"remove": ["test3"]}), 400, 899010)


async def test_jm31_repeat_to_add_the_members(served: Jiguang) -> None:
    answer = await served.call("POST", "/v1/groups/13579/members", json={"add": ["test1", "eddie"]})
    assert error_of(answer, 400, 899011) == "Repeat to add the members: eddie is a member of this group."
    assert not any(isinstance(command, AddMembers) for command in served.commands)


async def test_jm32_no_enough_space(served: Jiguang) -> None:
    for kind, path, body in (
        (AddMembers, "/v1/groups/13579/members", {"add": ["test1"]}),
        (CreateConversation, "/v1/groups/", {"owner_username": "tom", "group_name": "g"}),
    ):
        served.broker.on(kind, Refused(Reason.FULL, "this conversation may have 2 members, not 3"))
        assert error_of(await served.call("POST", path, json=body), 403, 899012).startswith("no enough space for members")


async def test_jm31_and_jm32_as_printed_where_the_app_wants_that(served: Jiguang) -> None:
    await served.change(jmessage_printed_codes=True)
    answer = await served.call("POST", "/v1/groups/13579/members", json={"add": ["test1", "eddie"]})
    assert error_of(answer, 400, 800011).startswith("Repeat to add the members")
    served.broker.on(AddMembers, Refused(Reason.FULL, "this conversation may have 2 members, not 3"))
    answer = await served.call("POST", "/v1/groups/13579/members", json={"add": ["test1"]})
    assert error_of(answer, 403, 800012).startswith("no enough space for members")
    answer = await served.call("GET", "/v1/groups/nonsense")
    assert error_of(answer, 403, 899006)


@pytest.mark.parametrize(
    "reason",
    [
        Reason.OVERLOADED,
        Reason.OUTCOME_UNKNOWN,
        Reason.GOING_AWAY,
        Reason.STORAGE_UNAVAILABLE,
        Reason.HISTORY_UNAVAILABLE,
        Reason.TOO_FAST,
    ],
)
async def test_jm34_try_again_later(served: Jiguang, reason: Reason) -> None:
    served.broker.on(DeleteUser, Refused(reason, retry_after_ms=1500))
    answer = await served.call("DELETE", "/v1/users/test")
    message = error_of(answer, 429 if reason is Reason.TOO_FAST else 503, 899030)
    assert message == "Server response time out, please try again later"
    assert answer.headers["retry-after"] == "2"


async def test_jm34_while_the_broker_is_away(served: Jiguang) -> None:
    served.broker.stop()
    for _ in range(3):
        answer = await served.call("DELETE", "/v1/users/test")
        await trio.sleep(0.01)
    error_of(answer, 503, 899030)
    assert "retry-after" in answer.headers


def test_every_refusal_has_a_line_and_none_is_a_success() -> None:
    assert set(RENDERINGS) == set(Reason)
    assert all(line.status >= 400 and line.code // 100 == 8990 for line in RENDERINGS.values())
