"""Saying something, acknowledging, reading, editing and taking back (`protocols.md` 2.6, 2.7).

The law: a send is answered by an `ack`, refused in its `code`, which is absent on success; transient sends are answered too.
What a client says of acks and reads has no answer; a read is followed by how much is left, as a push. Only its author
changes a message.

Readings: `dt` keeps a repeated send from making a second message. A `will`, which is said when its sender is cut off, goes
into no history, as the vendor's guide has it, so it reaches whoever is there then, as a transient message; its id and time
are those of that moment, not of its ack. A session has one, the newest; coming back by the session token before the old
connection was missed keeps it, any end but a loss (`close`, a later login, a kick, this server's own restart) drops it.
Acks and reads name times; all up to the end of that millisecond counts. Of several patches each is done or not by itself:
`modified` if any was, with the others in it and why (`patchCode`, `patchReason`); where none was, the first's error.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from protocol.codec import Unreadable, is_name, read_json, write_json
from protocol.commands import (
    Acknowledge,
    Command,
    EditMessage,
    Patched,
    Read,
    ReadMark,
    RecallMessage,
    Refuse,
    SendMessage,
    Sent,
)
from protocol.errors import Reason, Refused
from protocol.ids import LARGEST, first_at
from protocol.richtext import binary_body_of, binary_patch_of, body_of, patch_of
from protocol.wires.leancloud import fields, rendering, unread
from protocol.wires.leancloud.errors import MESSAGE, PATCH, TEMPORARY_MESSAGE, Subject, code_of, failure, text_of
from protocol.wires.leancloud.names import number_of
from protocol.wires.leancloud.schema import Cmd, GenericCommand, Op
from protocol.wires.leancloud.seat import TEMPORARY, Parsers, Request, Seat, nothing
from protocol.wires.native.fields import CLIENT_MSG_ID_MOST, bad

NORMAL = 2
PUSH_BYTES = 4096
READ_MOST = 100
"""Conversations of one read."""
PATCHES_MOST = 20
"""Of one command. The vendor's own SDKs send one."""


def send(g: Any, seat: Seat) -> Request:
    said = g.directMessage
    subject = TEMPORARY_MESSAGE if said.cid.startswith(TEMPORARY) else MESSAGE
    cid, number = fields.cid(said, seat)
    kind, body = binary_body_of(said.binaryMsg) if said.HasField("binaryMsg") else body_of(said.msg)
    command = SendMessage(
        conversation=number,
        type=kind,
        body=body,
        transient=said.transient or said.will,
        mention_all=said.mentionAll,
        mentions=fields.clients(said.mentionPids, "mentionPids") if said.mentionPids else (),
        client_msg_id=said.dt if is_name(said.dt, CLIENT_MSG_ID_MOST) else "",
        receipt=said.r and not (said.transient or said.will),
        priority=g.priority if g.priority in (1, 2, 3) else NORMAL,
        push_data=_push_data(said.pushData),
        will=said.will,
    )

    def sent(reply: Sent) -> bytes:
        return rendering.ack(seat.ids.forms.base64(reply.message), reply.time_ms, cid)

    return Request(command, sent, subject, refused_send)


def refused_send(refused: Refused, subject: Subject) -> Any:
    return GenericCommand(cmd=Cmd.ACK, ackMessage={"code": code_of(refused.reason, subject), "reason": text_of(refused)})


def _push_data(text: str) -> bytes:
    """JSON for the push hook (LC-24); text that is none is kept as a JSON text."""
    if not text:
        return b""
    try:
        written = write_json(read_json(text.encode()))
    except Unreadable:
        written = write_json(text)
    if len(written) > PUSH_BYTES:
        raise Refused(Reason.TOO_LARGE, f"pushData has {len(written)} bytes, {PUSH_BYTES} are allowed.")
    return written


def unheard(refused: Refused, subject: Subject) -> None:
    """For what has no answer: a refusal of it would be an error of the connection to the SDK."""


