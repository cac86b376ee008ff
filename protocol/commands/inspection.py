"""Commands of the operator who wants to see inside: who is connected, and what one connection waits for. Of the control
channel, answered outside a hub and bounded: a page of sessions, or one connection."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from protocol.commands.base import Command, Reply

PAGE_MOST = 1000
SEARCH_MOST = 200_000


class SessionSeen(msgspec.Struct, frozen=True, gc=False):
    """A live session and its connection. `address` is the one it is counted under, or its socket's own where it is not
    counted; `heard_ms`: how long ago something came from it; `outbox_bytes`: what waits for it; `replaced`: its login has
    ended another session."""

    session: str
    user: str
    device: str
    platform: str
    tag: str
    wire: str
    address: str
    since_ms: int
    heard_ms: int
    outbox_bytes: int
    replaced: bool = False


class InspectSessions(Command):
    """Live sessions of an app, oldest first, of `user` if given, and of those in whose user, device or address `search` is,
    in any case of letters; at most PAGE_MOST a page. UNKNOWN_APP; TOO_BROAD for a search among more than SEARCH_MOST.
    Replies SessionsSeen."""

    reads: ClassVar[bool] = True
    app: str
    user: str = ""
    skip: int = 0
    limit: int = 100
    search: str = ""


class SessionsSeen(Reply):
    sessions: list[SessionSeen]
    total: int


class InspectConnection(Command):
    """The connection of a session (16 hex digits), logged in or not. BAD_FORMAT; NOT_LOGGED_IN where there is none. Replies
    ConnectionSeen."""

    reads: ClassVar[bool] = True
    session: str


class Sample(msgspec.Struct, frozen=True, gc=False):
    """How the broker was at one moment (Unix ms), and what happened a second in the time before it. `errors_per_s`: requests
    refused, for whatever reason. Of commits, how long they took to reach the disk; 0 where there were none.
    `backlog_commits`: those that are on the journal and not in every store."""

    at_ms: float
    sessions: float
    messages_per_s: float
    deliveries_per_s: float
    commit_p50_ms: float
    commit_p99_ms: float
    backlog_commits: float
    errors_per_s: float


class ListSamples(Command):
    """The newest `limit` samples of the last hour, one of 5 s each, and one of now. Replies SampleList."""

    reads: ClassVar[bool] = True
    limit: int = 0


class SampleList(Reply):
    """Oldest first. `now` is of the time since somebody asked last, at least half a second and at most 5 s."""

    samples: list[Sample]
    now: Sample


class Stopped(msgspec.Struct, frozen=True, gc=False):
    """What keeps a session's commands from being executed: `why` is `store`, `password` or `scan`."""

    why: str
    command: str
    since_ms: int
    """By the hub's clock here, how long ago in a reply."""


class ConnectionSeen(Reply):
    """Times in milliseconds before now; -1 where it is not so. What is of the login is empty before it."""

    session: str
    app: str
    user: str
    device: str
    login_ms: int
    state: str
    """`open`; `leaving`, after its farewell; `closed`."""
    door: str
    """`websocket`, `tcp`, `tls` or `control`."""
    wire: str
    """Empty until the first bytes have told."""
    address: str
    """Under which it is counted; empty for trusted proxies and this machine."""
    peer: str
    """The other end of its socket."""
    heard_ms: int
    probe_ms: int
    """A sign of life was asked for and has not come."""
    paused: list[str]
    """Why it is not read: `login`, its answer is awaited; `journal`, it is behind; `pace`, it sends too much."""
    paused_ms: int
    outbox_bytes: int
    outbox_frames: int
    blocked_ms: int
    """Its peer has taken nothing of the outbox for so long."""
    queued: int
    """Requests that wait for the one of `stopped`."""
    stopped: Stopped | None
    held: int
    """Answers that wait for a commit to be on disk."""
    commit: int
    """The first of those commits; 0: none."""
    commit_ms: int
    """It has been on its way to the disk for so long; -1: it is still open, or waits for the one before it."""
    seats: list[str]
    """Sessions of a connection that carries several users."""
