"""Who may call: `Authorization: Bearer <master key>`, or `app-id` with `app-key` (HI-24; DESIGN 5; MUX-6, MUX-14).

The law: nothing here waits or does anything, and secrets are compared in constant time. The document asks for no proof at
all; here that is the app's own choice, `hisihi_unsigned`. A proof that is sent must hold even then. A signature lets whoever
has it log in as anyone, so the calls that sign take the master key only.
"""

from __future__ import annotations

from collections.abc import Mapping

from adminapi.dialect import Ask, Caller, bearer, same_secret
from protocol.apps import App, KeyKind
from protocol.errors import Reason, Refused


def admit(ask: Ask, apps: Mapping[str, App], default: str) -> Caller:
    """The caller; `default` is the app of calls that name none, "" for no such. MISSING_HEADER, UNKNOWN_APP,
    UNAUTHORIZED."""
    app = named_app(ask, apps, default)
    token, key = bearer(ask.headers), ask.headers.get("app-key")
    if token and not same_secret(token, *app.keys(ask.now_ms, "master_key")):
        raise Refused(Reason.UNAUTHORIZED, "The Bearer token is not the master key of this app.")
    signs = "app_id" in ask.path
    kinds: tuple[KeyKind, ...] = ("master_key",) if signs else ("master_key", "key")
    if key is not None and not same_secret(key, *app.keys(ask.now_ms, *kinds)):
        detail = "app-key is not the master key of this app, which signatures take." if signs else "app-key is not its key."
        raise Refused(Reason.UNAUTHORIZED, detail)
    if token or key is not None or app.settings.hisihi_unsigned:
        return Caller(app=app, proof="bearer" if token else "none" if key is None else "key")
    raise Refused(Reason.MISSING_HEADER, "Send Authorization: Bearer with the app's master key, or app-id and app-key.")


def named_app(ask: Ask, apps: Mapping[str, App], default: str) -> App:
    """The app of the path (HI-01 to HI-04), of `app-id`, or the default; the first two agree if both are there."""
    names = {name for name in (ask.path.get("app_id"), ask.headers.get("app-id")) if name}
    if len(names) > 1:
        raise Refused(Reason.UNAUTHORIZED, "The path and app-id name different apps.")
    name = names.pop() if names else default
    if not name:
        raise Refused(Reason.MISSING_HEADER, "Send the app's id as app-id; the operator may set one as [hisihi] app.")
    app = apps.get(name)
    if app is None or app.disabled:
        raise Refused(Reason.UNKNOWN_APP, "There is no app of this id.")
    return app
