"""The vocabulary makes JSON Schemas, and samples that fit them."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from adminapi.schemas import (
    Schema,
    anything,
    array,
    boolean,
    constant,
    either,
    file,
    integer,
    json_text,
    nullable,
    number,
    obj,
    sample,
    sent,
    text,
)

NAME = text("A name.", least=1, most=5, pattern="^[a-z]+$", example="tom")
CASES: list[tuple[Schema, list[Any], list[Any]]] = [
    (text(), ["", "x"], [1, None]),
    (NAME, ["a", "abcde"], ["", "abcdef", "A"]),
    (text(among=("a", "b")), ["a"], ["c"]),
    (integer(least=1, most=3), [1, 3], [0, 4, 1.5, "1", True]),
    (integer(among=(0, 1)), [0], [2]),
    (number(), [1, 1.5], ["1"]),
    (boolean(), [True], [0]),
    (constant(None), [None], [0]),
    (array(NAME, least=1, most=2), [["a"], ["a", "b"]], [[], ["a", "b", "c"], [1]]),
    (obj({"a": NAME}, {"b": integer()}), [{"a": "x"}, {"a": "x", "b": 1}], [{}, {"a": "x", "c": 1}, {"a": 1}]),
    (obj({}, rest=integer()), [{}, {"x": 1}], [{"x": "y"}]),
    (obj({}), [{}], [{"x": 1}]),
    (sent({"a": NAME}), [{"a": "x", "more": []}], [{"more": []}]),
    (either(NAME, integer(), about="One."), ["a", 5], [None]),
    (nullable(NAME), ["a", None], [1]),
    (anything("Whatever."), [None, 1, {}], []),
    (json_text(integer()), ["1"], [1]),
    (file(), ["bytes"], [1]),
]


@pytest.mark.parametrize(("schema", "fitting", "others"), CASES)
def test_a_schema_takes_what_it_says_and_nothing_else(schema: Schema, fitting: list[Any], others: list[Any]) -> None:
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    assert all(validator.is_valid(value) for value in fitting)
    assert not any(validator.is_valid(value) for value in others)


@pytest.mark.parametrize("schema", [schema for schema, _, _ in CASES if schema is not NAME] + [NAME])
def test_a_sample_fits_where_no_pattern_leaves_it_open(schema: Schema) -> None:
    jsonschema.Draft202012Validator(schema).validate(sample(schema))


def test_a_sample_has_what_is_needed_and_what_has_an_example() -> None:
    schema = sent({"a": integer(default=7), "b": text()}, {"c": NAME, "d": integer(), "e": nullable(NAME)})
    assert sample(schema) == {"a": 7, "b": "text", "c": "tom"}
    assert sample(json_text(obj({"a": NAME}))) == '{"a":"tom"}'
