"""The OpenAPI document is valid, whole, and says what the dialects do. That their answers fit it is checked in every test
of this folder, see `conftest.answers_are_described`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import openapi_spec_validator
import pytest

from adminapi.dialect import Ask, Dialect, Endpoint
from adminapi.openapi import document
from protocol.errors import RETRY_LATER, Reason, Refused
from tests.adminapi.conftest import Served
from tests.adminapi.described import Description, mounted_on


@pytest.fixture(scope="module")
def mounted(tmp_path_factory: pytest.TempPathFactory) -> list[Dialect]:
    """All that the program mounts."""
    return mounted_on(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def openapi(mounted: list[Dialect]) -> dict[str, Any]:
    return document(mounted)


def operations(mounted: list[Dialect], openapi: dict[str, Any]) -> Iterator[tuple[Dialect, Endpoint, dict[str, Any]]]:
    """Each once, also of endpoints that are mounted at several paths."""
    for dialect in mounted:
        for endpoint in dialect.routes:
            operation = openapi["paths"].get(endpoint.path, {}).get(endpoint.method.lower())
            if operation is not None:
                yield dialect, endpoint, operation


def nodes(value: Any) -> Iterator[dict[str, Any]]:
    """All objects in it, itself too."""
    if isinstance(value, dict):
        yield value
        for each in value.values():
            yield from nodes(each)
    elif isinstance(value, list):
        for each in value:
            yield from nodes(each)


def test_it_is_openapi(openapi: dict[str, Any]) -> None:
    openapi_spec_validator.validate(openapi, cls=openapi_spec_validator.OpenAPIV31SpecValidator)


def test_every_reference_leads_somewhere(openapi: dict[str, Any]) -> None:
    description = Description(openapi)
    references = [node for node in nodes(openapi) if "$ref" in node]
    assert references
    for node in references:
        assert description.resolved(node)


def test_every_endpoint_is_in_it_and_nothing_else(mounted: list[Dialect], openapi: dict[str, Any]) -> None:
    described = [
        (method.upper(), server["url"].rstrip("/") + path)
        for path, item in openapi["paths"].items()
        for method, operation in item.items()
        for server in operation.get("servers", openapi["servers"])
    ]
    there = [(endpoint.method, endpoint.path) for dialect in mounted for endpoint in dialect.routes]
    assert sorted(described) == sorted([*there, ("GET", "/-/files/{folder}/{name}")])


def test_what_is_served_at_two_paths_is_listed_once_and_says_so(openapi: dict[str, Any]) -> None:
    """MUX-2."""
    operation = openapi["paths"]["/im/group/{group_id}"]["put"]
    assert operation["servers"] == [{"url": "/"}, {"url": "/v1"}]
    assert operation["description"].endswith("\n\nAlso at `/v1/im/group/{group_id}`.")
    assert openapi["paths"]["/im/signature/kick/{app_id}/{client_id}/{conversation_id}/{sorted_member_ids}"]["get"][
        "description"
    ].startswith("Also at `/v1/im/signature/kick/")
    assert not any(path.startswith("/v1/im") for path in openapi["paths"])
    # One endpoint at two paths of its own is two.
    (with_members, without) = [path for path in openapi["paths"] if "/invite/" in path]
    assert with_members.startswith(without)


def test_every_endpoint_says_what_it_is_for(mounted: list[Dialect], openapi: dict[str, Any]) -> None:
    names = set()
    for dialect, endpoint, operation in operations(mounted, openapi):
        where = f"{endpoint.method} {endpoint.path}"
        assert operation["tags"] == [dialect.name]
        assert 5 < len(operation["summary"]) <= 90, where
        assert operation["summary"] != endpoint.path, f"{where} has no docstring"
        in_path = {each["name"] for each in operation["parameters"] if each["in"] == "path" and each["required"]}
        assert in_path == set(re.findall(r"\{(\w+)\}", endpoint.path)), where
        success = operation["responses"][str(endpoint.about.status)]
        assert endpoint.about.status < 300
        assert ("content" in success) == (endpoint.about.answer is not None), where
        assert ("requestBody" in operation) == (endpoint.about.body is not None), where
        names.add(operation["operationId"])
    assert len(names) == sum(len(item) for item in openapi["paths"].values()) - 1  # the files


def test_every_header_of_a_proof_is_described_and_open_endpoints_take_none(
    mounted: list[Dialect], openapi: dict[str, Any]
) -> None:
    schemes = openapi["components"]["securitySchemes"]
    for _, endpoint, operation in operations(mounted, openapi):
        assert bool(operation["security"]) is not endpoint.open
        for together in operation["security"]:
            assert together.keys() <= schemes.keys()
    assert {scheme["type"] for scheme in schemes.values()} == {"apiKey", "http"}


@pytest.mark.parametrize("reason", Reason)
def test_every_refusal_is_described_by_status_body_and_meaning(
    mounted: list[Dialect], openapi: dict[str, Any], reason: Reason
) -> None:
    description = Description(openapi)
    ask = Ask(method="GET")
    for dialect, endpoint, operation in operations(mounted, openapi):
        if endpoint.open:
            continue
        answer = dialect.refusal(ask, Refused(reason, "This is why.", retry_after_ms=1500))
        wrong = description.differences(endpoint.method, endpoint.path, answer.status, answer.type, answer.body)
        assert not wrong
        response = description.resolved(operation["responses"][str(answer.status)])
        if "$ref" in operation["responses"][str(answer.status)]:
            assert ("Retry-After" in response.get("headers", {})) >= (reason in RETRY_LATER)
        schema = openapi["components"]["schemas"][f"{dialect.name}.{answer.status}"]
        code = dialect.code_text(dialect.renderings[reason].code)
        assert f"* `{code}` " in schema["description"]


def test_lines_that_no_reason_alone_shows_are_described_too(mounted: list[Dialect], openapi: dict[str, Any]) -> None:
    further = [(dialect, line) for dialect in mounted for line in dialect.further]
    assert further
    for dialect, line in further:
        assert (
            f"`{line.code}` {line.text}" in openapi["components"]["schemas"][f"{dialect.name}.{line.status}"]["description"]
        )


def test_every_example_fits_what_it_is_an_example_of(mounted: list[Dialect], openapi: dict[str, Any]) -> None:
    description = Description(openapi)
    for node in nodes(openapi):
        if "example" in node and "schema" in node:
            description.validator(node["schema"]).validate(node["example"])
        if "type" in node and isinstance(node.get("examples"), list):
            for example in node["examples"]:
                description.validator(node).validate(example)
    for _, endpoint, operation in operations(mounted, openapi):
        media = operation.get("requestBody", {}).get("content", {})
        assert endpoint.uploads or all("example" in each for each in media.values())


def test_a_wrong_answer_is_noticed(openapi: dict[str, Any]) -> None:
    """The check that all tests of this folder rely on does check."""
    description = Description(openapi)
    for status, body in (
        (200, b"[]"),
        (200, b'{"alive":false}'),
        (200, b'{"alive":true,"more":1}'),
        (404, b"{}"),
        (500, b'{"error":{"reason":"unknown_app","message":"x"}}'),
    ):
        assert description.differences("GET", "/-/health", status, "application/json", body), body
    assert description.differences("GET", "/-/health", 200, "text/plain", b'{"alive":true}')
    assert description.differences("DELETE", "/v1/users/{username}", 204, "application/json", b"{}")
    assert not description.differences("GET", "/-/health", 200, "application/json", b'{"alive":true}')


async def test_files_are_answered_as_described(served: Served, openapi: dict[str, Any]) -> None:
    """The one path that no dialect serves."""
    description = Description(openapi)
    uploaded = (await served.call("POST", "/im/file/upload", files={"file": ("a.txt", b"some text")})).json()["data"]
    for url, wanted, status in ((uploaded, "", 200), (uploaded, "bytes=2-5", 206), (uploaded, "bytes=99-", 416)):
        answer = await served.client.get(url, headers={"Range": wanted})
        assert answer.status_code == status
        type = "*/*" if status < 300 else answer.headers["content-type"]
        wrong = description.differences("GET", "/-/files/{folder}/{name}", status, type, answer.content)
        assert not wrong
    answer = await served.client.get("/-/files/666666/nothing")
    type = answer.headers["content-type"]
    assert not description.differences("GET", "/-/files/{folder}/{name}", answer.status_code, type, answer.content)
