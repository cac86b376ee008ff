"""Every example request of `/-/docs`, with ids of what there is in it, does what it is an example of."""

from __future__ import annotations

import json
import socket
import struct
import subprocess
import sys
from typing import Any
from urllib.parse import quote

import cbor2
import httpx
import pytest

from protocol.tokens import make_jwt
from tests.journeys.description import MOUNTED, PROOFS, description, make_users, operations
from tests.journeys.programs import APP, Host

APPS = 120
"""One for each endpoint, so that what one does is nothing to the others."""


STRANGERS = {"/im/user/{client_id}/group/{group_id}/join_group_notification": {"c72": "c72"}}
"""By path: names that stay as they are there, as whoever applies is no member yet."""
OPERATOR = {"authorization": "Bearer the-operator"}
WHOLE = ("/-/api/watermark", "/-/api/live", "/-/api/health", "/-/api/audit", "/-/api/apps")
"""What shows or makes more than one app's."""
ADDED = {"PATCH /-/api/apps/{app}", "POST /-/api/apps/{app}/keys"}
"""Which change an app that does not stand in the settings file."""
NDJSON = "application/x-ndjson"


SERVICES = ("/service-conversations/", "/broadcast", "/subscription")
"""In the paths of what only service conversations know."""


def prepared(http: httpx.Client, app: str) -> dict[str, str]:
    """An app with all that the examples speak of; what stands in them -> what it is called here."""
    make_users(http, app)
    group = {"owner_username": "boss", "group_name": "team", "members_username": ["tom", "Tom", "Jerry"]}
    gid = str(http.post("/v1/groups", headers=PROOFS["jmessage"](app), json=group).json()["gid"])
    said = {"from_client": "Tom", "message": "hello"}
    path = f"/1.2/rtm/conversations/{gid}/messages"
    sent = http.post(path, headers=PROOFS["leancloud"](app), json=said).json()
    return {
        "c565": "boss",
        "c72": "Tom",
        "0e7ae8d24e2658e7fb4ecdfbb409249d": gid,
        "5a5d7432c3422b31ed845e75": gid,
        "13579": gid,
        "1228a6554433f500a034b3f8d0b93571": sent["msg-id"],
        "qNkRkFWOeSqP65S9fDyHJw": sent["msg-id"],
        "1495431811151": str(sent["timestamp"]),
        "666666": app,
        "a-token-of-your-server": make_jwt(APP["secret"], {"sub": "Tom"}),
    }


def prepared_for_services(http: httpx.Client, app: str) -> dict[str, str]:
    """A service conversation with a subscriber and a broadcast, in place of the group and the message in it."""

    def made(path: str, body: dict[str, Any]) -> Any:
        answer = http.post("/1.2/rtm" + path, headers=PROOFS["leancloud"](app), json=body)
        assert answer.is_success, answer.text
        return answer.json()

    service = made("/service-conversations", {"name": "news"})["objectId"]
    made(f"/service-conversations/{service}/subscribers", {"client_id": "Tom"})
    sent = made("/broadcasts", {"conv_id": service, "from_client": "Tom", "message": "hello"})
    return {
        "5a5d7432c3422b31ed845e75": service,
        "qNkRkFWOeSqP65S9fDyHJw": sent["msg-id"],
        "1495431811151": str(sent["timestamp"]),
    }


