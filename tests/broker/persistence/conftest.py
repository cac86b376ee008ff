"""Strategies for images of every table, worked out from TABLES: a new field is tested from the day it is added."""

from __future__ import annotations

from typing import Any, get_origin

import msgspec
from hypothesis import strategies as st

from broker.hub.rows import TABLES, Image, put

VALUES: dict[Any, st.SearchStrategy[Any]] = {
    int: st.integers(-(1 << 63), (1 << 63) - 1),
    bool: st.booleans(),
    str: st.text(max_size=12),
    bytes: st.binary(max_size=20),
}


def row_of(table: str) -> st.SearchStrategy[Any]:
    row = TABLES[table].row
    fields = msgspec.structs.fields(row)
    values = []
    for field in fields:
        if get_origin(field.type) is tuple:
            values.append(st.lists(VALUES[field.type.__args__[0]], max_size=3).map(tuple))
        elif field.name in TABLES[table].key:
            # Few keys, so that images meet.
            values.append(st.integers(1, 4) if field.type is int else st.sampled_from(["", "a", "\0é", "😀"]))
        else:
            values.append(VALUES[field.type])
    return st.tuples(*values).map(lambda columns: row(*columns))


def image_of(table: str) -> st.SearchStrategy[Image]:
    # Ids of messages are unique over all apps, so one app has them all.
    app = st.just("one") if table == "messages" else st.sampled_from(["one", "two"])
    puts = st.builds(lambda app, row: put(app, table, row), app, row_of(table))
    return st.tuples(puts, st.booleans()).map(
        lambda pair: Image(pair[0].app, table, pair[0].key, None) if pair[1] else pair[0]
    )


any_image = st.sampled_from(sorted(TABLES)).flatmap(image_of)
