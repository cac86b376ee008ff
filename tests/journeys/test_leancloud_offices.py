"""LeanCloud's published server SDKs, as they are, against the two programs (`protocols.md` 2.12, 2.13).

The law: what is asserted is all that a back office was told, in its order, and what a client's SDK was told of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.journeys.leancloud import node, pypi
from tests.journeys.programs import APP, Host

KEYS = (str(APP["key"]), str(APP["master_key"]))


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """One pair of programs; each test has an app of its own."""
    with Host(tmp_path_factory.mktemp("offices"), {**APP, "id": "py"}, {**APP, "id": "js"}) as host:
        host.broker()
        host.admin()
        yield host


def rich(words: str) -> str:
    return f'{{"_lctype": -1, "_lctext": "{words}"}}'


def heard(message: str, name: str) -> list[list[Any]]:
    return [["unreadmessagescountupdate", [name]], ["message", message, name]]


def test_python(shared: Host) -> None:
    sdk = pypi.packages()
    with pypi.Scenario(sdk, "office", shared.admin_url, "py", *KEYS) as scenario:
        told = scenario.finish().of("office")
    hello, plain = ["tom", rich("hello"), False], ["jerry", "plain", False]
    team: dict[str, Any] = {"name": "crew", "visits": 2, "tags": ["a"]}
    broadcast = ["anchor", rich("to all"), False]
    assert told == [
        ["made", {"name": "team", "m": ["tom", "jerry"], "color": "red"}],
        ["changed", {**team, "m": ["tom", "jerry", "spike"], "color": "red"}],
        ["members", {**team, "m": ["tom", "jerry"]}],
        ["found", ["crew"], 1, True],
        ["history", [plain, hello]],
        ["older", [hello]],
        ["of tom", [hello]],
        ["service", {"name": "news", "sys": True}],
        ["told", [broadcast]],
        ["all", [broadcast, plain, hello]],
        ["refused", 4303, 4314],
        ["gone", 4303],
    ]


def test_javascript(shared: Host) -> None:
    sdks = [node.modules("5.0.0-rc.8"), node.modules("4.15.2", node.STORAGE)]
    arguments = (shared.url, "js", "binary", shared.admin_url, *KEYS)
    with node.Scenario(sdks, "office", *arguments) as scenario:
        told = scenario.finish()
    broadcast = ["anchor", '{"_lctext":"to all","_lctype":-1}', False]
    assert told.of("office") == [
        ["changed", "chat", 2, ["a"], None, ["tom", "ann"]],
        ["said", "a date"],
        ["found", "chat", None, 1],
        ["subscribers", "tom", {"count": 1}],
        ["subscribed", True, True],
        ["subscribers", []],
        ["broadcasts", [broadcast]],
        ["broadcasts", []],
        ["of ann", [["ann", '{"_lctext":"hello","_lctype":-1}', False]]],
        ["online", {"results": ["tom"]}],
        ["stats", {"result": {"online_user_count": 1}}],
        ["all", [["news", True], ["chat", False]]],
        ["gone", 4303],
    ]
    by: dict[str, Any] = {"invitedBy": None}
    attributes = {"visits": 2, "tags": ["a"], "color": None, "name": "chat"}
    assert told.of("tom") == [
        ["opened"],
        ["invited", by, "talk"],
        ["membersjoined", {**by, "members": ["tom", "ann"]}, "talk"],
        *heard("ann: hello", "talk"),
        ["conversationinfoupdated", {"attributes": attributes, "updatedBy": None}, "chat"],
        *heard("anchor: to all", "news"),
        *heard("anchor: to tom", "news"),
        ["reads", True, "news", ["to all"]],
        ["refused", 4401],
        ["invited", by, "news"],
        *heard("anchor: to mine", "news"),
        ["messageupdate", "anchor: to you", "news", None],
        ["reads", True, "news", ["to all", "to subscribers, of whom there are none", "to you"]],
    ]
