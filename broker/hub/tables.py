"""One app's durable state in memory, and `apply`: the one way it changes, in service as at start.

An image says what a row is now; the function of its table puts it there and keeps the look-ups that follow from it
(memberships by user, unique conversations, counts). Nothing else writes to these dicts, so what a start rebuilds from
images is what was there before. At start tables are applied in the order of `rows.TABLES`, by `broker.hub.loading`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from broker.hub.recent import Tail
from broker.hub.rows import (
    AliasRow,
    ClassMarkRow,
    ConversationRow,
    FriendRow,
    HeadRow,
    Image,
    JoinRequestRow,
    MemberRow,
    MentionRow,
    PositionRow,
    SendRow,
    UserRow,
)
from protocol.ids import IdForms

TOMBSTONE_MS = 30 * 86_400_000
"""How long `sync` can tell what a user has left (DESIGN 2.3)."""
REMEMBERED_SENDS = 64
LANE_KIND = "lane"
NOBODY: dict[str, MemberRow] = {}
"""The members of a conversation that is not there. Never written to."""


class Sends:
    """The last sends of one (user, device) that carried a `client_msg_id`."""

    __slots__ = ("_at", "_ring", "by_id", "n")

    def __init__(self) -> None:
        self.n = 0
        self.by_id: dict[str, SendRow] = {}
        self._ring: list[SendRow] = []
        self._at = 0
        """Where the oldest is. The first key of a dict would be it too, but is found behind all keys deleted before it."""

    def add(self, row: SendRow) -> None:
        """The next row in order of n; it pushes out the oldest."""
        self.n = row.n
        by_id, ring = self.by_id, self._ring
        if len(ring) < REMEMBERED_SENDS:
            ring.append(row)
        else:
            oldest, ring[self._at] = ring[self._at], row
            self._at = (self._at + 1) % REMEMBERED_SENDS
            if by_id.get(oldest.client_msg_id) is oldest:  # else that id was sent again
                del by_id[oldest.client_msg_id]
        by_id[row.client_msg_id] = row


class Tables:
    """The state. Everything is reached by id; rows refer to each other by id only."""

    def __init__(self, app: str, tail: Tail, lanes: dict[str, int] | None = None) -> None:
        """`lanes` is shared by all apps (`protocol.ids.Mint`)."""
        self.app = app
        self.tail = tail
        self.forms = IdForms(app)
        self.lanes: dict[str, int] = {} if lanes is None else lanes
        self.users: dict[str, UserRow] = {}
        self.present: dict[str, None] = {}
        """Users that are not deleted and have an account, in order."""
        self.friends: dict[str, dict[str, int]] = {}
        self.conversations: dict[int, ConversationRow] = {}
        self.graves: dict[int, ConversationRow] = {}
        """Deleted conversations, kept as long as tombstones."""
        self.unique: dict[str, int] = {}
        self.heads: dict[int, HeadRow] = {}
        self.members: dict[int, dict[str, MemberRow]] = {}
        self.memberships: dict[str, dict[int, None]] = {}
        """A dict, as all of these: a set takes three times the room."""
        self.tombstones: dict[str, dict[int, MemberRow]] = {}
        self.departed: dict[int, dict[str, MemberRow]] = {}
        """The same tombstones by conversation, of those that are there."""
        self.stirred: dict[int, int] = {}
        """When somebody came to a conversation, left it, or had something done to him there: in ms, the newest."""
        self.quiet: dict[int, dict[str, None]] = {}
        """The members who want no notifications, of conversations that have any."""
        self.positions: dict[int, dict[str, PositionRow]] = {}
        self.mentions: dict[str, dict[int, int]] = {}
        self.requests: dict[int, dict[str, JoinRequestRow]] = {}
        """Open requests to join, by conversation, oldest first."""
        self.requested: dict[str, set[int]] = {}
        """The conversations a user has asked to join."""
        self.class_marks: dict[int, ClassMarkRow] = {}
        self.aliases: dict[int, AliasRow] = {}
        """Imported conversations by the alias number of the id they had."""
        self.alias_of: dict[int, str] = {}
        """That id, by conversation."""
        self.sends: dict[tuple[str, str], Sends] = {}
        """Only of devices that are logged in, and of `office_senders`; loaded when first asked for."""
        self.office_senders: deque[str] = deque()
        """For whom the back office has sent under a name, the oldest first."""
        self.leftovers: dict[tuple[str, tuple[Any, ...]], None] = {}
        """Rows of deleted users that are still in the store."""
        self.audiences: dict[int, tuple[int, ...]] = {}
        """Sessions of a conversation's members, built when needed, forgotten here when members change and by the hub
        when sessions do. Not durable; it lives here so that `apply` can drop it."""

    def apply_all(self, images: Iterable[Image], commit: int) -> None:
        """`apply` for each, a call less."""
        for image in images:
            APPLY[image.table](self, image, commit)

    def apply(self, image: Image, commit: int) -> None:
        """Make memory what the image of that commit says. An exception here ends the process: memory would differ from
        the journal. Commit 0: the row comes from the store, and the tail has no use for it."""
        APPLY[image.table](self, image, commit)

    def _users(self, image: Image, commit: int) -> None:
        row: UserRow | None = image.row
        if row is None:
            self.users.pop(image.key[0], None)
            return
        self.users[row.id] = row
        if row.deleted:
            self.present.pop(row.id, None)
            self._forget_user(row)
        elif not row.visitor:
            self.present[row.id] = None

    def _forget_user(self, row: UserRow) -> None:
        leftovers = self.leftovers
        for conversation in self.memberships.pop(row.id, ()):
            self.members[conversation].pop(row.id, None)
            self._hush(conversation, row.id, False)
            self.audiences.pop(conversation, None)
            leftovers["members", (conversation, row.id)] = None
            if self.positions.get(conversation, {}).pop(row.id, None) is not None:
                leftovers["positions", (conversation, row.id)] = None
        for friend in self.friends.pop(row.id, {}):
            self.friends.get(friend, {}).pop(row.id, None)
            leftovers["friends", (min(row.id, friend), max(row.id, friend))] = None
        for conversation in self.tombstones.pop(row.id, {}):
            self._unearth(conversation, row.id)
            leftovers["members", (conversation, row.id)] = None
        for conversation in self.mentions.pop(row.id, {}):
            leftovers["mentions", (row.id, conversation)] = None
        for conversation in list(self.requested.get(row.id, ())):
            self._forget_request(conversation, row.id)
            leftovers["join_requests", (conversation, row.id)] = None

    def _friends(self, image: Image, commit: int) -> None:
        first, second = image.key
        if self._is_deleted(first) or self._is_deleted(second):
            self._leave_behind(image)
            return
        row: FriendRow | None = image.row
        for one, other in ((first, second), (second, first)):
            if row is None:
                self.friends.get(one, {}).pop(other, None)
            else:
                self.friends.setdefault(one, {})[other] = row.since_ms

    def _leave_behind(self, image: Image) -> None:
        """A row of a deleted user: nobody sees it, and housekeeping removes it."""
        if image.row is None:
            self.leftovers.pop((image.table, image.key), None)
        else:
            self.leftovers[image.table, image.key] = None

    def _is_deleted(self, user: str) -> bool:
        row = self.users.get(user)
        return row is not None and row.deleted

    def _conversations(self, image: Image, commit: int) -> None:
        row: ConversationRow | None = image.row
        if row is None:
            self.graves.pop(image.key[0], None)
            return
        if not row.deleted:
            self.conversations[row.id] = row
            if row.unique_key:
                self.unique[row.unique_key] = row.id
            return
        self.graves[row.id] = row
        self.conversations.pop(row.id, None)
        if self.unique.get(row.unique_key) == row.id:
            del self.unique[row.unique_key]
        for member in self.members.pop(row.id, {}).values():
            self.memberships[member.user].pop(row.id, None)
            self._bury(member, row)
        for table in (self.heads, self.positions, self.audiences, self.departed, self.stirred, self.quiet):
            table.pop(row.id, None)
        for user in list(self.requests.get(row.id, ())):
            self._forget_request(row.id, user)

    def _bury(self, member: MemberRow, grave: ConversationRow) -> None:
        """A member of a deleted conversation has left it with the deletion; no row says so."""
        self.tombstones.setdefault(member.user, {})[grave.id] = MemberRow(
            grave.id, member.user, member.joined_ms, left_ms=grave.updated_ms, changed=grave.changed
        )

    def _heads(self, image: Image, commit: int) -> None:
        row: HeadRow | None = image.row
        if row is None:
            self.heads.pop(image.key[0], None)
        elif (known := self.conversations.get(row.conversation)) is not None:
            row.conversation = known.id
            self.heads[known.id] = row

    def _members(self, image: Image, commit: int) -> None:
        conversation, user = image.key
        row: MemberRow | None = image.row
        if self._is_deleted(user):
            self._leave_behind(image)
            return
        if conversation not in self.conversations:
            grave = self.graves.get(conversation)
            if row is None:
                self.tombstones.get(user, {}).pop(conversation, None)
            elif grave is not None and row.left_ms:
                self.tombstones.setdefault(user, {})[conversation] = row
            elif grave is not None:
                self._bury(row, grave)
            return
        self.audiences.pop(conversation, None)
        self._hush(conversation, user, row is not None and not row.left_ms and row.quiet)
        if row is not None:
            self._share_names(row)
            self.stirred[conversation] = max(self.stirred.get(conversation, 0), row.joined_ms, row.left_ms, row.act_ms)
        if row is None or row.left_ms:
            self.members.get(conversation, {}).pop(user, None)
            self.memberships.get(user, {}).pop(conversation, None)
            self.positions.get(conversation, {}).pop(user, None)
            if row is None:
                self.tombstones.get(user, {}).pop(conversation, None)
                self._unearth(conversation, user)
            else:
                self.tombstones.setdefault(row.user, {})[conversation] = row
                self.departed.setdefault(conversation, {})[row.user] = row
            return
        self.members.setdefault(conversation, {})[row.user] = row
        self.memberships.setdefault(row.user, {})[conversation] = None
        self.tombstones.get(user, {}).pop(conversation, None)
        self._unearth(conversation, user)

    def _hush(self, conversation: int, user: str, quiet: bool) -> None:
        if quiet:
            self.quiet.setdefault(conversation, {})[user] = None
        elif conversation in self.quiet:
            here = self.quiet[conversation]
            here.pop(user, None)
            if not here:
                del self.quiet[conversation]

    def _share_names(self, row: MemberRow) -> None:
        """One text for all memberships of a user, not one each; and so with the number."""
        if row.conversation in self.conversations:
            row.conversation = self.conversations[row.conversation].id
        for field in ("user", "by"):
            known = self.users.get(getattr(row, field))
            if known is not None:
                setattr(row, field, known.id)

    def _unearth(self, conversation: int, user: str) -> None:
        departed = self.departed.get(conversation, {})
        departed.pop(user, None)
        if not departed:
            self.departed.pop(conversation, None)

    def _positions(self, image: Image, commit: int) -> None:
        conversation, user = image.key
        row: PositionRow | None = image.row
        if self._is_deleted(user):
            self._leave_behind(image)
        elif row is None:
            self.positions.get(conversation, {}).pop(user, None)
        else:
            self.move(row)

    def move(self, row: PositionRow) -> None:
        """A member's position, which counts before it is in a commit."""
        member = self.members.get(row.conversation, NOBODY).get(row.user)
        if member is None:
            return
        row.conversation, row.user = member.conversation, member.user
        known = self.positions.get(row.conversation)
        if known is None:
            self.positions[row.conversation] = {row.user: row}
        else:
            known[row.user] = row

    def _mentions(self, image: Image, commit: int) -> None:
        user, conversation = image.key
        row: MentionRow | None = image.row
        if self._is_deleted(user):
            self._leave_behind(image)
        elif row is None:
            self.mentions.get(user, {}).pop(conversation, None)
        else:
            self.mentions.setdefault(user, {})[conversation] = row.seq

    def _join_requests(self, image: Image, commit: int) -> None:
        conversation, user = image.key
        row: JoinRequestRow | None = image.row
        if self._is_deleted(user):
            self._leave_behind(image)
        elif row is None:
            self._forget_request(conversation, user)
        elif conversation in self.conversations:  # with a conversation its requests go, and no rows say so
            self.requests.setdefault(conversation, {})[user] = row
            self.requested.setdefault(user, set()).add(conversation)

    def _forget_request(self, conversation: int, user: str) -> None:
        asking = self.requests.get(conversation, {})
        asking.pop(user, None)
        if not asking:
            self.requests.pop(conversation, None)
        asked = self.requested.get(user, set())
        asked.discard(conversation)
        if not asked:
            self.requested.pop(user, None)

    def _class_marks(self, image: Image, commit: int) -> None:
        row: ClassMarkRow | None = image.row
        if row is None:
            self.class_marks.pop(image.key[0], None)
        else:
            self.class_marks[row.class_id] = row

    def _aliases(self, image: Image, commit: int) -> None:
        row: AliasRow | None = image.row
        assert row is not None  # what was imported once stays known
        if row.kind == LANE_KIND:
            self.lanes[self.app] = row.target
        elif (number := self.forms.alias(row.text)) is not None:
            self.aliases[number] = row
            self.alias_of[row.target] = row.text

    def _sends(self, image: Image, commit: int) -> None:
        row: SendRow | None = image.row
        sends = self.sends.get((image.key[0], image.key[1]))
        if sends is not None and row is not None:
            sends.add(row)
        self.tail.add(commit, image)

    def _kept_by_tail(self, image: Image, commit: int) -> None:
        self.tail.add(commit, image)


APPLY: dict[str, Callable[[Tables, Image, int], Any]] = {
    "users": Tables._users,
    "friends": Tables._friends,
    "conversations": Tables._conversations,
    "heads": Tables._heads,
    "members": Tables._members,
    "positions": Tables._positions,
    "mentions": Tables._mentions,
    "join_requests": Tables._join_requests,
    "class_marks": Tables._class_marks,
    "aliases": Tables._aliases,
    "sends": Tables._sends,
    "messages": Tables._kept_by_tail,
    "patches": Tables._kept_by_tail,
}
