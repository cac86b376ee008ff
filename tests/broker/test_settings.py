"""The broker's settings: what is taken, what is refused in which words, and that nothing else ever happens.

What adminapi reads too is tested in `tests.protocol.test_settings`.
"""

from __future__ import annotations

import json
import logging
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trustme
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.settings import Log, Settings, Sockets, StoreSettings, load, read_apps
from protocol.apps import App, AppSettings
from protocol.settings import Control, address
from tests.settings_files import load_text, refusal, tried

KEYS = {"key": "k", "master_key": "m", "secret": "s"}
SECTIONS: dict[str, type[msgspec.Struct]] = {
    "sockets": Sockets,
    "control": Control,
    "store": StoreSettings,
    "log": Log,
    "app": AppSettings,
}


def app(**values: object) -> str:
    lines = [f"{name} = {json.dumps(value)}" for name, value in {"id": "a", **KEYS, **values}.items()]
    return "\n".join(["[[app]]", *lines]) + "\n"


def test_without_a_file_the_defaults_hold() -> None:
    assert load(None, {}) == Settings()
    assert load_text(load, "") == Settings()


def test_every_default_is_a_value_the_file_may_have() -> None:
    for name in ("sockets", "control", "store", "log"):
        section = getattr(Settings(), name)
        assert msgspec.convert(msgspec.structs.asdict(section), type(section)) == section
    assert msgspec.convert(msgspec.structs.asdict(AppSettings()), AppSettings) == AppSettings()


def test_the_file_goes_over_the_defaults_and_the_environment_over_the_file() -> None:
    text = '[sockets]\nturn_ms = 5\nping_seconds = 30\n[control]\nuids = [7]\n[log]\nlevel = "debug"\n[admin]\nx = 1\n'
    environ = {
        "PARLEY_SOCKETS_PING_SECONDS": "12.5",
        "PARLEY_SOCKETS_TCP_LISTEN": "[::1]:7701",
        "PARLEY_CONTROL_UIDS": "1000, 1001",
        "PARLEY_STORE_TAIL_BYTES": "65536",
        "PARLEY_ADMIN_LISTEN": "not ours",
        "PARLEY_HOME": "not ours",
        "PARLEY_CONTROL_SERVICE_HOST": "of Kubernetes",
        "PARLEY_CONTROL_PORT_80_TCP": "of Kubernetes",
    }
    found = load_text(load, text, environ)
    assert (found.sockets.turn_ms, found.sockets.ping_seconds, found.sockets.tcp_listen) == (5.0, 12.5, "[::1]:7701")
    assert (found.control.uids, found.store.tail_bytes, found.log.level) == ((1000, 1001), 65536, "debug")
    assert load_text(load, text, {"PARLEY_CONTROL_UIDS": ""}).control.uids == ()


