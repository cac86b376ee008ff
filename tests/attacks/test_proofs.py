"""Forged tokens and old signatures, at every door that takes one (A1, A2), and comparisons that take their time (A6)."""

from __future__ import annotations

import ast
import base64
import hmac
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from protocol.signatures import Action, sign_action, sign_request
from protocol.tokens import make_jwt
from protocol.wires.leancloud.schema import Cmd, GenericCommand, Op, read, write
from tests.journeys.programs import APP, Host
from tests.journeys.wire import json_peer, open_peer

SECRET, MASTER = str(APP["secret"]), str(APP["master_key"])
CLAIMS = {"sub": "tom", "exp": 4_000_000_000}
DAY_MS = 86_400_000


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def token(header: dict[str, Any], key: str, digest: str = "sha256", claims: Any = CLAIMS) -> str:
    """A JWS with any header; an empty key signs nothing."""
    text = f"{part(header)}.{part(claims)}"
    signature = hmac.digest(key.encode(), text.encode(), digest) if key else b""
    return f"{text}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


GOOD = make_jwt(SECRET, CLAIMS)
FORGED = {
    "none": token({"alg": "none"}, ""),
    "none, signed": token({"alg": "none"}, SECRET),
    "None": token({"alg": "None"}, ""),
    "no signature": token({"alg": "HS256"}, ""),
    "no algorithm": token({"typ": "JWT"}, SECRET),
    "HS384": token({"alg": "HS384"}, SECRET, "sha384"),
    "HS512": token({"alg": "HS512"}, SECRET, "sha512"),
    "RS256 with the secret as key": token({"alg": "RS256"}, SECRET),
    "hs256": token({"alg": "hs256"}, SECRET),
    "a list": token({"alg": ["HS256"]}, SECRET),
    "key of the app": token({"alg": "HS256"}, str(APP["key"])),
    "master key": token({"alg": "HS256"}, MASTER),
    "its own key": token({"alg": "HS256", "jwk": {"kty": "oct", "k": part("x")}}, "x"),
    "key from a file": token({"alg": "HS256", "kid": "../../../../dev/null"}, "\0"),
    "unencoded": token({"alg": "HS256", "b64": False, "crit": ["b64"]}, SECRET),
    "must understand": token({"alg": "HS256", "crit": ["strange"]}, SECRET),
    "claims are a list": token({"alg": "HS256"}, SECRET, claims=[CLAIMS]),
    "expired": token({"alg": "HS256"}, SECRET, claims={"sub": "tom", "exp": 1}),
    "expires in words": token({"alg": "HS256"}, SECRET, claims={"sub": "tom", "exp": "4000000000"}),
    "other claims": GOOD.rsplit(".", 1)[0][:-2] + "." + GOOD.rsplit(".", 1)[1],
    "another's signature": GOOD.rsplit(".", 1)[0] + "." + make_jwt(SECRET, {"sub": "ann"}).rsplit(".", 1)[1],
    "empty": "..",
}


@pytest.fixture
async def office(host: Host) -> AsyncIterator[httpx.AsyncClient]:
    """Both programs, closed as they are by default."""
    host.configure({**APP, "token_required": True})
    host.broker()
    host.admin()
    async with httpx.AsyncClient(base_url=host.admin_url, timeout=10) as http:
        yield http


@pytest.mark.A1
async def test_no_forged_token_opens_anything(host: Host, office: httpx.AsyncClient) -> None:
    """A1, JWT algorithm confusion: on a socket in the login and in the upgrade, in the native API and in `/-/`."""
    assert FORGED["other claims"] != GOOD
    async with json_peer(host.url) as peer:
        await peer.login("tom", token=GOOD)
    for name, forged in FORGED.items():
        async with json_peer(host.url) as peer:
            assert await peer.refused("login", app_id="666666", client_id="tom", token=forged) == 4004, name
        headers = {"app-id": "666666", "Authorization": f"Bearer {forged}"}
        assert (await office.get("/im/conversations", headers=headers)).json()["code"] == 4004, name
    async with json_peer(f"{host.url}/?token={FORGED['none']}") as peer:
        assert await peer.refused("login", app_id="666666", client_id="tom") == 4004
    for wrong in (GOOD, FORGED["none"], SECRET, str(APP["key"])):
        headers = {"Authorization": f"Bearer {wrong}"}
        assert (await office.get("/-/api/apps", headers=headers)).status_code == 401


