"""Who may call: `Authorization: Basic base64(appKey:masterSecret)` (JM-27, JM-28, JM-29).

The law: nothing here waits or does anything. The appKey is the app's id and the masterSecret its `master_key`; whoever
has that is the back office and may do anything in its app.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping

from adminapi.dialect import Ask, Caller, same_secret
from protocol.apps import App
from protocol.errors import Reason, Refused


def admit(ask: Ask, apps: Mapping[str, App]) -> Caller:
    """The caller. MISSING_HEADER, UNAUTHORIZED, UNKNOWN_APP."""
    header = ask.headers.get("authorization", "").strip()
    if not header:
        raise Refused(Reason.MISSING_HEADER)
    name, secret = credentials(header)
    app = apps.get(name)
    if app is None or app.disabled:
        raise Refused(Reason.UNKNOWN_APP)
    if not same_secret(secret, *app.keys(ask.now_ms, "master_key")):
        raise Refused(Reason.UNAUTHORIZED)
    return Caller(app=app, proof="basic")


def credentials(header: str) -> tuple[str, str]:
    """The two halves of a Basic header (RFC 7617). UNAUTHORIZED if it is none."""
    scheme, _, encoded = header.partition(" ")
    try:
        pair = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, ValueError):  # also what is not ASCII, or not UTF-8
        pair = ""
    name, colon, secret = pair.partition(":")
    if scheme.lower() != "basic" or not colon:
        raise Refused(Reason.UNAUTHORIZED)
    return name, secret