def test_an_app_is_one_flat_table() -> None:
    (found,) = load_text(load, app(id="x_1.y-z", sends_per_minute=0, multi_login="device")).apps
    chosen = AppSettings(sends_per_minute=0, multi_login="device")
    assert found == App(id="x_1.y-z", key="k", master_key="m", secret="s", settings=chosen)
    assert read_apps([]) == ()


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        # Names nobody reads
        ("[sockets]\nlissten = 5\n", ["[sockets]", "'lissten'", "tcp_listen"]),
        ("[sockets]\n" + "a" * 5000 + " = 5\n", ["[sockets]", "listen"]),
        # Addresses and paths
        ('[sockets]\ntcp_listen = "a..b:70"\n', ["[sockets] tcp_listen", "'a..b:70'"]),
        ('[sockets]\ntls_cert = "a\\u0000"\n', ["[sockets] tls_cert", "control characters"]),
        # TLS
        ('[sockets]\ntls_listen = "127.0.0.1:0"\n', ["[sockets] tls_listen", "tls_cert and tls_key"]),
        ('[sockets]\ntls_listen = "127.0.0.1:0"\ntls_cert = "/x"\n', ["[sockets] tls_listen", "tls_cert and tls_key"]),
        (
            '[sockets]\ntls_listen = "127.0.0.1:0"\ntls_cert = "/no/cert.pem"\ntls_key = "/no/key.pem"\n',
            ["[sockets] tls_cert", "'/no/cert.pem'", "No such file"],
        ),
        # Words out of a list
        ('[log]\nlevel = "foo"\n', ["[log] level", "'foo'", '"info"']),
        ('[log]\nlevel = ""\n', ["[log] level", "''", '"info"']),
        ('[store]\nurl = "mysql://root:hunter2@h/d"\n', ["[store] url", "mysql://", '"sqlite"']),
        ('[store]\nurl = "postgresql:/u:hunter2@h/d"\n', ["[store] url", "...@h/d", "postgresql://user"]),
        ('[store]\nurl = "postgresql://u:hunter2@h"\n', ["[store] url", "postgresql://...", "host/database"]),
        ('[store]\nurl = "postgresql://u:hunter2/x@h/d"\n', ["[store] url", "postgresql://...", "% escapes"]),
        # Numbers: their ranges are below
        ('[sockets]\nturn_ms = "5"\n', ["[sockets] turn_ms", "'5'", "a number from 0.1 to 1000"]),
        ("[sockets]\nfragments = true\n", ["[sockets] fragments", "a whole number"]),
        ("[sockets]\nfragments = 1979-05-27\n", ["[sockets] fragments", "a whole number"]),
        ("[sockets]\nfragments = 0x" + "f" * 5000 + "\n", ["[sockets] fragments", "longer"]),
        ("[store]\njournal_bytes = 67108864\n", ["[store] journal_bytes", "67108864", "twice segment_bytes", "134217728"]),
        # Apps
        ('[[app]]\nid = "a"\n', ["[[app]] id = 'a'", "key is missing"]),
        ('[[app]]\nkey = "a"\n', ["[[app]] number 1", "id is missing"]),
        (app() + app(), ["[[app]] id = 'a'", "twice"]),
        (app(id=5), ["[[app]] id = 5", "1 to 64"]),
        (app(id="a/../b"), ["[[app]]", "'a/../b'", "1 to 64"]),
        (app(id="a" * 65), ["[[app]]", "1 to 64"]),
        (app(id=" "), ["[[app]]", "1 to 64"]),
        (app(id=""), ["[[app]]", "1 to 64"]),
        (app(id="a\n"), ["[[app]]", "1 to 64"]),
        (app(key=""), ["[[app]] id = 'a': key", "printable"]),
        (app(secret="hunter2 hunter2"), ["[[app]] id = 'a': secret", "without spaces"]),
        (app(token_required=1), ["[[app]] id = 'a': token_required", "true or false"]),
        (app(multi_login="foo"), ["[[app]] id = 'a': multi_login", "'foo'", '"device"']),
        (app(sends_per_hour=1), ["[[app]] id = 'a':", "'sends_per_hour'", "sends_per_minute"]),
        (app(rev=1), ["[[app]] id = 'a':", "'rev'"]),
        (app(message_days=9_999_999_999), ["[[app]] id = 'a': message_days", "0 to 36500"]),
    ],
)
def test_a_mistake_is_named_with_its_key_its_value_and_what_is_allowed(text: str | bytes, parts: list[str]) -> None:
    sentence = refusal(load, text)
    for part in parts:
        assert part in sentence


NUMBERS = [
    (section, field.name)
    for section, kind in SECTIONS.items()
    for field in msgspec.structs.fields(kind)
    if isinstance(msgspec.inspect.type_info(field.type), msgspec.inspect.IntType | msgspec.inspect.FloatType)
]
OFF = {
    "connections_per_address",
    "connections",
    "free_bytes",
    "journal_seconds",
    "wrong_proofs",
    "wrong_proof_seconds",
    "requests_per_second",
    "temporary_days",
    "message_days",
    "file_days",
}
OFF |= {
    "calls_per_minute",
    "sign_window_seconds",
    "sends_per_minute",
    "history_per_minute",
    "others_per_minute",
    "frames_per_second",
}


