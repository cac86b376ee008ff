"""Reason -> the code a LeanCloud client sees (`protocols.md` 2.15), by what was asked; and its frame.

The law: every Reason has a code, a test walks the enum; a subject says otherwise only where the vendor has a code of its own
for it. `reason` of the frame is the sentence a developer reads, which the SDK makes the error's message. The REST dialect
has a table of its own: there some of the same reasons are the storage's.
"""

from __future__ import annotations

from typing import Any

from protocol.errors import Reason, Refused
from protocol.wires.leancloud.schema import Cmd, GenericCommand

CODES: dict[Reason, int] = {
    Reason.INTERNAL: 4200,  # INTERNAL_ERROR
    Reason.MISSING_FIELD: 4301,  # CONVERSATION_API_FAILED
    Reason.BAD_FORMAT: 4301,
    Reason.UNKNOWN_TYPE: 4114,  # UNPARSEABLE_RAW_MESSAGE
    Reason.MISSING_HEADER: 4114,
    Reason.UNKNOWN_APP: 4100,  # APP_NOT_AVAILABLE
    Reason.UNAUTHORIZED: 4302,  # CONVERSATION_SIGNATURE_FAILED
    Reason.NOT_LOGGED_IN: 4105,  # SESSION_REQUIRED
    Reason.BAD_TOKEN: 4112,  # SESSION_TOKEN_EXPIRED
    Reason.WRONG_PASSWORD: 4102,
    Reason.BANNED: 4106,  # BLACKLISTED
    Reason.LOGIN_CONFLICT: 4111,  # SESSION_CONFLICT
    Reason.NOT_ALLOWED: 4320,  # CONVERSATION_OPERATION_UNAUTHORIZED
    Reason.UNKNOWN_USER: 4401,  # INVALID_MESSAGING_TARGET
    Reason.BAD_USER_ID: 4401,
    Reason.UNKNOWN_CONVERSATION: 4303,  # CONVERSATION_NOT_FOUND
    Reason.UNKNOWN_MESSAGE: 4404,  # MESSAGE_NOT_FOUND
    Reason.BAD_KIND: 4314,  # NORMAL_CONVERSATION_REQUIRED
    Reason.NOT_A_MEMBER: 4317,  # CONVERSATION_MEMBERSHIP_REQUIRED
    Reason.MUTED: 4563,  # SILIENCED, so spelt
    Reason.BLOCKED: 4315,  # CONVERSATION_BLACKLISTED
    Reason.FULL: 4304,  # CONVERSATION_FULL
    Reason.EXISTS: 4301,
    Reason.BAD_FILE: 4301,
    Reason.TOO_LARGE: 4109,  # FRAME_TOO_LONG
    Reason.TOO_BROAD: 4310,  # CONVERSATION_QUERY_FAILED
    Reason.TOO_FAST: 4318,  # CONVERSATION_API_QUOTA_EXCEEDED
    Reason.STORAGE_UNAVAILABLE: 4200,
    Reason.OVERLOADED: 4200,
    Reason.HISTORY_UNAVAILABLE: 4311,  # CONVERSATION_LOG_FAILED
    Reason.GOING_AWAY: 4200,
    Reason.OUTCOME_UNKNOWN: 4201,  # SEND_MESSAGE_TIMEOUT
}

Subject = dict[Reason, int]
"""What a kind of request says otherwise."""

SESSION: Subject = {
    Reason.MISSING_FIELD: 4103,  # INVALID_LOGIN
    Reason.BAD_FORMAT: 4103,
    Reason.BAD_USER_ID: 4103,
    Reason.UNKNOWN_USER: 4103,
    Reason.UNAUTHORIZED: 4102,  # SIGNATURE_FAILED
    Reason.NOT_ALLOWED: 4101,  # DUPLICATED_LOGIN
    Reason.TOO_FAST: 4113,  # APP_QUOTA_EXCEEDED
}
FIRST_LOGIN: Subject = {**SESSION, Reason.BAD_TOKEN: 4102}
"""Of an open without a session token: none of the proofs there can be was good."""
CONVERSATION: Subject = {}
QUERY: Subject = {Reason.MISSING_FIELD: 4310, Reason.BAD_FORMAT: 4310}
UPDATE: Subject = {Reason.MISSING_FIELD: 4306, Reason.BAD_FORMAT: 4306, Reason.TOO_LARGE: 4306}  # CONVERSATION_UPDATE_FAILED
ROLE: Subject = {Reason.BAD_FORMAT: 4321}  # unknown role
REMOVAL: Subject = {Reason.NOT_ALLOWED: 4324}  # CONVERSATION_NEED_OWNER
MESSAGE: Subject = {
    Reason.NOT_A_MEMBER: 4401,  # INVALID_MESSAGING_TARGET
    Reason.UNKNOWN_CONVERSATION: 4401,
    Reason.TOO_FAST: 4116,  # MESSAGE_SENT_QUOTA_EXCEEDED
    Reason.BAD_FORMAT: 4402,  # MESSAGE_REJECTED_BY_APP
    Reason.MISSING_FIELD: 4402,
}
TEMPORARY_MESSAGE: Subject = {**MESSAGE, Reason.UNKNOWN_CONVERSATION: 4303}
PATCH: Subject = {
    Reason.NOT_ALLOWED: 4403,  # MESSAGE_OWNERSHIP_REQUIRED
    Reason.BAD_FORMAT: 4405,  # MESSAGE_UPDATE_REJECTED_BY_APP
    Reason.MISSING_FIELD: 4405,
}
LOGS: Subject = {Reason.MISSING_FIELD: 4312, Reason.BAD_FORMAT: 4312}  # CONVERSATION_LOG_REJECTED
UNPARSEABLE, SESSION_REQUIRED = 4114, 4105
CONFLICT, KICKED = 4111, 4115
INTERNAL_TEXT = "Internal error. No information available."
"""What really happened is in the log, not for a client."""


def code_of(reason: Reason, subject: Subject) -> int:
    return subject.get(reason, CODES[reason])


def text_of(refused: Refused) -> str:
    return INTERNAL_TEXT if refused.reason is Reason.INTERNAL else refused.detail


def error(code: int, reason: str) -> Any:
    """An `error` command."""
    return GenericCommand(cmd=Cmd.ERROR, errorMessage={"code": code, "reason": reason})


def failure(refused: Refused, subject: Subject) -> Any:
    return error(code_of(refused.reason, subject), text_of(refused))
