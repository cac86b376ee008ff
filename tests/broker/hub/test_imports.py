"""What another service has kept: conversations under their old ids, messages with their own times, and nothing twice."""

from __future__ import annotations

from typing import Any

import pytest

from broker.hub import imports
from protocol.commands import (
    Beside,
    Condition,
    ConversationFound,
    CreateConversation,
    DeleteConversation,
    DeleteMessage,
    EditMessage,
    GetConversation,
    History,
    HistoryPage,
    ImportConversations,
    Imported,
    ImportedConversation,
    ImportedMessage,
    ImportMessages,
    ListConversations,
    ListMembers,
    Patched,
    Readers,
    ReadersList,
    RecallMessage,
    Sync,
)
from protocol.errors import Reason, Refused
from protocol.ids import IMPORTED, LANE, LANES, IdForms, first_at
from protocol.pushes import MessageNew
from protocol.records import Kind, Message
from protocol.richtext import body_of
from tests.broker.hub.script import START_MS, Script, app
from tests.broker.hub.words import reason, text

ONE = "5a5b1c2d3e4f5a6b7c8d9e0f"
TWO = "5a5b1c2d3e4f5a6b7c8d9e10"
THEN = START_MS - 1_000_000_000


def conversation(alias: str = ONE, *members: str, **fields: Any) -> ImportedConversation:
    said = {"room": False, "name": "old", "attributes": b'{"a":1}', "creator": "tom", "created_ms": THEN - 5, **fields}
    return ImportedConversation(alias=alias, members=members or ("tom", "ann"), **said)


def message(id: str, at: int, alias: str = ONE, sender: str = "tom", **fields: Any) -> ImportedMessage:
    kind, body = body_of(id)
    return ImportedMessage(alias, id, THEN + at, sender, kind, body, **fields)


def bring(script: Script, *conversations: ImportedConversation) -> Imported:
    reply = script.manage(ImportConversations(conversations=conversations or (conversation(),)))
    assert isinstance(reply, Imported)
    return reply


def say(script: Script, *messages: ImportedMessage, finished: tuple[str, ...] = ()) -> Imported:
    reply = script.manage(ImportMessages(messages=messages, finished=finished))
    assert isinstance(reply, Imported), reply
    return reply


def number(alias: str = ONE) -> int:
    found = IdForms("a").conversation(alias)
    assert found is not None
    return found


def history(script: Script, alias: str = ONE) -> list[Message]:
    reply = script.manage(History(conversation=number(alias), limit=100))
    assert isinstance(reply, HistoryPage)
    return reply.messages


def counts(reply: Imported) -> tuple[int, int, int]:
    return reply.made, reply.known, len(reply.left)


def test_a_conversation_is_there_as_it_was_under_its_old_id(script: Script) -> None:
    assert counts(bring(script, conversation(ONE, "tom", "ann", updated_ms=THEN, quiet=("ann",)))) == (1, 0, 0)
    reply = script.manage(GetConversation(conversation=number()))
    assert isinstance(reply, ConversationFound)
    info = reply.conversation
    assert (info.alias, info.name, info.attributes, info.creator) == (ONE, "old", b'{"a":1}', "tom")
    assert (info.kind, info.created_ms, info.updated_ms, info.members) == (Kind.GROUP, THEN - 5, THEN, 2)
    assert script.hub().tables.members[info.id]["ann"].quiet
    members = script.manage(ListMembers(conversation=number()))
    assert [member.user for member in members.members] == ["tom", "ann"]


def test_a_second_time_nothing_is_made_and_a_change_made_here_stays(script: Script) -> None:
    bring(script)
    before = len(script.log.commits)
    assert counts(bring(script, conversation(name="another"), conversation(name="another"))) == (0, 2, 0)
    assert len(script.log.commits) == before


def test_what_was_deleted_here_is_not_brought_back(script: Script) -> None:
    bring(script)
    script.manage(DeleteConversation(conversation=number()))
    reply = bring(script)
    assert "deleted here" in reply.left[0].why
    assert "deleted here" in say(script, message("1", 0)).left[0].why


