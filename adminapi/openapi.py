"""The OpenAPI 3.1 document of whatever dialects are mounted, made of what stands beside their endpoints.

The law: nothing is said here that a dialect knows; titles, proofs, error bodies and codes are its own, and so every
refusal of its table is in the document with the status it has. A pure function: the document changes with the program and
with nothing else. Served, and shown to people, by `adminapi.docs`.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from http import HTTPStatus
from importlib import metadata
from typing import Any

from adminapi.dialect import Dialect, Endpoint, Rendering, Run
from adminapi.repeats.calls import KEY_CHARACTERS
from adminapi.schemas import About, Schema, either, file, integer, obj, sample, text
from protocol.errors import RETRY_LATER, Reason

Object = dict[str, Any]

UNASKED = frozenset({Reason.INTERNAL, Reason.BAD_FORMAT, Reason.TOO_LARGE})
"""What can go wrong where nobody has to prove anything: bodies are read everywhere."""
REPEAT = text(
    "Any name of this call: a repeat with the same name and content is answered as the first was and not done again.",
    least=1,
    most=KEY_CHARACTERS,
)
RETRY_AFTER = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}}}
INTRODUCTION = """\
The management APIs of one Parley, each as its vendor's document has it, over one set of data: what one of them makes,
the others see. Proofs, times, ids and error bodies are each dialect's own; ids are taken in every dialect's form."""

NEUTRAL = {"application/json": {"schema": obj({"code": integer(), "error": text()})}}
BYTES: Object = {"*/*": {"schema": file()}}
FILES: Object = {
    "tags": ["files"],
    "operationId": "files_get",
    "summary": "An uploaded file, whole or a range of it",
    "description": "An upload answers the URL. Nobody has to prove anything: the name is the secret.",
    "parameters": [
        {"in": "path", "name": "folder", "required": True, "schema": text(least=1)},
        {"in": "path", "name": "name", "required": True, "schema": text(least=1)},
        {"in": "header", "name": "Range", "required": False, "schema": text("One range of bytes.", example="bytes=0-1023")},
    ],
    "responses": {
        "200": {"description": "OK", "content": BYTES},
        "206": {"description": "The range, at most 1 MiB of it", "content": BYTES},
        "404": {"description": "There is no such file", "content": NEUTRAL},
        "416": {"description": "The file ends before the range", "content": NEUTRAL},
    },
    "security": [],
}
"""The one path that is no dialect's: where the URLs that uploads answer lead to (`adminapi.app.serve_file`)."""


def document(dialects: Sequence[Dialect]) -> Object:
    """Of these dialects, in this order; endpoints in theirs."""
    paths: dict[str, Object] = {}
    for dialect in dialects:
        for endpoint, prefixes in once(dialect.routes):
            paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = operation(dialect, endpoint, prefixes)
    paths["/-/files/{folder}/{name}"] = {"get": FILES}
    tags = [{"name": each.name, "x-displayName": each.title, "description": readings(each)} for each in dialects]
    return {
        "openapi": "3.1.0",
        "info": {"title": "Parley", "version": metadata.version("parley"), "description": INTRODUCTION},
        "servers": [{"url": "/"}],
        "tags": [*tags, {"name": "files", "x-displayName": "Files", "description": "What was uploaded."}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                f"{dialect.name}.{name}": scheme for dialect in dialects for name, scheme in dialect.schemes.items()
            },
            "schemas": {
                f"{dialect.name}.{status}": {**dialect.error_schema(lines), "description": listed(dialect, lines)}
                for dialect in dialects
                for status, lines in refusals(dialect).items()
            },
            "responses": {
                f"{dialect.name}.{status}": refused(dialect, status) for dialect in dialects for status in refusals(dialect)
            },
        },
    }


def readings(dialect: Dialect) -> str:
    """The docstring its module opens with: what the dialect is and how unclear lines of its document are read."""
    return inspect.cleandoc(sys.modules[type(dialect).__module__].__doc__ or dialect.title)


def once(routes: Sequence[Endpoint]) -> Iterator[tuple[Endpoint, list[str]]]:
    """Each endpoint, and the prefixes below which the same one is mounted again; those mounts are not listed themselves."""
    mounts: dict[tuple[str, Run], list[str]] = {}
    for endpoint in routes:
        mounts.setdefault((endpoint.method, endpoint.run), []).append(endpoint.path)
    for endpoint in routes:
        others = [path for path in mounts[endpoint.method, endpoint.run] if path != endpoint.path]
        if not any(endpoint.path.endswith(path) for path in others):
            yield endpoint, [path.removesuffix(endpoint.path) for path in others if path.endswith(endpoint.path)]


