"""An app's keys and settings as they are drawn and changed, by `parley app` and by our own API.

The law: nothing here changes an app; what is made goes to the broker, which owns it (`AddApp`).
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from protocol.apps import EARLIER_MOST, App, AppSettings, EarlierKeys
from protocol.errors import Reason, Refused
from protocol.settings import read_values, types_of

KEYS = {"key": 16, "master_key": 24, "secret": 32}
"""The kinds, and of how many random bytes one is made."""


def fresh(kinds: Iterable[str]) -> dict[str, Any]:
    return {kind: secrets.token_urlsafe(KEYS[kind]) for kind in kinds}


def rotated(app: App, kinds: Iterable[str], overlap_ms: int, now_ms: int) -> App:
    """With new keys of these kinds. The ones until now, and earlier ones whose overlap is not over, stay good for so long at
    most; 0 ends them all. FULL beyond EARLIER_MOST."""
    until_ms = now_ms + overlap_ms
    earlier = [keys for keys in app.earlier if keys.until_ms > now_ms] if overlap_ms else []
    if overlap_ms:
        earlier.insert(0, EarlierKeys(key=app.key, master_key=app.master_key, secret=app.secret, until_ms=until_ms))
    if len(earlier) > EARLIER_MOST:
        first = utc(min(keys.until_ms for keys in earlier))
        detail = f"App {app.id} has {EARLIER_MOST} earlier sets of keys that are still good, the first until {first}."
        raise Refused(Reason.FULL, f"{detail} Wait until then, or end them all by `parley app rotate {app.id} --overlap 0`.")
    return msgspec.structs.replace(app, earlier=tuple(earlier), **fresh(kinds))


def settings_with(settings: AppSettings, changes: Mapping[str, Any], *, strict: bool = True) -> AppSettings:
    """With these changes laid over them; numbers and truths may be text where not `strict`. BadSettings says which of them
    cannot be used, and what could."""
    return msgspec.structs.replace(settings, **read_values(types_of(AppSettings), "settings:", changes, strict=strict))


def utc(ms: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(ms / 1000))
