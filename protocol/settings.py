"""The one settings file of both programs: how a section is read, and what is said when it is wrong (DESIGN 7).

`PARLEY_SECTION_KEY` in the environment sets `[section] key`; other variables that begin so are a mistake too. The law:
every value, also one the environment covers, is checked before anything starts or a reload changes anything, and a wrong
one is a `BadSettings` whose sentence names the key, the value and what is allowed, never another exception. What is allowed
is the field's type, so no range stands anywhere twice; ranges with two ends also keep out NaN and infinity. They are wide:
they stop slips, not experiments. The sections themselves are in `broker.settings` and `adminapi.settings`; `[control]`,
where the two meet, and `[log]`, which they share, are here.
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

from protocol.codec import DEEPEST
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
Uids = Annotated[
    tuple[Annotated[int, Meta(ge=0, le=(1 << 32) - 2)], ...],
    Meta(max_length=1000, description="a list of numeric user ids (in the environment: with commas between them)"),
]
Networks = Annotated[
    tuple[Annotated[str, Meta(max_length=50)], ...],
    Meta(max_length=100, description="a list of addresses or networks, as 10.0.0.0/8 (in the environment: with commas)"),
]
Nesting = Annotated[int, Meta(ge=DEEPEST, le=64)]
LISTS = (Uids, Networks)
"""What the environment writes with commas."""


class BadSettings(Exception):
    """A setting that cannot be used; the text is for the operator."""


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of a table of the settings file."""


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


class Log(Section, frozen=True):
    """`[log]`: to stderr, one line an event. Both programs read this section."""

    level: Literal["debug", "info", "warning", "error", "critical"] = "info"
    """The least weight that is written."""
    format: Literal["text", "json", "journald"] = "text"
    """`text`; `json`, an object a line; or `journald`, text with the severity in front as systemd reads it, which `text`
    turns into by itself where systemd's journal reads."""


SECTIONS = ("sockets", "control", "store", "log", "admin", "hisihi")
SECRETS = ("key", "master_key", "secret", "operator_token")
"""Never shown, not even when they are wrong: the sentence goes to a log."""
SERVICE_LINK = re.compile(r"SERVICE_(HOST|PORT)|PORT(_|$)")
"""Kubernetes sets PARLEY_ADMIN_SERVICE_HOST and the like in every pod beside a service called parley-admin: not ours."""
CONTROL_PATH_BYTES = 107
"""`sun_path` of unix(7), without its final zero."""

S = TypeVar("S", bound=Section)


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
        if name in SECTIONS:
            if not isinstance(table, dict):
                raise BadSettings(f"[{name}] is {shown(table)}; write a section")
        elif name != "app":
            known = ", ".join(f"[{section}]" for section in SECTIONS)
            raise BadSettings(f"{shown(name)} is no section of the settings; there are {known} and [[app]]")
        elif not isinstance(table, list) or not all(isinstance(entry, dict) for entry in table):
            raise BadSettings("apps are written as [[app]], one table each")
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
            if types[key] in LISTS:
                given = [part.strip() for part in text.split(",")] if text else []
            values |= read_values(types, f"{variable} in the environment: [{name}]", {key: given}, strict=False)
        elif variable.startswith(prefix) and not SERVICE_LINK.match(variable, len(prefix)):
            raise BadSettings(
                f"{shown(variable)} in the environment is no setting of [{name}]; there are {', '.join(types)}"
            )
    return msgspec.convert(values, kind)


def read_foreign(kind: Any, name: str, key: str, tables: Mapping[str, Any], environ: Mapping[str, str]) -> str:
    """One value, as text, of a section whose other keys are the broker's alone. Empty if it is not set."""
    table, variable = tables.get(name, {}), f"PARLEY_{name}_{key}".upper()
    values = read_values({key: kind}, f"[{name}]", {key: table[key]} if key in table else {})
    if variable in environ:
        given = {key: environ[variable]}
        values = read_values({key: kind}, f"{variable} in the environment: [{name}]", given, strict=False)
    return str(values.get(key, ""))


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
    """A wrong value in one short line. Of a URL only its scheme, of what may be one with a slip only what follows the @:
    the rest may hold a password."""
    if isinstance(value, str) and "://" in value:
        value = value.partition("://")[0] + "://..."
    elif isinstance(value, str) and "@" in value:
        value = "...@" + value.rpartition("@")[2]
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # an integer of 5,000 digits, tables deep in each other
        return "longer than can be shown"
    return text if len(text) <= 100 else text[:100] + "..."


def check_control(control: Control) -> None:
    """What its type cannot say: a limit in bytes of the file system's encoding."""
    if len(os.fsencode(control.path)) > CONTROL_PATH_BYTES:
        raise BadSettings(f"[control] path is {shown(control.path)}; write at most {CONTROL_PATH_BYTES} bytes")


def check_networks(networks: tuple[str, ...], named: str) -> None:
    """What their type cannot say."""
    for each in networks:
        try:
            ipaddress.ip_network(each, strict=False)
        except ValueError:
            raise BadSettings(f"{named} has {shown(each)}; write addresses or networks, for example 10.0.0.0/8") from None


def check_pair(section: str, certificate: str, key: str) -> None:
    """That TLS can be spoken with these two files: found out now, by whoever wrote the names, and not at the next start."""
    for name, file in (("tls_cert", certificate), ("tls_key", key)):
        try:
            with open(file, "rb") as opened:
                opened.read(1)
        except OSError as error:
            raise BadSettings(
                f"{section} {name} is {shown(file)}, which cannot be read: {error.strerror or error}"
            ) from None
    try:
        # An empty pass phrase, or OpenSSL would ask for one at the terminal.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password="")
    except (OSError, ValueError) as error:
        files = f"{section} tls_cert is {shown(certificate)} and tls_key is {shown(key)}"
        raise BadSettings(f"{files}; write a certificate chain and its unencrypted key, PEM files ({error})") from None


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
