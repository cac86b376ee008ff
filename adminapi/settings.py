"""adminapi's settings: sections `[admin]` and `[hisihi]`, and what else of the one settings file it needs. How it is read:
`protocol.settings`.

Of the broker's own sections, which the broker checks itself, only what this program needs is looked at: the data
directory, and, for what `parley up` prints, the socket address and whether apps are listed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from protocol.codec import DEEPEST
from protocol.settings import (
    KIB,
    MIB,
    Address,
    BadSettings,
    Control,
    FilePath,
    Log,
    Nesting,
    Networks,
    Section,
    address,
    check_control,
    check_networks,
    check_pair,
    read_foreign,
    read_section,
    read_tables,
)
from protocol.sockets import Sockets

BaseUrl = Annotated[
    str,
    Meta(
        pattern=r"\A(https?://(?!/)((?![?#])[!-~])+)?\Z",
        description="http://host or https://host, with a port and a path if need be, or nothing",
    ),
]
SocketUrl = Annotated[
    str,
    Meta(
        pattern=r"\A(wss?://(?!/)((?![?#])[!-~])+)?\Z",
        description="ws://host or wss://host, with a port and a path if need be, or nothing",
    ),
]
Token = Annotated[
    str, Meta(pattern=r"\A[!-~]{0,512}\Z", description="a text of at most 512 printable ASCII characters without spaces")
]
"""It travels in an HTTP header."""


class Settings(Section, frozen=True):
    """Section `[admin]`."""

    listen: Address = "127.0.0.1:7780"
    """Address for HTTP, as host:port or [ipv6]:port. Loopback until the operator opens it."""
    public_url: BaseUrl = ""
    """Scheme and host for links to files, where a proxy hides the caller's own. Empty: the request's Host."""
    socket_url: SocketUrl = ""
    """Where our pages and LeanCloud's router find the sockets, where a proxy hides them or ends TLS for them. Empty: the
    request's Host with the port of `[sockets] listen`, or of `tls_listen` where TLS is wanted and there is one."""
    operator_token: Token = ""
    """Opens `/-/api` for every app, and `/-/metrics`. Empty: only the apps' master keys do, each for its app."""
    tls_cert: FilePath = ""
    """The certificate chain, a PEM file; with `tls_key`, `listen` speaks HTTPS. Read again on SIGHUP."""
    tls_key: FilePath = ""
    """Its private key, a PEM file without a pass phrase."""
    trusted_proxies: Networks = ("127.0.0.0/8", "::1")
    """Whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed."""
    header_bytes: Annotated[int, Meta(ge=KIB, le=MIB)] = 16 * KIB
    """A request's line and headers together. Twice what apps' sockets may send, as queries carry lists of ids."""
    headers: Annotated[int, Meta(ge=8, le=10_000)] = 64
    """Header lines of a request."""
    connections: Annotated[int, Meta(ge=0, le=10_000_000)] = 0
    """At most so many at once, others wait to be accepted; 0: what the descriptor limit (`ulimit -n`) leaves."""
    connections_per_address: Annotated[int, Meta(ge=0, le=10_000_000)] = 200
    """Of one address at once, of IPv6 of one /64; one more is told 429 and closed. 0: no limit. A back office's pool of
    connections has some tens. Those of `trusted_proxies` are not counted."""
    head_seconds: Annotated[float, Meta(ge=0.1, le=600)] = 10.0
    """From accept to the end of a request's headers, the TLS handshake apart, which has as long. An idle connection is kept
    no longer either."""
    body_bytes: Annotated[int, Meta(ge=KIB, le=MIB)] = MIB
    """Largest body that is not an upload; what the control socket carries is the most. Uploads: their app's `file_bytes`."""
    body_seconds: Annotated[float, Meta(ge=0.1, le=3600)] = 30.0
    """A body that is not an upload is here within so long, and the next piece of an upload too."""
    stalled_seconds: Annotated[float, Meta(ge=0.1, le=3600)] = 30.0
    """Who takes nothing of his answer for so long is cut off."""
    answer_seconds: Annotated[float, Meta(ge=1, le=86_400)] = 600.0
    """An answer, a download too, is out within so long, and an upload in."""
    wrong_proofs: Annotated[int, Meta(ge=0, le=1_000_000)] = 10
    """Wrong keys and tokens of an address in a minute that are answered at once; each further one waits."""
    wrong_proof_seconds: Annotated[float, Meta(ge=0, le=60)] = 1.0
    """How long it waits for its answer. Right ones never wait."""
    wrong_proofs_waiting: Annotated[int, Meta(ge=1, le=100_000)] = 200
    """So many wait at a time; more are refused as too fast, at once."""
    free_bytes: Annotated[int, Meta(ge=0, le=1 << 50)] = 256 * MIB
    """Below so much free disk no upload is taken: messages need it more. 0: always."""
    audit_days: Annotated[int, Meta(ge=0, le=36_500)] = 365
    """How many days the audit log is kept; 0 keeps it for ever."""
    graceful_seconds: Annotated[float, Meta(ge=0, le=600)] = 1.5
    """Requests in flight have so long at the end; `parley up` promises 2 s in all."""


