"""`parley doctor`: is this installation sound, in a handful of lines an operator can act on.

The law: it only looks. Each check is one line, `ok` or `FAULT` and a sentence, and below it what to do where there is
something to be done; the exit code is 1 if any is a fault. The broker's settings and the journal are checked by the broker
itself (`python -m broker --check-settings`, `--check`), the only program that knows them.
"""

from __future__ import annotations

import http.client
import importlib.metadata
import json
import os
import resource
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from functools import partial
from typing import cast

import msgspec
import trio

from adminapi.audit.log import AuditLog, Broken
from adminapi.control import connected
from adminapi.repeats.book import Book, InUse, Unkept
from adminapi.sayings import said
from adminapi.settings import Place
from adminapi.up import check_free, child_command
from protocol.commands import ListQuarantine, Quarantine, Stats, StatsReport, Watermark, WatermarkReport
from protocol.errors import Refused
from protocol.settings import BadSettings, address
from protocol.wires.control import PROGRAM, WORDS

CHECK_SECONDS = 300.0
"""A full journal of 20 GiB is read in that time."""
PACKAGES = ("trio", "hypercorn", "quart", "quart-trio", "websockets", "msgspec", "cbor2", "orjson", "apsw")
CONTROL_SECONDS = 3.0
PORT_SECONDS = 3.0
LEAST_FILES, GOOD_FILES = 256, 65_536
"""Descriptors a program may have open: below the first nothing works well, with the second there is no need to think."""
AHEAD_SECONDS = 60.0
"""Data that is so much younger than the clock says was written under another clock."""
LATE_MS = 60_000
"""A store that is so far behind is not only busy."""
ROOM = said(
    "make room on that disk, or lower message_days and file_days of the apps; until then messages and uploads are refused"
)
LATE = said("nothing is lost; the broker's log says why it is not written: its disk, or the connection to it")


class Finding(msgspec.Struct, frozen=True):
    """What one check found; `todo` is for the operator, of a sound one a hint. What the console shows too is a saying."""

    sound: bool
    text: str
    todo: str = ""


def doctor(config: str | None, place: Place, *, as_json: bool = False) -> int:
    """Print the findings; 0 if all is sound."""
    findings = list(look(config, place))
    sound = all(finding.sound for finding in findings)
    if as_json:
        print(json.dumps({"sound": sound, "findings": msgspec.to_builtins(findings, enc_hook=str)}))
        return 0 if sound else 1
    for finding in findings:
        print(f"{'ok   ' if finding.sound else 'FAULT'}  {finding.text}")
        if finding.todo:
            print(f"       to do: {finding.todo}")
    return 0 if sound else 1


def look(config: str | None, place: Place) -> Iterator[Finding]:
    readable = settings(config, place)
    yield readable
    yield versions()
    yield data(place)
    yield from owners(place)
    yield limits(place)
    yield clock(place)
    there = control(place)
    yield there
    yield from ports(place, running=there.sound)
    yield audit(place)
    yield repeats(place)
    if there.sound:
        yield from stores(place)
        yield from quarantine(place)
        yield Finding(True, "journal: in use by the running broker; stop it to have it checked")
    elif readable.sound:
        yield from journal(config, place)


def settings(config: str | None, place: Place) -> Finding:
    """The broker's sections and the apps, which it alone reads; ours ended this program if they are wrong."""
    where = config or "defaults and environment"
    command = child_command("broker", config, place.data, "--check-settings")
    done = subprocess.run(command, capture_output=True, timeout=CHECK_SECONDS, check=False, text=True)
    if done.returncode == 0:
        return Finding(True, f"settings: {where}")
    said = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1].removeprefix("parley broker: ")
    todo = "correct it: a running broker goes on with what it has, and does not start again with this"
    return Finding(False, f"settings: {where}: {said}", todo)


def versions() -> Finding:
    found = []
    for package in PACKAGES:
        try:
            found.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            text = said("versions: {package} is not installed", package=package)
            return Finding(False, text, said("install the package again (make install)"))
    python = ".".join(str(part) for part in sys.version_info[:3])
    text = said(
        "versions: parley {version}, Python {python}, {packages}",
        version=PROGRAM,
        python=python,
        packages=", ".join(found),
    )
    new = sys.version_info >= (3, 11)
    return Finding(new, text, "" if new else said("install Python 3.11 or newer"))


