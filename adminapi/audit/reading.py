"""Reading the audit log backwards, a page at a time, for an operator who looks for something.

The law: one look reads LOOKED_MOST lines at most and says where to go on, so neither a long log nor a rare name makes one
call expensive. Nothing is checked here; that the chain holds is `AuditLog.verify`'s to say.
"""

from __future__ import annotations

import json
from typing import Any

from adminapi.audit.log import AuditLog, first_of, lines_of

LOOKED_MOST = 20_000


def search(log: AuditLog, app: str, user: str, limit: int, before: int | None) -> tuple[list[dict[str, Any]], int | None]:
    """Lines older than number `before`, newest first, and the `before` of the next page, None at the end. `app` and `user`
    "" for any; a user is in the lines of what he did himself, of what the operator of that name did, and of what was done to
    the user whose name stands in the path. May block; OSError."""
    found: list[dict[str, Any]] = []
    looked, rare = 0, [json.dumps(text)[1:-1].encode() for text in (app, user) if text]
    for path in reversed(log.files()):
        first = first_of(path)
        if before is not None and first >= before:
            continue
        numbered = list(enumerate(lines_of(path), first))
        for number, line in reversed(numbered):
            if before is not None and number >= before:
                continue
            if len(found) >= limit or looked >= LOOKED_MOST:
                return found, number + 1
            looked += 1
            if all(text in line for text in rare):
                record = read(line)
                if fits(record, app, user):
                    found.append({**record, "n": number})
    return found, None


def read(line: bytes) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except ValueError:
        return {}  # it was tampered with, which `verify` tells
    return record if isinstance(record, dict) else {}


def fits(record: dict[str, Any], app: str, user: str) -> bool:
    if app and record.get("app") != app:
        return False
    return not user or user in (record.get("user"), record.get("operator"), *str(record.get("path", "")).split("/"))
