"""Who may call the LeanCloud API: `X-LC-Id` with `X-LC-Key` or `X-LC-Sign` (LC-27; DESIGN 5; MUX-6, MUX-14).

The law: only the master key proves a back office, plain or as `<master key>,master`, in the header or as the sign made
with it. The app key stands in released apps for anyone to read, so it proves no back office, unless the app has
`leancloud_app_key` on; never does it pass for the master key. It is enough for the paths of `FOR_APPS`, whose callers are
not `privileged` by it: there the user's own token says who asks. Nothing waits; secrets are compared in constant time.
"""

from __future__ import annotations

from collections.abc import Mapping

from adminapi.dialect import Ask, Caller, same_secret
from protocol.apps import App
from protocol.errors import Reason, Refused
from protocol.signatures import parts_of, request_signed

MASTER = ",master"
FOR_APPS = frozenset(
    {
        "/1.1/rtm/notifications",
        "/1.1/rtm/sign",
        "/1.2/rtm/clients/sign",
        "/1.1/classes/_ConversationMemberInfo",
    }
)
"""What the client SDK of a released app asks, with the app key."""


def admit(ask: Ask, apps: Mapping[str, App]) -> Caller:
    """The caller. MISSING_HEADER, UNKNOWN_APP, UNAUTHORIZED."""
    name = ask.headers.get("x-lc-id", "").strip()
    key, sign = ask.headers.get("x-lc-key"), ask.headers.get("x-lc-sign")
    if not name:
        raise Refused(Reason.MISSING_HEADER, "Unauthorized. Send the app's id as X-LC-Id.")
    if key is None and sign is None:
        raise Refused(Reason.MISSING_HEADER, "Unauthorized. Send X-LC-Key: <master key>,master or X-LC-Sign.")
    app = apps.get(name)
    if app is None or app.disabled:
        raise Refused(Reason.UNKNOWN_APP, "There is no app of this id.")
    proof = "sign" if key is None else "key"
    try:
        check(app, key, sign, ask.now_ms, app_key=app.settings.leancloud_app_key)
    except Refused:
        if ask.url_path.rstrip("/") not in FOR_APPS:
            raise
        check(app, key, sign, ask.now_ms, app_key=True)
        return Caller(app=app, privileged=False, proof=proof)
    return Caller(app=app, proof=proof)


def check(app: App, key: str | None, sign: str | None, now_ms: int, *, app_key: bool) -> None:
    """Both may be there; then both must hold. `app_key`: the app's key is enough."""
    if key is not None:
        check_key(app, key.strip(), now_ms, app_key=app_key)
    if sign is not None:
        check_sign(app, sign, now_ms, app_key=app_key)


def check_key(app: App, given: str, now_ms: int, *, app_key: bool) -> None:
    plain = given.removesuffix(MASTER)
    masters, keys = app.keys(now_ms, "master_key"), app.keys(now_ms, "key")
    if same_secret(plain, *masters) or same_secret(given, *masters):
        return
    if app_key and same_secret(given, *keys):
        return
    if same_secret(plain, *keys):
        raise Refused(Reason.UNAUTHORIZED, "Unauthorized. This is the app key; management calls take the master key.")
    raise Refused(Reason.UNAUTHORIZED, "Unauthorized. X-LC-Key is not the master key of this app.")


def check_sign(app: App, sign: str, now_ms: int, *, app_key: bool) -> None:
    window_ms = app.settings.sign_window_seconds * 1000
    keys = app.keys(now_ms, "master_key")
    if app_key and not parts_of(sign)[2]:
        keys += app.keys(now_ms, "key")
    if request_signed(sign, *keys, now_ms=now_ms, window_ms=window_ms):
        return
    if request_signed(sign, *keys):
        detail = f"Unauthorized. X-LC-Sign is more than {window_ms // 1000} s away from the time here; sign anew."
        raise Refused(Reason.UNAUTHORIZED, detail)
    raise Refused(Reason.UNAUTHORIZED, "Unauthorized. X-LC-Sign is not made with the master key of this app.")
