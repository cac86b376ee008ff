"""The codes of errors (HI-23), and which refusal shows which.

The law: the HTTP status means what it says; the code of the original stands in the body, also where the original answered
200 with it. A code is shown for its real cause only, so 7002 (delete a group) and 7006 are never seen: a group that is
there can be deleted. Some lines say more than a Reason can; those are raised as `Failed`, which carries its line.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from adminapi.dialect import Rendering
from protocol.errors import Reason, Refused

INTERNAL = Rendering(500, 1007, "Internal server error. No information available.")
INVALID = Rendering(400, 1000)
NO_PROOF = Rendering(401, 1005)
NO_RIGHT = Rendering(403, 1004)
ILLEGAL = Rendering(403, 1008)
BUSY = Rendering(503, 1007)

BAD_JSON = Rendering(400, 1006)
CREATE_FAILED = Rendering(400, 7000)
UPDATE_FAILED = Rendering(400, 7001)
NO_GROUP = Rendering(404, 7003)
ADD_FAILED = Rendering(400, 7004)
REMOVE_FAILED = Rendering(400, 7005)
TOLD_TODAY = Rendering(400, 7007)
NOT_DELIVERED = Rendering(400, 7008)
MEMBER_ALREADY = Rendering(400, 7009, "用户已在该群组中")

RENDERINGS: dict[Reason, Rendering] = {
    Reason.INTERNAL: INTERNAL,
    Reason.MISSING_FIELD: INVALID,
    Reason.BAD_FORMAT: INVALID,
    Reason.UNKNOWN_TYPE: INVALID,
    Reason.MISSING_HEADER: NO_PROOF,
    Reason.UNKNOWN_APP: NO_PROOF,
    Reason.UNAUTHORIZED: NO_PROOF,
    Reason.NOT_LOGGED_IN: NO_PROOF,
    Reason.BAD_TOKEN: NO_PROOF,
    Reason.WRONG_PASSWORD: NO_PROOF,
    Reason.BANNED: NO_RIGHT,
    Reason.LOGIN_CONFLICT: BUSY,
    Reason.NOT_ALLOWED: ILLEGAL,
    Reason.UNKNOWN_USER: Rendering(404, 1001),
    Reason.BAD_USER_ID: INVALID,
    Reason.UNKNOWN_CONVERSATION: NO_GROUP,
    Reason.UNKNOWN_MESSAGE: Rendering(404, 1001),
    Reason.BAD_KIND: NO_GROUP,
    Reason.NOT_A_MEMBER: ILLEGAL,
    Reason.MUTED: NO_RIGHT,
    Reason.BLOCKED: NO_RIGHT,
    Reason.FULL: ADD_FAILED,
    Reason.EXISTS: ILLEGAL,
    Reason.BAD_FILE: INVALID,
    Reason.TOO_LARGE: Rendering(413, 1000),
    Reason.TOO_BROAD: INVALID,
    Reason.TOO_FAST: Rendering(429, 1008),
    Reason.STORAGE_UNAVAILABLE: BUSY,
    Reason.OVERLOADED: BUSY,
    Reason.HISTORY_UNAVAILABLE: BUSY,
    Reason.GOING_AWAY: BUSY,
    Reason.OUTCOME_UNKNOWN: Rendering(504, 1007),
}

FURTHER = (
    Rendering(BAD_JSON.status, BAD_JSON.code, "the body is not JSON"),
    Rendering(CREATE_FAILED.status, CREATE_FAILED.code, "more members than a new group may have"),
    Rendering(UPDATE_FAILED.status, UPDATE_FAILED.code, "the attributes of the group would be too large"),
    Rendering(REMOVE_FAILED.status, REMOVE_FAILED.code, "not a member"),
    Rendering(TOLD_TODAY.status, TOLD_TODAY.code, "told today already, or too many classes were"),
    Rendering(NOT_DELIVERED.status, NOT_DELIVERED.code, "too many open applications"),
)
"""What the lines mean that no Reason alone shows; 7009 has a form of its own."""


class Failed(Refused):
    """A refusal that shows this line, with its own text if it has one, else with `detail`."""

    def __init__(self, line: Rendering, detail: str = "") -> None:
        super().__init__(Reason.BAD_FORMAT, line.text or detail)
        self.line = line


@contextmanager
def shown_as(line: Rendering, *reasons: Reason) -> Iterator[None]:
    """Refusals for these reasons are shown as that line here."""
    try:
        yield
    except Refused as refused:
        if refused.reason in reasons and not isinstance(refused, Failed):
            raise Failed(line, refused.detail) from None
        raise