@pytest.mark.parametrize(
    "bad",
    [
        conversation("x" * 24),
        conversation(ONE.upper()),
        conversation(ONE, "a b"),
        conversation(attributes=b'{"a":"%s"}' % (b"x" * 20_000)),
        conversation(name="x" * 257),
    ],
)
def test_what_cannot_be_taken_is_answered_for_and_the_rest_is_taken(script: Script, bad: ImportedConversation) -> None:
    reply = bring(script, bad, conversation(TWO))
    assert counts(reply) == (1, 0, 1)
    assert reply.left[0].why


def test_unique_stays_with_the_one_that_is_there(script: Script) -> None:
    bring(script, conversation(ONE, unique=True), conversation(TWO, unique=True))
    made = script.manage(CreateConversation(kind=Kind.GROUP, members=("tom", "ann"), unique=True))
    assert (made.created, made.conversation.alias) == (False, ONE)


def test_messages_have_their_own_times_and_their_order(script: Script) -> None:
    bring(script)
    say(script, message("c", 30), message("a", 10), message("b", 10, recalled=True))
    found = history(script)
    assert [(each.old_id, each.time_ms - THEN, each.seq, each.status) for each in found] == [
        ("a", 10, 1, 1),
        ("b", 10, 2, 3),
        ("c", 30, 3, 1),
    ]
    assert [each.id for each in found] == sorted(each.id for each in found)


def test_what_is_known_of_a_message_is_kept(script: Script) -> None:
    bring(script)
    say(script, message("a", 1, edited_ms=THEN + 9, mention_all=True, mentions=("ann", "bob")))
    (found,) = history(script)
    assert (found.edited_ms, found.mention_all, found.mentions, found.old_id) == (THEN + 9, True, ("ann", "bob"), "a")


@pytest.mark.parametrize("stored", [False, True])
def test_a_message_is_found_by_its_old_id(script: Script, stored: bool) -> None:
    bring(script)
    say(script, *(message(name, at) for at, name in enumerate("abcd")))
    script.tails["a"].hidden = stored
    place = {"conversation": number()}
    done = (
        EditMessage(**place, message="a", body=b'{"text":"better"}'),
        RecallMessage(**place, message="b", author="tom"),
        DeleteMessage(**place, message="c"),
        Readers(**place, message="d"),
    )
    replies = [script.manage(command) for command in done]
    assert [type(reply) for reply in replies] == [Patched, Patched, Patched, ReadersList]
    script.tails["a"].hidden = False
    found = history(script)
    assert [(each.old_id, each.status, each.rev) for each in found] == [("a", 1, 1), ("b", 3, 1), ("c", 2, 1), ("d", 1, 0)]
    assert b"better" in found[0].body


@pytest.mark.parametrize(
    ("stretch", "expected"),
    [
        ({"newer_than": Beside("b")}, "cd"),
        ({"newer_than": Beside("b", -1)}, "bcd"),
        ({"older_than": Beside("c")}, "ab"),
        ({"older_than": Beside("c", 1)}, "abc"),
        ({"newer_than": Beside("a"), "older_than": Beside("d")}, "bc"),
        ({"newer_than": Beside("none", otherwise=first_at(THEN + 1))}, "bcd"),
        ({"newer_than": Beside("none")}, "abcd"),
        ({"newer_than": Beside("b"), "limit": 0}, ""),
    ],
)
def test_a_stretch_from_an_old_id(script: Script, stretch: dict[str, Any], expected: str) -> None:
    bring(script)
    say(script, *(message(name, at) for at, name in enumerate("abcd")))
    reply = script.manage(History(**{"conversation": number(), "limit": 9, "forward": True, **stretch}))
    assert isinstance(reply, HistoryPage)
    assert "".join(each.old_id for each in reply.messages) == expected


def test_an_old_id_is_of_its_conversation(script: Script) -> None:
    bring(script, conversation(ONE), conversation(TWO))
    say(script, message("a", 1))
    made = script.manage(CreateConversation(kind=Kind.GROUP, members=("tom",))).conversation.id
    here = number()
    for place, name in ((number(TWO), "a"), (here, "b"), (made, "a"), (here, ""), (here, "\ud800"), (here, "x" * 999)):
        script.hold_jobs = place == made or name not in "ab"  # the store is not asked
        assert reason(script.manage(DeleteMessage(conversation=place, message=name))) is Reason.UNKNOWN_MESSAGE


