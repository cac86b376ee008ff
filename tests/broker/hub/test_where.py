"""Conditions on conversations: what each finds, what is refused, and that a long search lets others take turns."""

from __future__ import annotations

import pytest

from protocol.commands import Condition, CreateConversation, ListConversations, Managed, PutUser, UpdateConversations
from protocol.errors import Reason
from tests.broker.hub.script import Script
from tests.broker.hub.words import group, reason, text

WHERE = [
    (("kind", "=", 3), {"g1", "g2"}),
    (("kind", "!=", 3), {"r1"}),
    (("kind", "in", [3, 4]), {"g1", "g2", "r1"}),
    (("name", "like", "g%"), {"g1", "g2"}),
    (("name", "like", "%1"), {"g1", "r1"}),
    (("name", "like", "%"), {"g1", "g2", "r1"}),
    (("creator", "=", "tom"), {"g1", "r1"}),
    (("member", "=", "ann"), {"g1", "g2"}),
    (("member", "in", ["bob", "tom"]), {"g1", "r1"}),
    (("members", ">=", 2), {"g1"}),
    (("attributes.city", "=", "Oslo"), {"g1"}),
    (("attributes.rank", ">", 5), {"g2"}),
    (("attributes.flag", "=", True), {"r1"}),
    (("attributes.flag", "=", 1), set()),
    (("created", ">", 0), {"g1", "g2", "r1"}),
]


@pytest.mark.parametrize(("condition", "names"), WHERE)
def test_where_finds_what_it_says(script: Script, condition: tuple[str, str, object], names: set[str]) -> None:
    for user in ("tom", "ann"):
        script.manage(PutUser(user=user))
    made = [
        ("g1", 3, "tom", ("ann",), b'{"city":"Oslo","rank":5}'),
        ("g2", 3, "ann", (), b'{"rank":6}'),
        ("r1", 4, "tom", (), b'{"flag":true}'),
    ]
    for name, kind, user, members, attributes in made:
        script.manage(CreateConversation(kind=kind, members=members, name=name, attributes=attributes), user=user)
    page = script.manage(ListConversations(where=(Condition(*condition),)))
    assert {each.name for each in page.conversations} == names
    assert page.total == len(names)


@pytest.mark.parametrize(
    "condition",
    [
        ("nothing", "=", 1),
        ("kind", "~", 1),
        ("kind", "=", "3"),
        ("kind", "like", 3),
        ("name", "=", 3),
        ("name", "like", "a%b"),
        ("kind", "in", 3),
        ("kind", "in", list(range(201))),
        ("name; DROP TABLE", "=", "x"),
        ("member", ">", "x"),
    ],
)
def test_where_refuses_what_it_does_not_know(script: Script, condition: tuple[str, str, object]) -> None:
    assert reason(script.manage(ListConversations(where=(Condition(*condition),)))) is Reason.BAD_FORMAT


def test_pages_of_conversations_are_newest_first(script: Script) -> None:
    script.manage(PutUser(user="tom"))
    for n in range(5):
        script.manage(CreateConversation(kind=3, members=(), name=str(n)), user="tom")
    for where in ((), (Condition("kind", "=", 3),)):
        page = script.manage(ListConversations(where=where, page=2, size=2))
        assert ([each.name for each in page.conversations], page.total) == (["2", "1"], 5)


def test_a_socket_lists_only_its_own_conversations(script: Script) -> None:
    mine = group(script, "tom", "ann")
    group(script, "bob", "eve")
    page = script.say("tom", ListConversations(where=(Condition("kind", "=", 3),)))
    assert [each.id for each in page.conversations] == [mine]


def test_a_long_search_lets_others_take_turns(script: Script) -> None:
    script.manage(PutUser(user="tom"))
    for _ in range(1200):
        script.manage(CreateConversation(kind=3, members=(), name="x"), user="tom")
    script.login("ann")
    script.numbers["admin"] = 1
    search = Managed(app="a", rev=0, command=ListConversations(where=(Condition("name", "=", "x"),)))
    script.core.submit(1, "search", search)
    assert script.core.wants_turn()
    script.core.submit(script.numbers["ann"], "quick", text("m", to="tom"))
    script.run()
    order = [key for key in script.replies if key in ("search", "quick")]
    assert order == ["quick", "search"]


def test_matching_conversations_are_changed_together(script: Script) -> None:
    script.manage(PutUser(user="tom"))
    for n in range(3):
        script.manage(CreateConversation(kind=3, members=(), name=str(n)), user="tom")
    where = (Condition("creator", "=", "tom"),)
    script.manage(UpdateConversations(where=where, attributes=b'{"x":1}'))
    found = script.manage(ListConversations()).conversations
    assert [each.attributes for each in found] == [b'{"x":1}'] * 3
    none = UpdateConversations(where=(Condition("creator", "=", "eve"),), attributes=b"{}")
    assert reason(script.manage(none)) is Reason.UNKNOWN_CONVERSATION


def test_a_search_through_large_attributes_lets_others_take_turns(script: Script) -> None:
    script.manage(PutUser(user="tom"))
    for n in range(100):
        attributes = b'{"n":%d,"x":"%s"}' % (n, b"x" * 16_000)
        script.manage(CreateConversation(kind=3, members=(), attributes=attributes), user="tom")
    where = (Condition("attributes.n", ">=", 0), Condition("attributes.n", "<", 50))
    script.core.submit(1, "search", Managed(app="a", rev=0, command=ListConversations(where=where)))
    assert script.core.wants_turn()
    script.run()
    assert script.replies["search"].total == 50  # type: ignore[union-attr]
