"""Everything there is of one user, as lines of JSON: for `parley user export`, and for our own API.

The law: it is read page by page and given on as it is read, so it takes a page of memory, however much somebody has said.
First the user, then friends, then each of the conversations with what the user said there.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, cast

import msgspec

from protocol.commands import (
    Command,
    Condition,
    ConversationPage,
    FriendList,
    GetUser,
    History,
    HistoryPage,
    ListConversations,
    ListFriends,
    Reply,
    UserFound,
)
from protocol.ids import IdForms, time_of
from protocol.records import ConversationInfo, Message

PAGE = 100
"""Conversations, and messages, read at once."""
AskAs = Callable[[Command, str], Awaitable[Reply]]
"""A command of this app on behalf of that user ("" for nobody), and its reply."""


async def told(ask: AskAs, app: str, user: str) -> AsyncGenerator[dict[str, Any], None]:
    """The lines. UNKNOWN_USER."""
    forms = IdForms(app)
    found = cast(UserFound, await ask(GetUser(user=user), user)).user
    yield {"type": "user", **msgspec.to_builtins(found, builtin_types=(bytes,)), "attributes": json.loads(found.attributes)}
    for friend in cast(FriendList, await ask(ListFriends(), user)).friends:
        yield {"type": "friend", "user": friend.user, "since_ms": friend.since_ms}
    last = 0
    while True:
        where = (Condition("member", "=", user), Condition("id", ">", last))
        page = cast(ConversationPage, await ask(ListConversations(where=where, sort=("id",), size=PAGE), user))
        for conversation in page.conversations:
            last = conversation.id
            yield conversation_line(conversation, forms)
            after = 0
            more = True
            while more:
                wanted = History(conversation=conversation.id, after=after, limit=PAGE)
                history = cast(HistoryPage, await ask(wanted, ""))
                for message in history.messages:
                    after = message.seq
                    if message.sender == user:
                        yield message_line(message, forms)
                more = history.more and bool(history.messages)
        if len(page.conversations) < PAGE:
            return


def conversation_line(info: ConversationInfo, forms: IdForms) -> dict[str, Any]:
    return {
        "type": "conversation",
        "id": forms.hex32(info.id),
        "kind": info.kind,
        "name": info.name,
        "owner": info.owner,
        "attributes": json.loads(info.attributes),
        "joined_ms": info.joined_ms,
    }


def message_line(message: Message, forms: IdForms) -> dict[str, Any]:
    return {
        "type": "message",
        "id": forms.hex32(message.id),
        "conversation": forms.hex32(message.conversation),
        "seq": message.seq,
        "time_ms": time_of(message.id),
        "message_type": message.type,
        "status": message.status,
        "edited_ms": message.edited_ms,
        **json.loads(message.body),
    }
