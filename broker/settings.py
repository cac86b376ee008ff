"""The broker's settings: defaults here, one TOML file over them, the environment over both (DESIGN 7).

`PARLEY_SECTION_KEY` in the environment sets `[section] key`; other variables that begin so are a mistake too. The law:
every value, also one the environment covers, is checked before anything starts or a reload changes anything, and a wrong
one is a `BadSettings` whose sentence names the key, the value and what is allowed, never another exception. What is allowed
is the field's type, so no range stands anywhere twice; ranges with two ends also keep out NaN and infinity. They are wide:
they stop slips, not experiments. Units are in the names; sizes are bytes. `adminapi.settings` reads the same file.
"""

from __future__ import annotations

import ipaddress
import os
import re
import ssl
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, cast

import msgspec
from msgspec import Meta, inspect

from protocol.apps import App, AppSettings
from protocol.wires.control import FRAME_BYTES, OPEN_CALLS

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
FilePath = Annotated[
    str,
    Meta(
        pattern=r"\A[^\x00-\x1f\x7f]{0,4095}\Z",
        description="a path in UTF-8, at most 4095 characters, no control characters",
    ),
]
Address = Annotated[str, Meta(description="host:port or [ipv6]:port, in UTF-8, or nothing")]
"""Which `address` can split."""
Seconds = Annotated[float, Meta(ge=0.1, le=3600)]
Uids = Annotated[
    tuple[Annotated[int, Meta(ge=0, le=(1 << 32) - 2)], ...],
    Meta(max_length=1000, description="a list of numeric user ids (in the environment: with commas between them)"),
]


class BadSettings(Exception):
    """A setting that cannot be used; the text is for the operator."""


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of a table of the settings file."""


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
    first_frame_bytes: Annotated[int, Meta(ge=256, le=16 * MIB)] = 4 * KIB
    """Largest frame before the login: a login with a long token fits, and strangers cost little memory."""
    frame_bytes: Annotated[int, Meta(ge=KIB, le=16 * MIB)] = 64 * KIB
    """Largest frame after the login. An app's `text_bytes` and the message around it must fit in."""
    fragments: Annotated[int, Meta(ge=1, le=10_000)] = 64
    """A WebSocket message comes in so many frames at most."""
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
    linger_seconds: Seconds = 2.0
    """After a farewell the peer has so long to read it and close."""
    turn_ms: Annotated[float, Meta(ge=0.1, le=1000)] = 2.0
    """Milliseconds after which the reactor looks up, whatever is left: longer is cheaper, shorter is fairer."""