def acknowledge(g: Any, seat: Seat) -> Request:
    said = g.ackMessage
    number = fields.cid(said, seat)[1]
    command = Acknowledge(conversation=number, older_than=_behind(said.mid, said.tots or said.t, seat))
    return Request(command, nothing, answered=False)


def _behind(mid: str, time_ms: int, seat: Seat) -> int:
    """The id of which all that is meant is older. 0 of a `mid` that is none of ours: what was imported counts as read."""
    if mid:
        return (seat.ids.number(mid) or -1) + 1
    return LARGEST if time_ms <= 0 else first_at(time_ms + 1)


def read(g: Any, seat: Seat) -> list[Request]:
    said = g.readMessage
    tuples = [(each.cid, each.mid, each.timestamp) for each in said.convs]
    tuples += [(cid, "", 0) for cid in [*said.cids, *([said.cid] if said.cid else [])]]
    found = []
    for cid, mid, time_ms in tuples[:READ_MOST]:
        number = number_of(cid, seat.ids)
        if number is not None:
            # With both, the later one: a message that came after `mid` may have been seen as well.
            behind = [_behind(mid, 0, seat)] * bool(mid) + [_behind("", time_ms, seat)] * bool(time_ms)
            found.append(_read(cid, Read(conversation=number, older_than=max(behind, default=LARGEST)), seat))
    return found


def _read(cid: str, command: Command, seat: Seat) -> Request:
    def left(reply: ReadMark) -> Any:
        return unread.command([{"cid": cid, "unread": reply.unread}]) if seat.unread else None

    return Request(command, left, fail=unheard)


def patch(g: Any, seat: Seat) -> list[Request]:
    items = list(g.patchMessage.patches)
    if not 1 <= len(items) <= PATCHES_MOST:
        bad("patches", f"a list of 1 to {PATCHES_MOST} patches")
    outcome = Outcome(len(items))
    return [Request(_change(item, seat), outcome.done, PATCH, outcome.failed(item)) for item in items]


def _change(item: Any, seat: Seat) -> Command:
    try:
        number = fields.cid(item, seat)[1]
        message = seat.ids.message_id(item.mid)
        if item.recall:
            return RecallMessage(conversation=number, message=message, author=seat.peer)
        kind, body = binary_patch_of(item.binaryMsg) if item.HasField("binaryMsg") else patch_of(item.data)
        return EditMessage(conversation=number, message=message, type=kind, body=body, author=seat.peer)
    except Refused as refused:
        return Refuse(reason=refused.reason, detail=refused.detail)


class Outcome:
    """Of the patches of one command, as their replies come: the last one makes the answer, the others none."""

    def __init__(self, left: int) -> None:
        self._left = left
        self._newest_ms = 0
        self._failed: list[tuple[Any, Refused]] = []

    def done(self, reply: Patched) -> Any:
        self._newest_ms = max(self._newest_ms, reply.time_ms)
        return self._answer()

    def failed(self, item: Any) -> Callable[[Refused, Subject], Any]:
        def fail(refused: Refused, subject: Subject) -> Any:
            self._failed.append((item, refused))
            return self._answer()

        return fail

    def _answer(self) -> Any:
        self._left -= 1
        if self._left:
            return None
        if not self._newest_ms:
            return failure(self._failed[0][1], PATCH)
        answer = GenericCommand(cmd=Cmd.PATCH, op=Op.MODIFIED, patchMessage={"lastPatchTime": self._newest_ms})
        for item, refused in self._failed:
            code = code_of(refused.reason, PATCH)
            answer.patchMessage.patches.add(cid=item.cid, mid=item.mid, patchCode=code, patchReason=text_of(refused))
        return answer


REQUESTS: Parsers = {
    (Cmd.DIRECT, 0): send,
    (Cmd.ACK, 0): acknowledge,
    (Cmd.READ, 0): read,
    (Cmd.PATCH, Op.MODIFY): patch,
}
