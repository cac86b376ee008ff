"""Login, logout, presence and the sessions an operator sees."""

from __future__ import annotations

from typing import ClassVar

from protocol.commands.base import Command, Rate, Reply, Signature
from protocol.records import SessionInfo


class Login(Command):
    """Open a session on this connection (ZD-03; DESIGN 3).

    Proof is one of `token` (HS256 JWT of the app's secret), `password` or `session_token`; none is enough where the app
    has `token_required = false`. LeanCloud's wire may name no user and gets one with an id of the hub's. UNKNOWN_APP,
    UNKNOWN_USER, BAD_USER_ID, BANNED, BAD_TOKEN, WRONG_PASSWORD, UNAUTHORIZED (a bad signature), LOGIN_CONFLICT,
    OVERLOADED; NOT_ALLOWED when this connection is logged in already.
    """

    rate: ClassVar[Rate] = Rate.FREE
    durable: ClassVar[bool] = False  # a login must work on a full disk; creating the user is refused inside
    app: str
    user: str
    device: str = ""
    platform: str = ""
    tag: str = ""
    install: str = ""
    attributes: bytes = b"{}"
    """Kept only when this login creates the user."""
    token: str = ""
    password: str = ""
    session_token: str = ""
    wire: str = "native"
    signature: Signature | None = None
    """LeanCloud's proof; asked for where `token_required` or `leancloud_signatures` is."""
    reconnect: bool = False
    """It takes no slot that a live session with a newer session token holds: LOGIN_CONFLICT (DESIGN 3)."""


class LoggedIn(Reply):
    time_ms: int
    app: str
    user: str
    device: str
    session_token: str
    frames_per_second: int
    """The app's limit for this connection; the gateway keeps it."""


class Logout(Command):
    """End this session; presence changes at once. The connection is closed 1000 after the reply."""

    rate: ClassVar[Rate] = Rate.FREE


class RenewToken(Command):
    """A new session token for this session; the old one may be over. Replies TokenRenewed."""


class TokenRenewed(Reply):
    time_ms: int
    session_token: str


class QueryPresence(Command):
    """Which of at most 200 users are online."""

    reads: ClassVar[bool] = True
    users: tuple[str, ...]


class Subscribe(Command):
    """Hear `PresenceChanged` of these users until the session ends; at most 200 a session, else FULL."""

    users: tuple[str, ...]


class Unsubscribe(Command):
    users: tuple[str, ...]


class OnlineUsers(Reply):
    online: list[str]


class Kick(Command):
    """End sessions of `user` (all, or only of `device`) with close code 4002; session tokens given so far are void.
    Management only. `reason` is shown to the user. Replies Done; a user with no session is no error."""

    management: ClassVar[bool] = True
    durable: ClassVar[bool] = True
    user: str
    device: str | None = None
    reason: str = ""


class ListSessions(Command):
    """Live sessions of the app, oldest first, of `user` if given. Management only."""

    management: ClassVar[bool] = True
    reads: ClassVar[bool] = True
    user: str = ""
    skip: int = 0
    limit: int = 100


class SessionList(Reply):
    sessions: list[SessionInfo]
    total: int
