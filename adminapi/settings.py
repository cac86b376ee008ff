"""adminapi's settings: section `[admin]` of the one settings file, the environment over it (DESIGN 7).

The law: a wrong value ends the program with a sentence that names the key and what is allowed. The other sections are the
broker's (`broker.settings` reads them and ignores `[admin]`); of them only the control socket's path is looked at, since
both programs must meet there, and, for what `parley up` prints, the socket address and whether apps are listed.
`PARLEY_ADMIN_LISTEN` in the environment sets `[admin] listen`, and so on.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec


class BadSettings(Exception):
    """A setting that cannot be used; the text is for the operator."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Section `[admin]`."""

    listen: str = "127.0.0.1:7780"
    public_url: str = ""
    """Scheme and host for links to files, where a proxy hides the caller's own. Empty: the request's Host."""
    operator_token: str = ""
    """Opens `/-/api` for every app, and `/-/metrics`. Empty: only the apps' master keys do, each for its app."""
    free_bytes: int = 256 * 1_048_576
    """Below so much free disk no upload is taken."""
    graceful_seconds: float = 1.5
    """Requests in flight have so long at the end; `parley up` promises 2 s in all."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where things are, whoever reads the settings: the data directory, the control socket, the addresses."""

    data: Path
    control: Path
    sockets_listen: str
    admin: Settings
    lists_apps: bool
    """The settings file has `[[app]]` entries."""

    @property
    def files(self) -> Path:
        return self.data / "files"


def load(path: str | None, data: str | None, environ: Mapping[str, str] = os.environ) -> Place:
    """The settings in `path` (TOML, None for none) and the environment; `data` as `--data` gave it. BadSettings."""
    tables = read_tables(path)
    admin = section(tables, "admin")
    for key in Settings.__struct_fields__:
        if (value := environ.get(f"PARLEY_ADMIN_{key}".upper())) is not None:
            admin[key] = value
    try:
        settings = msgspec.convert(admin, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise BadSettings(f"{path or 'environment'}: [admin] {error}") from None
    address(settings.listen, "[admin] listen")
    if settings.public_url and not settings.public_url.startswith(("http://", "https://")):
        raise BadSettings(f"[admin] public_url is {settings.public_url!r}; write http://host or https://host")
    chosen = data or text(tables, environ, "store", "data", "./parley-data")
    control = text(tables, environ, "control", "path", "")
    root = Path(chosen)
    return Place(
        data=root,
        control=Path(control) if control else root / "control.sock",
        sockets_listen=text(tables, environ, "sockets", "listen", "127.0.0.1:7700"),
        admin=settings,
        lists_apps=bool(tables.get("app")),
    )


def read_tables(path: str | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        return tomllib.loads(Path(path).read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadSettings(f"{path}: {error}") from None


def section(tables: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = tables.get(name, {})
    if not isinstance(found, dict):
        raise BadSettings(f"[{name}] must be a table")
    return dict(found)


def text(tables: Mapping[str, Any], environ: Mapping[str, str], name: str, key: str, default: str) -> str:
    """One text of another section."""
    value = environ.get(f"PARLEY_{name}_{key}".upper(), section(tables, name).get(key, default))
    if not isinstance(value, str):
        raise BadSettings(f"[{name}] {key} must be text")
    return value or default


def address(given: str, key: str) -> tuple[str, int]:
    """`host:port` or `[ipv6]:port` as (host, port); port 0 lets the system choose."""
    host, _, port = given.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise BadSettings(f"{key} is {given!r}; write host:port, for example 127.0.0.1:7780")
    return host.strip("[]"), int(port)
