"""Users that LC-01 and LC-10 name before anyone has registered them."""

from __future__ import annotations

from typing import Any

from protocol.commands import CreateConversation, Created, Managed, PutUser, SendMessage, Sent, UserFound
from protocol.errors import Reason, Refused
from protocol.records import UserInfo
from tests.adminapi.conftest import Served
from tests.adminapi.dialects.leancloud.conftest import AT, CONV, MSG, ROOT, Talk, ok, refused, sent


async def test_lc01_users_nobody_has_registered_are_made_first(served: Served) -> None:
    here = {"BillGates"}

    def create(command: CreateConversation, _: Any) -> Any:
        if missing := [user for user in command.members if user not in here]:
            return Refused(Reason.UNKNOWN_USER, f"there is no user {missing[0]}")
        return Created(conversation=Talk([]).info().conversation, created=True)

    def put(command: PutUser, _: Any) -> Any:
        assert command.must_be_new
        assert (command.attributes, command.password) == (None, None)
        if command.user in here:
            return Refused(Reason.EXISTS, "is here")
        here.add(command.user)
        return UserFound(user=UserInfo(user=command.user, attributes=b"{}", online=False, created_ms=1))

    served.broker.on(CreateConversation, create)
    served.broker.on(PutUser, put)
    await ok(served, "POST", ROOT, json={"m": ["BillGates", "SteveJobs"]})
    assert here == {"BillGates", "SteveJobs"}
    assert len(served.broker.heard) == 4
    await ok(served, "POST", ROOT, json={"m": ["BillGates", "SteveJobs"]})
    assert len(served.broker.heard) == 5


async def test_a_deleted_user_is_not_made_again(served: Served) -> None:
    served.broker.on(CreateConversation, Refused(Reason.UNKNOWN_USER, "deleted"))
    served.broker.on(PutUser, Refused(Reason.EXISTS, "was deleted"))
    assert await refused(served, "POST", ROOT, json={"m": ["a"]}) == (404, 4401)
    served.broker.on(PutUser, Refused(Reason.BAD_USER_ID, "a space"))
    assert await refused(served, "POST", ROOT, json={"m": ["a b"]}) == (400, 4401)


async def test_lc10_a_sender_nobody_has_registered_is_made(served: Served) -> None:
    answers = [Refused(Reason.UNKNOWN_USER, "none"), Sent(message=MSG, conversation=CONV, seq=1, time_ms=AT)]
    served.broker.on(SendMessage, lambda c, m: answers.pop(0))
    await sent(served)
    assert [type(each.command) for each in served.broker.heard if isinstance(each, Managed)] == [
        SendMessage,
        PutUser,
        SendMessage,
    ]
