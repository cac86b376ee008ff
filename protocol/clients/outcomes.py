"""How a request or a session can end otherwise than well, as our clients raise it.

The law: three exceptions for three different things to do. RequestRefused: nothing was done, read the text.
ConnectionLost: nobody knows, ask again (a `send` does so by itself). SessionEnded: log in anew, if at all.
"""

from __future__ import annotations

from typing import Any

from trio_websocket import CloseReason

Envelope = dict[str, Any]

LOST = 1006
"""The code of a connection that ended without one (RFC 6455 section 7.4.1)."""


class RequestRefused(Exception):
    """The server answered `T.error`. `data` may hold `retry_after_ms`."""

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
    """The connection went before the answer came: whether the request was carried out is not known."""


class SessionEnded(Exception):
    """The session is over for good. `code` is the close code, `reason` its word (DESIGN 3)."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"The session has ended: {reason or 'closed'} (close code {code}).")
        self.code = code
        self.reason = reason


def refusal_of(answer: Envelope) -> RequestRefused | None:
    """The refusal an answer is, None if it is a success."""
    if "code" not in answer:
        return None
    return RequestRefused(answer["code"], answer.get("msg", ""), answer.get("data") or {})


def closing_of(reason: CloseReason | None) -> tuple[int, str]:
    """Close code and word of a connection that has ended."""
    if reason is None:
        return LOST, "the connection was lost"
    return reason.code, reason.reason or "the connection was closed"
