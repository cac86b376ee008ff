"""The broker's settings: their defaults, and the apps of the settings file. How they are read: `protocol.settings`.

Every key of `[sockets]` and `[store]` stands here with its unit in its name; sizes are bytes.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Annotated
from urllib.parse import urlsplit

from msgspec import Meta

from protocol.apps import App, AppSettings
from protocol.codec import DEEPEST
from protocol.settings import (
    GIB,
    KIB,
    MIB,
    SECRETS,
    Address,
    BadSettings,
    Control,
    FilePath,
    Log,
    Nesting,
    Networks,
    Section,
    check_control,
    check_networks,
    check_pair,
    read_section,
    read_tables,
    read_values,
    shown,
    types_of,
    wanted,
)

Seconds = Annotated[float, Meta(ge=0.1, le=3600)]
STORE_URL = r"\A(sqlite|postgres(ql)?://[^\s\x00-\x1f\x7f]{1,4000})\Z"
STORE_URLS = '"sqlite", or postgresql://user:password@host/database with % escapes for @, : and / in a password'


class Sockets(Section, frozen=True):
    """`[sockets]`: the doors apps use, and what a connection may send, hold and wait for."""

    listen: Address = "127.0.0.1:7700"
    """Address for WebSocket, as host:port or [ipv6]:port. Loopback until the operator opens it. Empty: off."""
    tcp_listen: Address = ""
    """Address for framed CBOR over TCP, usually port 7701. Empty: off."""
    tls_listen: Address = ""
    """Address for WebSocket over TLS; needs `tls_cert` and `tls_key`. For thousands of sockets a proxy is cheaper."""
    tls_cert: FilePath = ""
    """The certificate chain, a PEM file."""
    tls_key: FilePath = ""
    """Its private key, a PEM file without a pass phrase."""
    login_seconds: Seconds = 10.0
    """From accept to login, in total: a slow phone makes it, and a stranger holds a descriptor no longer."""
    header_bytes: Annotated[int, Meta(ge=KIB, le=MIB)] = 8 * KIB
    """Upgrade request: request line and headers together. 8 KiB, as most web servers."""
    headers: Annotated[int, Meta(ge=8, le=128)] = 64
    """Header lines of an upgrade request. A client's, a proxy's and cookies are some twenty."""
    first_frame_bytes: Annotated[int, Meta(ge=256, le=16 * MIB)] = 4 * KIB
    """Largest frame before the login: a login with a long token fits, and strangers cost little memory."""
    frame_bytes: Annotated[int, Meta(ge=KIB, le=16 * MIB)] = 64 * KIB
    """Largest frame after the login. An app's `text_bytes` and the message around it must fit in."""
    fragments: Annotated[int, Meta(ge=1, le=10_000)] = 64
    """A WebSocket message comes in so many frames at most."""
    nesting: Nesting = DEEPEST
    """Containers within each other in a document, of sockets and of management calls. Not to be lowered again: what was
    stored deeper could not be read."""
    ping_seconds: Annotated[float, Meta(ge=0.1, le=86_400)] = 25.0
    """Silence after which the peer is asked for a sign of life. Below the 30 s after which some mobile networks forget."""
    pong_seconds: Seconds = 10.0
    """How long it may take to give one; then the connection is closed."""
    outbox_bytes: Annotated[int, Meta(ge=64 * KIB, le=GIB)] = MIB
    """What may wait for one connection. Beyond it transient pushes are dropped, then the connection is closed as slow."""
    outbox_seconds: Seconds = 10.0
    """Without progress for so long, a connection is slow and is closed."""
    all_outboxes_bytes: Annotated[int, Meta(ge=MIB, le=1 << 40)] = 512 * MIB
    """What may wait for all connections together; beyond it the fullest are closed. Bounds the broker's memory."""
    connections: Annotated[int, Meta(ge=0, le=10_000_000)] = 0
    """At most so many at once; 0: what the descriptor limit (`ulimit -n`) leaves."""
    connections_per_address: Annotated[int, Meta(ge=0, le=10_000_000)] = 200
    """Of one address at once, of IPv6 of one /64; 0: no limit. A company behind one address needs more than a home."""
    trusted_proxies: Networks = ("127.0.0.0/8", "::1")
    """Whose `X-Forwarded-For` is believed; connections of theirs that name nobody are not counted by address."""
    wrong_proofs: Annotated[int, Meta(ge=0, le=1_000_000)] = 10
    """Wrong passwords and tokens of an address in a minute that are answered at once; each further one waits."""
    wrong_proof_seconds: Annotated[float, Meta(ge=0, le=60)] = 1.0
    """How long it waits for its answer, and its connection with it. Right ones never wait."""
    wrong_proofs_waiting: Annotated[int, Meta(ge=1, le=100_000)] = 200
    """So many wait at a time; more are refused as too fast, at once."""
    linger_seconds: Annotated[float, Meta(ge=2, le=3600)] = 2.0
    """After a farewell the peer has so long to read it and close."""
    turn_ms: Annotated[float, Meta(ge=0.1, le=1000)] = 3.0
    """Milliseconds after which the reactor looks up, whatever is left: longer is cheaper, shorter is fairer. What a turn and
    its commit cost, 0.4 ms, is shared by more messages than in the 2 ms of DESIGN 2.4, so nobody waits longer (3 to 7 % less
    CPU one to one). With 4 ms 64 messages of 1 KiB reach a socket at once, more than it takes:
    0.95 us a delivery, not 0.82."""


