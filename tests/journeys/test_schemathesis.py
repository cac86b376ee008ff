"""Whatever is asked of the management APIs, as they describe it or not, the answer is one they describe and never a 500."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode

from tests.adminapi.described import Description
from tests.journeys.description import MOUNTED, PROOFS, description, make_users, operations
from tests.journeys.programs import Host

APP = "666666"
FOREVER = ("/tail", "/live")
"""Paths whose answers end with the caller alone."""
FEW, MANY = (8, 5), (60, 40)
"""Examples of each operation: as described, and otherwise."""


def objects(http: httpx.Client, number: int) -> dict[str, list[str]]:
    """Some that nobody has touched yet, by the names of path parameters; ids in any form serve every dialect."""
    tom, ann = f"tom{number}", f"ann{number}"
    for user in (tom, ann):
        http.put(f"/-/api/apps/{APP}/users/{user}", headers=PROOFS["parley"](APP), json={})
    group = {"owner_username": tom, "group_name": "team", "members_username": [ann]}
    gid = str(http.post("/v1/groups", headers=PROOFS["jmessage"](APP), json=group).json()["gid"])
    said = {"from_client": tom, "message": "hello"}
    path = f"/1.2/rtm/conversations/{gid}/messages"
    message = http.post(path, headers=PROOFS["leancloud"](APP), json=said).json()["msg-id"]
    maxleap = PROOFS["maxleap"](APP)
    room = http.post("/rooms", headers=maxleap, json={"name": "room", "members": [tom]}).json()
    visitor = http.post("/passengers", headers=maxleap, json={"name": "visitor"}).json()
    http.post(f"/ctx/{tom}/attributes", headers=maxleap, json={"name": tom})
    users = [tom, ann, "Tom", "nobody", "tom/ann", "\u0000", "."]
    ids = [gid, gid, message, "0", "-1", "9" * 30]
    kinds = {
        ("username", "user", "client_id", "userId", "friendId", "strangerId", "uid"): users,
        ("conv_id", "gid", "conversation", "groupId", "group_id", "conversation_id"): ids,
        ("roomId",): [room, room, gid, "0"],
        ("passengerId",): [visitor, visitor, tom],
        ("target",): [tom, gid, room],
        ("attribute",): ["name", "nothing"],
        ("mid", "message"): [message, message, gid, "x" * 22],
        ("app", "app_id"): [APP, APP, "nobody"],
    }
    return {name: values for names, values in kinds.items() for name in names}


class Trial:
    """One operation of a running program, called with whatever Hypothesis makes up."""

    def __init__(self, host: Host, session: requests.Session, described: Description, method: str, path: str) -> None:
        self.host, self.session, self.described = host, session, described
        self.method, self.path = method, path
        self.operation = described.document["paths"][path][method.lower()]
        self.dialect = self.operation["tags"][0]
        self.calls = 0

    def run(self, schema: Any, mode: GenerationMode, most: int, there: dict[str, list[str]]) -> None:
        """`most` examples, on what is there and on what is not."""
        names = {(each["in"], each["name"]) for each in self.operation["parameters"]}
        known = [name for place, name in names if place == "path" and name in there]
        real = st.fixed_dictionaries({name: st.sampled_from(there[name]) for name in sorted(known)})

        @settings(max_examples=most, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(schema[self.path][self.method].as_strategy(generation_mode=mode), real)
        def trial(case: Any, real: dict[str, str]) -> None:
            case.path_parameters = {**(case.path_parameters or {}), **real}
            # Without the proofs it makes up: ours are the ones to get in with.
            case.headers = {name: value for name, value in case.headers.items() if ("header", name) in names}
            self.call(case)

        trial()

    def call(self, case: Any) -> None:
        self.calls += 1
        answer = case.call(base_url=self.host.admin_url, headers=PROOFS[self.dialect](APP), session=self.session, timeout=20)
        type, body = ", ".join(answer.headers.get("content-type", ())), answer.content
        assert answer.status_code != 500, (case.as_curl_command(), body)
        if elsewhere(case.path_parameters):
            return
        wrong = self.described.differences(self.method, self.path, answer.status_code, type, body)
        assert not wrong, (case.as_curl_command(), body)


def elsewhere(parameters: dict[str, Any]) -> bool:
    """Such a name in the path makes it another path: nobody's, or another endpoint's."""
    return any(str(value) in ("", ".", "..") or "/" in str(value) for value in parameters.values())


def once(found: list[tuple[str, str, dict[str, Any]]]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Of those that say the same and take the same, one endpoint at several paths, the first."""
    seen: set[str] = set()
    for method, path, operation in found:
        if path.endswith(FOREVER):
            continue
        taken = [each for each in operation["parameters"] if each["in"] != "path"]
        words = json.dumps([operation["summary"], taken, operation.get("requestBody")], sort_keys=True)
        if words not in seen:
            seen.add(words)
            yield method, path, operation


@pytest.mark.timeout(2400)  # with few, some 10 s each where nothing else runs
@pytest.mark.parametrize("examples", [FEW, pytest.param(MANY, marks=pytest.mark.soak)], ids=["few", "many"])
@pytest.mark.parametrize("dialect", MOUNTED)
def test_no_input_gets_an_answer_that_is_not_described(host: Host, dialect: str, examples: tuple[int, int]) -> None:
    fitting, mutated = examples
    host.broker()
    admin = host.admin()
    described = description(host)
    schema: Any = schemathesis.openapi.from_dict(described.document)
    with requests.Session() as session, httpx.Client(base_url=host.admin_url, timeout=15) as http:
        make_users(http, APP)
        for number, (method, path, operation) in enumerate(once(operations(described, dialect))):
            trial = Trial(host, session, described, method, path)
            trial.run(schema, GenerationMode.POSITIVE, fitting, objects(http, number))
            if operation["parameters"] or "requestBody" in operation:
                trial.run(schema, GenerationMode.NEGATIVE, mutated, objects(http, number + 1000))
                assert trial.calls > mutated
    for program in (admin, host.running):
        assert not any("Traceback" in line or "internal" in line for line in program.lines)
