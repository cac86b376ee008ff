"""Finding conversations by condition, to list them or to change them all (`broker.hub.where` has the conditions).

The law: these are scans: a few hundred rows a step, others get their turn between two of them, and what is answered or
changed in the end is the rows as they are then.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import islice

from broker.hub.conversations import OPEN, change, from_outside, info
from broker.hub.decision import Decision
from broker.hub.hub import scans
from broker.hub.rows import ConversationRow
from broker.hub.where import MOST_ROWS, compile_sort, compile_where, fields_of, indexed, search
from protocol.commands import ConversationPage, Done, ListConversations, Reply, UpdateConversations
from protocol.errors import Reason, Refused
from protocol.records import ConversationInfo

MOST_UPDATED = 1_000
LIST_BYTES = 262_144
"""Of attributes and last messages in one page for a socket: a quarter of an outbox."""


@scans(ListConversations)
def list_conversations(d: Decision, c: ListConversations) -> Iterator[Reply | None]:
    fields = fields_of(d)
    oldest_first = c.sort == ("id",)  # the order they are kept in, which needs no sorting
    tests, orders = compile_where(d, c.where, fields), [] if oldest_first else compile_sort(c.sort, fields)
    size = min(max(c.size, 1), 1000)
    start = max(c.skip, 0) + (max(c.page, 1) - 1) * size
    own: Collection[int] = () if d.caller.privileged else d.hub.tables.memberships.get(d.actor().id, ())
    everything = d.caller.privileged or (c.visible and d.hub.app.settings.open_query)
    candidates = indexed(d, c.where) if everything or c.visible else None
    if not everything:
        known = c.visible and any(each.field == "kind" and each.op == "=" and each.value in tuple(OPEN) for each in c.where)
        if candidates is None and not known:
            candidates = sorted(own, reverse=True)
        by_id = c.left and all(each.field in ("id", "kind") for each in c.where)
        graves = d.hub.tables.tombstones.get(d.caller.user, {}) if by_id else {}
        tests.append(lambda look: look.row.id in own or look.row.kind in OPEN or look.row.id in graves)
    if d.caller.privileged and candidates is None and not tests and not orders:
        yield _all(d, c, start, size, oldest_first=oldest_first)
        return
    tests.append(lambda look: not look.row.is_over(d.now))
    alive = d.hub.tables.conversations
    if candidates is None:
        candidates = list(reversed(alive))
    if oldest_first:
        candidates.reverse()
    rows: list[ConversationRow] = []
    yield from search(alive, candidates, tests, orders, rows)
    shown = [_shown(d, alive[row.id], own, c.with_members) for row in rows[start : start + size] if row.id in alive]
    if not d.caller.privileged:
        _fit(shown)
    yield ConversationPage(conversations=shown, total=len(rows))


def _shown(d: Decision, row: ConversationRow, own: Collection[int], with_members: bool) -> ConversationInfo:
    """As the caller may see it; a member and management see all."""
    if not d.caller.privileged and row.id not in own and not d.hub.app.settings.open_query:
        return from_outside(d, row)
    shown = info(d, row)
    if with_members and row.kind not in OPEN:
        shown.users = list(d.hub.tables.members.get(row.id, ()))
        shown.quiet = sorted(d.hub.tables.quiet.get(row.id, ()))
    if not d.caller.privileged and row.id not in own:
        shown.last_message, shown.said_ms = None, 0  # history is for members
    return shown


def _fit(shown: list[ConversationInfo]) -> None:
    """A page has to fit into an outbox: last messages beyond it are left out, attributes are asked for in smaller pages."""
    size = sum(len(each.attributes) + sum(len(user) + 4 for user in each.users or ()) for each in shown)
    if size > LIST_BYTES and len(shown) > 1:
        raise Refused(Reason.TOO_BROAD, f"this page has {size} bytes of attributes and members; ask for a smaller size")
    for each in shown:
        if each.last_message is not None:
            size += len(each.last_message.body)
            if size > LIST_BYTES:
                each.last_message = None


def _all(d: Decision, c: ListConversations, start: int, size: int, *, oldest_first: bool) -> ConversationPage:
    """Without conditions the count is known and the newest are at the end: no scan."""
    rows = d.hub.tables.conversations
    if start + size > MOST_ROWS:
        raise Refused(Reason.TOO_BROAD, f"only the first {MOST_ROWS} conversations can be paged; add a condition")
    ordered = rows.values() if oldest_first else reversed(rows.values())
    shown = [_shown(d, row, set(), c.with_members) for row in islice(ordered, start, start + size)]
    return ConversationPage(conversations=shown, total=len(rows))


@scans(UpdateConversations)
def update_all(d: Decision, c: UpdateConversations) -> Iterator[Reply | None]:
    tests, candidates = compile_where(d, c.where, fields_of(d)), indexed(d, c.where)
    alive = d.hub.tables.conversations
    found: list[ConversationRow] = []
    for _ in search(alive, list(reversed(alive)) if candidates is None else candidates, tests, [], found):
        _check_few(found)
        yield None
    _check_few(found)
    # All are changed in this one step, on the rows as they are now.
    rows = [alive[row.id] for row in found if row.id in alive]
    if not rows:
        raise Refused(Reason.UNKNOWN_CONVERSATION, "no conversation matches the condition")
    for row in rows:
        change(d, row, c.name, c.attributes, merge=False)
    yield Done(time_ms=d.now)


def _check_few(found: list[ConversationRow]) -> None:
    if len(found) > MOST_UPDATED:
        raise Refused(Reason.TOO_BROAD, f"more than {MOST_UPDATED} conversations match; narrow the condition")
