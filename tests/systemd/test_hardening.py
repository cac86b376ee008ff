"""What the units forbid is not needed: both programs run, log in by password and end as asked without it.

systemd itself is not asked: the kernel's own switch stands for `MemoryDenyWriteExecute`, and strace lists the system calls
that `SystemCallFilter` would have to let through.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import trio

from tests.journeys.programs import Host
from tests.journeys.wire import json_peer

UNITS = Path(__file__).parents[2] / "systemd"
MDWE = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
if libc.prctl(65, 1, 0, 0, 0):  # PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN
    sys.exit("no such switch: " + os.strerror(ctypes.get_errno()))
os.execv(sys.argv[1], sys.argv[1:])
"""
STRACE, ANALYZE = shutil.which("strace"), shutil.which("systemd-analyze")
CALL = re.compile(r"^\d+ +(\w+)\(.*= -?\d", re.M)


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    with Host(tmp_path) as host:
        yield host


async def work(host: Host) -> None:
    """A password is made and used, a message kept and read, a figure asked for; then both end as a service manager asks."""
    async with httpx.AsyncClient(base_url=host.admin_url, headers={"Authorization": "Bearer the-master-key"}) as http:
        made = await http.put("/-/api/apps/666666/users/tom", json={"password": "right one"})
        assert made.status_code == 200, made.text
        assert (await http.get("/-/metrics")).status_code == 200
    async with json_peer(host.url) as tom, json_peer(host.url) as ann:
        await tom.login("tom", password="right one")
        await ann.login("ann")
        sent = await tom.ok("msg.send", to="ann", type=-1, text="hello")
        assert await tom.ok("msg.history", conv_id=sent["conv_id"], limit=10)
    assert host.stop() == 0
    host.admin_program.signal(15)
    assert host.admin_program.wait() == 0


async def test_no_memory_is_ever_made_executable(host: Host) -> None:
    """`MemoryDenyWriteExecute`: what would need it fails at once under it, and nothing does."""
    command = (sys.executable, "-c", MDWE, sys.executable, "-u")
    probe = "import mmap\ntry: mmap.mmap(-1, 4096, prot=7)\nexcept PermissionError: print('denied')"
    tried = await trio.run_process([*command, "-c", probe], capture_stdout=True, capture_stderr=True, check=False)
    if tried.stdout.strip() != b"denied":
        pytest.skip(f"this kernel cannot deny it (Linux 6.3 can): {tried.stderr.decode().strip()}")
    host.broker(command=command)
    host.admin(command=command)
    await work(host)


def allowed(unit: Path) -> set[str]:
    """The system calls its filter lets through."""
    assert ANALYZE is not None
    found: set[str] = set()
    for line in re.findall(r"(?m)^SystemCallFilter=(.*)$", unit.read_text()):
        named: set[str] = set()
        waiting = line.removeprefix("~").split()
        while waiting:
            name = waiting.pop()
            if not name.startswith("@"):
                named.add(name)
                continue
            said = subprocess.run([ANALYZE, "syscall-filter", name], capture_output=True, text=True, timeout=30, check=True)
            waiting += [word for word in said.stdout.split("\n")[1:] if word.strip() and not word.strip().startswith("#")]
            waiting = [word.strip() for word in waiting]
        found = found - named if line.startswith("~") else found | named
    return found


@pytest.mark.skipif(
    STRACE is None or ANALYZE is None, reason="needs strace and systemd-analyze (apt-get install strace systemd)"
)
@pytest.mark.timeout(120)
async def test_no_system_call_is_made_that_the_units_deny(host: Host, tmp_path: Path) -> None:
    """`SystemCallFilter`: a call that is denied fails with EPERM, which a library may take badly."""
    assert STRACE is not None
    logs = {name: tmp_path / f"{name}.calls" for name in ("broker", "adminapi")}
    commands = {
        name: (STRACE, "-D", "-f", "-qq", "-e", "signal=none", "-o", str(log), sys.executable, "-u")
        for name, log in logs.items()
    }
    host.broker(command=commands["broker"])
    host.admin(command=commands["adminapi"])
    await work(host)
    for name, log in logs.items():
        used = set(CALL.findall(log.read_text()))
        assert {"epoll_wait", "openat"} <= used
        denied = used - allowed(UNITS / f"{name}.service")
        if os.geteuid() == 0:
            denied -= {"fchown", "chown"}  # SQLite's and the audit log's, which root alone makes, not the services' user
        assert denied == set(), name
