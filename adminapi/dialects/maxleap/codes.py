"""Reason -> HTTP status and the vendor's code (ML-48).

The law: the body is `{"errorCode", "errorMessage"}`, the message the refusal's own sentence. The vendor has one code for
what is too long and one for a file that is, one for its database and one for its file store: which it is depends on
whether the request was an upload.
"""

from __future__ import annotations

import msgspec

from adminapi.dialect import Rendering
from protocol.errors import Reason, Refused

PARAMETER = Rendering(400, 5001)
DATABASE = Rendering(500, 5002, "Internal server error.")
BUSY = Rendering(503, 5002)
UNAUTHORIZED = Rendering(401, 5003)
UNKNOWN = Rendering(404, 5004)
CONFLICT = Rendering(400, 5005)
FILE_STORE = Rendering(503, 5006)
PICTURE = Rendering(400, 5007)
FULL = Rendering(409, 5008)
UNSUPPORTED = Rendering(400, 5009)
TOO_LONG = Rendering(400, 5010)
FILE_TOO_LARGE = Rendering(413, 5011)
UPLOAD = Rendering(400, 5012)
NOT_FOUND = Rendering(404, 5004, "There is no such endpoint.")
BAD_METHOD = Rendering(405, 5009, "This endpoint does not take this method.")

RENDERINGS: dict[Reason, Rendering] = {
    Reason.INTERNAL: DATABASE,
    Reason.MISSING_FIELD: PARAMETER,
    Reason.BAD_FORMAT: PARAMETER,
    Reason.UNKNOWN_TYPE: UNSUPPORTED,
    Reason.MISSING_HEADER: UNAUTHORIZED,
    Reason.UNKNOWN_APP: UNAUTHORIZED,
    Reason.UNAUTHORIZED: UNAUTHORIZED,
    Reason.NOT_LOGGED_IN: UNAUTHORIZED,
    Reason.BAD_TOKEN: UNAUTHORIZED,
    Reason.WRONG_PASSWORD: UNAUTHORIZED,
    Reason.BANNED: UNAUTHORIZED,
    Reason.LOGIN_CONFLICT: CONFLICT,
    Reason.NOT_ALLOWED: PARAMETER,
    Reason.UNKNOWN_USER: UNKNOWN,
    Reason.BAD_USER_ID: PARAMETER,
    Reason.UNKNOWN_CONVERSATION: UNKNOWN,
    Reason.UNKNOWN_MESSAGE: UNKNOWN,
    Reason.BAD_KIND: UNSUPPORTED,
    Reason.NOT_A_MEMBER: UNKNOWN,
    Reason.MUTED: CONFLICT,
    Reason.BLOCKED: CONFLICT,
    Reason.FULL: FULL,
    Reason.EXISTS: CONFLICT,
    Reason.BAD_FILE: UPLOAD,
    Reason.TOO_LARGE: TOO_LONG,
    Reason.TOO_BROAD: PARAMETER,
    Reason.TOO_FAST: Rendering(429, 5002),
    Reason.STORAGE_UNAVAILABLE: BUSY,
    Reason.OVERLOADED: BUSY,
    Reason.HISTORY_UNAVAILABLE: BUSY,
    Reason.GOING_AWAY: BUSY,
    Reason.OUTCOME_UNKNOWN: BUSY,
}
FURTHER = (
    Rendering(FILE_TOO_LARGE.status, FILE_TOO_LARGE.code, "The file is too large."),
    Rendering(FILE_STORE.status, FILE_STORE.code, "The file cannot be stored now."),
    Rendering(PICTURE.status, PICTURE.code, "The picture is broken."),
)
"""What uploads show beside these, and what each means; their message too is the refusal's own sentence."""
OF_UPLOADS = {Reason.TOO_LARGE: FILE_TOO_LARGE, Reason.STORAGE_UNAVAILABLE: FILE_STORE}


class Failed(Refused):
    """A refusal that shows this line."""

    def __init__(self, line: Rendering, detail: str) -> None:
        super().__init__(Reason.BAD_FORMAT, detail)
        self.line = line


def rendering_of(refused: Refused, upload: bool) -> Rendering:
    """The line, with the refusal's sentence unless it has one."""
    line = RENDERINGS[refused.reason]
    if isinstance(refused, Failed):
        line = refused.line
    elif upload:
        line = OF_UPLOADS.get(refused.reason, line)
    return line if line.text else msgspec.structs.replace(line, text=refused.detail)