@pytest.mark.A1
async def test_a_session_token_is_bound_and_no_jwt_passes_for_one(host: Host, office: httpx.AsyncClient) -> None:
    """A1: with a bit turned, cut, of another kind, or shown as a login token."""
    async with json_peer(host.url) as peer:
        good = (await peer.login("tom", token=GOOD))["session_token"]
    middle = len(good) // 2
    for forged in (good[:-1], good + "A", good[:middle] + ("A" if good[middle] != "A" else "B") + good[middle + 1 :], GOOD):
        async with json_peer(host.url) as peer:
            assert await peer.refused("login", app_id="666666", client_id="tom", session_token=forged) == 4004
    async with json_peer(host.url) as peer:
        assert await peer.refused("login", app_id="666666", client_id="tom", token=good) == 4004
    async with json_peer(host.url) as peer:
        await peer.login("tom", session_token=good)


@pytest.mark.A2
async def test_a_recorded_signature_is_worth_nothing_after_its_window(host: Host, office: httpx.AsyncClient) -> None:
    """A2: signs of MaxLeap and LeanCloud outside `sign_window_seconds`, before and after; a login's outside six hours; one
    that was made for somebody or something else."""
    now = time.time_ns() // 1_000_000
    for away, holds in ((0, True), (-800_000, True), (-901_000, False), (1_000_000, False), (-DAY_MS, False)):
        sign = sign_request(MASTER, now + away, master=True)
        answer = await office.get("/1.2/rtm/conversations", headers={"X-LC-Id": "666666", "X-LC-Sign": sign})
        assert (answer.status_code == 200) is holds, (away, answer.text)
        sign = sign_request(str(APP["key"]), now + away)
        answer = await office.get("/ctx/tom", headers={"X-ML-AppId": "666666", "X-ML-Request-Sign": sign})
        assert (answer.status_code != 401) is holds, (away, answer.text)
    for away, user, action, holds in (
        (0, "tom", Action.LOGIN, True),
        (-7 * 3_600_000, "tom", Action.LOGIN, False),
        (3_600_000, "tom", Action.LOGIN, False),
        (0, "ann", Action.LOGIN, False),
        (0, "tom", Action.INVITE, False),
    ):
        at = str(now + away)
        said = {"s": sign_action(MASTER, action, "666666", user, at, "n"), "t": int(at), "n": "n", "ua": "js/5.0.0"}
        async with open_peer(host.url, cbor=True, subprotocols=["lc.protobuf2.3"]) as peer:
            opening = GenericCommand(cmd=Cmd.SESSION, op=Op.OPEN, i=1, appId="666666", peerId="tom", sessionMessage=said)
            await peer.put_raw(write(opening))
            answered = await peer.socket.get_message()
            assert isinstance(answered, bytes)
            assert (read(answered).op == Op.OPENED) is holds, (away, user, action)


SECRETS = frozenset(
    {"key", "master_key", "secret", "token", "operator_token", "password", "signature", "session_token", "sign", "digest"}
)
OPERATORS = (ast.Eq, ast.NotEq, ast.In, ast.NotIn)
NO_SECRETS = frozenset(
    {
        # Whether the hash that was proven is still the user's.
        "d.proven != row.password",
        # Keys of tables and of documents.
        "table.key == ('id',)",
    }
)


def named(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


@pytest.mark.A6
def test_secrets_are_compared_in_constant_time() -> None:
    """A6; CVE-2021-33880 (websockets): no `==` and no `in` has a secret on a side. A bare `key` is mostly a dict's, so that
    one counts as an attribute only."""
    root = Path(__file__).parents[2]
    found = []
    for path in (path for name in ("broker", "adminapi", "protocol") for path in (root / name).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Compare) or not any(isinstance(each, OPERATORS) for each in node.ops):
                continue
            for side in (node.left, *node.comparators):
                if named(side) in SECRETS and not (isinstance(side, ast.Name) and side.id == "key"):
                    found.append((path.name, ast.unparse(node)))
    assert [each for each in found if each[1] not in NO_SECRETS] == []