def data(place: Place) -> Finding:
    if not place.data.is_dir():
        text = said("data directory: {place} is not there; the first start makes it", place=place.data)
        return Finding(False, text, said("name yours with --data, or start the broker once (parley up)"))
    if not os.access(place.data, os.R_OK | os.W_OK | os.X_OK):
        text = said("data directory: {place} is not readable and writable for this user", place=place.data)
        return Finding(False, text, said("run parley as the user it belongs to (uid {uid})", uid=place.data.stat().st_uid))
    free = shutil.disk_usage(place.data).free
    text = said("data directory: {place}, {free} MiB free", place=place.data, free=free // 1_048_576)
    return Finding(True, text) if free >= place.admin.free_bytes else Finding(False, text, ROOM)


def owners(place: Place) -> Iterator[Finding]:
    """What another user has made in the data directory stops the programs that have to write there."""
    if place.data.is_dir():
        owner = place.data.stat().st_uid
        strange = [path.name for path in sorted(place.data.iterdir()) if path.lstat().st_uid != owner]
        if strange:
            text = said("files: {files} belong to another user than the directory", files=", ".join(strange[:5]))
            yield Finding(False, text, said("chown -R --reference={place} {place}", place=place.data))
        else:
            yield Finding(True, said("files: of one owner"))


def limits(place: Place) -> Finding:
    """Of the running broker, else of who asks, whose child it would be."""
    broker = broker_of(place)
    most = resource.prlimit(broker, resource.RLIMIT_NOFILE)[0] if broker else resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    endless = most == resource.RLIM_INFINITY
    if endless:
        return Finding(True, said("limits: any number of open files"))
    text = said("limits: {most} open files of the broker" if broker else "limits: {most} open files", most=most)
    todo = "" if most >= GOOD_FILES else said("for more connections raise it: ulimit -n, or LimitNOFILE of the service")
    return Finding(most >= LEAST_FILES, text, todo)


def broker_of(place: Place) -> int:
    """The process at the control socket; 0 if there is none, or its limits are not for this user to see."""
    try:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(CONTROL_SECONDS)
            sock.connect(str(place.control))
            pid = int.from_bytes(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 4), sys.byteorder)
        resource.prlimit(pid, resource.RLIMIT_NOFILE)
    except OSError:
        return 0
    return pid


def clock(place: Place) -> Finding:
    newest = max((path.stat().st_mtime for path in place.data.glob("journal/*")), default=0.0)
    ahead = newest - time.time()
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    if ahead < AHEAD_SECONDS:
        return Finding(True, said("clock: {now}", now=now))
    todo = said("set the clock (timedatectl set-ntp true); an hour behind the data, the broker does not start")
    text = said("clock: {now}, but the journal was written {ahead} s after that", now=now, ahead=f"{ahead:.0f}")
    return Finding(False, text, todo)


def ports(place: Place, *, running: bool) -> Iterator[Finding]:
    """With a broker, its addresses answer; without one, they are free."""
    for setting, where, own in (
        ("[sockets] listen", place.sockets_listen, True),
        ("[sockets] tcp_listen", place.tcp_listen, True),
        ("[sockets] tls_listen", place.tls_listen, True),
        ("[admin] listen", place.admin.listen, False),
    ):
        if not where or address(where, setting)[1] == 0:
            continue
        if answers(where, setting):
            if running:
                yield Finding(True, f"port: {setting} {where} answers")
            elif not own and is_admin(where, setting, tls=bool(place.admin.tls_cert)):
                yield Finding(True, f"port: {setting} {where} answers, an admin API that waits for its broker")
            else:
                todo = f"`ss -ltnp` shows who: systemd keeps it for us; anybody else has to stop, or set another {setting}"
                yield Finding(False, f"port: {setting} {where} is taken, and not by a broker on this data directory", todo)
        elif running and own:
            todo = f"is {setting} what the running broker was started with? Restart it, and look into its log"
            yield Finding(False, f"port: {setting} {where} does not answer", todo)
        else:
            yield free(where, setting, "" if own or not running else "start the admin API (parley admin) if it should run")


def reached(where: str, setting: str) -> tuple[str, int]:
    """Where somebody who listens on `where` is found from here."""
    host, port = address(where, setting)
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port


def answers(where: str, setting: str) -> bool:
    try:
        socket.create_connection(reached(where, setting), PORT_SECONDS).close()
    except OSError:
        return False
    return True


def is_admin(where: str, setting: str, *, tls: bool) -> bool:
    """Whether an admin API is there; whose does not matter to who wants the port."""
    made = (
        partial(http.client.HTTPSConnection, context=ssl._create_unverified_context()) if tls else http.client.HTTPConnection
    )
    connection = made(*reached(where, setting), timeout=PORT_SECONDS)
    try:
        connection.request("GET", "/-/health")
        return b'"alive":true' in connection.getresponse().read(1000)
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def free(where: str, setting: str, todo: str) -> Finding:
    try:
        check_free(where, setting)
    except BadSettings as error:
        return Finding(False, f"port: {error}", f"set {setting} to an address of this host, with a port one may have")
    return Finding(True, f"port: {setting} {where} is free", todo)


