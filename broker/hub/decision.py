"""What a handler works with: it looks, checks, and notes here what it has decided; nothing has happened until it returns.

The dispatcher applies the images, runs the volatile changes, and lets the effects leave behind their commit. A handler
that raises (Refused, Need, Prove, or a bug) has therefore changed nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from broker.hub import aliases
from broker.hub.effects import Effect, EndSession, Post
from broker.hub.recent import FetchedRow, Key, MessageKey, MessagesKey, Need, OldKey, PatchesKey, SendsKey
from broker.hub.rows import KEYS, ConversationRow, HeadRow, Image, MemberRow, PositionRow, SendRow, UserRow, delete
from broker.hub.session import Session
from broker.hub.tables import NOBODY
from protocol.codec import is_name
from protocol.commands import Beside, MessageId
from protocol.errors import Reason, Refused
from protocol.ids import OLD_ID_MOST
from protocol.pushes import Push
from protocol.records import Kind, Message, PatchRecord, Role
from protocol.wires.wire import Ending

if TYPE_CHECKING:
    from broker.hub.hub import Hub


class Caller(msgspec.Struct, frozen=True, gc=False):
    """Who asks. A socket asks as its session's user; a management call on behalf of `user`, or of nobody ("")."""

    user: str
    session: Session | None = None
    privileged: bool = False
    numeric: bool = False
    connection: int = 0
    """The gateway's id of the connection, which a login turns into a session."""
    heed_ban: bool = False
    """Being privileged does not help who is banned."""
    newcomers: frozenset[str] = frozenset()
    """Who is made if the command names him and he is not there."""


class Moment(msgspec.Struct, frozen=True, gc=False):
    """When a command is executed: the hub's clock (DESIGN 4), the wall's, and the number of the open commit."""

    now_ms: int
    wall_ms: int
    commit: int
    storage: bool = True
    """False while the disk has no room for durable commands."""


class Prove(Exception):
    """The command cannot be decided before somebody has compared `password` with `hash` (slow, so outside the hub)."""

    def __init__(self, hash: str, password: str) -> None:
        super().__init__()
        self.hash = hash
        self.password = password


Found = dict[Key, list[FetchedRow]]


def check_user_id(name: str) -> None:
    """BAD_USER_ID for what nobody can be called."""
    if not 0 < len(name) <= 128 or not name.isprintable() or " " in name:
        raise Refused(Reason.BAD_USER_ID, f"a user id has 1 to 128 printable characters and no spaces, unlike {name!r}")


