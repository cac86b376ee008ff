"""Every documented call of every dialect, as the curl line that `/-/docs` shows of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlencode

from adminapi.dialect import Dialect
from adminapi.openapi import document
from adminapi.translator import curl, proof
from adminapi.translator.curl import File, Request
from adminapi.translator.reading import dialects

APP = "666666"
BASE = "http://127.0.0.1:7780"


@lru_cache
def lines(dialect: str = "") -> tuple[tuple[str, str], ...]:
    """(operationId, line), of one dialect or of all."""
    if not dialect:
        return tuple(found())
    return tuple(each for each in lines() if each[0].startswith(f"{dialect}_"))


def found() -> Iterator[tuple[str, str]]:
    by_name = {each.name: each for each in dialects()}
    for path, item in document(dialects())["paths"].items():
        for method, operation in item.items():
            if operation["tags"] != ["files"]:
                request = request_of(by_name[operation["tags"][0]], path, method, operation)
                yield operation["operationId"], curl.write(request, BASE)


def request_of(dialect: Dialect, path: str, method: str, operation: dict[str, Any]) -> Request:
    query = []
    for parameter in operation["parameters"]:
        media = parameter.get("content", {}).get("application/json", {})
        example = json.dumps(media["example"]) if "example" in media else parameter.get("example")
        if example is not None and parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", quote(str(example)))
        elif example is not None and parameter["in"] == "query":
            query.append((parameter["name"], example))
    content = operation.get("requestBody", {}).get("content", {})
    body = json.dumps(content["application/json"]["example"], ensure_ascii=False) if "application/json" in content else ""
    fields = content.get("multipart/form-data", {}).get("schema", {}).get("properties", {})
    headers = [] if operation["security"] == [] else proof(dialect, APP)
    return Request(
        method=method.upper(),
        path=path,
        query=urlencode(query),
        headers=(*headers, *([("Content-Type", "application/json")] if body else [])),
        body=body,
        files=tuple(File(field, "FILE") for field in fields),
    )
