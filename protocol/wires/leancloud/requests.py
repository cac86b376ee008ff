"""All that a client with an open session may ask, by (cmd, op), and how a refusal of it is said."""

from __future__ import annotations

from typing import Any

from protocol.commands import Refuse
from protocol.errors import Refused
from protocol.wires.leancloud import conversations, history, members, messages, session
from protocol.wires.leancloud.errors import (
    CONVERSATION,
    LOGS,
    MESSAGE,
    PATCH,
    QUERY,
    ROLE,
    SESSION,
    TEMPORARY_MESSAGE,
    UPDATE,
    Subject,
)
from protocol.wires.leancloud.schema import Cmd, Op
from protocol.wires.leancloud.seat import TEMPORARY, Parsers, Request, nothing

REQUESTS: Parsers = {
    **session.REQUESTS,
    **conversations.REQUESTS,
    **members.REQUESTS,
    **messages.REQUESTS,
    **history.REQUESTS,
}
SUBJECTS: dict[int, Subject] = {Cmd.SESSION: SESSION, Cmd.LOGS: LOGS, Cmd.PATCH: PATCH, Cmd.DIRECT: MESSAGE}
OF_CONVERSATIONS: dict[int, Subject] = {Op.QUERY: QUERY, Op.UPDATE: UPDATE, Op.MEMBER_INFO_UPDATE: ROLE}
UNANSWERED = frozenset({Cmd.ACK, Cmd.READ, Cmd.RCP, Cmd.UNREAD, Cmd.PRESENCE})
"""What the SDKs send without an `i`."""


def refusal_of(g: Any, refused: Refused) -> list[Request]:
    """A request that cannot be carried out, to be refused in its turn; none where nobody waits for an answer."""
    if g.cmd in UNANSWERED and not g.HasField("i"):
        return []
    command = Refuse(reason=refused.reason, detail=refused.detail)
    if g.cmd == Cmd.DIRECT:
        subject = TEMPORARY_MESSAGE if g.directMessage.cid.startswith(TEMPORARY) else MESSAGE
        return [Request(command, nothing, subject, messages.refused_send)]
    of_conversation = OF_CONVERSATIONS.get(g.op, CONVERSATION) if g.cmd == Cmd.CONV else CONVERSATION
    return [Request(command, nothing, SUBJECTS.get(g.cmd, of_conversation))]
