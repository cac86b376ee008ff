"""What must not get out, or in: secrets in lines, errors, metrics, titles; a stranger's own paths and lines (A3, A4, A5)."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from protocol.tokens import make_jwt
from tests.attacks.web import PROOF, ask, request, status
from tests.journeys.programs import APP, Host
from tests.journeys.wire import json_peer

WORD = "hunter2"
"""Part of every secret here."""
SECRETS = {name: f"{WORD}-{name}" for name in ("key", "master_key", "secret")}
OPERATOR, PASSWORD = f"{WORD}-operator", f"{WORD}-password"
PATHS = [
    "/-/files/../control.sock",
    "/-/files/%2e%2e/parley.db",
    "/-/files/..%2fparley.db/x",
    "/-/files/666666/..%2f..%2fparley.db",
    "/-/files/666666/%2e%2e%2f%2e%2e%2fparley.db",
    "/-/files/666666/....//parley.db",
    "/-/files//etc/passwd",
    "/-/files/666666/%2fetc%2fpasswd",
    "/-/files/666666/parley.db%00.png",
    "/-/files/666666/..%5c..%5cparley.db",
    "/-/files/666666/%c0%ae%c0%ae%2fparley.db",
    "/-/files/~/.ssh",
    "//-/files/666666/x",
    "/../../etc/passwd",
    "/-/console/../../../etc/passwd",
    "/-/console/%2e%2e%2f%2e%2e%2fsettings.py",
    "/-/docs/../../settings.py",
]


@pytest.fixture
async def office(host: Host) -> AsyncIterator[httpx.AsyncClient]:
    """Both programs, under secrets that can be found again."""
    app: dict[str, Any] = {**APP, **SECRETS}
    host.configure(app, log={"level": "debug"}, admin={"operator_token": OPERATOR})
    host.broker()
    host.admin()
    async with httpx.AsyncClient(base_url=host.admin_url, timeout=10) as http:
        yield http


@pytest.mark.A5
async def test_no_secret_is_in_any_line_error_metric_or_title(host: Host, office: httpx.AsyncClient) -> None:
    """A5: every way to show a secret, right and wrong, at every door; then all that was logged and answered is searched."""
    said: list[str] = []

    async def call(method: str, path: str, headers: dict[str, str], **more: Any) -> None:
        answer = await office.request(method, path, headers=headers, **more)
        said.append(f"{answer.status_code} {answer.headers} {answer.text}")

    token = make_jwt(SECRETS["secret"], {"sub": "tom", "exp": 4_000_000_000})
    operator = {"Authorization": f"Bearer {OPERATOR}"}
    for end in ("", "x"):  # right, then wrong
        master, key = SECRETS["master_key"] + end, SECRETS["key"] + end
        bearer = {"Authorization": f"Bearer {master}"}
        for path in ("/-/api/apps", "/-/api/apps/666666", "/-/api/apps/666666/users/tom", "/-/metrics", "/-/ready"):
            await call("GET", path, bearer)
        await call("PUT", "/-/api/apps/666666/users/tom", bearer, json={"password": PASSWORD})
        await call("PUT", "/-/api/apps/666666/users/tom", bearer, json={"password": [PASSWORD]})
        await call("GET", "/im/conversations", {"app-id": "666666", "app-key": key})
        await call("GET", "/im/conversations", {"app-id": "666666", "Authorization": f"Bearer {token}{end}"})
        await call("GET", "/1.2/rtm/conversations", {"X-LC-Id": "666666", "X-LC-Key": f"{master},master"})
        await call("GET", "/ctx/tom", {"X-ML-AppId": "666666", "X-ML-APIKey": key})
        await call("POST", "/v1/users/", {}, auth=("666666", master), json=[{"username": "u", "password": PASSWORD}])
        await call("POST", "/v1/users/", {}, auth=("666666", master), json=[{"username": 5, "password": PASSWORD}])
        await call("PUT", "/v1/users/u/password", {}, auth=("666666", master), json={"new_password": PASSWORD})
        await call("GET", "/im/user/tom", {"Authorization": f"Bearer {master}", "app-id": "666666"})
        for data in ({"token": token + end}, {"password": PASSWORD + end}, {"session_token": PASSWORD + end}):
            async with json_peer(host.url) as peer:
                answer = await peer.request("login", app_id="666666", client_id="tom", **data)
                said.append(str({**answer, "data": None}))
        async with json_peer(f"{host.url}/?token={token}{end}") as peer:
            said.append(str((await peer.request("login", app_id="666666", client_id="tom"))["msg"]))
    for path in ("/-/metrics", "/-/api/watermark", "/-/openapi.json", "/-/docs", "/-/api/apps"):
        await call("GET", path, operator)
    titles = [title(program.process.pid) for program in host.programs]
    text = host.config.read_text().replace(f'"{OPERATOR}"', f'"{OPERATOR} with a space"')
    host.config.write_text(f'{text}secrett = "{WORD}"\n')
    host.running.signal(signal.SIGHUP)
    host.running.wait_line("settings not reloaded")
    assert host.start("-m", "adminapi").wait() == 78
    assert host.stop() == 0
    lines = [line for program in host.programs for line in program.lines]
    assert [text for text in (*said, *titles, *lines) if WORD in text] == []
    assert [line for line in lines if token in line] == []


def title(pid: int) -> str:
    """What `ps` shows."""
    return Path(f"/proc/{pid}/cmdline").read_text() + Path(f"/proc/{pid}/comm").read_text()


@pytest.mark.A3
async def test_no_path_and_no_file_name_leads_out_of_the_folder(host: Host, office: httpx.AsyncClient) -> None:
    """A3: raw request targets, which no client library would send as they are; names of uploads."""
    port = host.admin_program.doors["admin"]
    for path in PATHS:
        answer = await ask(port, request("GET", path))
        assert status(answer) in (400, 404), (path, answer[:200])
        assert b"SQLite" not in answer
        assert b"root:" not in answer
    for name in ("../../evil.txt", "/etc/evil.txt", "..\\evil.txt", "evil.txt\0.png", ".", "a/b.txt", "x" * 5000 + ".txt"):
        made = await office.post(
            "/im/file/upload",
            headers={"app-id": "666666", "app-key": SECRETS["key"]},
            files={"file": (name, b"evil", "text/plain")},
        )
        assert made.status_code == 200, (name, made.text)
    folder = host.data / "files" / "666666"
    kept = {path for path in host.data.parent.rglob("*") if path.is_file() and path.read_bytes()[:4] == b"evil"}
    assert kept
    assert {path.parent for path in kept} == {folder}


@pytest.mark.A4
async def test_nobody_writes_headers_or_log_lines_of_his_own(host: Host, office: httpx.AsyncClient) -> None:
    """A4: line ends in paths, queries, hosts, proxies' words, names and file names, encoded and bare."""
    port = host.admin_program.doors["admin"]
    proof = b"app-id: 666666\r\napp-key: " + SECRETS["key"].encode() + b"\r\n"
    form = b"Content-Type: multipart/form-data; boundary=x\r\n"
    evil = "%0d%0aX-Evil:%201%0d%0a%0d%0a2026-01-01%20ERROR%20evil"
    name = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a%s.txt"\r\n\r\nx\r\n--x--\r\n'
    raws = [
        request("GET", f"/{evil}"),
        request("GET", f"/im/conversations?where={evil}", proof),
        request("GET", f"/im/conversations/{evil}/members", proof),
        request("GET", f"/v1/users/{evil}", PROOF),
        request("GET", f"/-/files/666666/{evil}"),
        request("GET", f"/v1/route?appId={evil}"),
        request("GET", "/v1/route?appId=666666", b"X-Forwarded-Proto: https\r\nX-Forwarded-For: \x01evil\r\n"),
        request("POST", "/im/file/upload", proof + form, name % b"%0d%0aX-Evil: 1"),
        request("POST", "/im/file/upload", proof + form, name % b"\x0bX-Evil: 1"),
        request("GET", "/-/health", b"X: a\nX-Evil: 1\r\n"),
        request("GET", "/-/health", b"Idempotency-Key: \r X-Evil: 1\r\n"),
        request("GET", "/1.2/rtm/conversations", b"X-LC-Id: " + evil.encode() + b"\r\nX-LC-Key: k\r\n"),
    ]
    for raw in raws:
        answer = await ask(port, raw)
        assert b"\nX-Evil" not in answer.replace(b"\r", b"\n").partition(b"\n\n\n\n")[0], raw[:80]
        assert status(answer) < 500, (raw[:80], answer[:200])
    upgrade = b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: a\rb\r\n"
    answer = await ask(host.port, request("GET", f"/{evil}", upgrade + b"Sec-WebSocket-Protocol: parley.v1\nX-Evil: 1\r\n"))
    assert b"\nX-Evil" not in answer
    for user in ("tom\n2026-01-01 ERROR evil", "tom\r", "tom\x1b[31m"):
        async with json_peer(host.url) as peer:
            assert await peer.refused("login", app_id="666666", client_id=user) == 4406
    lines = [line for program in host.programs for line in program.lines]
    assert not [line for line in lines if line.startswith(("X-Evil", "2026-01-01 ERROR evil"))]
    assert not [line for line in lines if "Traceback" in line]
