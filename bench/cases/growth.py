"""growth: what a delivery, a message and a page of history cost as there is more of everything.

Rooms of more and more members, all of them logged in at once; more and more pairs who talk; pages out of longer and longer
histories. The law: the CPU of one stays within 1.5 times what it was in any smaller case. And a message to the largest room
delays another conversation's by at most 20 ms, for its fan-out is done in slices: while the room hears one, and then while
all rooms hear one at once, a pair exchanges messages one after the other, and nobody in a room reads before the pair has
done. The delay is told by what the server has worked meanwhile too, which others on the machine do not change. The pair's
clients are the library's, half a millisecond of the generator a message, in which the server works on.

Rooms and histories are built through the broker's own store, as in the restart case.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from itertools import count as count_from
from pathlib import Path

from bench.cases.contenders import IDLE_SECONDS, PARLEY
from bench.cases.direct import CPU as MESSAGE_CPU
from bench.cases.direct import Pairs
from bench.cases.fanout import CPU as DELIVERY_CPU
from bench.cases.fanout import Group
from bench.cases.restart import BODY, START_MS, app, conversation, fill
from bench.cases.sizes import PAYLOAD_BYTES, Sizes
from bench.figures import digits, percentile
from bench.report import Row, Table, budget, rows
from bench.rounds import Round, interleave, measure
from bench.servers import APP, Broker, Server, watch_idle
from bench.sessions import ask, drain, hang_up, log_in
from bench.tally import payload
from bench.users import heard, meet
from bench.wires.parley import ParleyWire
from bench.wires.wire import Unexpected
from broker.hub.rows import ConversationRow, HeadRow, Image, MemberRow, UserRow, encode_message, put
from protocol.clients.trio import Client
from protocol.ids import first_at
from protocol.records import Kind, Message

FLAT_TIMES = 1.5
SLICE_MS = 20.0
PAGE = 20
PAGE_CPU, WORST, WORST_MS, MIDDLE = "us CPU per page", "worst ms of CPU a message", "worst ms", "p50 ms"
DEPTH = 8
LEAST_MESSAGES = 2 * DEPTH
EXCHANGES = 100
NUMBERS = 10_000_000
"""Of each room, more than it is ever sent."""
WIRE = ParleyWire()


def run(sizes: Sizes, folder: Path) -> Iterator[Table]:
    yield from rooms(sizes, folder / "rooms")
    yield pairs(sizes, folder / "pairs")
    yield histories(sizes, folder / "histories")


def flat(what: str, found: Sequence[Row], column: str) -> str:
    """The budget of a row of cases from small to large."""
    costs = [each.figures[column].median for each in found if column in each.figures]
    if len(costs) < 2:
        return f"{what}: not measured"
    most = max(cost / min(costs[:at]) for at, cost in enumerate(costs) if at)
    return f"{what}: {'met' if most <= FLAT_TIMES else 'NOT MET'} ({digits(most)} x, the bound is {FLAT_TIMES})"


def rooms(sizes: Sizes, folder: Path) -> Iterator[Table]:
    users = [f"hears{n:05}" for n in range(sizes.rooms[-1])]
    with filled(folder, peopled(sizes.rooms, users)) as broker:
        sockets, _ = log_in(broker.port, [WIRE.session(user) for user in users])
        (says,), _ = log_in(broker.port, [WIRE.session("says")])
        try:
            drain([*sockets, says], WIRE.settles)
            plays: dict[str, Callable[[], Round]] = {}
            for n, size in enumerate(sizes.rooms):
                group = Group(broker, WIRE, users[:size], [*sockets[:size], says], str(conversation(n)))
                group.next = n * NUMBERS  # a number said twice by one user is a repeat, and answered as such
                count = max(LEAST_MESSAGES, sizes.room_deliveries // size)
                plays[f"Parley, room of {size:,}, fsync"] = partial(group.round, DEPTH, count)
            found = rows(interleave(plays, sizes.rounds))
            yield Table(
                f"growth: fan-out to rooms, {PAYLOAD_BYTES} B, {DEPTH} in flight, {sizes.rooms[-1]:,} sessions",
                (DELIVERY_CPU,),
                found,
                budgets=(flat("per delivery as rooms grow", found, DELIVERY_CPU),),
            )
            numbers = count_from(len(sizes.rooms) * NUMBERS)
            beside = partial(exchange, broker, numbers, says=says, members=sockets)
            every = [str(conversation(n)) for n in range(len(sizes.rooms))]
            plays = {
                "Parley, nobody else, fsync": partial(exchange, broker, numbers),
                f"Parley, beside {sizes.rooms[-1]:,}, fsync": partial(beside, rooms=every[-1:]),
                f"Parley, beside {len(every)} rooms of up to {sizes.rooms[-1]:,}, fsync": partial(beside, rooms=every),
            }
            found = rows(interleave(plays, sizes.rounds))
            alone = found[0].figures.get(WORST)
            most = alone.median + SLICE_MS if alone else None
            yield Table(
                f"growth: a pair's messages while a room of {sizes.rooms[-1]:,} is told one, and while all rooms are",
                (WORST, WORST_MS, MIDDLE),
                found,
                budgets=tuple(
                    budget(f"{each.name}: at most {SLICE_MS:.0f} ms more than alone", each, WORST, most=most)
                    for each in found[1:]
                ),
            )
        finally:
            hang_up([*sockets, says])


def exchange(
    broker: Server,
    numbers: Iterator[int],
    says: socket.socket | None = None,
    rooms: Sequence[str] = (),
    members: Sequence[socket.socket] = (),
) -> Round:
    """Messages of a pair, one after the other, from the moment `says` has spoken to the rooms."""
    told = b"".join(WIRE.send(room, next(numbers), PAYLOAD_BYTES) for room in rooms)
    seconds: list[float] = []
    worked: list[float] = []

    async def talk(here: Client, there: Client) -> None:
        await said(here, there)  # makes their conversation
        if says is not None:
            says.sendall(told)
        for _ in range(EXCHANGES):
            began, used = time.perf_counter(), broker.cpu_seconds()
            await said(here, there)
            seconds.append(time.perf_counter() - began)
            worked.append(broker.cpu_seconds() - used)

    async def said(here: Client, there: Client) -> None:
        text = payload(next(numbers), PAYLOAD_BYTES).decode()
        await here.send(to=there.user, text=text)
        if (found := await heard(there)) != text:
            raise Unexpected(found)

    _, effort = measure(broker, partial(meet, broker.port, ("here", "there"), talk))
    void = ""
    if says is not None:
        got = drain([*members, says], WIRE.settles)
        void = "" if got > len(members) * PAYLOAD_BYTES else "not everybody in the rooms was told"
    values = {WORST: max(worked) * 1e3, WORST_MS: max(seconds) * 1e3, MIDDLE: percentile(seconds, 0.5) * 1e3}
    return Round(values, 0.0, effort.foreign, void)  # it waits for one message at a time: its share says nothing


def pairs(sizes: Sizes, folder: Path) -> Table:
    with ExitStack() as stack:
        crowds = {}
        for count, messages in sizes.talkers.items():
            place = folder / str(count)
            place.mkdir(parents=True)
            broker = stack.enter_context(Broker(place))
            watch_idle([broker], IDLE_SECONDS)
            crowds[f"Parley, {2 * count:,} sessions, fsync"] = crowd = Pairs(count, messages, PARLEY, broker)
            stack.callback(hang_up, crowd.sockets)
        drain([sock for each in crowds.values() for sock in each.sockets], WIRE.settles)
        found = rows(interleave({name: each.round for name, each in crowds.items()}, sizes.rounds))
    return Table(
        f"growth: 1 to 1, {PAYLOAD_BYTES} B, every pair with one in flight",
        (MESSAGE_CPU,),
        found,
        budgets=(flat("per message as sessions grow", found, MESSAGE_CPU),),
    )


def histories(sizes: Sizes, folder: Path) -> Table:
    with filled(folder, storied(sizes.histories)) as broker:
        reader, _ = log_in(broker.port, [WIRE.session("reads")])
        try:
            asking = partial(pages, broker, reader[0], sizes.pages)
            plays = {
                f"Parley, {count:,} messages, fsync": partial(asking, place=str(conversation(n)), count=count)
                for n, count in enumerate(sizes.histories)
            }
            found = rows(interleave(plays, sizes.rounds))
        finally:
            hang_up(reader)
    return Table(
        f"growth: pages of {PAGE} messages out of one conversation's history",
        (PAGE_CPU,),
        found,
        budgets=(flat("per page as histories grow", found, PAGE_CPU),),
    )


def pages(broker: Server, sock: socket.socket, wanted: int, place: str, count: int) -> Round:
    """Pages from all over the history, one after the other."""
    befores = [PAGE + 1 + n * 7919 % (count - PAGE) for n in range(wanted)]
    wrong = 0

    def work() -> None:
        nonlocal wrong
        for before in befores:
            answer = ask(sock, WIRE.ask("msg.history", {"conv_id": place, "before": before, "limit": PAGE}))
            wrong += answer.count(b'"seq":') != PAGE or b'"seq":%d' % (before - 1) not in answer

    _, effort = measure(broker, work)
    void = f"{wrong} pages were not what was asked for" if wrong else ""
    return Round({PAGE_CPU: effort.cpu * 1e6 / wanted}, effort.generator, effort.foreign, void)


def filled(folder: Path, images: Iterable[Image]) -> Broker:
    """A broker that remembers these."""
    (folder / "data").mkdir(parents=True)
    fill(folder / "data", images)
    broker = Broker(folder)
    watch_idle([broker], IDLE_SECONDS)
    return broker


def peopled(counts: Sequence[int], users: Sequence[str]) -> Iterator[Image]:
    """A room of each of these numbers of members."""
    yield app()
    for user in [*users, "says"]:
        yield put(APP, "users", UserRow(user, START_MS))
    for n, count in enumerate(counts):
        yield put(APP, "conversations", ConversationRow(conversation(n), int(Kind.ROOM), "says", "says", START_MS, "room"))
        yield put(APP, "heads", HeadRow(conversation(n)))
        for user in [*users[:count], "says"]:
            yield put(APP, "members", MemberRow(conversation(n), user, START_MS))


def storied(counts: Sequence[int]) -> Iterator[Image]:
    """A conversation with each of these numbers of messages."""
    yield app()
    yield put(APP, "users", UserRow("reads", START_MS))
    place = 0
    for n, count in enumerate(counts):
        yield put(
            APP, "conversations", ConversationRow(conversation(n), int(Kind.GROUP), "reads", "reads", START_MS, "talk")
        )
        yield put(APP, "members", MemberRow(conversation(n), "reads", START_MS))
        for seq in range(1, count + 1):
            place += 1
            said = Message(first_at(START_MS + len(counts) + place), conversation(n), seq, "reads", -1, BODY)
            yield put(APP, "messages", said)
        yield put(APP, "heads", HeadRow(conversation(n), count, changed=1, last=encode_message(said)))
