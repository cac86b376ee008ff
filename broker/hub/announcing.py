"""Saying something to everybody of an app who is online (`broker.hub.announcements` has how)."""

from __future__ import annotations

from broker.hub.announcements import SLICE, UNDER_WAY, Announcement
from broker.hub.decision import Decision
from broker.hub.hub import handles
from broker.hub.messages import BODY_BYTES
from protocol.commands import Announce, Announced, AnnouncementList, ListAnnouncements
from protocol.errors import Reason, Refused


@handles(Announce)
def announce(d: Decision, c: Announce) -> Announced:
    known = d.hub.announcements
    if len(c.content) > BODY_BYTES:
        raise Refused(Reason.TOO_LARGE, f"the announcement has {len(c.content)} bytes, {BODY_BYTES} are allowed")
    if len(known.under_way()) >= UNDER_WAY:
        raise Refused(Reason.TOO_FAST, f"{UNDER_WAY} announcements are under way already", retry_after_ms=1000)
    sessions = tuple(d.hub.sessions)
    made = Announcement(d.hub.mint.next(d.now), c.content, d.caller.user, d.now, sessions)
    d.post(sessions[:SLICE], known.push(made), skip=0)
    d.then(known.begin, made)
    return Announced(time_ms=d.now, announcement=made.id, total=len(sessions))


@handles(ListAnnouncements)
def list_announcements(d: Decision, c: ListAnnouncements) -> AnnouncementList:
    return AnnouncementList(announcements=d.hub.announcements.listed())
