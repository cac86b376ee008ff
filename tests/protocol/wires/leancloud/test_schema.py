"""Frames as bytes: presence, unknown fields, nothing that was not set, and what comes back from what was written."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.wires.leancloud.schema import TABLE, Cmd, GenericCommand, Op, Unreadable, peer_field, read, write

GOLDEN = [
    # cmd 0 is said, because its field is there.
    (GenericCommand(cmd=Cmd.SESSION, op=Op.OPEN, appId="a", peerId="tom"), "080010011a01612203746f6d"),
    (
        GenericCommand(cmd=Cmd.SESSION, op=Op.OPEN, sessionMessage={"r": False, "configBitmap": 59}),
        "08001001b2060528009801" + "3b",
    ),
    # op above 127, a serial, a push of unread with an explicit 0.
    (GenericCommand(cmd=Cmd.PATCH, op=Op.MODIFIED, i=300, patchMessage={"lastPatchTime": 1}), "081210970128ac029207021001"),
    (GenericCommand(cmd=Cmd.UNREAD, unreadMessage={"convs": [{"cid": "x", "unread": 0}]}), "0805d206070a050a01781000"),
    # an ack has no code unless it refuses
    (GenericCommand(cmd=Cmd.ACK, i=1, ackMessage={"uid": "u", "t": 2, "cid": "c"}), "08032801ca0608220163280232" + "0175"),
    # negative numbers are ten bytes, not zig-zag
    (GenericCommand(cmd=Cmd.LOGS, logsMessage={"lctype": -1}), "0806ea060b68ffffffffffffffffff01"),
    # text that is empty but said
    (GenericCommand(cmd=Cmd.DIRECT, directMessage={"cid": "c", "msg": ""}), "0802c206050a005a0163"),
    (GenericCommand(cmd=Cmd.GOAWAY), "0815"),
]


@pytest.mark.parametrize(("command", "frame"), GOLDEN, ids=lambda value: value if isinstance(value, str) else "")
def test_a_frame_has_exactly_these_bytes(command: Any, frame: str) -> None:
    assert write(command).hex() == frame
    assert read(bytes.fromhex(frame)) == command


def test_absent_is_not_zero() -> None:
    assert not read(b"").HasField("cmd")
    assert read(bytes.fromhex("0800")).HasField("cmd")
    assert not read(bytes.fromhex("0803ca0600")).ackMessage.HasField("code")
    assert read(bytes.fromhex("0803ca06020800")).ackMessage.HasField("code")


def test_unknown_fields_and_values_are_skipped_or_read() -> None:
    frame = bytes.fromhex("0801" + "fa3f026869" + "f80701" + "2807")  # field 1023, twice; then i
    assert (read(frame).cmd, read(frame).i) == (1, 7)
    assert read(bytes.fromhex("08e707")).cmd == 999


@pytest.mark.parametrize("frame", ["2201ff", "ff", "08", "b20602", "0a01"])
def test_what_is_no_command_is_unreadable(frame: str) -> None:
    with pytest.raises(Unreadable):
        read(bytes.fromhex(frame))


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=200), st.integers(-(2**31), 2**31 - 1))
def test_the_peer_at_the_end_is_the_peer(peer: str, i: int) -> None:
    command = read(write(GenericCommand(cmd=Cmd.DIRECT, i=i, directMessage={"msg": peer})) + peer_field(peer))
    assert (command.peerId, command.i, command.directMessage.msg) == (peer, i, peer)


SCALARS = {
    "s": st.text(st.characters(exclude_categories=["Cs"]), max_size=10),
    "b": st.booleans(),
    "i32": st.integers(-(2**31), 2**31 - 1),
    "i64": st.integers(-(2**63), 2**63 - 1),
    "bytes": st.binary(max_size=10),
}


def of(name: str) -> st.SearchStrategy[dict[str, Any]]:
    fields: dict[str, st.SearchStrategy[Any]] = {}
    for entry in TABLE[name].split("; "):
        _, field, kind = entry.split()
        name = kind.removesuffix("*")
        one: st.SearchStrategy[Any] = SCALARS[name] if name in SCALARS else of(name)
        fields[field] = st.lists(one, max_size=2) if kind.endswith("*") else one
    return st.fixed_dictionaries({}, optional=fields)


@given(of("GenericCommand"))
def test_what_is_written_reads_the_same_field_by_field(said: dict[str, Any]) -> None:
    command = GenericCommand(**said)
    back = read(write(command))
    assert back == command
    assert [field.name for field, _ in back.ListFields()] == [field.name for field, _ in command.ListFields()]


@given(st.binary(max_size=60))
def test_any_bytes_are_a_command_or_unreadable(frame: bytes) -> None:
    try:
        read(frame)
    except Unreadable:
        return