def operation(dialect: Dialect, endpoint: Endpoint, prefixes: Sequence[str]) -> Object:
    summary, _, description = inspect.cleandoc(endpoint.run.__doc__ or endpoint.path).partition("\n\n")
    about = endpoint.about
    found: Object = {
        "tags": [dialect.name],
        "operationId": operation_id(dialect, endpoint),
        "summary": " ".join(summary.split()).removesuffix("."),
        "parameters": list(parameters(dialect, endpoint)),
        "responses": responses(dialect, endpoint),
        "security": [{f"{dialect.name}.{name}": [] for name in names} for names in dialect.proofs],
    }
    if endpoint.open:
        found["security"] = []
    if prefixes:
        found["servers"] = [{"url": "/"}, *({"url": prefix} for prefix in prefixes)]
        also = ", ".join(f"`{prefix}{endpoint.path}`" for prefix in prefixes)
        description = f"{description}\n\nAlso at {also}.".lstrip()
    if endpoint.role is not None:
        description = f"{description}\n\nOperators: {endpoint.role.word} and above.".lstrip()
    if description:
        found["description"] = description
    if about.body is not None:
        type = "multipart/form-data" if endpoint.uploads else "application/json"
        needed = about.body.get("type") != "object" or bool(about.body.get("required"))
        media = {"schema": about.body} if endpoint.uploads else {"schema": about.body, "example": sample(about.body)}
        found["requestBody"] = {"required": needed, "content": {type: media}}
    return found


def operation_id(dialect: Dialect, endpoint: Endpoint) -> str:
    """Of what callers see, so that code made from the document outlives a renamed function."""
    return re.sub(r"\W+", "_", f"{dialect.name}_{endpoint.method}{endpoint.path}".lower()).strip("_")


def parameters(dialect: Dialect, endpoint: Endpoint) -> Iterator[Object]:
    for name in re.findall(r"\{(\w+)\}", endpoint.path):
        schema = dialect.parameters.get(name, text(least=1))
        segment = schema if schema["type"] != "string" else {"pattern": "^[^/]+$", **schema}
        yield parameter("path", name, segment, needed=True)
    query = endpoint.about.query or {"properties": {}}
    for name, schema in query["properties"].items():
        yield parameter("query", name, schema, needed=name in query.get("required", ()))
    for name, schema in dialect.headers.items():
        yield parameter("header", name, schema)
    if endpoint.method == "POST" and not endpoint.open and not endpoint.alone and not endpoint.uploads:
        yield parameter("header", "Idempotency-Key", REPEAT)


def parameter(place: str, name: str, schema: Schema, *, needed: bool = False) -> Object:
    """JSON text is described as what it is the text of."""
    found: Object = {"in": place, "name": name, "required": needed}
    if "description" in schema:
        found["description"] = schema["description"]
        schema = {key: value for key, value in schema.items() if key != "description"}
    content = schema.get("contentSchema")
    described = {"schema": schema if content is None else content}
    if needed or "examples" in described["schema"]:
        described["example"] = sample(described["schema"])
    return {**found, **(described if content is None else {"content": {"application/json": described}})}


def responses(dialect: Dialect, endpoint: Endpoint) -> Object:
    """By status. Where a refusal has the status of the success, the body is either."""
    about: About = endpoint.about
    errors = refusals(dialect, UNASKED | about.refuses if endpoint.open else Reason)
    found: Object = {str(status): {"$ref": f"#/components/responses/{dialect.name}.{status}"} for status in errors}
    for status, answer in {about.status: about.answer, **about.others}.items():
        shown: Object = {"description": HTTPStatus(status).phrase}
        if answer is not None:
            schema = dialect.answer_schema(answer)
            if status in errors:
                schema = either(schema, {"$ref": f"#/components/schemas/{dialect.name}.{status}"})
                shown["description"] += ", or refused"
            shown["content"] = {about.type if status == about.status else "application/json": {"schema": schema}}
        found[str(status)] = shown
    return dict(sorted(found.items()))


def refusals(dialect: Dialect, reasons: Iterable[Reason] = Reason) -> dict[int, list[Rendering]]:
    """What the dialect's table shows for these reasons, by status."""
    found: dict[int, list[Rendering]] = {}
    further = dialect.further if reasons is Reason else ()
    for line in (*(dialect.renderings[reason] for reason in reasons), *further):
        lines = found.setdefault(line.status, [])
        if line not in lines:
            lines.append(line)
    return found


def listed(dialect: Dialect, lines: Sequence[Rendering]) -> str:
    """Each code with what it means: the vendor's text, or our word where the text is of the moment."""
    meanings: dict[int, dict[str, None]] = {line.code: {} for line in lines}
    for line in lines:
        said = [reason.value.replace("_", " ") for reason, shown in dialect.renderings.items() if shown == line]
        meanings[line.code] |= dict.fromkeys([line.text] if line.text else said)
    return "\n".join(f"* `{dialect.code_text(code)}` {', '.join(words)}" for code, words in sorted(meanings.items()))


def refused(dialect: Dialect, status: int) -> Object:
    found: Object = {
        "description": HTTPStatus(status).phrase,
        "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{dialect.name}.{status}"}}},
    }
    waits = any(reason in RETRY_LATER and shown.status == status for reason, shown in dialect.renderings.items())
    return {**found, "headers": RETRY_AFTER} if waits else found
