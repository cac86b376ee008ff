"""Keys that were changed with an overlap prove a caller in every dialect until their time is over and no longer."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from adminapi.dialect import Ask, Dialect, Headers
from adminapi.dialects.hisihi import Hisihi
from adminapi.dialects.jmessage import JMessage
from adminapi.dialects.leancloud import LeanCloud
from adminapi.dialects.maxleap import MaxLeap
from adminapi.dialects.native import Native
from adminapi.dialects.parley import Parley
from adminapi.metrics import Metrics
from adminapi.passwords import Passwords
from protocol.apps import App, EarlierKeys
from protocol.errors import Reason, Refused
from protocol.signatures import sign_request
from protocol.tokens import SessionToken, make_jwt, make_session_token, read_jwt, read_session_token
from tests.adminapi.conftest import desk

NOW = int(time.time())
OLD = EarlierKeys(key="old-key", master_key="old-master", secret="old-secret", until_ms=NOW * 1000 + 1000)
OLDER = EarlierKeys(key="older-key", master_key="older-master", secret="older-secret", until_ms=NOW * 1000 + 500)
APP = App(id="a", key="new-key", master_key="new-master", secret="new-secret", earlier=(OLD, OLDER))
Keys = App | EarlierKeys
hash_password = Passwords().hash


def basic(keys: Keys) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"a:{keys.master_key}".encode()).decode()}


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


PROOFS: list[tuple[str, Dialect, Callable[[Keys], Mapping[str, str]]]] = [
    ("native key", Native(), lambda keys: {"app-id": "a", "app-key": keys.key}),
    ("native master key", Native(), lambda keys: {"app-id": "a", "app-key": keys.master_key}),
    ("native token", Native(), lambda keys: {"app-id": "a", **bearer(make_jwt(keys.secret, {"sub": "tom"}))}),
    ("maxleap key", MaxLeap(), lambda keys: {"x-ml-appid": "a", "x-ml-apikey": keys.key}),
    ("maxleap sign", MaxLeap(), lambda keys: {"x-ml-appid": "a", "x-ml-request-sign": sign_request(keys.key, NOW * 1000)}),
    ("jmessage basic", JMessage(hash_password), basic),
    ("hisihi bearer", Hisihi("a"), lambda keys: bearer(keys.master_key)),
    ("hisihi key", Hisihi(""), lambda keys: {"app-id": "a", "app-key": keys.key}),
    ("leancloud key", LeanCloud("", "h:1", ""), lambda keys: {"x-lc-id": "a", "x-lc-key": f"{keys.master_key},master"}),
    (
        "leancloud sign",
        LeanCloud("", "h:1", ""),
        lambda keys: {"x-lc-id": "a", "x-lc-sign": sign_request(keys.master_key, NOW * 1000, master=True)},
    ),
    ("parley", Parley(desk(Path("/nowhere"), Metrics(), "")), lambda keys: bearer(keys.master_key)),
]


@pytest.mark.parametrize(("dialect", "proof"), [row[1:] for row in PROOFS], ids=[row[0] for row in PROOFS])
def test_every_proof_holds_with_each_set_of_keys_until_its_time_is_over(
    dialect: Dialect, proof: Callable[[Keys], Mapping[str, str]]
) -> None:
    for keys, holds in ((APP, (0.0, 0.6, 1.0)), (OLD, (0.0, 0.6)), (OLDER, (0.0,))):
        for later in (0.0, 0.6, 1.0):
            ask = Ask(method="GET", headers=Headers(list(proof(keys).items())), now_s=NOW + later)
            if later in holds:
                caller = dialect.admit(ask, {"a": APP})
                assert caller.app is APP
                assert caller.proof
            else:
                with pytest.raises(Refused) as refused:
                    dialect.admit(ask, {"a": APP})
                assert refused.value.reason in (Reason.UNAUTHORIZED, Reason.BAD_TOKEN)


def test_a_token_is_read_with_whichever_secret_made_it_and_with_no_other() -> None:
    secrets = APP.keys(NOW * 1000, "secret")
    token = SessionToken("a", "tom", "d", "", 1, 0, NOW * 1000 + 5)
    for secret in secrets:
        assert read_jwt(secrets, make_jwt(secret, {"sub": "tom"}), NOW) == {"sub": "tom"}
        assert read_session_token(secrets, make_session_token(secret, token), NOW * 1000) == token
    for read, text in ((read_jwt, make_jwt("x", {})), (read_session_token, make_session_token("x", token))):
        with pytest.raises(Refused):
            read(secrets, text, NOW)  # type: ignore[operator]
