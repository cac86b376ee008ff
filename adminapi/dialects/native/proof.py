"""Who may call the native API: the app's key, or a token (ZD-40, ZD-41, ZD-42; MUX-14).

The law: nothing here waits or does anything; it looks at headers and at the table of apps, compares secrets in constant
time, and returns a Caller or refuses. A token never gives more than it says: a login token acts as its user with that
user's rights, an action token does one act with one list of members, and beside a key a token still narrows. What a
login on the socket was answered with, the session token, does one act too: it uploads files, as long as that session lasts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from adminapi.dialect import Ask, Caller, bearer, same_secret
from protocol.apps import App
from protocol.codec import write_json
from protocol.errors import Reason, Refused
from protocol.tokens import SessionToken, name_in, read_jwt, read_session_token

NOBODY = hashlib.md5(b"[]", usedforsecurity=False).hexdigest()
"""The `members` of an action token for an act that names no members."""


UPLOAD = "file.upload"
NAMELESS = frozenset({"exp", "nbf", "iat", "iss", "jti", "app_id"})
"""Claims that say nothing of a user. A token with these alone is the back office's own."""
KNOWN = ", ".join(sorted(NAMELESS))


def admit(ask: Ask, apps: Mapping[str, App]) -> Caller:
    """The caller. MISSING_HEADER, UNKNOWN_APP, UNAUTHORIZED, BAD_TOKEN."""
    app = named_app(ask.headers, apps)
    key, token = ask.headers.get("app-key"), bearer(ask.headers)
    if key is not None and not same_secret(key, *app.keys(ask.now_ms, "key", "master_key")):
        raise Refused(Reason.UNAUTHORIZED, "app-key is not a key of this app.")
    if token and not token.count("."):  # a JWT has two
        return admit_session(app, read_session_token(app.keys(ask.now_ms, "secret"), token, ask.now_ms))
    if token:
        return admit_token(app, read_jwt(app.keys(ask.now_ms, "secret"), token, ask.now_s))
    if key is not None or app.settings.bare_app_id:
        return Caller(app=app, proof="none" if key is None else "key")
    raise Refused(Reason.MISSING_HEADER, "Send app-key, or Authorization: Bearer with a token of this app.")


def named_app(headers: Mapping[str, str], apps: Mapping[str, App]) -> App:
    """The app of `app-id` or `IM-APP-ID`; both may be there if they agree (ZD-40)."""
    names = {value for header in ("app-id", "im-app-id") if (value := headers.get(header))}
    if not names:
        raise Refused(Reason.MISSING_HEADER, "Send the app's id as app-id or IM-APP-ID.")
    if len(names) > 1:
        raise Refused(Reason.MISSING_HEADER, "app-id and IM-APP-ID name different apps; send one of them.")
    app = apps.get(names.pop())
    if app is None or app.disabled:
        raise Refused(Reason.UNKNOWN_APP, "There is no app of this id.")
    return app


def admit_token(app: App, claims: dict[str, Any]) -> Caller:
    """What the claims allow: one act, one user, or everything."""
    if claims.get("app_id", app.id) != app.id:
        raise Refused(Reason.BAD_TOKEN, "The token is for another app.")
    if "act" in claims:
        act, user, members = claims["act"], claims.get("aud"), claims.get("members")
        if isinstance(user, int) and not isinstance(user, bool):
            user = str(user)
        if not (isinstance(act, str) and act and isinstance(user, str) and user):
            raise Refused(Reason.BAD_TOKEN, "An action token needs act and aud.")
        if members is not None and not isinstance(members, str):
            raise Refused(Reason.BAD_TOKEN, "members of an action token is an md5 in hex.")
        return Caller(app=app, user=user, privileged=False, proof="token", act=act, members=members or NOBODY)
    name = name_in(claims)
    if name:  # in every spelling a socket takes: what logs a user in must not be more here
        return Caller(app=app, user=name, privileged=False, proof="token")
    if strange := sorted(claims.keys() - NAMELESS):
        raise Refused(
            Reason.BAD_TOKEN, f"The token has {', '.join(strange)} and names no user; a back office's has only {KNOWN}."
        )
    return Caller(app=app, proof="token")


def admit_session(app: App, token: SessionToken) -> Caller:
    """Whose session it is; whether it is still there is asked by who lets it do something (`Caller.session`)."""
    if token.app != app.id:
        raise Refused(Reason.BAD_TOKEN, "The session token is for another app.")
    session = f"{token.session:016x}"
    return Caller(
        app=app, user=token.user, privileged=False, act=UPLOAD, members=NOBODY, proof="session_token", session=session
    )


def allow(ask: Ask, act: str, members: Sequence[str] = (), actor: str | None = None) -> None:
    """Refuse what the caller's token does not cover: another act, another list of members, another user.

    `members` as the request lists them; `actor` is the user the request says is acting, None if it names none.
    """
    caller = ask.caller
    assert caller is not None
    if caller.act:
        if caller.act != act:
            raise Refused(Reason.NOT_ALLOWED, f"The token allows {caller.act} only, this is {act}.")
        if not same_secret(caller.members or NOBODY, members_md5(members)):
            raise Refused(Reason.NOT_ALLOWED, "The token is for another list of members.")
    if caller.user and actor is not None and actor != caller.user:
        raise Refused(Reason.NOT_ALLOWED, f"The token is of {caller.user}, who cannot act as {actor}.")


def members_md5(members: Sequence[str]) -> str:
    """md5 of the compact JSON array of the ids as text, as the seed's sample token has it (ZD-42)."""
    return hashlib.md5(write_json(list(members)), usedforsecurity=False).hexdigest()
