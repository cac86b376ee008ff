"""XMPP over TCP (RFC 6120, XEP-0198, XEP-0045), as far as messages between two users and to a room need it.

Who sends has stream management on: an `<r/>` behind each message asks for the `<a/>` that says the server has taken it. That
carries no number of ours, so it is of the one message a pair has in flight. Users prove themselves by a signed token.

A topic without a dot is a room, which whoever hears it enters, its sender too; a room's message names its receiver.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence

from bench.servers import SECRET, XMPP_HOST
from bench.tally import payload
from bench.wires.wire import Buffer, Gathering, Script, Step, Unexpected, Wire
from protocol.tokens import make_jwt

EXPIRES = 4_102_444_800
OPEN = (
    f"<stream:stream to='{XMPP_HOST}' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>"
).encode()
BIND = b"<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>bench</resource></bind></iq>"
ROOM = "room"
ENABLE, ASK = b"<enable xmlns='urn:xmpp:sm:3'/>", b"<r xmlns='urn:xmpp:sm:3'/>"


MESSAGE_END = b"</message>"


class XmppWire(Wire):
    ack = b"<a "
    own_close = MESSAGE_END
    settles = 0.3

    def end(self, buffer: Buffer, start: int) -> int:
        closing = MESSAGE_END if buffer.startswith(b"<message", start) else b">"
        at = buffer.find(closing, start)
        return 0 if at < 0 else at + len(closing)

    def own_end(self, user: str) -> bytes:
        return b"to='%s@%s/bench'" % (user.encode(), XMPP_HOST.encode())

    def session(self, user: str, topic: str = "") -> Script:
        token = make_jwt(SECRET, {"jid": f"{user}@{XMPP_HOST}", "exp": EXPIRES})
        proof = base64.b64encode(f"\0{user}\0{token}".encode())
        auth = b"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>%s</auth>" % proof
        steps = [
            Step(OPEN, said(b"</stream:features>")),
            Step(auth, said(b"<success")),
            Step(OPEN, said(b"</stream:features>")),
            Step(BIND, said(b"</iq>")),
            Step(b"<presence/>", said(b"<presence ")),
        ]
        if not topic:
            return [*steps, Step(ENABLE, said(b"<enabled "))]
        return steps if "." in topic else [*steps, enter(topic, user)]

    def gather(self, users: Sequence[str]) -> Gathering:
        """A user is a place, and there is nothing to make."""
        if len(users) == 1:
            return Gathering(Step(ASK, said(self.ack)), lambda answer: f"{users[0]}@{XMPP_HOST}/bench")
        return Gathering(enter(ROOM, "says"), lambda answer: f"{ROOM}@conference.{XMPP_HOST}")

    def send(self, place: str, number: int, size: int) -> bytes:
        kind = b"groupchat" if "@conference." in place else b"chat"
        return b"<message to='%s' type='%s' id='%d'><body>%s</body></message>%s" % (
            place.encode(), kind, number, payload(number, size), ASK,
        )  # fmt: skip


def enter(room: str, user: str) -> Step:
    """The subject of a room is the last that is said to who enters it."""
    to = f"{room}@conference.{XMPP_HOST}/{user}"
    return Step(f"<presence to='{to}'><x xmlns='http://jabber.org/protocol/muc'/></presence>".encode(), said(b"<subject"))


def said(what: bytes) -> Callable[[bytes], bool]:
    """Until the server has said this, to the end of its element."""

    def answered(answer: bytes) -> bool:
        if b"<failure" in answer or b"<stream:error" in answer or b"type='error'" in answer:
            raise Unexpected(answer.decode(errors="replace"))
        return what in answer and answer.endswith(b">")

    return answered
