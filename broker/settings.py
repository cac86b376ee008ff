"""The broker's settings: defaults here, one TOML file over them, the environment over both (DESIGN 7).

`PARLEY_SECTION_KEY` in the environment sets `[section] key`. Every value is checked when the program starts; a wrong one
ends it with a sentence that names the key, the value and what is allowed. Units are in the names; sizes are bytes.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from protocol.apps import App, AppSettings


class BadSettings(Exception):
    """A setting that cannot be used; the text is for the operator."""


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of a table of the settings file."""


class Sockets(Section, frozen=True):
    listen: str = "127.0.0.1:7700"
    tcp_listen: str = ""
    tls_listen: str = ""
    tls_cert: str = ""
    tls_key: str = ""
    login_seconds: float = 10.0
    """From accept to login, in total."""
    header_bytes: int = 8192
    """Upgrade request: request line and headers together."""
    first_frame_bytes: int = 4096
    frame_bytes: int = 65_536
    fragments: int = 64
    ping_seconds: float = 25.0
    """Silence after which the peer is asked for a sign of life."""
    pong_seconds: float = 10.0
    """How long it may take to give one."""
    outbox_bytes: int = 1_048_576
    outbox_seconds: float = 10.0
    """Without progress for so long, a connection is slow."""
    all_outboxes_bytes: int = 512 * 1_048_576
    connections: int = 0
    """At most so many; 0: what the descriptor limit leaves."""
    linger_seconds: float = 2.0
    """After a farewell the peer has so long to close."""
    turn_ms: float = 2.0


class Control(Section, frozen=True):
    path: str = ""
    """Empty: `control.sock` in the data directory."""
    frame_bytes: int = 1_048_576
    calls_per_connection: int = 64
    calls_per_app: int = 16
    uids: tuple[int, ...] = ()
    """Peers besides root and our own uid."""


class StoreSettings(Section, frozen=True):
    url: str = "sqlite"
    data: str = ""
    """The data directory; usually given by `--data`."""
    segment_bytes: int = 64 * 1_048_576
    journal_bytes: int = 20 * 1024 * 1_048_576
    free_bytes: int = 256 * 1_048_576
    """Below so much free disk, durable commands are refused."""
    tail_bytes: int = 256 * 1_048_576
    write_seconds: float = 0.1
    """The writer gathers commits for so long before it writes."""


class Log(Section, frozen=True):
    level: str = "info"


class Settings(Section, frozen=True):
    sockets: Sockets = Sockets()
    control: Control = Control()
    store: StoreSettings = StoreSettings()
    log: Log = Log()
    apps: tuple[App, ...] = ()


def load(path: str | None, environ: Mapping[str, str] = os.environ) -> Settings:
    """Settings from `path` (TOML, None for none) and the environment. BadSettings says what is wrong."""
    tables: dict[str, Any] = {}
    if path is not None:
        try:
            tables = tomllib.loads(Path(path).read_text("utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise BadSettings(f"{path}: {error}") from None
    tables.pop("admin", None)  # read by adminapi from the same file
    apps = tables.pop("app", [])
    for name, section in SECTIONS.items():
        if not isinstance(tables.setdefault(name, {}), dict):
            raise BadSettings(f"[{name}] must be a table")
        for key in section.__struct_fields__:
            value = environ.get(f"PARLEY_{name}_{key}".upper())
            if value is not None:
                tables[name][key] = value.split(",") if key == "uids" else value
    try:
        settings = msgspec.convert(tables, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise BadSettings(f"{path or 'environment'}: {error}") from None
    return msgspec.structs.replace(settings, apps=read_apps(apps))


SECTIONS: dict[str, type[Section]] = {"sockets": Sockets, "control": Control, "store": StoreSettings, "log": Log}


def read_apps(entries: object) -> tuple[App, ...]:
    """The `[[app]]` entries: id and keys beside the app's settings, in one flat table each."""
    if not isinstance(entries, list):
        raise BadSettings("apps are written as [[app]], one table each")
    apps: dict[str, App] = {}
    for entry in entries:
        if not isinstance(entry, dict):
            raise BadSettings("apps are written as [[app]], one table each")
        keys = {name: entry.get(name) for name in ("id", "key", "master_key", "secret")}
        rest = {name: value for name, value in entry.items() if name not in keys}
        named = f"[[app]] id = {keys['id']!r}"
        for name, value in keys.items():
            if not isinstance(value, str) or not value or not value.isprintable():
                raise BadSettings(f"{named}: {name} must be a text of at least one printable character")
        try:
            settings = msgspec.convert(rest, AppSettings)
        except msgspec.ValidationError as error:
            raise BadSettings(f"{named}: {error}") from None
        app = App(settings=settings, **keys)  # type: ignore[arg-type]  # checked above
        if app.id in apps:
            raise BadSettings(f"{named} is there twice")
        apps[app.id] = app
    return tuple(apps.values())


def address(text: str) -> tuple[str, int]:
    """`host:port` or `[ipv6]:port` as (host, port); port 0 lets the system choose."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise BadSettings(f"{text!r} is not an address; write host:port, for example 127.0.0.1:7700")
    return host.strip("[]"), int(port)
