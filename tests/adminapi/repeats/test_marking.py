"""Which commands of a call may be given again after a crash, and by what name the hub knows a message again."""

from __future__ import annotations

from typing import cast

import msgspec
import pytest

from adminapi.dialect import Answer
from adminapi.repeats.calls import Repeats
from adminapi.repeats.marking import Marking
from protocol.commands import BanUser, Command, GetUser, SendMessage
from protocol.errors import Reason, Refused
from tests.adminapi.repeats.conftest import Counting, Place, refusal, saying

SAY = SendMessage(type=-1, body=b"{}", conversation=1)
TRANSIENT = msgspec.structs.replace(SAY, transient=True)
BAN = BanUser(user="tom")


def names(broker: Counting) -> list[str]:
    return [cast(SendMessage, each).client_msg_id for each in broker.heard]


@pytest.mark.parametrize("command", [GetUser(user="tom"), SAY])
async def test_what_reads_or_is_recognised_by_the_hub_is_asked_again(place: Place, command: Command) -> None:
    broker = Counting(place.folder)
    later: list[Repeats] = []

    async def run(marked: Marking) -> Answer:
        await marked.call(command)
        later.append(place.after_a_kill())
        return Answer()

    await place.begin().once(("k",), broker, run)
    assert (await later[0].once(("k",), broker, saying(b"again", command))).body == b"again"


async def test_a_message_that_nobody_recognises_is_not_sent_again(place: Place) -> None:
    """The hub remembers no transient ones."""
    broker, repeats = Counting(place.folder), place.begin()
    broker.taking.refused = [Reason.OUTCOME_UNKNOWN]
    for _ in range(2):
        assert await refusal(repeats, "k", broker, saying(b"", TRANSIENT)) is Reason.OUTCOME_UNKNOWN
    assert broker.heard == [TRANSIENT]


async def test_a_message_is_named_after_its_call_and_what_it_says(place: Place) -> None:
    """Another message under the same name would be taken for the first one, and never be said."""
    broker = Counting(place.folder)
    others = [
        msgspec.structs.replace(SAY, **more) for more in ({"conversation": 2}, {"body": b"[]"}, {"type": 1}, {"to": "ann"})
    ]
    await place.begin().once(("k",), broker, saying(b"", SAY, *others))
    first = names(broker)
    assert len(set(first)) == 5
    assert {len(name) for name in first} == {32}
    broker.heard.clear()
    await Repeats(place.folder / "elsewhere" / "repeats.db").once(("k",), broker, saying(b"", *others, SAY))
    assert names(broker) == [*first[1:], first[0]]
    broker.heard.clear()
    await Repeats(place.folder / "there" / "repeats.db").once(("l",), broker, saying(b"", SAY, *others))
    assert not set(names(broker)) & set(first)


async def test_the_very_same_twice_in_one_call_is_two_messages_and_leaves_a_mark(place: Place) -> None:
    broker = Counting(place.folder)
    later: list[Repeats] = []

    async def twice(marked: Marking) -> Answer:
        await marked.call(SAY)
        await marked.call(SAY)
        later.append(place.after_a_kill())
        return Answer()

    await place.begin().once(("k",), broker, twice)
    named, nameless = names(broker)
    assert named
    assert not nameless
    assert await refusal(later[0], "k", broker, twice) is Reason.OUTCOME_UNKNOWN
    assert len(broker.heard) == 2


async def test_an_answer_of_which_nothing_was_done_is_not_kept(place: Place) -> None:
    """As that of a list of calls each of which was refused."""
    broker, repeats = Counting(place.folder), place.begin()

    async def all_refused(marked: Marking) -> Answer:
        broker.taking.refused = [Reason.OVERLOADED] * 2
        for _ in range(2):
            assert await refused_of(marked, BAN) is Reason.OVERLOADED
        return Answer(body=b"overloaded")

    assert (await repeats.once(("k",), broker, all_refused)).body == b"overloaded"
    assert (await place.after_a_kill().once(("k",), broker, saying(b"done", BAN))).body == b"done"
    assert (await repeats.once(("k",), broker, saying(b"done", BAN))).body == b"done"

    async def one_refused(marked: Marking) -> Answer:
        await marked.call(BAN)
        broker.taking.refused = [Reason.OVERLOADED]
        assert await refused_of(marked, BAN) is Reason.OVERLOADED
        return Answer(body=b"half")

    for run in (one_refused, saying(b"again", BAN)):
        assert (await repeats.once(("l",), broker, run)).body == b"half"


async def refused_of(broker: Marking, command: Command) -> Reason:
    with pytest.raises(Refused) as caught:
        await broker.call(command)
    return caught.value.reason