class StoreSettings(Section, frozen=True):
    """`[store]`: where messages are kept, and how much of disk and memory that may take."""

    url: Annotated[str, Meta(pattern=STORE_URL, description=STORE_URLS)] = "sqlite"
    """Where messages are kept: SQLite in the data directory, or a PostgreSQL database of Parley's own. Everything else is in
    the data directory always. Messages may move from the first to the second, not back."""
    answer_seconds: Seconds = 10.0
    """PostgreSQL has so long to take a connection, and to answer a statement; then the connection is given up."""
    data: FilePath = ""
    """The data directory; `--data` goes before it. Empty: `./parley-data`."""
    segment_bytes: Annotated[int, Meta(ge=64 * KIB, le=GIB)] = 64 * MIB
    """Size of a journal file, allocated at once. One is read into memory whole when the broker starts."""
    journal_bytes: Annotated[int, Meta(ge=MIB, le=1 << 50)] = 20 * GIB
    """At so much journal the store does not take, durable commands are refused. At least twice `segment_bytes`. Hours of
    traffic, so that a store may be away for a night."""
    journal_seconds: Annotated[float, Meta(ge=0, le=31_536_000)] = 0.0
    """Once a row has waited so long for the store, durable commands are refused until the store has it: where history that
    lags is worse than a stop. 0: it may wait until the journal is full."""
    free_bytes: Annotated[int, Meta(ge=0, le=1 << 50)] = 256 * MIB
    """Below so much free disk, durable commands are refused, so that what was accepted can still be written. 0: never."""
    tail_bytes: Annotated[int, Meta(ge=4 * KIB, le=1 << 40)] = 256 * MIB
    """Memory for messages that are on their way to the store; beyond it they are read from the journal again."""
    write_seconds: Annotated[float, Meta(ge=0.001, le=60)] = 0.25
    """The writer gathers commits for so long before it writes: one transaction then carries many. Nobody waits for it, but a
    commit that meets it at the disk."""


class Settings(Section, frozen=True):
    """All of them."""

    sockets: Sockets = Sockets()
    control: Control = Control()
    store: StoreSettings = StoreSettings()
    log: Log = Log()
    apps: tuple[App, ...] = ()


def load(path: str | None, environ: Mapping[str, str] = os.environ) -> Settings:
    """Settings from `path` (TOML, None for none) and the environment. BadSettings says what is wrong."""
    tables = read_tables(path)
    settings = Settings(
        apps=read_apps(tables.get("app", [])),
        sockets=read_section(Sockets, "sockets", tables, environ),
        control=read_section(Control, "control", tables, environ),
        store=read_section(StoreSettings, "store", tables, environ),
        log=read_section(Log, "log", tables, environ),
    )
    check_tls(settings.sockets)
    check_networks(settings.sockets.trusted_proxies, "[sockets] trusted_proxies")
    check_control(settings.control)
    check_store(settings.store)
    return settings


def read_apps(entries: object) -> tuple[App, ...]:
    """The `[[app]]` entries: id and keys beside the app's settings, in one flat table each."""
    own = {name: kind for name, kind in types_of(App).items() if name in ("id", *SECRETS)}
    if not isinstance(entries, list):
        raise BadSettings("apps are written as [[app]], one table each")
    apps: dict[str, App] = {}
    for number, entry in enumerate(entries, 1):
        if not isinstance(entry, dict):
            raise BadSettings("apps are written as [[app]], one table each")
        named = f"[[app]] id = {shown(entry['id'])}:" if "id" in entry else f"[[app]] number {number}:"
        for name in own:
            if name not in entry:
                raise BadSettings(f"{named} {name} is missing; write {wanted(own[name])}")
        values = read_values(own | types_of(AppSettings), named, entry)
        keys = {name: values.pop(name) for name in own}
        app = App(settings=AppSettings(**values), **keys)
        if app.id in apps:
            raise BadSettings(f"{named} the id is there twice; write one [[app]] for each id")
        apps[app.id] = app
    return tuple(apps.values())


def check_tls(sockets: Sockets) -> None:
    if not sockets.tls_listen:
        return
    if not (sockets.tls_cert and sockets.tls_key):
        raise BadSettings("[sockets] tls_listen needs tls_cert and tls_key, the paths of two PEM files")
    check_pair("[sockets]", sockets.tls_cert, sockets.tls_key)


def check_store(store: StoreSettings) -> None:
    if store.url != "sqlite":
        try:
            parts = urlsplit(store.url)
            usable = parts.port != 0 and len(parts.path) > 1 and not parts.fragment
        except ValueError:  # whose text holds what may be the password
            usable = False
        if not usable:
            raise BadSettings(f"[store] url is {shown(store.url)}; write {STORE_URLS}")
    # The segment being written counts: with room for one alone, nothing would ever be accepted.
    least = 2 * store.segment_bytes
    if store.journal_bytes < least:
        raise BadSettings(f"[store] journal_bytes is {store.journal_bytes}; write at least twice segment_bytes, {least}")
