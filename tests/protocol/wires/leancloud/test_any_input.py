"""Whatever a client sends, it gets one answer that says what happened, and neither wire nor hub breaks."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.wires.leancloud.requests import REQUESTS
from protocol.wires.leancloud.schema import TABLE, Cmd
from tests.protocol.wires.leancloud.gateway import Gateway

MESSAGES = {
    Cmd.SESSION: "sessionMessage",
    Cmd.CONV: "convMessage",
    Cmd.BLACKLIST: "blacklistMessage",
    Cmd.DIRECT: "directMessage",
    Cmd.ACK: "ackMessage",
    Cmd.READ: "readMessage",
    Cmd.PATCH: "patchMessage",
    Cmd.LOGS: "logsMessage",
}
WORDS = st.sampled_from(
    r"""tom ann nobody $$ -name Manager 5 [] {} {"a.b":1} {"name":"n"} {"m":{"$in":["tom"]}} {"$or":[{"a":{"$gt":1}},{}]}
    {"a":{"$regex":"^\\Qx\\E$"}} {"_lctype":-1,"_lctext":"t"}""".split()
) | st.sampled_from(["", "bad name", "\x00", "x" * 200])


def of(name: str, ids: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    """A message with some of its fields; texts are often ids that are there."""
    texts = WORDS | st.sampled_from(ids)
    scalars: dict[str, st.SearchStrategy[Any]] = {
        "s": texts,
        "b": st.booleans(),
        "i32": st.integers(-2, 3) | st.integers(-(2**31), 2**31 - 1),
        "i64": st.integers(-1, 1) | st.just(1_800_000_000_000) | st.integers(-(2**63), 2**63 - 1),
        "bytes": st.binary(max_size=5),
    }
    fields = {}
    for entry in TABLE[name].split("; "):
        _, field, kind = entry.split()
        bare = kind.removesuffix("*")
        one = scalars[bare] if bare in scalars else of(bare, ids)
        fields[field] = st.lists(one, max_size=3) if kind.endswith("*") else one
    required = {field: st.sampled_from(ids) | texts for field in ("cid", "srcCid", "mid") if field in fields}
    return st.fixed_dictionaries(required, optional={key: one for key, one in fields.items() if key not in required})


@settings(max_examples=60, deadline=None)
@given(st.data())
@pytest.mark.CVE
def test_every_request_has_one_answer_and_nothing_breaks(data: st.DataObject) -> None:
    gateway = Gateway()
    tom, ann = gateway.opened("tom", "ann")
    cids = [tom.start("tom", "ann"), tom.start("tom", transient=True), tom.start("tom", "ann", tempConv=True)]
    ids = cids + [tom.say(cid, "hi").uid for cid in cids]
    for _ in range(data.draw(st.integers(1, 12))):
        line = data.draw(st.sampled_from([tom, ann]))
        cmd, op = data.draw(st.sampled_from(sorted(REQUESTS)))
        field = MESSAGES[Cmd(cmd)]
        name = field[0].upper() + field[1:].replace("Message", "Command")
        said = data.draw(of(name, ids))
        line.i += 1
        line.send(cmd=cmd, op=op, i=line.i, **{field: said})
        answers = [frame for frame in line.frames if frame.i == line.i]
        assert len(answers) == 1, (cmd, op, said)
        for answer in answers:
            codes = {answer.errorMessage.code, answer.ackMessage.code}
            assert 4200 not in codes, answer
            assert 4105 not in codes or cmd == Cmd.SESSION or not line.sessions, answer
        line.frames.clear()
        gateway.pass_ms(300)
        if not line.sessions:
            line.open("tom" if line is tom else "ann")
            line.frames.clear()
    assert not gateway.ended


@given(st.binary(max_size=200), st.booleans(), st.booleans())
@pytest.mark.CVE
def test_any_bytes_are_answered_and_never_raised(frame: bytes, text: bool, opened: bool) -> None:
    gateway = Gateway()
    line = gateway.line()
    if opened:
        line.open("tom")
    line.take(line.wire.receive(frame, text, gateway.ms))
    gateway.run()
