"""What passed the Autobahn|Testsuite, byte for byte: its input and our output of each case, kept in `cases.json.gz`.

The law: a recording is made of a run without a failure only (`autobahn.py`), so what differs from it is a change of
behaviour and has to pass the suite again. Cases whose bytes depend on the time or on how TCP cuts them are left out there.
"""

from __future__ import annotations

import gzip
from base64 import b64decode, b64encode
from pathlib import Path

import msgspec
import orjson

FILE = Path(__file__).with_name("cases.json.gz")


class Case(msgspec.Struct, frozen=True):
    """`name` is the suite's number of it. `asked` and `answered` begin with the upgrade and end with the connection."""

    name: str
    asked: bytes
    answered: bytes


def read_cases() -> list[Case]:
    rows = orjson.loads(gzip.decompress(FILE.read_bytes()))
    return [Case(name, b64decode(asked), b64decode(answered)) for name, asked, answered in rows]


def write_cases(cases: list[Case]) -> None:
    rows = [[case.name, b64encode(case.asked).decode(), b64encode(case.answered).decode()] for case in cases]
    FILE.write_bytes(gzip.compress(orjson.dumps(rows), mtime=0))