@pytest.mark.parametrize(("section", "key"), NUMBERS)
def test_a_number_has_two_ends_and_is_finite(section: str, key: str) -> None:
    begin = f"[{section}]\n" if section != "app" else app()
    for value in ("-1", "nan", "inf", "-inf", "9223372036854775807", "1" + "0" * 30, '"5"', "false", "[]"):
        sentence = refusal(load, f"{begin}{key} = {value}\n")
        assert f" {key} is " in sentence
        assert " from " in sentence
        assert ("[[app]] id = 'a'" if section == "app" else f"[{section}]") in sentence
    if key in OFF:
        load_text(load, f"{begin}{key} = 0\n")
    else:
        assert f" {key} is 0;" in refusal(load, f"{begin}{key} = 0\n")


@pytest.mark.parametrize(
    ("variable", "value", "parts"),
    [
        ("PARLEY_SOCKETS_PING_SECONDS", "abc", ["[sockets] ping_seconds", "'abc'", "a number from"]),
        ("PARLEY_SOCKETS_PING_SECONDS", "", ["[sockets] ping_seconds", "''"]),
        ("PARLEY_SOCKETS_PING_SECONDS", "nan", ["[sockets] ping_seconds"]),
        ("PARLEY_SOCKETS_TURN_MS", "\udcff", ["[sockets] turn_ms", r"'\udcff'"]),
        ("PARLEY_STORE_URL", "mysql://root:hunter2@h", ["[store] url", "mysql://...", '"sqlite"']),
        ("PARLEY_LOG_LEVEL", "INFO", ["[log] level", "'INFO'", '"info"']),
        ("PARLEY_SOCKETS_LISTENN", "x", ["[sockets]", "LISTENN", "listen,"]),
        ("PARLEY_SOCKETS_listen", "127.0.0.1:5", ["[sockets]"]),
        ("PARLEY_SOCKETS_\udcff", "x", ["[sockets]"]),
        ("PARLEY_SOCKETS_", "x", ["[sockets]"]),
    ],
)
def test_a_mistake_in_the_environment_names_the_variable_too(variable: str, value: str, parts: list[str]) -> None:
    sentence = refusal(load, "", {variable: value})
    for part in (*parts, "PARLEY_", "in the environment"):
        assert part in sentence


def test_a_mistake_in_the_file_is_refused_although_the_environment_covers_it() -> None:
    assert "[sockets] turn_ms is -1" in refusal(load, "[sockets]\nturn_ms = -1\n", {"PARLEY_SOCKETS_TURN_MS": "2"})
    assert "[sockets] listen is 'a'" in refusal(load, '[sockets]\nlisten = "a"\n', {"PARLEY_SOCKETS_LISTEN": "127.0.0.1:0"})


def tls(cert: Path, key: Path) -> str:
    return f'[sockets]\ntls_listen = "127.0.0.1:0"\ntls_cert = "{cert}"\ntls_key = "{key}"\n'


def test_tls_files_are_tried_when_they_are_named(tmp_path: Path) -> None:
    issued = trustme.CA().issue_cert("127.0.0.1")
    cert, key, other = tmp_path / "cert.pem", tmp_path / "key.pem", tmp_path / "other.pem"
    issued.private_key_pem.write_to_path(key)
    issued.cert_chain_pems[0].write_to_path(cert)
    trustme.CA().issue_cert("127.0.0.1").private_key_pem.write_to_path(other)
    assert load_text(load, tls(cert, key)).sockets.tls_key == str(key)
    for bad in (other, cert):
        sentence = refusal(load, tls(cert, bad))
        assert "tls_cert" in sentence
        assert str(bad) in sentence
    assert str(tmp_path / "gone.pem") in refusal(load, tls(cert, tmp_path / "gone.pem"))
    assert "Is a directory" in refusal(load, tls(cert, tmp_path))
    if os.geteuid() != 0:
        key.chmod(0)
        assert "Permission denied" in refusal(load, tls(cert, key))