AppName = Annotated[
    str, Meta(pattern=r"\A([A-Za-z0-9_][A-Za-z0-9._-]{0,63})?\Z", description="the id of an app, or nothing")
]


class Hisihi(Section, frozen=True):
    """Section `[hisihi]`."""

    app: AppName = ""
    """The app of hisihi calls that name none: only its signatures have the app in their path. Empty: they send app-id."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where things are, whoever reads the settings: the data directory, the control socket, the addresses."""

    data: Path
    control: Path
    calls: int
    """In flight on one control connection (`calls_per_connection`); further ones wait."""
    calls_per_app: int
    """Of them, for one app."""
    sockets_listen: str
    tcp_listen: str
    tls_listen: str
    """These two "" where there is none."""
    nesting: int
    """Of JSON documents, for both programs."""
    admin: Settings
    hisihi: Hisihi
    log: Log
    lists_apps: bool
    """The settings file has `[[app]]` entries."""

    @property
    def sockets(self) -> Sockets:
        return Sockets(self.admin.socket_url, self.sockets_listen, self.tls_listen)

    @property
    def files(self) -> Path:
        return self.data / "files"

    @property
    def audit(self) -> Path:
        return self.data / "audit"

    @property
    def repeats(self) -> Path:
        return self.data / "repeats.db"

    @property
    def operators(self) -> Path:
        return self.data / "operators.json"


def load(path: str | None, data: str | None, environ: Mapping[str, str] = os.environ) -> Place:
    """The settings in `path` (TOML, None for none) and the environment; `data` as `--data` gave it. BadSettings."""
    tables = read_tables(path)
    admin = read_section(Settings, "admin", tables, environ)
    address(admin.listen, "[admin] listen")  # here it may not be empty
    check_networks(admin.trusted_proxies, "[admin] trusted_proxies")
    if bool(admin.tls_cert) is not bool(admin.tls_key):
        raise BadSettings("[admin] tls_cert and tls_key go together, the paths of two PEM files")
    if admin.tls_cert:
        check_pair("[admin]", admin.tls_cert, admin.tls_key)
    control = read_section(Control, "control", tables, environ)
    check_control(control)
    root = Path(data or read_foreign(FilePath, "store", "data", tables, environ) or "./parley-data")
    return Place(
        data=root,
        control=Path(control.path) if control.path else root / "control.sock",
        calls=control.calls_per_connection,
        calls_per_app=control.calls_per_app,
        sockets_listen=read_foreign(Address, "sockets", "listen", tables, environ) or "127.0.0.1:7700",
        tcp_listen=read_foreign(Address, "sockets", "tcp_listen", tables, environ) or "",
        tls_listen=read_foreign(Address, "sockets", "tls_listen", tables, environ) or "",
        nesting=int(read_foreign(Nesting, "sockets", "nesting", tables, environ) or DEEPEST),
        admin=admin,
        hisihi=read_section(Hisihi, "hisihi", tables, environ),
        log=read_section(Log, "log", tables, environ),
        lists_apps=bool(tables.get("app")),
    )
