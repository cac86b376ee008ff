"""What commands a call becomes, found out by running its endpoint over a broker that does nothing.

The law: nothing leaves this module: no command reaches a broker, no password is hashed, no file is kept. An endpoint looks
around before it acts (is this a group? who is in it?), so the recorder answers each such question in every way that matters
until the endpoint acts: the world in which it does is the one the call is meant for. A world is a few plain values; in it
one message was said every millisecond since 2015, so the place of a message tells the time that was asked for.
"""

from __future__ import annotations

from collections.abc import Coroutine, Iterator, Mapping, Sequence
from itertools import product
from typing import Any, cast

import msgspec

from adminapi.dialect import Answer, Ask, Caller, Endpoint, Upload
from protocol.apps import App, AppSettings
from protocol.codec import write_json
from protocol.commands import (
    AddFriend,
    AddMembers,
    Beside,
    Command,
    ConversationFound,
    ConversationPage,
    CreateConversation,
    Created,
    DeleteMessage,
    DirectPage,
    Done,
    EditMessage,
    FriendList,
    GetConversation,
    GetUser,
    History,
    HistoryPage,
    JoinRequestList,
    ListBlocked,
    ListConversations,
    ListDirects,
    ListFriends,
    ListJoinRequests,
    ListMembers,
    ListMessages,
    ListMissed,
    ListMuted,
    ListSessions,
    ListUsers,
    Managed,
    MarkClass,
    Marked,
    MemberList,
    MembersChanged,
    MessagePage,
    Missed,
    OnlineUsers,
    Patched,
    PutUser,
    PutVisitor,
    QueryPresence,
    RecallMessage,
    RemoveFriend,
    RemoveMembers,
    Reply,
    SendMessage,
    Sent,
    SessionList,
    SetBlocked,
    SetMuted,
    Stats,
    StatsReport,
    Sync,
    SyncState,
    UpdateConversation,
    Updated,
    UpdateUser,
    UserFound,
    UserList,
    UserNames,
)
from protocol.errors import Reason, Refused
from protocol.ids import EPOCH_MS, LARGEST, first_at
from protocol.records import ConversationInfo, FriendInfo, Kind, MemberInfo, Message, UserInfo

DIRECT = LARGEST - 1
"""The conversation of whichever two users are asked for."""
SOME = LARGEST - 2
"""A conversation that a search finds."""
NEWEST = 1 << 40
"""The seq of the last message: milliseconds since 2015."""
NOW_MS = EPOCH_MS + NEWEST
HEARD_MOST = 1000
KINDS = (Kind.GROUP, Kind.ROOM, Kind.SYSTEM, Kind.DIRECT)
OPEN = AppSettings(text_bytes=1_048_576)


