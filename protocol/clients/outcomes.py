"""How a request or a session can end otherwise than well, as our clients raise it.

The law: three exceptions for three different things to do. RequestRefused: nothing was done, read the text.
ConnectionLost: nobody knows, ask again (a `send` does so by itself). SessionEnded: log in anew, if at all.
What a close code says about the requests it leaves without an answer is decided here and nowhere else.
"""

from __future__ import annotations

from typing import Any

Envelope = dict[str, Any]

LOST = 1006
"""The code of a connection that ended without one (RFC 6455 section 7.4.1, as all codes below 4000)."""
TOO_BIG = 1009
"""A frame was over the server's limit: it will never be taken."""
OBJECTIONS = frozenset({1002, 1003, 1007, 1008, 1011})
"""The server could not go on, perhaps because of what it was sent, perhaps not: worth another try, but not many."""
TOO_LARGE = 4030
"""The error code of a request that is too large (SOCKET.md "Codes")."""


class RequestRefused(Exception):
    """The server answered `T.error`, or would never have read the request. `data` may hold `retry_after_ms`."""

    def __init__(self, code: int, text: str, data: Envelope) -> None:
        super().__init__(f"{text} (code {code})")
        self.code = code
        self.text = text
        self.data = data

    @property
    def retry_seconds(self) -> float:
        """When the server says to try again; 0 if it does not say."""
        return float(self.data.get("retry_after_ms", 0)) / 1000


class ConnectionLost(Exception):
    """The connection went before the answer came: whether the request was carried out is not known. `code` is the close
    code."""

    def __init__(self, text: str, code: int = LOST) -> None:
        super().__init__(text)
        self.code = code


class SessionEnded(Exception):
    """The session is over for good. `code` is the close code, `reason` its word (DESIGN 3)."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"The session has ended: {reason} (close code {code}).")
        self.code = code
        self.reason = reason


def refusal_of(answer: Envelope) -> RequestRefused | None:
    """The refusal an answer is, None if it is a success."""
    if "code" not in answer:
        return None
    return RequestRefused(answer["code"], answer.get("msg", ""), answer.get("data") or {})


def too_large(kind: str, size: int, reason: str) -> RequestRefused:
    """The refusal of a frame of `size` bytes by a server that closed the connection instead of answering."""
    return RequestRefused(TOO_LARGE, f"This {kind} has {size} bytes, more than the server takes ({reason}).", {})


def is_final(code: int) -> bool:
    """The client may not come back by itself (DESIGN 3)."""
    return code == 1000 or 4000 <= code < 4500
