"""Reason -> the number a native client or back office sees (SOCKET.md "Codes", ZD-30 to ZD-39).

The law: every Reason has a code, a test walks the enum. These are error codes; the close codes of a connection are
`CloseReason.code`, another list in which 4002, 4003 and 4010 mean something else. Shared with the native REST dialect.
"""

from __future__ import annotations

from protocol.errors import Reason, Refused

SUCCESS = 0
"""ZD-30; printed by the REST dialect only, a socket answer has no code unless it is an error."""

CODES: dict[Reason, int] = {
    Reason.INTERNAL: 1,  # ZD-31
    Reason.UNKNOWN_USER: 211,  # ZD-32
    Reason.BAD_USER_ID: 212,  # ZD-33
    Reason.BANNED: 213,  # ZD-34
    Reason.WRONG_PASSWORD: 214,  # ZD-39
    Reason.MISSING_FIELD: 4001,  # ZD-35
    Reason.MISSING_HEADER: 4002,  # ZD-36
    Reason.UNKNOWN_APP: 4002,  # ZD-36: the origin answers it for an unknown app too
    Reason.NOT_LOGGED_IN: 4003,
    Reason.BAD_TOKEN: 4004,
    Reason.UNAUTHORIZED: 4004,
    Reason.NOT_ALLOWED: 4005,
    Reason.LOGIN_CONFLICT: 4010,
    Reason.UNKNOWN_CONVERSATION: 4011,  # ZD-39
    Reason.MUTED: 4012,
    Reason.NOT_A_MEMBER: 4013,
    Reason.FULL: 4014,
    Reason.BLOCKED: 4015,
    Reason.UNKNOWN_MESSAGE: 4016,
    Reason.TOO_BROAD: 4017,
    Reason.EXISTS: 4018,
    Reason.TOO_FAST: 4029,
    Reason.TOO_LARGE: 4030,
    Reason.BAD_KIND: 4405,  # ZD-37
    Reason.BAD_FORMAT: 4406,  # ZD-38
    Reason.UNKNOWN_TYPE: 4406,
    Reason.BAD_FILE: 4601,  # ZD-39
    Reason.STORAGE_UNAVAILABLE: 5030,
    Reason.OVERLOADED: 5031,
    Reason.HISTORY_UNAVAILABLE: 5032,
    Reason.GOING_AWAY: 5033,
    Reason.OUTCOME_UNKNOWN: 5034,
}

INTERNAL_TEXT = "Internal server error. No information available"
"""ZD-31, word for word. What really happened is in the log, not for a client."""


def code_of(reason: Reason) -> int:
    return CODES[reason]


def text_of(refused: Refused) -> str:
    """The sentence a developer sees."""
    return INTERNAL_TEXT if refused.reason is Reason.INTERNAL else refused.detail
