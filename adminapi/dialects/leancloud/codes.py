"""Reason -> HTTP status, LeanCloud's code and text (LC-26; `protocols.md` 2.15).

The law: the body is `{"code": int, "error": text}` and the status means what it says. 41xx to 45xx are the messaging codes
an app of LeanCloud's knows from its SDK, below 1000 stand those of the vendor's storage, whose list names them. 1 is the
vendor's own word for "internal error, or wrong parameters". The socket's table is `protocol.wires.leancloud`'s own: there
some of the same reasons have the codes of a session.
"""

from __future__ import annotations

from adminapi.dialect import Rendering
from protocol.errors import Reason

INTERNAL_TEXT = "Internal server error. No information available."

RENDERINGS: dict[Reason, Rendering] = {
    Reason.INTERNAL: Rendering(500, 1, INTERNAL_TEXT),
    Reason.MISSING_FIELD: Rendering(400, 1),
    Reason.BAD_FORMAT: Rendering(400, 107),  # malformed JSON
    Reason.UNKNOWN_TYPE: Rendering(400, 107),
    Reason.MISSING_HEADER: Rendering(401, 401),
    Reason.UNKNOWN_APP: Rendering(401, 4100),  # APP_NOT_AVAILABLE
    Reason.UNAUTHORIZED: Rendering(401, 401),
    Reason.NOT_LOGGED_IN: Rendering(401, 4105),  # SESSION_REQUIRED
    Reason.BAD_TOKEN: Rendering(401, 4112),  # SESSION_TOKEN_EXPIRED
    Reason.WRONG_PASSWORD: Rendering(401, 210),  # user name and password do not match
    Reason.BANNED: Rendering(403, 4103),  # INVALID_LOGIN
    Reason.LOGIN_CONFLICT: Rendering(409, 4101),  # DUPLICATED_LOGIN
    Reason.NOT_ALLOWED: Rendering(403, 4403),  # MESSAGE_OWNERSHIP_REQUIRED
    Reason.UNKNOWN_USER: Rendering(404, 4401),  # INVALID_MESSAGING_TARGET
    Reason.BAD_USER_ID: Rendering(400, 4401),
    Reason.UNKNOWN_CONVERSATION: Rendering(404, 4303),  # CONVERSATION_NOT_FOUND
    Reason.UNKNOWN_MESSAGE: Rendering(404, 4404),  # MESSAGE_NOT_FOUND
    Reason.BAD_KIND: Rendering(400, 4314),  # NORMAL_CONVERSATION_REQUIRED
    Reason.NOT_A_MEMBER: Rendering(403, 4317),  # CONVERSATION_MEMBERSHIP_REQUIRED
    Reason.MUTED: Rendering(403, 4563),  # SILIENCED, so spelt
    Reason.BLOCKED: Rendering(403, 4315),  # CONVERSATION_BLACKLISTED
    Reason.FULL: Rendering(403, 4304),  # CONVERSATION_FULL
    Reason.EXISTS: Rendering(409, 137),  # the value of a unique field is taken
    Reason.BAD_FILE: Rendering(400, 107),
    Reason.TOO_LARGE: Rendering(413, 116),  # the object is too large
    Reason.TOO_BROAD: Rendering(400, 4310),  # CONVERSATION_QUERY_FAILED
    Reason.TOO_FAST: Rendering(429, 429),
    Reason.STORAGE_UNAVAILABLE: Rendering(503, 503),
    Reason.OVERLOADED: Rendering(503, 503),
    Reason.HISTORY_UNAVAILABLE: Rendering(503, 4311),  # CONVERSATION_LOG_FAILED
    Reason.GOING_AWAY: Rendering(503, 503),
    Reason.OUTCOME_UNKNOWN: Rendering(504, 124),  # the request timed out on the server
}
