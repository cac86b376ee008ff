"""Clients of a published SDK beside the host they talk to, and what they are told again and again.

The counterpart is sdk.js; `node` fetches the SDK and runs it. The fixture is in the conftest of the journeys.
"""

from __future__ import annotations

from typing import Any

from tests.journeys.leancloud.node import Scenario, modules
from tests.journeys.programs import APP, Host

VERSIONS = ("4.3.1", "5.0.0-rc.8")
FRAMINGS = ("binary", "base64")
OPEN = {**APP, "open_groups": True}


class Sdk:
    """One version in one framing, beside the host it talks to."""

    def __init__(self, host: Host, version: str, framing: str) -> None:
        self.host = host
        self._modules = modules(version)
        self._framing = framing

    def start(self, name: str, *more: str, rest: bool = False) -> Scenario:
        """`rest`: it is given the REST API, and nothing else; only 5.x asks one without TLS."""
        url = self.host.admin_url if rest else self.host.url
        return Scenario(self._modules, name, url, str(APP["id"]), self._framing, *more)

    def run(self, name: str) -> Scenario:
        with self.start(name) as scenario:
            return scenario.finish()


def arrival(who: str, *members: str, name: str = "talk") -> list[list[Any]]:
    """What an invited client hears of a new conversation."""
    return [
        ["opened"],
        ["invited", {"invitedBy": who}, name],
        ["membersjoined", {"invitedBy": who, "members": [who, *members]}, name],
    ]


def heard(*messages: str, name: str = "talk") -> list[list[Any]]:
    """Each message is counted before it is shown."""
    return [line for words in messages for line in (["unreadmessagescountupdate", [name]], ["message", words, name])]


def outcome(*clients: str) -> dict[str, Any]:
    return {"successfulClientIds": [*clients], "failures": []}