def test_a_key_with_a_pass_phrase_is_refused_and_nobody_is_asked_for_it(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization as s

    issued = trustme.CA().issue_cert("127.0.0.1")
    private = s.load_pem_private_key(issued.private_key_pem.bytes(), None)
    locked = private.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.BestAvailableEncryption(b"x"))
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    issued.cert_chain_pems[0].write_to_path(cert)
    key.write_bytes(locked)
    assert "unencrypted key" in refusal(load, tls(cert, key))


def toml_text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


LEAVES = st.one_of(
    st.integers().map(str),
    st.integers(0, 1 << 20).map(str),
    st.floats().map(repr),
    st.booleans().map(lambda value: str(value).lower()),
    st.dates().map(lambda value: value.isoformat()),
    st.text().map(toml_text),
    st.sampled_from(["", "127.0.0.1:0", "[::1]:5", "a", "sqlite", "info", "device", "/tmp"]).map(toml_text),
    st.sampled_from(["0x" + "f" * 5000, "9" * 5000, "[" * 3000 + "]" * 3000]),
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3).map(", ".join).map("[{}]".format) | inner.map("{{ a = {} }}".format),
    max_leaves=4,
)
NAMES = {section: [field.name for field in msgspec.structs.fields(kind)] for section, kind in SECTIONS.items()}
NAMES["app"] += ["id", *KEYS]
ENTRIES = st.sampled_from([(section, name) for section, names in NAMES.items() for name in names])


def file_of(entries: Mapping[tuple[str, str], str], odd: str) -> str:
    lines = [odd]
    for section in SECTIONS:
        found = {name: value for (of, name), value in entries.items() if of == section}
        if section == "app" and found:
            found = {"id": '"a"', **{name: '"k"' for name in KEYS}, **found}
        lines += [f"[[{section}]]" if section == "app" else f"[{section}]"] if found else []
        lines += [f"{name} = {value}" for name, value in found.items()]
    return "\n".join(lines)


def numbers(value: Any) -> list[float]:
    if isinstance(value, msgspec.Struct):
        return [number for name in value.__struct_fields__ for number in numbers(getattr(value, name))]
    if isinstance(value, tuple):
        return [number for item in value for number in numbers(item)]
    return [value] if isinstance(value, int | float) else []


ENVIRON = st.dictionaries(
    st.one_of(
        st.text(st.characters(exclude_categories=[]), max_size=30).map("PARLEY_{}".format),
        ENTRIES.map(lambda entry: f"PARLEY_{entry[0]}_{entry[1]}".upper()),
    ),
    st.one_of(
        st.text(st.characters(exclude_categories=[]), max_size=30),
        st.binary(max_size=30).map(lambda raw: raw.decode("utf-8", "surrogateescape")),
        st.integers().map(str),
        st.floats().map(str),
        st.sampled_from(["", "127.0.0.1:0", "1,2", "0", "5", "1" * 5000]),
    ),
    max_size=4,
)


@given(st.dictionaries(ENTRIES, VALUES, max_size=3), st.sampled_from(["", "", "", "x = 1", "[y]", "\0"]), ENVIRON)
@settings(deadline=None, max_examples=400)
def test_whatever_is_written_is_taken_or_refused_in_words(
    entries: dict[tuple[str, str], str], odd: str, environ: dict[str, str]
) -> None:
    found = tried(load, file_of(entries, odd), environ)
    if found is None:
        return
    assert all(math.isfinite(number) and number >= 0 for number in numbers(found))
    assert found.log.level.upper() in logging.getLevelNamesMapping()
    for key in ("listen", "tcp_listen", "tls_listen"):
        if given_address := getattr(found.sockets, key):
            address(given_address)


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
@settings(deadline=None)
def test_any_bytes_are_a_file_of_settings_or_refused(raw: bytes) -> None:
    tried(load, raw)
