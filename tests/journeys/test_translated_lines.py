"""What the translator shows can be pasted: its lines, run by a shell and curl against both programs, do what was meant."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator

import httpx
import pytest

from tests.journeys.programs import APP, Host

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl: apt-get install curl")

ID = str(APP["id"])
KEY = str(APP["master_key"])
USERS = ("c1", "c2", "c3")


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    with Host(tmp_path_factory.mktemp("host")) as host:
        host.broker()
        host.admin()
        yield host


@pytest.fixture(scope="module")
def gid(host: Host) -> int:
    """A group of c1 and c2."""
    with httpx.Client(base_url=host.admin_url, auth=(ID, KEY)) as http:
        http.post("/v1/users", json=[{"username": user, "password": "password"} for user in USERS]).raise_for_status()
        body = {"owner_username": "c1", "group_name": "team", "members_username": ["c2"]}
        return int(http.post("/v1/groups", json=body).raise_for_status().json()["gid"])


def translated(host: Host, line: str) -> dict[str, list[str]]:
    """The lines by dialect, but for those that do something else."""
    found = httpx.post(f"{host.admin_url}/-/api/translate", json={"line": line}).raise_for_status().json()
    assert found["refused"] is None
    return {each["dialect"]: [said["curl"] for said in each["lines"] if not said["near"]] for each in found["others"]}


def run(line: str) -> str:
    """The answer's body; its status has to be a success."""
    shell = ["/bin/sh", "-c", line.replace("curl ", "curl -sS --fail-with-body ", 1)]
    done = subprocess.run(shell, env={"MASTER_KEY": KEY}, capture_output=True, text=True, timeout=20)
    assert done.returncode == 0, (line, done.stdout, done.stderr)
    return done.stdout


def test_each_dialect_lists_the_same_members(host: Host, gid: int) -> None:
    lines = translated(host, f"curl -u {ID}:x h/v1/groups/{gid}")
    assert [name for name, found in lines.items() if found] == ["native", "leancloud", "hisihi", "maxleap", "parley"]
    for name in ("leancloud", "hisihi", "maxleap"):
        assert all(user in run(lines[name][0]) for user in ("c1", "c2")), name
    assert json.loads(run(lines["native"][0]))["data"]["total"] == 1
    assert json.loads(run(lines["parley"][0]))["members"] == 2


@pytest.mark.parametrize("dialect", ["native", "leancloud", "hisihi", "maxleap"])
def test_a_member_comes_and_goes_in_each_dialect(host: Host, gid: int, dialect: str) -> None:
    members = f"{host.admin_url}/v1/groups/{gid}/members"
    for word, expected in (("add", ["c1", "c2", "c3"]), ("remove", ["c1", "c2"])):
        line = f'curl -u {ID}:x h/v1/groups/{gid}/members -d \'{{"{word}":["c3"]}}\''
        for each in translated(host, line)[dialect]:
            run(each)
        rows = httpx.get(members, auth=(ID, KEY)).json()
        assert [row["username"] for row in rows] == expected


def test_a_message_said_in_one_dialect_is_read_in_all(host: Host, gid: int) -> None:
    text = 'it\'s "so" $HOME `x` \\ 你好'
    body = json.dumps({"from_client": "c1", "type": -1, "text": text}).replace("'", "'\\''")
    sent = translated(host, f"curl -H 'app-id: {ID}' h/im/conversations/{gid}/message -d '{body}'")
    run(sent["leancloud"][0])
    lines = translated(host, f"curl -H 'app-id: {ID}' 'h/im/conversations/{gid}/message?size=5'")
    assert json.loads(run(lines["maxleap"][0]))[-1]["content"]["body"] == text
    assert json.loads(run(lines["parley"][0]))["messages"][-1]["body"]["text"] == text
    assert text in json.loads(json.loads(run(lines["leancloud"][0]))[0]["data"])["_lctext"]