class Anybody(str):
    """A name that is whosever is asked about."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str)

    def __ne__(self, other: object) -> bool:
        return not isinstance(other, str)

    __hash__ = str.__hash__


OWNERS = ("", Anybody("owner"))


class World(msgspec.Struct, frozen=True):
    """What the recorder says when it is asked."""

    kind: Kind
    present: bool
    """Whether those who are named are members, and friends."""
    owner: str
    user: str
    """there, unknown or visitor."""


class Recording(msgspec.Struct, frozen=True):
    heard: tuple[Managed, ...]
    refused: Refused | None
    world: World
    kind: Kind | None
    """The only kind of conversation it takes, if it takes one only."""

    @property
    def acts(self) -> bool:
        return any(not type(each.command).reads for each in self.heard)


class Recorder:
    """A Broker that answers out of a world and remembers what it was asked."""

    apps: Mapping[str, App] = {}

    def __init__(self, world: World, named: Sequence[str]) -> None:
        self.world, self.named = world, named
        self.heard: list[Managed] = []

    @property
    def attributes(self) -> bytes:
        """Whichever is asked for is there."""
        return write_json(dict.fromkeys(self.named, ""))

    async def call(self, command: Managed | Command, *, deadline_seconds: float | None = None) -> Reply:
        managed = command if isinstance(command, Managed) else Managed(app="", rev=0, command=command)
        if len(self.heard) == HEARD_MOST:
            raise Refused(Reason.TOO_BROAD, f"The call becomes more than {HEARD_MOST} commands.")
        self.heard.append(managed)
        return self.reply(managed.command)

    def reply(self, command: Command) -> Reply:
        match command:
            case GetConversation():
                number, kind = (DIRECT, Kind.DIRECT) if command.to else (command.conversation, self.world.kind)
                return ConversationFound(conversation=self.info(number, kind))
            case ListConversations():
                asked = {each.field: each.value for each in command.where if each.op == "="}
                number = cast(int, asked.get("id", SOME))
                info = self.info(number, Kind(cast(int, asked.get("kind", self.world.kind))))
                return ConversationPage(conversations=[info], total=1)
            case CreateConversation():
                info = self.info(SOME, Kind(command.kind))
                info.name, info.attributes = command.name, command.attributes
                return Created(conversation=info, created=True)
            case ListMembers():
                users = self.named if self.world.present else ()
                rows = [MemberInfo(user, 2 if user == self.world.owner else 0, False) for user in users]
                return MemberList(members=rows, total=len(rows))
            case GetUser() | PutUser() | PutVisitor():
                if isinstance(command, GetUser) and self.world.user == "unknown":
                    raise Refused(Reason.UNKNOWN_USER, "There is no such user.")
                visitor = isinstance(command, PutVisitor) or self.world.user == "visitor"
                return UserFound(user=UserInfo(command.user or "visitor", self.attributes, False, NOW_MS, visitor=visitor))
            case UpdateUser():
                return UserFound(user=UserInfo("", b"{}", False, NOW_MS))
            case AddMembers() | RemoveMembers() | SetMuted() | SetBlocked():
                return MembersChanged(allowed=list(command.users), failed=[], time_ms=NOW_MS)
            case SendMessage():
                return Sent(message=first_at(NOW_MS), conversation=command.conversation or DIRECT, seq=1, time_ms=NOW_MS)
            case EditMessage() | RecallMessage() | DeleteMessage():
                return Patched(time_ms=NOW_MS)
            case UpdateConversation():
                return Updated(time_ms=NOW_MS, attributes=b"{}")
            case AddFriend() | RemoveFriend() | ListFriends():
                users = [command.user] if isinstance(command, AddFriend) else self.named if self.world.present else []
                return FriendList(friends=[FriendInfo(user, False, NOW_MS) for user in users])
            case History():
                return HistoryPage(conversation=command.conversation, messages=list(self.messages(command)), more=False)
            case _:
                return self.nothing(command)

    def nothing(self, command: Command) -> Reply:
        """The empty answer of what is only read, or Done."""
        empty: dict[type[Command], Reply] = {
            ListMessages: MessagePage(messages=[], total=0),
            ListUsers: UserList(users=[], total=0),
            ListDirects: DirectPage(directs=[], total=0),
            ListSessions: SessionList(sessions=[], total=0),
            ListBlocked: UserNames(users=[], total=0),
            ListMuted: UserNames(users=[], total=0),
            ListJoinRequests: JoinRequestList(requests=[]),
            ListMissed: Missed(events=[], more=False),
            QueryPresence: OnlineUsers(online=[]),
            Stats: StatsReport(counters={}),
            Sync: SyncState(conversations=[], left=[], patches=[], cursor="", more=False, reset=False),
            MarkClass: Marked(record=1),
        }
        return empty.get(type(command)) or Done(time_ms=NOW_MS)

    def info(self, number: int, kind: Kind) -> ConversationInfo:
        world = self.world
        users = list(self.named) if world.present else []
        return ConversationInfo(
            number,
            kind,
            "",
            self.attributes,
            world.owner,
            world.owner,
            len(users),
            NOW_MS,
            0,
            last_seq=NEWEST,
            last_message=Message(first_at(NOW_MS), number, NEWEST, "", -1, b'{"text":""}'),
            users=users,
            joined_ms=NOW_MS,
        )

    def messages(self, command: History) -> Iterator[Message]:
        """One, where one is asked for: it is how endpoints search."""
        if command.limit != 1:
            return
        seq, old_id = NEWEST, ""
        if isinstance(command.newer_than, Beside):
            old_id = command.newer_than.old_id
        elif isinstance(command.newer_than, int):
            yield self.message(command, command.newer_than + 1, 1)
            return
        elif command.after is not None:
            seq = command.after + 1
        elif command.before is not None:
            seq = command.before - 1
        yield msgspec.structs.replace(self.message(command, first_at(EPOCH_MS + seq), seq), old_id=old_id)

    def message(self, command: History, number: int, seq: int) -> Message:
        return Message(number, command.conversation, seq, "", -1, b'{"text":""}', everyone=True)


class Kept(msgspec.Struct):
    """A file that is nowhere (`adminapi.dialect.Upload`)."""

    field: str
    name: str
    type: str = "application/octet-stream"
    size: int = 1

    async def keep(self) -> str:
        return f"/-/files/{self.name}"

    async def thumbnail(self) -> Upload | None:
        return None


def record(endpoint: Endpoint, ask: Ask, named: Sequence[str], app: App) -> Recording:
    """The commands of a call in the first world in which it acts; if it acts in none, in the first that does not refuse it,
    else in the first there is. `named`: the users it names."""
    caller = Caller(app=app, whole=not app.id, proof="recorder")
    best: Recording | None = None
    for user, owner, present, kind in product(("there", "unknown", "visitor"), OWNERS, (True, False), KINDS):
        found = run(endpoint, ask, caller, Recorder(World(kind, present, owner, user), named))
        if best is None or (best.refused is not None and found.refused is None) or (found.refused is None and found.acts):
            best = found
        if best.refused is None and (best.acts or ask.method == "GET"):
            break
    assert best is not None
    return msgspec.structs.replace(best, kind=only_kind(endpoint, ask, caller, named, best))


def only_kind(endpoint: Endpoint, ask: Ask, caller: Caller, named: Sequence[str], found: Recording) -> Kind | None:
    """The kind of conversation the call takes, if it refuses another."""
    if found.refused is not None or not any(type(each.command) is GetConversation for each in found.heard):
        return None
    other = KINDS[found.world.kind == KINDS[0]]
    again = run(endpoint, ask, caller, Recorder(msgspec.structs.replace(found.world, kind=other), named))
    return None if again.refused is None else found.world.kind


def run(endpoint: Endpoint, ask: Ask, caller: Caller, broker: Recorder) -> Recording:
    ask.caller = caller
    refused = None
    coroutine = cast("Coroutine[Any, Any, Answer]", endpoint.run(ask, broker))
    try:
        coroutine.send(None)
    except StopIteration:
        pass
    except Refused as found:
        refused = found
    except Exception as error:  # a reply was not what it expected, or the broker is not all it needs
        if not broker.heard:
            refused = Refused(Reason.INTERNAL, f"It cannot be followed here ({type(error).__name__}).")
    else:
        coroutine.close()  # it waits for something that is not the broker
    return Recording(tuple(broker.heard), refused, broker.world, None)
