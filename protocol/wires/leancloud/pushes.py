"""What a LeanCloud client is told unasked: push -> GenericCommand (`protocols.md` 2.5 to 2.8).

The law: a push has no `i`, and says nothing about its receiver, so its bytes are made once for all of them; `peerId` comes
behind them. The counterpart is the hub, which leaves out the operator's own session. What is said of a conversation and its
members carries its time, since the client asks over REST for what came after the newest it has heard (`protocols.md` 2.11).

Readings: who comes to a room and who goes is not told, as the vendor does not. Deletions by the back office are not
told: clients keep their copy (LC-13). Of an update those attributes are told that it changed, null where one is gone:
the SDK for JavaScript sets the places that `attr` names, the one for Swift takes those places from `attrModified`.
Which they were is not kept: when updates are replayed to who was away, all attributes are told as they are now.
Presence, system messages and deleted conversations have no word here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
from google.protobuf.json_format import MessageToDict

from protocol import pushes as p
from protocol.records import Kind, Status
from protocol.wires.leancloud import rendering, unread
from protocol.wires.leancloud.conversations import FIXED, conv, custom
from protocol.wires.leancloud.members import ROLE_NAMES
from protocol.wires.leancloud.names import cid_of, iso
from protocol.wires.leancloud.schema import MESSAGING, Cmd, GenericCommand, Op, write
from protocol.wires.native.ids import AppIds, app_ids

BUILT_IN = FIXED | {"name"}
PERMANENT = 1
"""`notificationType` of what a client may ask for again: up to the `serverTs` of the newest such push it has heard all."""


def render(push: p.Push) -> bytes | None:
    """Without `peerId`. None if there is no word for it."""
    make = PUSHES.get(type(push))
    command = None if make is None else make(push, app_ids(push.app))
    if command is None or type(command) is bytes:
        return command
    command.service = MESSAGING
    return write(command)


OWN = frozenset({Op.JOINED, Op.LEFT, Op.BLOCKED, Op.UNBLOCKED, Op.SHUTUPED, Op.UNSHUTUPED})
"""What is about the receiver himself: the vendor keeps it for who is away; what is about others it drops if it is much."""


def is_own(notification: dict[str, Any]) -> bool:
    return Op[notification["op"].upper()] in OWN


def notification(push: p.Push) -> dict[str, Any]:
    """A conversation's push as REST replays it: names for numbers, and the fields of the sub-message beside them."""
    command = PUSHES[type(push)](push, app_ids(push.app))
    said = MessageToDict(command.convMessage, preserving_proto_field_name=True)
    return {"cmd": "conv", "op": Op(command.op).name.lower(), "serverTs": push.at_ms, "notificationType": PERMANENT, **said}


def hyphened(notification: dict[str, Any]) -> dict[str, Any]:
    """As the SDKs for Swift and Objective-C read it: another spelling of the operation, and JSON that is not text."""
    attributes: dict[str, Any] = {
        key: orjson.loads(notification[key]["data"]) for key in ("attr", "attrModified") if key in notification
    }
    return {**notification, "op": notification["op"].replace("_", "-"), **attributes}


def _message(push: p.MessageNew, ids: AppIds) -> bytes:
    """It says when, as the SDK for JavaScript 4 sets its clock by every `serverTs`; what was missed would set it back, and
    says nothing (`unheard`)."""
    cid = cid_of(push.message.conversation, push.kind, ids, push.alias)
    return rendering.direct(push.message, cid, push.kind, ids, push.at_ms)


def _patched(push: p.MessagePatched, ids: AppIds) -> Any:
    message = push.message
    if message.status == Status.DELETED:
        return None
    return rendering.modify([rendering.patched(message, cid_of(message.conversation, push.kind, ids, push.alias), ids)])


def _received(push: p.MessageReceived, ids: AppIds) -> Any:
    cid = cid_of(push.conversation, push.kind, ids, push.alias)
    said = {"id": ids.forms.base64(push.message), "cid": cid, "t": push.time_ms, "from": push.user}
    return GenericCommand(cmd=Cmd.RCP, rcpMessage=said)


