"""Holds answers against the description: what the OpenAPI document says of an endpoint, its real answers must fit.

Used by an autouse fixture on every answer of every test below `tests/adminapi`, so each example of a seed is also a check of
the description, and by the journeys on the answers of the real programs.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jsonschema

from adminapi.__main__ import dialects
from adminapi.audit.log import AuditLog
from adminapi.audit.witness import Audit
from adminapi.dialect import Dialect
from adminapi.metrics import Metrics
from adminapi.openapi import document
from adminapi.repeats.calls import Repeats
from adminapi.settings import load
from adminapi.shared import Shared


def mounted_on(data: Path) -> list[Dialect]:
    """All the dialects that the program mounts, on this data directory."""
    place = load(None, str(data), {})
    return list(dialects(place, Metrics(), Shared(), Audit(AuditLog(place.audit)), Repeats(place.repeats)))


class Description:
    """One document, and its schemas ready to be held against bodies."""

    def __init__(self, openapi: dict[str, Any]) -> None:
        self.document = openapi
        self._validators: dict[tuple[str, str, int], jsonschema.Draft202012Validator] = {}
        self._listed = {
            server["url"].rstrip("/") + path: path
            for path, item in openapi["paths"].items()
            for operation in item.values()
            for server in operation.get("servers", ({"url": ""},))
        }
        """The path that is listed, by each under which it is served."""

    def resolved(self, node: dict[str, Any]) -> dict[str, Any]:
        """The node, or what its `$ref` names; KeyError if that is nowhere."""
        while "$ref" in node:
            start, *keys = node["$ref"].split("/")
            assert start == "#"
            node = functools.reduce(lambda found, key: found[key], keys, self.document)
        return node

    def validator(self, schema: dict[str, Any]) -> jsonschema.Draft202012Validator:
        return jsonschema.Draft202012Validator({**schema, "components": self.document["components"]})

    def differences(self, method: str, path: str, status: int, type: str, body: bytes) -> list[str]:
        """What about this answer is not as described; `path` as the endpoint's template has it."""
        where = f"{method} {path} {status}"
        response = self.document["paths"][self._listed[path]][method.lower()]["responses"].get(str(status))
        if response is None:
            return [f"{where}: the status is not described"]
        content = self.resolved(response).get("content")
        if content is None:
            return [f"{where}: a body where none is described"] if body else []
        if type not in content:
            return [f"{where}: {type} is not described"]
        schema = content[type]["schema"]
        values: list[Any] = [body.decode()]
        if type in ("application/json", "application/x-ndjson"):  # of the second each line is a value
            values = [json.loads(text) for text in ([body] if type == "application/json" else body.splitlines())]
        key = (method, path, status)
        if key not in self._validators:
            self._validators[key] = self.validator(schema)
        found = [jsonschema.exceptions.best_match(self._validators[key].iter_errors(value)) for value in values]
        return [f"{where}: {each.json_path}: {each.message}" for each in found if each]


_KNOWN: dict[tuple[str, ...], Description] = {}


def description_of(dialects: Sequence[Dialect]) -> Description:
    """Made once for the same dialects, whichever test mounts them."""
    names = tuple(dialect.name for dialect in dialects)
    if names not in _KNOWN:
        _KNOWN[names] = Description(document(dialects))
    return _KNOWN[names]
