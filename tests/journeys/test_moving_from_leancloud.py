"""The README's page on moving, as a newcomer follows it: the app made as LeanCloud had it, its clients, its back office."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.journeys.leancloud.clients import VERSIONS, Sdk
from tests.journeys.leancloud.node import modules
from tests.journeys.programs import APP, Host

README = Path(__file__).parents[2] / "README.md"
NAMES = {"$ID": str(APP["id"]), "$KEY": str(APP["key"]), "$MASTER": str(APP["master_key"])}


def printed(verb: str) -> list[str]:
    """The words behind `parley` of the command that begins so."""
    found = re.search(rf"\.venv/bin/parley ({verb} (?:[^\n]*\\\n)*[^\n]*)", README.read_text())
    assert found is not None
    return [NAMES.get(word, word) for word in shlex.split(found[1].replace("\\\n", " "))]


@pytest.mark.parametrize("version", VERSIONS)
def test_the_app_that_is_made_there_serves_the_clients_and_the_back_office(version: str, tmp_path: Path) -> None:
    modules(version)
    with Host(tmp_path, {**APP, "id": "another"}) as host:
        host.broker()
        command = [sys.executable, "-m", "adminapi.cli", *printed("app add"), "--data", str(host.data)]
        subprocess.run(command, check=True, timeout=60, capture_output=True)
        told = Sdk(host, version, "binary").run("talk")
        assert ["opened"] in told.of("tom")
        assert any(line[0] == "message" for line in told.of("jerry"))
        host.admin()
        rows = httpx.get(
            f"{host.admin_url}/1.2/rtm/conversations",
            headers={"X-LC-Id": NAMES["$ID"], "X-LC-Key": f"{NAMES['$MASTER']},master"},
            timeout=10,
        )
        assert rows.status_code == 200
        assert rows.json()["results"]