def control(place: Place) -> Finding:
    async def look() -> Finding:
        try:
            async with connected(place.control, CONTROL_SECONDS) as channel:
                count = len(channel.apps or {})
                broker = f"broker {channel.program}, words {WORDS}, epoch {channel.epoch}, {count} apps"
                todo = "" if channel.program == PROGRAM else f"the other program is {PROGRAM}: restart the one that is older"
                return Finding(True, f"control socket: {place.control}, {broker}", todo)
        except Refused as refused:
            todo = "start the broker (parley up, or systemctl start parley.target), or name its --config and --data"
            return Finding(False, f"control socket: {refused.detail}", todo)

    return trio.run(look)


def audit(place: Place) -> Finding:
    if not place.audit.is_dir():
        return Finding(True, "audit log: nothing was changed yet")
    try:
        count, _ = AuditLog(place.audit).verify()
    except Broken as broken:
        todo = "somebody changed it, or a disk did: compare with a backup, then move the file away"
        return Finding(False, f"audit log: {broken}", todo)
    except OSError as error:
        return Finding(False, f"audit log: {error}", "run parley as the user the data directory belongs to")
    sound = os.access(place.audit, os.W_OK | os.X_OK)
    todo = "" if sound else "chown it to the user of the data directory; until then this user changes nothing"
    return Finding(sound, f"audit log: {count} lines in order{'' if sound else ', not writable for this user'}", todo)


def repeats(place: Place) -> Finding:
    """The answers under an `Idempotency-Key`; who has the file looks after it."""
    path = place.repeats
    if not path.exists():
        return Finding(True, "repeats: no POST came with an Idempotency-Key yet")
    if path.stat().st_mode & 0o077:
        return Finding(False, f"repeats: others can read {path}, which may hold keys", f"chmod 600 {path}*")
    book = Book(path)
    try:
        count = len(book.load())
    except InUse:
        return Finding(True, "repeats: in use by the running admin API")
    except Unkept as error:
        todo = f"move {path}* away; what was answered is forgotten then, and until then POSTs with that header are refused"
        return Finding(False, f"repeats: {error}", todo)
    book.close()
    return Finding(True, f"repeats: {count} of an Idempotency-Key, answered or begun")


def stores(place: Place) -> Iterator[Finding]:
    """How far the databases are behind the journal, as the running broker tells."""

    async def look() -> tuple[WatermarkReport, StatsReport]:
        async with connected(place.control, CONTROL_SECONDS) as channel:
            return cast(WatermarkReport, await channel.call(Watermark())), cast(StatsReport, await channel.call(Stats()))

    try:
        mark, stats = trio.run(look)
    except Refused as refused:
        yield Finding(False, f"database: {refused.detail}", "try again; the broker's log says more")
        return
    yield from behind(mark, stats.counters)


def behind(mark: WatermarkReport, counters: Mapping[str, float]) -> Iterator[Finding]:
    """The databases, by what the broker says of them."""
    for target in mark.targets:
        late = target.oldest_ms >= LATE_MS
        text = said(
            "database: {target} {behind} commits behind the journal, for {seconds} s",
            target=target.target,
            behind=mark.durable - target.applied,
            seconds=f"{target.oldest_ms / 1000:.1f}",
        )
        yield Finding(not late, text, LATE if late else "")
    if counters.get("postgresql_available") == 0:
        todo = said("start it, or look at [store] url; messages wait in the journal until then")
        yield Finding(False, said("database: PostgreSQL does not answer"), todo)


def quarantine(place: Place) -> list[Finding]:
    """The rows a store refused, as the running broker tells them: each a fault, and what it holds is served all the same."""

    async def look() -> Quarantine:
        async with connected(place.control, CONTROL_SECONDS) as channel:
            return cast(Quarantine, await channel.call(ListQuarantine()))

    try:
        found = trio.run(look)
    except Refused as refused:
        return [Finding(False, f"quarantine: {refused.detail}", "try again; the broker's log says more")]
    findings = [Finding(False, row.line(time.time_ns() // 1_000_000)) for row in found.rows]
    todo = "they are served all the same; please report each line, for no row should be refused" if found.total else ""
    return [*findings, Finding(found.total == 0, f"quarantine: {found.total} rows", todo)]


def journal(config: str | None, place: Place) -> list[Finding]:
    """What `--check` says: a line for each row in quarantine, and a last one for the journal."""
    command = child_command("broker", config, place.data, "--check")
    try:
        done = subprocess.run(command, capture_output=True, timeout=CHECK_SECONDS, check=False, text=True)
    except subprocess.TimeoutExpired:
        return [Finding(False, f"journal: the check took longer than {CHECK_SECONDS:.0f} s")]
    said = (done.stdout + done.stderr).strip().splitlines()
    last = said[-1] if said else f"exit code {done.returncode}"
    rows = [Finding(False, line) for line in said[:-1] if line.startswith("quarantine: ")]
    todo = "" if done.returncode == 0 else f"copy {place.data} before anything else; README, When something is wrong"
    return [*rows, Finding(done.returncode == 0, last if last.startswith("journal: ") else f"journal: {last}", todo)]
