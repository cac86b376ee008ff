"""Lists: users by id and attribute, conversations in both natural orders, in steps and with a limit."""

from __future__ import annotations

import pytest

from protocol.commands import (
    Condition,
    CreateConversation,
    DeleteUser,
    ListConversations,
    ListUsers,
    Managed,
    PutUser,
    UserList,
)
from protocol.errors import Reason
from tests.broker.hub.script import Script, app
from tests.broker.hub.words import reason


@pytest.fixture
def script() -> Script:
    script = Script(app(), app("b"))
    for number, name in enumerate(("c1", "c2", "o3", "c4", "c5")):
        script.manage(PutUser(user=name, attributes=b'{"organization_id":%d,"name":"n%d"}' % (number % 2, number)))
    return script


def found(script: Script, *where: Condition, **more: int) -> list[str]:
    return [each.user for each in script.manage(ListUsers(where=where, **more)).users]


def test_users_are_found_by_attribute_and_id(script: Script) -> None:
    here = Condition("attributes.organization_id", "=", 0)
    assert found(script, here) == ["c1", "o3", "c5"]
    assert found(script, here, Condition("id", "like", "c%")) == ["c1", "c5"]
    assert found(script, Condition("attributes.name", "in", ["n1", "n3", "x"])) == ["c2", "c4"]
    assert found(script, Condition("id", "in", ["c5", "nobody", "c2", "c5"])) == ["c5", "c2"]
    assert found(script, Condition("id", "=", "c4"), here) == []
    listed = script.manage(ListUsers(where=(here,), skip=1, limit=1))
    assert ([each.user for each in listed.users], listed.total) == (["o3"], 3)


def test_a_search_sees_no_deleted_user_and_no_other_app(script: Script) -> None:
    here = Condition("attributes.organization_id", "=", 0)
    script.manage(DeleteUser(user="o3"))
    assert found(script, here) == ["c1", "c5"]
    assert found(script, Condition("id", "in", ["o3", "c1"])) == ["c1"]
    for where in ((here,), (Condition("id", "=", "c1"),), ()):
        assert script.manage(ListUsers(where=where), app="b") == UserList(users=[], total=0)


def test_conditions_on_users_know_their_own_fields_only(script: Script) -> None:
    for condition in (
        Condition("owner", "=", "c1"),
        Condition("member", "=", "c1"),
        Condition("id", "=", 5),
        Condition("id", "matches", "c"),
        Condition("attributes.name", "<", []),
    ):
        assert reason(script.manage(ListUsers(where=(condition,)))) is Reason.BAD_FORMAT
    assert reason(script.manage(ListUsers(where=(Condition("id", "=", "c1"),) * 21))) is Reason.BAD_FORMAT


def test_a_long_search_takes_turns_and_ends_too_broad(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(600):
        script.manage(PutUser(user=f"x{number}"))
    command = ListUsers(where=(Condition("id", "like", "x%"),))
    script.core.submit(1, "search", Managed(app="a", rev=0, command=command))
    assert script.core.wants_turn()
    script.run()
    assert script.replies["search"].total == 600  # type: ignore[union-attr]
    monkeypatch.setattr("broker.hub.where.MOST_ROWS", 600)
    assert reason(script.manage(command)) is Reason.TOO_BROAD
    assert found(script, Condition("id", "=", "x7")) == ["x7"]


def test_conversations_come_in_either_order(script: Script) -> None:
    made = [script.manage(CreateConversation(kind=3, members=(), name=name), user="c1") for name in "abc"]
    numbers = [each.conversation.id for each in made]
    everywhere: tuple[tuple[Condition, ...], ...] = (
        (), (Condition("kind", "=", 3),), (Condition("member", "=", "c1"),), (Condition("id", "in", numbers),),
    )  # fmt: skip
    for where in everywhere:
        for sort, expected in ((("id",), "ab"), ((), "cb")):
            page = script.manage(ListConversations(where=where, size=2, sort=sort))
            assert "".join(each.name for each in page.conversations) == expected
            assert page.total == 3