def test_an_old_id_that_reads_as_one_of_ours_is_given_up(script: Script) -> None:
    bring(script)
    say(script, message("12345", 1))
    assert [each.old_id for each in history(script)] == [""]


def test_when_somebody_spoke_last_is_kept_without_the_messages(script: Script) -> None:
    bring(script, conversation(ONE, said_ms=THEN + 50), conversation(TWO, said_ms=THEN + 70))

    def said() -> list[tuple[str, int]]:
        reply = script.manage(ListConversations(sort=("-last",)))
        return [(info.alias, info.said_ms - THEN) for info in reply.conversations]

    assert said() == [(TWO, 70), (ONE, 50)]
    say(script, message("a", 20))
    assert said() == [(TWO, 70), (ONE, 50)]
    script.login("tom")
    script.say("tom", text("new", conversation=number()))
    assert said() == [(ONE, START_MS - THEN), (TWO, 70)]


def test_the_same_messages_again_and_some_more(script: Script) -> None:
    bring(script)
    first = [message(f"m{at}", at) for at in range(5)]
    assert counts(say(script, *first[:3])) == (3, 0, 0)
    script.restart()
    assert counts(say(script, *first)) == (2, 3, 0)
    assert [each.old_id for each in history(script)] == ["m0", "m1", "m2", "m3", "m4"]


def test_a_millisecond_split_over_two_batches_loses_nothing(script: Script) -> None:
    bring(script)
    say(script, message("a", 1))
    assert counts(say(script, message("a", 1), message("b", 1))) == (1, 1, 0)


def test_what_is_said_here_comes_behind_and_nothing_older_is_put_before_it(script: Script) -> None:
    bring(script)
    say(script, message("a", 1))
    script.login("tom")
    script.say("tom", text("new", conversation=number()))
    assert "newer messages" in say(script, message("b", 2)).left[0].why
    assert [each.sender for each in history(script)] == ["tom", "tom"]


@pytest.mark.parametrize(
    "bad",
    [
        message("", 1),
        message("a", 1, sender=""),
        message("a", START_MS),
        message("a", -START_MS),
        message("a", 1, TWO),
        ImportedMessage(ONE, "a", THEN, "tom", -1, b'"' + b"x" * 70_000 + b'"'),
    ],
)
def test_a_message_that_cannot_be_taken_is_answered_for(script: Script, bad: ImportedMessage) -> None:
    bring(script)
    for _ in range(2):
        reply = say(script, bad, message("good", 500))
        assert len(reply.left) == 1
        assert reply.left[0].why
    assert [each.old_id for each in history(script)] == ["good"]


