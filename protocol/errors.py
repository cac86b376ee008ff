"""Why a command is refused and why a connection ends.

Both sets are closed: a wire and a dialect render every member (a test fails while one is missing), and nothing else may
reach a user. A refusal says nothing was done, with one exception that says so by its name, OUTCOME_UNKNOWN.
"""

from __future__ import annotations

import enum


class Reason(enum.Enum):
    """Why a command was refused. The value is the word logs and metrics use."""

    INTERNAL = "internal"
    MISSING_FIELD = "missing_field"
    BAD_FORMAT = "bad_format"
    UNKNOWN_TYPE = "unknown_type"
    MISSING_HEADER = "missing_header"
    UNKNOWN_APP = "unknown_app"
    UNAUTHORIZED = "unauthorized"
    NOT_LOGGED_IN = "not_logged_in"
    BAD_TOKEN = "bad_token"
    WRONG_PASSWORD = "wrong_password"
    BANNED = "banned"
    LOGIN_CONFLICT = "login_conflict"
    NOT_ALLOWED = "not_allowed"
    UNKNOWN_USER = "unknown_user"
    BAD_USER_ID = "bad_user_id"
    UNKNOWN_CONVERSATION = "unknown_conversation"
    UNKNOWN_MESSAGE = "unknown_message"
    BAD_KIND = "bad_kind"
    NOT_A_MEMBER = "not_a_member"
    MUTED = "muted"
    BLOCKED = "blocked"
    FULL = "full"
    EXISTS = "exists"
    BAD_FILE = "bad_file"
    TOO_LARGE = "too_large"
    TOO_BROAD = "too_broad"
    TOO_FAST = "too_fast"
    STORAGE_UNAVAILABLE = "storage_unavailable"
    OVERLOADED = "overloaded"
    HISTORY_UNAVAILABLE = "history_unavailable"
    GOING_AWAY = "going_away"
    OUTCOME_UNKNOWN = "outcome_unknown"


RETRY_LATER = frozenset(
    {
        Reason.LOGIN_CONFLICT,
        Reason.TOO_FAST,
        Reason.STORAGE_UNAVAILABLE,
        Reason.OVERLOADED,
        Reason.HISTORY_UNAVAILABLE,
        Reason.GOING_AWAY,
        Reason.OUTCOME_UNKNOWN,
    }
)
"""Refusals that are about the moment, not about the request: the same request may succeed later."""


class Refused(Exception):
    """A command that was not carried out.

    `detail` is one English sentence for a developer: what happened, which value, what to do next.
    `retry_after_ms` is 0 where waiting does not help.
    """

    def __init__(self, reason: Reason, detail: str = "", *, retry_after_ms: int = 0) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail or reason.value.replace("_", " ")
        self.retry_after_ms = retry_after_ms

    def __str__(self) -> str:
        return f"{self.reason.value}: {self.detail}"


class CloseReason(enum.Enum):
    """Why we end a connection. `code` is the WebSocket close code (DESIGN 3): below 4500 the client must not come back
    by itself, from 4500 it may. None means the peer gets no close frame: nobody is there to read it."""

    LOGOUT = ("logout", 1000)
    REPLACED = ("replaced", 4001)
    KICKED = ("kicked", 4002)
    DELETED = ("deleted", 4002)
    BANNED = ("banned", 4003)
    BAD_LOGIN = ("bad_login", 4010)
    SLOW = ("slow", 4500)
    GOING_AWAY = ("going_away", 4501)
    OVERLOADED = ("overloaded", 4502)
    LOGIN_TIMEOUT = ("login_timeout", 4503)
    TOO_FAST = ("too_fast", 4504)
    IDLE = ("idle", 4505)
    INTERNAL = ("internal", 1011)
    CONTINUED = ("continued", None)
    GONE = ("gone", None)

    def __init__(self, word: str, code: int | None) -> None:
        self.word = word
        self.code = code

    __hash__ = object.__hash__  # there is one of each; an Enum's own is a function in Python, called for every `in`
