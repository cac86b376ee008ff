"""The seed's table of errors (JM-20 to JM-34), and which refusal shows which of its lines.

The law: numbers and HTTP statuses are the table's, corrected where `seed_checklist.md` section 8 decides so. Some lines
say more than a Reason can; those are raised as `Failed`, which carries its line.
"""

from __future__ import annotations

from adminapi.dialect import Rendering
from adminapi.schemas import integer, obj, text
from protocol.errors import Reason, Refused

INTERNAL = Rendering(500, 899000, "Server internal error")
USER_EXISTS = Rendering(403, 899001, "User exists")
NO_USER = Rendering(403, 899002, "No such user")
INVALID = Rendering(400, 899003, "Parameter invalid!")
PASSWORD = Rendering(403, 899004, "Password error")
INVALID_UID = Rendering(403, 899005, "Invalid uid")
GID_INVALID = Rendering(403, 899006, "gid invalid")
NO_PROOF = Rendering(401, 899007, "Missing authen info.")
BAD_PROOF = Rendering(401, 899008, "Basic authentication failed.")
NO_APP = Rendering(400, 899009, "appkey not exists")
DELETE_FAIL = Rendering(400, 899010, "Delete fail")
REPEATED = Rendering(400, 899011, "Repeat to add the members")
NO_SPACE = Rendering(403, 899012, "no enough space for members")
LONG_LIST = Rendering(403, 899013, "user list is bigger than 500")
BUSY = Rendering(503, 899030, "Server response time out, please try again later")
TOO_FAST = Rendering(429, BUSY.code, BUSY.text)
"""JM-42: 429 for rates; the table has no code of its own for them."""

RENDERINGS: dict[Reason, Rendering] = {
    Reason.INTERNAL: INTERNAL,
    Reason.MISSING_FIELD: INVALID,
    Reason.BAD_FORMAT: INVALID,
    Reason.UNKNOWN_TYPE: INVALID,
    Reason.MISSING_HEADER: NO_PROOF,
    Reason.UNKNOWN_APP: NO_APP,
    Reason.UNAUTHORIZED: BAD_PROOF,
    Reason.NOT_LOGGED_IN: BAD_PROOF,
    Reason.BAD_TOKEN: BAD_PROOF,
    Reason.WRONG_PASSWORD: PASSWORD,
    Reason.BANNED: INVALID,
    Reason.LOGIN_CONFLICT: BUSY,
    Reason.NOT_ALLOWED: INVALID,
    Reason.UNKNOWN_USER: NO_USER,
    Reason.BAD_USER_ID: INVALID_UID,
    Reason.UNKNOWN_CONVERSATION: GID_INVALID,
    Reason.UNKNOWN_MESSAGE: INVALID,
    Reason.BAD_KIND: INVALID,
    Reason.NOT_A_MEMBER: INVALID,
    Reason.MUTED: INVALID,
    Reason.BLOCKED: INVALID,
    Reason.FULL: NO_SPACE,
    Reason.EXISTS: USER_EXISTS,
    Reason.BAD_FILE: INVALID,
    Reason.TOO_LARGE: INVALID,
    Reason.TOO_BROAD: INVALID,
    Reason.TOO_FAST: TOO_FAST,
    Reason.STORAGE_UNAVAILABLE: BUSY,
    Reason.OVERLOADED: BUSY,
    Reason.HISTORY_UNAVAILABLE: BUSY,
    Reason.GOING_AWAY: BUSY,
    Reason.OUTCOME_UNKNOWN: BUSY,
}
ERROR = obj({"code": integer(), "message": text(least=1)})
DETAILED = frozenset(line.code for line in (NO_USER, INVALID, PASSWORD, INVALID_UID, DELETE_FAIL, REPEATED, NO_SPACE))
"""Lines whose text leaves open which of several values it was."""


PRINTED = {line.code: Rendering(line.status, code, line.text) for line, code in ((REPEATED, 800011), (NO_SPACE, 800012))}
"""What the seed prints for a code of ours that is corrected (JM-31, JM-32)."""
FURTHER = (DELETE_FAIL, REPEATED, LONG_LIST, *PRINTED.values())
"""Lines that no Reason alone shows."""


class Failed(Refused):
    """A refusal that shows this line of the table."""

    def __init__(self, line: Rendering, detail: str = "") -> None:
        super().__init__(Reason.BAD_FORMAT, detail or line.text)
        self.line = line


def rendering_of(refused: Refused) -> Rendering:
    """The line of the table, its text followed by the refusal's own sentence where that helps."""
    line = refused.line if isinstance(refused, Failed) else RENDERINGS[refused.reason]
    in_vain = refused.reason is Reason.OUTCOME_UNKNOWN and not refused.retry_after_ms  # "try again later", says the line
    if not (line.code in DETAILED or in_vain) or refused.detail == line.text:
        return line
    link = " " if line.text.endswith("!") else ": "
    return Rendering(line.status, line.code, line.text + link + refused.detail)