class Decision(msgspec.Struct, eq=False):
    """One execution of one command. `app` is the hub's, `now` and `commit` are of the moment, for those who look often."""

    hub: Hub
    app: str
    caller: Caller
    when: Moment
    now: int
    commit: int
    found: Found
    proven: str | None
    """The password hash that was compared and fits, if any was."""
    images: list[Image] = []
    made: dict[str, UserRow] = {}
    """Newcomers this command has named."""
    marks: list[PositionRow] = []
    before: list[Effect] = []
    effects: list[Effect] = []
    volatile: list[tuple[Callable[..., object], tuple[Any, ...]]] = []

    # What is decided.

    def put(self, table: str, row: Any) -> None:
        key = KEYS[table](row)
        self.images.append(Image(self.app, table, key if type(key) is tuple else (key,), row))

    def delete(self, table: str, *key: Any) -> None:
        self.images.append(delete(self.app, table, *key))

    def mark(self, row: PositionRow) -> None:
        """A position moved: it counts at once and rides in a commit within 2 s (DESIGN 2.3)."""
        self.marks.append(row)

    def post(self, sessions: Sequence[int], push: Push, *, skip: int | None = None) -> None:
        """Push after the reply, to all of `sessions` but the one that asked (or `skip`)."""
        if skip is None:
            skip = self.caller.session.id if self.caller.session else 0
        if sessions and (len(sessions) > 1 or sessions[0] != skip):
            if self.hub.tables.alias_of:
                aliases.name(self.hub.tables, push)
            push.at_ms = self.now
            self.effects.append(Post(sessions, push, skip))

    def end(self, session: int, ending: Ending) -> None:
        """End another session before the reply leaves."""
        self.before.append(EndSession(session, ending))

    def then(self, change: Callable[..., object], *arguments: Any) -> None:
        """A change of what is not durable, made after the images are applied."""
        self.volatile.append((change, arguments))

    # What is looked at. Each raises Refused where there is nothing to see.

    def actor(self) -> UserRow:
        """The acting user, alive and not banned."""
        if not self.caller.user:
            raise Refused(Reason.MISSING_FIELD, "this call needs the user on whose behalf it is made")
        row = self.user(self.caller.user)
        exempt = self.caller.privileged and self.caller.session is None and not self.caller.heed_ban
        if row.banned and not exempt:
            raise Refused(Reason.BANNED, f"user {row.id} is banned")
        return row

    def user(self, name: str) -> UserRow:
        row = self.hub.tables.users.get(name) or self.made.get(name)
        if row is None and name in self.caller.newcomers:
            row = self.make(name)
        if row is None or row.deleted:
            raise Refused(Reason.UNKNOWN_USER, f"there is no user {name}")
        return row

    def make(self, name: str) -> UserRow:
        """A user who is not there, once however often he is named. BAD_USER_ID."""
        row = self.made.get(name)
        if row is None:
            check_user_id(name)
            row = self.made[name] = UserRow(name, self.now)
            self.put("users", row)
        return row

    def users(self, names: Iterable[str]) -> list[str]:
        """Each name once, in order; all of them users."""
        unique = list(dict.fromkeys(names))
        for name in unique:
            self.user(name)
        return unique

    def conversation(self, number: int) -> ConversationRow:
        row = self.hub.tables.conversations.get(number)
        if row is None or row.is_over(self.now):
            raise Refused(Reason.UNKNOWN_CONVERSATION, "there is no such conversation")
        return row

    def head(self, number: int) -> HeadRow:
        return self.hub.tables.heads.get(number) or HeadRow(number)

    def member(self, number: int, user: str) -> MemberRow | None:
        return self.hub.tables.members.get(number, NOBODY).get(user)

    def tombstone(self, number: int, user: str) -> MemberRow | None:
        return self.hub.tables.tombstones.get(user, {}).get(number)

    def own_member(self, number: int) -> MemberRow | None:
        """The caller's membership. None only for a privileged caller who is no member; others are refused."""
        row = self.member(number, self.caller.user)
        if row is None and not self.caller.privileged:
            grave = self.tombstone(number, self.caller.user)
            if grave is not None and grave.blocked:
                raise Refused(Reason.BLOCKED, "you have been blocked from this conversation")
            raise Refused(Reason.NOT_A_MEMBER, "you are not a member of this conversation")
        return row

    def need_role(self, row: ConversationRow, least: Role, unless: str = "") -> None:
        """The caller must be at least that; a member is enough where a conversation has no owner's rights to guard. `unless`
        says who else may, and where."""
        member = self.own_member(row.id)
        if self.caller.privileged or member is None:
            return
        if row.kind in (Kind.DIRECT, Kind.TEMPORARY) and least is Role.MANAGER:
            return
        if member.role < least:
            raise Refused(Reason.NOT_ALLOWED, f"only the {least.name.lower()} of this conversation may do that{unless}")

    def position(self, number: int, user: str) -> PositionRow:
        known = self.hub.tables.positions.get(number)
        return known.get(user) or PositionRow(number, user) if known else PositionRow(number, user)

    # Rows memory may not hold.

    def messages(self, number: int, lo: int, hi: int) -> list[Message]:
        """All kept messages with lo <= seq <= hi, ascending."""
        rows: list[Message] = []
        at = lo
        for key, fetched in self.found.items():
            # New messages may have moved the range since the fetch; what was fetched still counts, the tail has the rest.
            if type(key) is MessagesKey and key.conversation == number and key.lo <= at <= key.hi:
                rows += [row for row in fetched if at <= row.seq <= hi]  # type: ignore[misc]  # by key
                at = key.hi + 1
        if at <= hi:
            recent = self.hub.tables.tail.messages(number, at, hi)
            if recent is None:
                raise Need(MessagesKey(number, at, hi))
            rows += recent
        return rows

    def message(self, conversation: int, message: MessageId) -> Message:
        """A message of that conversation that is not behind the floor."""
        if isinstance(message, str):
            message = self.number(conversation, message)
        key = MessageKey(message)
        row = self.hub.tables.tail.message(message)
        if row is None:
            rows = self.found.get(key) if message else []
            if rows is None:
                raise Need(key)
            row = rows[0] if rows else None  # type: ignore[assignment]  # the key says of which table
        if row is None or row.conversation != conversation or row.seq <= self.head(conversation).floor:
            raise Refused(Reason.UNKNOWN_MESSAGE, "there is no such message in this conversation")
        return row

    def number(self, conversation: int, old_id: str) -> int:
        """The id of the message that had this one before it was imported; 0 if there is none. Memory does not know it, so
        the store is asked, of conversations that were imported."""
        if conversation not in self.hub.tables.alias_of or not is_name(old_id, OLD_ID_MOST):
            return 0
        key = OldKey(conversation, old_id)
        rows = self.found.get(key)
        if rows is None:
            raise Need(key)
        number = rows[0].id if rows else 0  # type: ignore[union-attr]  # the key says of which table
        self.found.setdefault(MessageKey(number), rows)  # which is asked for next, and is here already
        return number

    def bound(self, conversation: int, given: int | Beside | None) -> int | None:
        """A bound of a stretch of messages, as an id of ours."""
        if not isinstance(given, Beside):
            return given
        number = self.number(conversation, given.old_id)
        return number + given.step if number else given.otherwise

    def patches(self, number: int, since: int, limit: int, *, last: bool = False) -> list[PatchRecord]:
        key = PatchesKey(number, since, limit, last)
        rows = self.found.get(key)
        if rows is None:
            raise Need(key)
        return rows  # type: ignore[return-value]  # the key says of which table

    def sends(self, user: str, device: str) -> list[SendRow]:
        key = SendsKey(user, device)
        rows = self.found.get(key)
        if rows is None:
            raise Need(key)
        return rows  # type: ignore[return-value]  # the key says of which table
