"""Who may call the MaxLeap API: `X-ML-AppId` with `X-ML-APIKey` or `X-ML-Request-Sign` (ML-45, ML-46; DESIGN 5; MUX-6).

The law: the app's key or its master key proves a back office, as it is or as the sign made with it; what is sent must
hold, also beside another proof that does. Nothing waits; secrets are compared in constant time.
"""

from __future__ import annotations

from collections.abc import Mapping

from adminapi.dialect import Ask, Caller, same_secret
from protocol.apps import App
from protocol.errors import Reason, Refused
from protocol.signatures import request_signed


def admit(ask: Ask, apps: Mapping[str, App]) -> Caller:
    """The caller. MISSING_HEADER, UNKNOWN_APP, UNAUTHORIZED."""
    name = ask.headers.get("x-ml-appid", "").strip()
    key, sign = ask.headers.get("x-ml-apikey"), ask.headers.get("x-ml-request-sign")
    if not name:
        raise Refused(Reason.MISSING_HEADER, "Send the app's id as X-ML-AppId.")
    if key is None and sign is None:
        raise Refused(Reason.MISSING_HEADER, "Send X-ML-Request-Sign: md5hex(<ms> + <key>),<ms>, or X-ML-APIKey: <key>.")
    app = apps.get(name)
    if app is None or app.disabled:
        raise Refused(Reason.UNKNOWN_APP, "There is no app of this X-ML-AppId.")
    if key is not None and not same_secret(key.strip(), *app.keys(ask.now_ms, "key", "master_key")):
        raise Refused(Reason.UNAUTHORIZED, "X-ML-APIKey is no key of this app.")
    if sign is not None:
        check_sign(app, sign, ask.now_ms)
    return Caller(app=app, proof="sign" if key is None else "key")


def check_sign(app: App, sign: str, now_ms: int) -> None:
    window_ms = app.settings.sign_window_seconds * 1000
    keys = app.keys(now_ms, "key", "master_key")
    if not request_signed(sign, *keys):
        raise Refused(Reason.UNAUTHORIZED, "X-ML-Request-Sign is not made with a key of this app.")
    if not request_signed(sign, *keys, now_ms=now_ms, window_ms=window_ms):
        detail = f"X-ML-Request-Sign is more than {window_ms // 1000} s away from the time here; sign anew."
        raise Refused(Reason.UNAUTHORIZED, detail)