def prepared_for_maxleap(http: httpx.Client, app: str) -> dict[str, str]:
    """Friends and strangers who have talked, in a group and a room, and a passenger."""

    def made(path: str, body: dict[str, Any], dialect: str = "maxleap") -> Any:
        answer = http.post(path, headers=PROOFS[dialect](app), json=body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    for user in ("testuser1", "testuser2", "testuser3", "baz"):
        made(f"/ctx/{user}/attributes", {"name": user})
    made("/ctx/testuser1/friends/testuser2", {})
    for user in ("testuser2", "testuser3"):
        said = {"target_type": "single", "target_id": "testuser1", "from_type": "user", "from_id": user}
        made("/v1/messages", {**said, "msg_type": "text", "msg_body": {"text": "hello"}}, "jmessage")
    group = made("/groups", {"owner": "testuser2", "name": "testgroup1", "members": ["testuser1"]})
    room = made("/rooms", {"name": "room_test", "members": ["testuser1", "testuser2"]})
    return {
        "46b9c7cc4fc6428185a2e3a1c1f9e26e": group,
        "c0eebb302b1345fd983345336dd4eaa6": room,
        "58550388f9434168bf2019317b649265": made("/passengers", {"name": "王尼玛"}),
    }


def prepared_for_operators(host: Host, http: httpx.Client, app: str, peer: socket.socket) -> dict[str, str]:
    """An operator, an app that was added, and a session."""
    if not (host.data / "operators.json").exists():
        words = ("operator", "add", "ann", "--config", str(host.config), "--data", str(host.data))
        subprocess.run([sys.executable, "-m", "adminapi.cli", *words], input=b"correct horse\n", check=True)
    http.post("/-/api/apps", headers=OPERATOR, json={"id": f"added-{app}"}).raise_for_status()
    peer.connect(("127.0.0.1", host.tcp_port))
    login = cbor2.dumps({"type": "login", "id": 1, "data": {"app_id": app, "client_id": "Tom"}})
    peer.sendall(struct.pack(">I", len(login)) + login)
    assert peer.recv(1)  # its answer
    (session,) = http.get(f"/-/api/apps/{app}/sessions", headers=OPERATOR).json()["sessions"]
    return {"00f1e2d3c4b5a697": session["session"]}


def called(http: httpx.Client, method: str, path: str, **more: Any) -> tuple[int, str, bytes]:
    """(status, type, body) of the answer; of one that goes on the first line."""
    with http.stream(method, path, **more) as answer:
        type = answer.headers.get("content-type", "")
        body = next(answer.iter_lines()).encode() if type == NDJSON else answer.read()
        return answer.status_code, type, body


def example(path: str, operation: dict[str, Any], names: dict[str, str]) -> tuple[str, dict[str, Any]]:
    """(path, further arguments) of the request."""

    def here(text: str) -> str:
        for said, meant in names.items():
            text = text.replace(said, meant)
        return text

    query = {}
    for parameter in operation["parameters"]:
        media = parameter.get("content", {}).get("application/json")
        value = json.dumps(media["example"]) if media and "example" in media else str(parameter.get("example", ""))
        if parameter["in"] == "path":
            path = path.replace("{" + parameter["name"] + "}", quote(here(value), safe=""))
        elif parameter["in"] == "query" and value:
            query[parameter["name"]] = here(value)
    content = operation.get("requestBody", {}).get("content", {})
    more: dict[str, Any] = {"params": query}
    if "application/json" in content:
        more["content"] = here(json.dumps(content["application/json"]["example"]))
    if "multipart/form-data" in content:
        more["files"] = {name: ("a.txt", b"text") for name in content["multipart/form-data"]["schema"]["properties"]}
    return path, more


@pytest.mark.parametrize("dialect", MOUNTED)
def test_the_example_of_every_endpoint_works(host: Host, dialect: str) -> None:
    apps = ({**APP, "id": f"app{number}"} for number in range(APPS))
    host.configure(*apps, admin={"operator_token": "the-operator"})
    host.broker()
    host.admin()
    described = description(host)
    with httpx.Client(base_url=host.admin_url, timeout=15) as http:
        for number, (method, template, operation) in enumerate(operations(described, dialect)):
            app = f"app{number}"
            names = {**prepared(http, app), **STRANGERS.get(template, {})}
            if dialect == "maxleap":
                names |= prepared_for_maxleap(http, app)
            if any(word in template for word in SERVICES):
                names |= prepared_for_services(http, app)
            added = f"{method} {template}" in ADDED
            with socket.socket() as peer:
                if dialect == "parley":
                    names |= prepared_for_operators(host, http, app, peer) | ({"666666": f"added-{app}"} if added else {})
                path, more = example(template, operation, names)
                proof = OPERATOR if template in WHOLE or added else PROOFS[dialect](app)
                status, type, body = called(http, method, path, headers=proof, **more)
            assert status == min(map(int, operation["responses"])), f"{method} {template}: {body!r}"
            assert not described.differences(method, template, status, type, body)
            if dialect == "native":
                assert json.loads(body)["code"] == 0, f"{method} {template}: {body!r}"
