"""Any order of logins, messages and membership changes keeps the laws of the hub.

At most one session a slot; seqs without gaps; pushes of a conversation go to its members only, in order of seq; what a
restart makes of the journal is what memory was.
"""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from protocol.commands import (
    AddMembers,
    BanUser,
    Block,
    CreateConversation,
    DeleteConversation,
    DeleteUser,
    EditMessage,
    Join,
    Kick,
    Leave,
    Logout,
    Mute,
    Read,
    RecallMessage,
    RemoveMembers,
    RequestJoin,
    SendMessage,
    SetMembers,
    Sync,
    Unblock,
    WipeConversation,
)
from protocol.errors import Refused
from protocol.pushes import ConversationDeleted, ConversationJoined, ConversationLeft, MessageNew, Push
from tests.broker.hub.script import Script, app

USERS = ("tom", "ann", "bob", "eve")
users = st.sampled_from(USERS)
devices = st.sampled_from(("", "d1", "d2"))
rules = st.sampled_from(("device", "user"))
indexes = st.integers(0, 5)


class Laws(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.script = Script(app(group_members=3, open_groups=True))
        self.live: list[str] = []
        self.made = 0
        self.conversations: list[int] = []
        self.messages: list[tuple[int, int]] = []
        self.seqs: dict[tuple[int, int], int] = {}

    def pick(self, items: list[Any], index: int) -> Any:
        return items[index % len(items)] if items else None

    def say(self, index: int, command: Any) -> Any:
        name = self.pick(self.live, index)
        return self.script.say(name, command) if name else None

    @rule(user=users, device=devices)
    def login(self, user: str, device: str) -> None:
        self.made += 1
        name = f"c{self.made}"
        if not isinstance(self.script.login(name, user, device=device), Refused):
            self.live.append(name)

    @rule(index=indexes)
    def drop(self, index: int) -> None:
        name = self.pick(self.live, index)
        if name:
            self.script.drop(name)
            self.live.remove(name)

    @rule(index=indexes)
    def logout(self, index: int) -> None:
        self.say(index, Logout())

    @rule(index=indexes, kind=st.integers(1, 4), members=st.lists(users, max_size=3), unique=st.booleans())
    def create(self, index: int, kind: int, members: list[str], unique: bool) -> None:
        made = self.say(index, CreateConversation(kind=kind, members=tuple(members), unique=unique))
        if made is not None and not isinstance(made, Refused) and made.conversation.id not in self.conversations:
            self.conversations.append(made.conversation.id)

    @rule(index=indexes, at=indexes, retry=st.sampled_from(("", "x", "y")), transient=st.booleans())
    def send(self, index: int, at: int, retry: str, transient: bool) -> None:
        conversation = self.pick(self.conversations, at)
        if conversation:
            body = b'{"text":"m"}'
            sent = self.say(
                index,
                SendMessage(type=-1, body=body, conversation=conversation, client_msg_id=retry, transient=transient),
            )
            if sent is not None and not isinstance(sent, Refused) and sent.seq:
                self.messages.append((sent.conversation, sent.message))

    @rule(index=indexes, to=users)
    def send_to(self, index: int, to: str) -> None:
        sent = self.say(index, SendMessage(type=-1, body=b'{"text":"d"}', to=to))
        if sent is not None and not isinstance(sent, Refused) and sent.conversation not in self.conversations:
            self.conversations.append(sent.conversation)

    @rule(index=indexes, at=indexes, user=users, what=st.sampled_from((AddMembers, RemoveMembers)))
    def change_members(self, index: int, at: int, user: str, what: Any) -> None:
        if self.conversations:
            self.say(index, what(conversation=self.pick(self.conversations, at), users=(user,)))

    @rule(index=indexes, at=indexes, what=st.sampled_from((Join, Leave, DeleteConversation)))
    def come_or_go(self, index: int, at: int, what: Any) -> None:
        if self.conversations:
            self.say(index, what(conversation=self.pick(self.conversations, at)))

    @rule(at=indexes, user=users, what=st.sampled_from((Block, Unblock, Mute)))
    def manage_member(self, at: int, user: str, what: Any) -> None:
        if self.conversations:
            self.script.manage(what(conversation=self.pick(self.conversations, at), user=user))

    @rule(at=indexes, user=users)
    def ask_to_join(self, at: int, user: str) -> None:
        if self.conversations:
            self.script.manage(RequestJoin(conversation=self.pick(self.conversations, at)), user=user)

    @rule(index=indexes, at=indexes, what=st.sampled_from(("edit", "recall", "read")))
    def touch(self, index: int, at: int, what: str) -> None:
        if not self.messages:
            return
        conversation, message = self.pick(self.messages, at)
        if what == "edit":
            self.say(index, EditMessage(conversation=conversation, message=message, body=b'{"text":"e"}'))
        elif what == "recall":
            self.say(index, RecallMessage(conversation=conversation, message=message))
        else:
            self.say(index, Read(conversation=conversation, seq=at))

    @rule(user=users, what=st.sampled_from(("kick", "ban", "unban", "delete")))
    def manage_user(self, user: str, what: str) -> None:
        if what == "kick":
            self.script.manage(Kick(user=user))
        elif what == "delete" and user == "eve":
            self.script.manage(DeleteUser(user=user))
        elif what in ("ban", "unban"):
            self.script.manage(BanUser(user=user, banned=what == "ban"))

    @rule(at=indexes, owner=st.none() | users, members=st.none() | st.lists(users, max_size=3))
    def set_members(self, at: int, owner: str | None, members: list[str] | None) -> None:
        if self.conversations:
            named = None if members is None else tuple(members)
            self.script.manage(SetMembers(conversation=self.pick(self.conversations, at), users=named, owner=owner))

    @rule(at=indexes)
    def wipe(self, at: int) -> None:
        if self.conversations:
            self.script.manage(WipeConversation(conversation=self.pick(self.conversations, at)))

    @rule(ms=st.sampled_from((1, 300, 3000, 20_000)))
    def wait(self, ms: int) -> None:
        self.script.pass_ms(ms)

    @rule(index=indexes)
    def sync(self, index: int) -> None:
        state = self.say(index, Sync())
        if state is None or isinstance(state, Refused):
            return
        name = self.pick(self.live, index)
        session = self.script.hub().sessions[self.script.numbers[name]]
        members = self.script.hub().tables.memberships.get(session.user, {})
        assert {each.id for each in state.conversations} == members.keys()
        assert all(0 <= each.unread <= each.last_seq for each in state.conversations)

    @rule()
    def restart(self) -> None:
        before = self.snapshot()
        self.script.core.commit_positions()
        self.script.run()
        self.script.restart()
        self.live.clear()
        self.seqs.clear()
        assert self.snapshot() == before

    def snapshot(self) -> Any:
        tables = self.script.hub().tables

        def filled(table: dict[Any, Any]) -> dict[Any, Any]:
            return {key: value for key, value in table.items() if value}

        return (
            tables.users,
            tables.conversations,
            tables.unique,
            tables.heads,
            filled(tables.members),
            filled(tables.memberships),
            filled(tables.tombstones),
            tables.departed,
            filled(tables.positions),
            filled(tables.mentions),
            filled(tables.friends),
            tables.requests,
            tables.requested,
        )

    @invariant()
    def one_session_a_slot(self) -> None:
        hub = self.script.hub()
        held = [session.slot for session in hub.sessions.values()]
        assert len(held) == len(set(held))
        assert {hub.slots[slot] for slot in held} == set(hub.sessions)
        assert sorted(number for numbers in hub.by_user.values() for number in numbers) == sorted(hub.sessions)

    @invariant()
    def who_asks_to_join_is_no_member(self) -> None:
        tables = self.script.hub().tables
        for conversation, asking in tables.requests.items():
            assert asking
            assert not asking.keys() & tables.members.get(conversation, {}).keys()
            assert all(conversation in tables.requested[user] for user in asking)

    @invariant()
    def seqs_have_no_gaps(self) -> None:
        tables = self.script.hub().tables
        for conversation, head in tables.heads.items():
            kept = self.script.tails["a"].by_seq.get(conversation, {})
            assert sorted(kept) == list(range(1, head.last_seq + 1))

    @invariant()
    def pushes_reach_members_only_and_in_order(self) -> None:
        """Members as they were when the push was made: a push of joining opens a conversation, one of leaving ends it."""
        received, self.script.received = self.script.received, {}
        hub = self.script.hub()
        for number, pushes in received.items():
            session = hub.sessions.get(number)
            for push in pushes:
                if not isinstance(push, Push) or session is None:
                    continue
                if isinstance(push, ConversationJoined | ConversationLeft | ConversationDeleted):
                    continue
                if isinstance(push, MessageNew):
                    conversation = push.message.conversation
                    assert conversation in hub.tables.memberships.get(session.user, ())
                    if push.message.seq:
                        last = self.seqs.get((number, conversation), 0)
                        assert push.message.seq > last
                        self.seqs[number, conversation] = push.message.seq

    @invariant()
    def audiences_are_the_members_sessions(self) -> None:
        hub = self.script.hub()
        for conversation, audience in hub.tables.audiences.items():
            members = hub.tables.members.get(conversation, {})
            expected = {number for user in members for number in hub.by_user.get(user, ())}
            assert set(audience) == expected
            assert len(audience) == len(expected)


Laws.TestCase.settings = settings(max_examples=100, stateful_step_count=50, deadline=None)
TestLaws = Laws.TestCase