class Control(Section, frozen=True):
    """`[control]`: the Unix socket between broker and adminapi. Both read this section."""

    path: FilePath = ""
    """Of the socket, at most 107 bytes (a limit of Linux). Empty: `control.sock` in the data directory."""
    frame_bytes: Annotated[int, Meta(ge=FRAME_BYTES, le=64 * MIB)] = FRAME_BYTES
    """Largest frame the broker takes here. No less than adminapi may send, which is 1 MiB."""
    calls_per_connection: Annotated[int, Meta(ge=1, le=OPEN_CALLS // 2)] = 64
    """Calls in flight on one connection. adminapi keeps to it, further calls wait there; the broker sizes its outbox by it
    and refuses more than 256 whatever stands here, of which half are room for calls that adminapi gave up."""
    calls_per_app: Annotated[int, Meta(ge=1, le=OPEN_CALLS // 2)] = 16
    """Calls in flight for one app, so that a busy one leaves room for the others. adminapi keeps to it; the broker only
    checks the number."""
    uids: Uids = ()
    """User ids of processes that may connect, besides root and the broker's own."""


class StoreSettings(Section, frozen=True):
    """`[store]`: where messages are kept, and how much of disk and memory that may take."""

    url: Annotated[Literal["sqlite"], Meta(description='"sqlite": no other store is implemented yet')] = "sqlite"
    """The store. Only SQLite, in the data directory, is there so far."""
    data: FilePath = ""
    """The data directory; `--data` goes before it. Empty: `./parley-data`."""
    segment_bytes: Annotated[int, Meta(ge=64 * KIB, le=GIB)] = 64 * MIB
    """Size of a journal file, allocated at once. One is read into memory whole when the broker starts."""
    journal_bytes: Annotated[int, Meta(ge=MIB, le=1 << 50)] = 20 * GIB
    """At so much journal the store does not take, durable commands are refused. At least twice `segment_bytes`. Hours of
    traffic, so that a store may be away for a night."""
    free_bytes: Annotated[int, Meta(ge=0, le=1 << 50)] = 256 * MIB
    """Below so much free disk, durable commands are refused, so that what was accepted can still be written. 0: never."""
    tail_bytes: Annotated[int, Meta(ge=4 * KIB, le=1 << 40)] = 256 * MIB
    """Memory for messages that are on their way to the store; beyond it they are read from the journal again."""
    write_seconds: Annotated[float, Meta(ge=0.001, le=10)] = 0.1
    """The writer gathers commits for so long before it writes: one transaction then carries many. Nobody waits for it."""


class Log(Section, frozen=True):
    """`[log]`: to stderr, one line an event."""

    level: Literal["debug", "info", "warning", "error", "critical"] = "info"
    """The least weight that is written."""


class Settings(Section, frozen=True):
    """All of them."""

    sockets: Sockets = Sockets()
    control: Control = Control()
    store: StoreSettings = StoreSettings()
    log: Log = Log()
    apps: tuple[App, ...] = ()


SECTIONS = ("sockets", "control", "store", "log")
FOREIGN = ("admin",)
"""Checked by adminapi, which reads the same file."""
SECRETS = ("key", "master_key", "secret")
"""Never shown, not even when they are wrong: the sentence goes to a log."""
SERVICE_LINK = re.compile(r"SERVICE_(HOST|PORT)|PORT(_|$)")
"""Kubernetes sets PARLEY_ADMIN_SERVICE_HOST and the like in every pod beside a service called parley-admin: not ours."""
CONTROL_PATH_BYTES = 107
"""`sun_path` of unix(7), without its final zero."""

S = TypeVar("S", bound=Section)


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
    check_control(settings.control)
    check_store(settings.store)
    return settings


def read_tables(path: str | None) -> dict[str, Any]:
    """The file as its sections, all of which are known. Its `[[app]]` entries are under "app"."""
    if path is None:
        return {}
    try:
        tables = tomllib.loads(Path(path).read_text("utf-8"))
    except OSError as error:
        raise BadSettings(f"the settings file {path} cannot be read: {error.strerror or error}") from None
    except ValueError as error:  # not UTF-8, not TOML, an integer of 5,000 digits
        raise BadSettings(f"the settings file {path} is not TOML in UTF-8: {error}") from None
    except RecursionError:
        raise BadSettings(f"the settings file {path} has values too deep in each other") from None
    for name, table in tables.items():
        if name in (*SECTIONS, *FOREIGN):
            if not isinstance(table, dict):
                raise BadSettings(f"[{name}] is {shown(table)}; write a section")
        elif name != "app":
            known = ", ".join(f"[{section}]" for section in (*SECTIONS, *FOREIGN))
            raise BadSettings(f"{shown(name)} is no section of the settings; there are {known} and [[app]]")
    return tables


def read_section(kind: type[S], name: str, tables: Mapping[str, Any], environ: Mapping[str, str]) -> S:
    """One section, the environment over it."""
    types = types_of(kind)
    values = read_values(types, f"[{name}]", tables.get(name, {}))
    prefix = f"PARLEY_{name}_".upper()
    variables = {prefix + key.upper(): key for key in types}
    for variable, text in environ.items():
        if variable in variables:
            key, given = variables[variable], cast(object, text)
            if types[key] is Uids:
                given = [part.strip() for part in text.split(",")] if text else []
            values |= read_values(types, f"{variable} in the environment: [{name}]", {key: given}, strict=False)
        elif variable.startswith(prefix) and not SERVICE_LINK.match(variable, len(prefix)):
            raise BadSettings(
                f"{shown(variable)} in the environment is no setting of [{name}]; there are {', '.join(types)}"
            )
    return msgspec.convert(values, kind)


def read_values(types: Mapping[str, Any], where: str, given: Mapping[str, Any], *, strict: bool = True) -> dict[str, Any]:
    """`given` as these types want it. Not `strict`: numbers may be text, as the environment has them."""
    values = {}
    for key, value in given.items():
        if key not in types:
            raise BadSettings(f"{where} {shown(key)} is not a setting; there are {', '.join(types)}")
        try:
            if isinstance(value, str):
                value.encode()  # a variable that is not UTF-8 holds half surrogate pairs
            values[key] = msgspec.convert(value, types[key], strict=strict)
        except (msgspec.ValidationError, UnicodeEncodeError):
            what = "cannot be used" if key in SECRETS else f"is {shown(value)}"
            raise BadSettings(f"{where} {key} {what}; write {wanted(types[key])}") from None
        if types[key] is Address and value:
            address(value, f"{where} {key}")
    return values


def types_of(kind: type[msgspec.Struct]) -> dict[str, Any]:
    return {field.name: field.type for field in msgspec.structs.fields(kind)}


def wanted(kind: object) -> str:
    """What a setting of this type may be, in words."""
    match inspect.type_info(kind):
        case inspect.Metadata(extra_json_schema={"description": str(words)}):
            return words
        case inspect.BoolType():
            return "true or false"
        case inspect.IntType(ge=low, le=high):
            return f"a whole number from {low} to {high}"
        case inspect.FloatType(ge=low, le=high):
            return f"a number from {low} to {high}"
        case inspect.LiteralType(values=values):
            return "one of " + ", ".join(f'"{value}"' for value in values)
    return "a text in UTF-8"


def shown(value: object) -> str:
    """A wrong value in one short line. Of a URL only its scheme: what follows may hold a password."""
    if isinstance(value, str) and "://" in value:
        value = value.partition("://")[0] + "://..."
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # an integer of 5,000 digits, tables deep in each other
        return "longer than can be shown"
    return text if len(text) <= 100 else text[:100] + "..."


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
    """Found out now, by whoever wrote the names, and not at the next start."""
    if not sockets.tls_listen:
        return
    if not (sockets.tls_cert and sockets.tls_key):
        raise BadSettings("[sockets] tls_listen needs tls_cert and tls_key, the paths of two PEM files")
    for key, file in (("tls_cert", sockets.tls_cert), ("tls_key", sockets.tls_key)):
        try:
            with open(file, "rb") as opened:
                opened.read(1)
        except OSError as error:
            raise BadSettings(f"[sockets] {key} is {shown(file)}, which cannot be read: {error.strerror or error}") from None
    try:
        # An empty pass phrase, or OpenSSL would ask for one at the terminal.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(sockets.tls_cert, sockets.tls_key, password="")
    except (OSError, ValueError) as error:
        files = f"[sockets] tls_cert is {shown(sockets.tls_cert)} and tls_key is {shown(sockets.tls_key)}"
        raise BadSettings(f"{files}; write a certificate chain and its unencrypted key, PEM files ({error})") from None


def check_control(control: Control) -> None:
    if len(os.fsencode(control.path)) > CONTROL_PATH_BYTES:
        raise BadSettings(f"[control] path is {shown(control.path)}; write at most {CONTROL_PATH_BYTES} bytes")


def check_store(store: StoreSettings) -> None:
    # The segment being written counts: with room for one alone, nothing would ever be accepted.
    least = 2 * store.segment_bytes
    if store.journal_bytes < least:
        raise BadSettings(f"[store] journal_bytes is {store.journal_bytes}; write at least twice segment_bytes, {least}")


def address(text: str, named: str = "an address") -> tuple[str, int]:
    """`host:port` or `[ipv6]:port` as (host, port); port 0 lets the system choose. What passes, getaddrinfo can be asked."""
    host, _, port = text.rpartition(":")
    if re.fullmatch(r"[0-9]{1,5}", port) and int(port) <= 65535:
        if bare := re.fullmatch(r"\[(.+)\]", host):
            if is_ipv6(bare[1]):
                return bare[1], int(port)
        elif is_host(host):
            return host, int(port)
    raise BadSettings(f"{named} is {shown(text)}; write host:port or [ipv6]:port, for example 127.0.0.1:7700")


def is_ipv6(text: str) -> bool:
    """With or without the interface a link-local address needs, as in fe80::1%eth0."""
    number, percent, interface = text.partition("%")
    try:
        ipaddress.IPv6Address(number)
    except ValueError:
        return False
    return not percent or re.fullmatch(r"(?=.{1,15}\Z)[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*", interface) is not None


def is_host(text: str) -> bool:
    """An IPv4 address, or a name by RFC 1123 (and the underscore of container networks) that does not look like one."""
    labels = text.removesuffix(".").split(".")
    if labels[-1].isdigit():
        try:
            return str(ipaddress.IPv4Address(text)) == text
        except ValueError:
            return False
    return len(text) <= 253 and all(re.fullmatch(r"\w([\w-]{0,61}\w)?", label, re.ASCII) for label in labels)