def _receipt(push: p.Receipt, ids: AppIds) -> Any:
    """All up to `t` has been read. What was received is told by message (`MessageReceived`)."""
    if not push.read_ms:
        return None
    cid = cid_of(push.conversation, push.kind, ids, push.alias)
    return GenericCommand(cmd=Cmd.RCP, rcpMessage={"cid": cid, "t": push.read_ms, "read": True, "from": push.user})


def _told(op: Op) -> Callable[[Any, AppIds], Any]:
    """What is about the receiver himself."""

    def make(push: Any, ids: AppIds) -> Any:
        return _by(push, ids, op)

    return make


def _by(push: Any, ids: AppIds, op: Op, **said: Any) -> Any:
    command = conv(op, cid=cid_of(push.conversation, push.kind, ids, push.alias), **said)
    if push.by:
        command.convMessage.initBy = push.by
    if push.at_ms:
        command.serverTs, command.notificationType = push.at_ms, PERMANENT
        command.convMessage.udate = iso(push.at_ms)
    return command


def _members(op: Op) -> Callable[[Any, AppIds], Any]:
    def make(push: Any, ids: AppIds) -> Any:
        return None if push.kind == Kind.ROOM else _by(push, ids, op, m=push.users)

    return make


def _member(op: Op) -> Callable[[Any, AppIds], Any]:
    def make(push: Any, ids: AppIds) -> Any:
        return _by(push, ids, op, m=[push.user])

    return make


def _own_mute(push: p.OwnMute, ids: AppIds) -> Any:
    return _by(push, ids, Op.SHUTUPED if push.muted else Op.UNSHUTUPED)


def _blocked(push: p.MembersBlocked, ids: AppIds) -> Any:
    if push.own:
        return _by(push, ids, Op.BLOCKED if push.blocked else Op.UNBLOCKED)
    return _by(push, ids, Op.MEMBERS_BLOCKED if push.blocked else Op.MEMBERS_UNBLOCKED, m=push.users)


def _role(push: p.RoleChanged, ids: AppIds) -> Any:
    return _by(push, ids, Op.MEMBER_INFO_CHANGED, info={"pid": push.user, "role": ROLE_NAMES[push.role]})


def _updated(push: p.ConversationUpdated, ids: AppIds) -> Any:
    """`attr` by the places that were changed, `attrModified` by the attributes they are in, as these are now."""
    held = {} if push.attributes is None else custom(push.attributes)
    held.pop("name", None)  # another API's, which is no name here
    places = held if push.changed is None else orjson.loads(push.changed)
    changed = {place: value for place, value in places.items() if place in held or place.split(".")[0] not in BUILT_IN}
    name = {} if push.name is None else {"name": push.name}
    tops = dict.fromkeys(place if place in held else place.split(".")[0] for place in changed)
    modified = {key: held.get(key) for key in tops}
    said = [{"data": orjson.dumps({**each, **name}).decode()} for each in (changed, modified)]
    return _by(push, ids, Op.UPDATED, attr=said[0], attrModified=said[1])


def _read(push: p.ConversationRead, ids: AppIds) -> Any:
    return unread.command([{"cid": cid_of(push.conversation, push.kind, ids, push.alias), "unread": push.unread}])


PUSHES: dict[type[p.Push], Callable[[Any, AppIds], Any]] = {
    p.MessageNew: _message,
    p.MessagePatched: _patched,
    p.MessageReceived: _received,
    p.Receipt: _receipt,
    p.ConversationJoined: _told(Op.JOINED),
    p.ConversationLeft: _told(Op.LEFT),
    p.MembersJoined: _members(Op.MEMBERS_JOINED),
    p.MembersLeft: _members(Op.MEMBERS_LEFT),
    p.MemberMuted: _member(Op.MEMBERS_SHUTUPED),
    p.MemberUnmuted: _member(Op.MEMBERS_UNSHUTUPED),
    p.OwnMute: _own_mute,
    p.MembersBlocked: _blocked,
    p.RoleChanged: _role,
    p.ConversationUpdated: _updated,
    p.ConversationRead: _read,
}
