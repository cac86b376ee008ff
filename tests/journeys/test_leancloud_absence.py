"""What LeanCloud's SDK makes of having been away: offline messages, wills, and changes of what it knows.

All of it takes a connection for each client, which only 4.3.1 has; version 1 of the sub-protocols is 4.3.1's alone too.
"""

from __future__ import annotations

import pytest

from tests.journeys.leancloud.clients import FRAMINGS, VERSIONS, Sdk, arrival, heard

pytestmark = pytest.mark.parametrize("sdk", [f"{VERSIONS[0]} {framing}" for framing in FRAMINGS], indirect=True)


def test_offline_messages_are_pushed_to_who_wants_them(sdk: Sdk) -> None:
    told = sdk.run("offline")
    assert told.of("tom") == [["opened"], ["lastdeliveredatupdate"]]
    lines = told.of("jerry")
    known = [*arrival("tom", "jerry"), *arrival("tom", "jerry", name="aside")[1:], ["close", {"code": 0}]]
    assert lines[: len(known)] == known
    # Both conversations are fetched before they are told of, so which of them is first says nothing.
    rest = lines[len(known) :]
    talk, aside = ([line for line in rest if name in str(line)] for name in ("talk", "aside"))
    assert talk == heard("tom: one", "tom: two", "tom: three", "tom: four")
    assert aside == heard("tom: psst", name="aside")
    assert [line for line in rest if line not in talk + aside] == [["opened"], ["close", {"code": 0}], ["opened"]]


def test_who_was_cut_off_leaves_a_will_and_hears_of_changes(sdk: Sdk) -> None:
    told = sdk.run("away")
    assert told.of("tom") == [["opened"], *heard("jerry: I was cut off")]
    lines = told.of("jerry")
    changes = [["messagerecall", "tom: (recalled)", "talk", None], ["messageupdate", "tom: hello", "talk", None]]
    assert sorted(line for line in lines if line in changes) == changes
    assert [line for line in lines if line not in changes] == [
        *arrival("tom", "jerry"),
        *heard("tom: helo", "tom: oops"),
        ["left", "jerry: I was cut off"],
        ["disconnect"],
        ["reconnect"],
        ["history", ["tom: hello", "tom: (recalled)"]],
    ]
