"""What hub tests say again and again."""

from __future__ import annotations

from typing import Any

from protocol.commands import CreateConversation, SendMessage
from protocol.errors import Reason, Refused
from protocol.records import Kind
from tests.broker.hub.script import Script


def text(words: str, **fields: Any) -> SendMessage:
    return SendMessage(type=-1, body=b'{"text":"%s"}' % words.encode(), **fields)


def group(script: Script, *users: str, kind: Kind = Kind.GROUP) -> int:
    """A conversation of users who are logged in under their own names."""
    for user in users:
        script.login(user)
    made = script.say(users[0], CreateConversation(kind=kind, members=users[1:]))
    for user in users:
        script.heard(user)
    return int(made.conversation.id)


def reason(reply: object) -> Reason:
    assert isinstance(reply, Refused), reply
    return reply.reason
