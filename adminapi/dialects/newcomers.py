"""Users whom a call names before anyone has registered them, for the dialects that know no registration.

There a user id is any text somebody uses. Here every member, sender and friend is a user of the app, so those who are not
there yet are made, by a call that names them, just before it. The law: nobody is made while the call goes through
without; a user that was deleted stays deleted, and the call is refused then.
"""

from __future__ import annotations

from collections.abc import Iterable

from adminapi.dialect import Ask, Broker
from protocol.commands import Command, PutUser, Reply
from protocol.errors import Reason, Refused


async def call_with(ask: Ask, broker: Broker, command: Command, users: Iterable[str], *, acting: str = "") -> Reply:
    """The reply to the command, whose `users` are made first if it turns out that some of them are not there."""
    call = ask.managed(command, user=acting)
    try:
        return await broker.call(call)
    except Refused as stranger:
        if stranger.reason is not Reason.UNKNOWN_USER:
            raise
    for user in users:
        try:
            await broker.call(ask.managed(PutUser(user=user, must_be_new=True)))
        except Refused as known:
            if known.reason is not Reason.EXISTS:
                raise
    return await broker.call(call)