def test_many_messages_of_one_millisecond_get_ids_of_their_own(script: Script) -> None:
    aliases = [f"{at:024x}" for at in range(1, 181)]
    for start in (0, 90):
        bring(script, *(conversation(alias) for alias in aliases[start : start + 90]))
        reply = say(script, *(message(alias[-4:], 7, alias) for alias in aliases[start : start + 90]))
        assert counts(reply) == (90, 0, 0)
        script.hub().tables.tail.hidden = True  # type: ignore[attr-defined]  # the next are compared with the store
    script.hub().tables.tail.hidden = False  # type: ignore[attr-defined]
    rows = [row for (table, _), row in script.tails["a"].rows.items() if table == "messages"]
    assert len(rows) == 180
    assert {row.time_ms - THEN for row in rows} <= set(range(7, 7 + 2 * len(rows) // LANE))


def test_a_crowded_millisecond_costs_no_message_that_comes_after_it(script: Script) -> None:
    """Its messages are pushed some milliseconds on, and the next are still said later than they."""
    bring(script)
    say(script, *(message(f"m{at:03}", 7) for at in range(100)))
    assert counts(say(script, message("next", 8))) == (1, 0, 0)
    found = history(script)
    assert [each.id for each in found] == sorted(each.id for each in found)
    assert found[-1].old_id == "next"


def test_a_place_behind_many_is_found_in_few_questions(script: Script) -> None:
    bring(script, conversation(ONE), conversation(TWO))
    for start in range(0, 800, 200):
        say(script, *(message(f"m{at:03}", 7) for at in range(start, start + 200)))
    script.tails["a"].hidden = True
    assert counts(say(script, message("late", 7, TWO))) == (1, 0, 0)


def test_beyond_what_a_moment_holds_messages_are_left_out(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "WALK_MOST", 20)
    bring(script)
    aliases = [f"{at:024x}" for at in range(1, 61)]
    bring(script, *(conversation(alias) for alias in aliases))
    reply = say(script, *(message(alias[-4:] + "m", 7, alias) for alias in aliases))
    assert reply.made + len(reply.left) == 60
    assert "more than 20 messages of that moment" in reply.left[0].why


def test_what_is_said_now_comes_behind_what_was_imported_of_now(script: Script) -> None:
    bring(script)
    say(script, *(message(f"m{at:03}", START_MS - THEN) for at in range(50)))
    script.login("tom")
    script.say("tom", text("new", conversation=number()))
    found = history(script)
    assert [each.id for each in found] == sorted(each.id for each in found)


def test_one_app_more_than_there_are_lanes_is_told_so(script: Script) -> None:
    bring(script)
    script.mint.lanes.update({f"app{at}": at for at in range(LANES)})
    refused = script.manage(ImportMessages(messages=(message("a", 1),)))
    assert isinstance(refused, Refused)
    assert refused.reason is Reason.FULL
    assert f"{LANES} apps" in refused.detail
    assert "another broker" in refused.detail


def test_apps_never_share_an_id(script: Script) -> None:
    script = Script(app("a"), app("b"))
    for name in ("a", "b"):
        script.manage(ImportConversations(conversations=(conversation(),)), app=name)
        script.manage(ImportMessages(messages=(message("a", 1),)), app=name)
    places = [
        row.id - first_at(THEN + 1) - IMPORTED
        for name in ("a", "b")
        for (table, _), row in script.tails[name].rows.items()
        if table == "messages"
    ]
    assert [place // LANE for place in places] == [0, 1]
    script.restart()
    assert script.mint.lanes == {"a": 0, "b": 1}


def test_members_have_read_what_was_imported_once_it_is_finished(script: Script) -> None:
    bring(script)
    say(script, message("a", 1), message("b", 2), finished=(ONE,))
    script.login("ann")
    state = script.say("ann", Sync()).conversations[0]
    assert (state.alias, state.last_seq, state.unread) == (ONE, 2, 0)
    script.manage(text("new", conversation=number()), user="tom")
    assert script.say("ann", Sync()).conversations[0].unread == 1


def test_pushes_say_what_the_conversation_was_called(script: Script) -> None:
    bring(script)
    script.login("tom")
    script.login("ann")
    script.say("tom", text("hi", conversation=number()))
    assert [push.alias for push in script.pushes("ann") if isinstance(push, MessageNew)] == [ONE]
    script.manage(CreateConversation(kind=Kind.GROUP, members=("ann",)))
    assert [push.alias for push in script.pushes("ann")] == [""]


@pytest.mark.parametrize(
    "condition",
    [
        Condition("id", "=", number()),
        Condition("id", "in", [number(TWO), number()]),
        Condition("", "any", [[["id", "=", number()]], [["name", "=", "nothing"]]]),
    ],
)
def test_it_is_found_by_its_old_id(script: Script, condition: Condition) -> None:
    bring(script)
    reply = script.manage(ListConversations(where=(condition,)))
    assert [info.alias for info in reply.conversations] == [ONE]


def test_an_unknown_old_id_is_no_conversation(script: Script) -> None:
    assert reason(script.manage(GetConversation(conversation=number()))) is Reason.UNKNOWN_CONVERSATION


def test_only_the_back_office_imports(script: Script) -> None:
    script.login("tom")
    for command in (ImportConversations(conversations=()), ImportMessages(messages=())):
        assert reason(script.say("tom", command)) is Reason.NOT_ALLOWED
    too_many = ImportMessages(messages=tuple(message(str(at), at) for at in range(201)))
    assert reason(script.manage(too_many)) is Reason.TOO_LARGE
