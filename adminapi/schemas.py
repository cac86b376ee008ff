"""The vocabulary in which an endpoint says what it takes and answers: JSON Schema 2020-12 as plain values, and `About`.

The law: a schema stands beside the endpoint it describes and nowhere else; `adminapi.openapi` makes the one document of
them all, and the tests hold every answer that passes through them against it. Answers are described exactly (`obj` lets
nothing else in); what is sent is described in its canonical form (`sent`), and more may be taken than it says: other
spellings, unknown fields. An optional field that is given an example is part of the example request.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from protocol.errors import Reason

Schema = Mapping[str, Any]
"""A JSON Schema."""
NAME = r"^[^\x00-\x1f\x7f-\x9f]+$"
"""The pattern of names: nothing but control characters is left out (`protocol.codec.is_name`)."""
USER_ID = r"^[^\s\x00-\x1f\x7f-\x9f]+$"
"""The pattern of user ids in every dialect that has no closer one of its own."""


def _typed(type: str, about: str, example: object, among: Sequence[object], **limits: object) -> Schema:
    said = {"type": type, "enum": list(among) or None, **limits, "description": about or None}
    schema = {key: value for key, value in said.items() if value is not None}
    return schema if example is None else {**schema, "examples": [example]}


def text(
    about: str = "",
    *,
    least: int | None = None,
    most: int | None = None,
    pattern: str | None = None,
    among: Sequence[str] = (),
    default: str | None = None,
    example: str | None = None,
) -> Schema:
    """A string of `least` to `most` characters; `pattern` is searched for in it."""
    limits = {"minLength": least, "maxLength": most, "pattern": pattern, "default": default}
    return _typed("string", about, example, among, **limits)


def integer(
    about: str = "",
    *,
    least: int | None = None,
    most: int | None = None,
    among: Sequence[int] = (),
    default: int | None = None,
    example: int | None = None,
) -> Schema:
    return _typed("integer", about, example, among, minimum=least, maximum=most, default=default)


def number(about: str = "", *, example: float | None = None) -> Schema:
    return _typed("number", about, example, ())


def boolean(about: str = "", *, default: bool | None = None, example: bool | None = None) -> Schema:
    return _typed("boolean", about, example, (), default=default)


def array(
    items: Schema, about: str = "", *, least: int | None = None, most: int | None = None, example: object = None
) -> Schema:
    return _typed("array", about, example, (), items=items, minItems=least, maxItems=most)


def obj(
    needed: Mapping[str, Schema],
    optional: Mapping[str, Schema] | None = None,
    about: str = "",
    *,
    rest: Schema | bool = False,
    example: object = None,
) -> Schema:
    """An object of these fields; `rest` describes any others, False: there are none."""
    fields: dict[str, object] = {"properties": {**needed, **(optional or {})}, "required": list(needed) or None}
    return _typed("object", about, example, (), **fields, additionalProperties=rest)


def sent(needed: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None, about: str = "") -> Schema:
    """What a request sends as an object; fields it does not name are ignored."""
    return obj(needed, optional, about, rest=True)


def anything(about: str = "", *, example: object = None) -> Schema:
    """Any JSON value."""
    schema: dict[str, object] = {"description": about} if about else {}
    return schema if example is None else {**schema, "examples": [example]}


def constant(value: object) -> Schema:
    return {"const": value}


def either(*schemas: Schema, about: str = "") -> Schema:
    """Fits at least one of these; the first is the one to prefer."""
    return {"anyOf": list(schemas), "description": about} if about else {"anyOf": list(schemas)}


def nullable(schema: Schema) -> Schema:
    return either(schema, {"type": "null"})


def json_text(value: Schema, about: str = "") -> Schema:
    """A string that is the JSON text of such a value."""
    schema = {"type": "string", "contentMediaType": "application/json", "contentSchema": value}
    return {**schema, "description": about} if about else schema


def file(about: str = "") -> Schema:
    """A file of a multipart body."""
    schema = {"type": "string", "contentMediaType": "application/octet-stream"}
    return {**schema, "description": about} if about else schema


def sample(schema: Schema) -> Any:
    """A value that fits, for people to start from: examples where they are given, else the least there can be."""
    if "examples" in schema:
        return schema["examples"][0]
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    if "enum" in schema:
        return schema["enum"][0]
    if "anyOf" in schema:
        return sample(schema["anyOf"][0])
    if schema.get("type") == "object":
        needed = schema.get("required", ())
        fields = schema["properties"].items()
        return {name: sample(field) for name, field in fields if name in needed or "examples" in field}
    if schema.get("type") == "array":
        return [sample(schema["items"])] * schema.get("minItems", 1)
    if "contentSchema" in schema:
        return msgspec.json.encode(sample(schema["contentSchema"])).decode()
    plain = {"string": "text", "integer": schema.get("minimum", 1), "number": 1.0, "boolean": True}
    return plain.get(schema.get("type", ""))


class About(msgspec.Struct, frozen=True, kw_only=True):
    """What an endpoint takes and answers when all goes well. What it is for is its docstring: the first paragraph is the
    summary. Parameters of the path are the dialect's (`Dialect.parameters`), refusals its table of renderings."""

    answer: Schema | None = None
    """The body, without the dialect's envelope; None: there is no body."""
    status: int = 200
    type: str = "application/json"
    """Of the answer."""
    body: Schema | None = None
    """JSON, or multipart where the endpoint takes uploads; needed unless it is an object without needed fields."""
    query: Schema | None = None
    """An object whose fields are the parameters."""
    others: Mapping[int, Schema] = {}
    """Bodies of answers with further statuses that are no refusals of the table."""
    refuses: frozenset[Reason] = frozenset()
    """Of an endpoint that asks for no proof: what it refuses, beside bodies that cannot be read."""
