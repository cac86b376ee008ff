"""The broker's settings: what is taken, what is refused in which words, and that nothing else ever happens."""

from __future__ import annotations

import ast
import json
import logging
import math
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trustme
from hypothesis import example, given, settings
from hypothesis import strategies as st

import broker.settings
import protocol.apps
import protocol.settings
from broker.settings import Log, Settings, Sockets, StoreSettings, load, read_apps
from protocol.apps import App, AppSettings
from protocol.settings import BadSettings, Control, address

KEYS = {"key": "k", "master_key": "m", "secret": "s"}
SECTIONS: dict[str, type[msgspec.Struct]] = {
    "sockets": Sockets,
    "control": Control,
    "store": StoreSettings,
    "log": Log,
    "app": AppSettings,
}


def load_text(text: str | bytes, environ: Mapping[str, str] | None = None) -> Settings:
    with tempfile.NamedTemporaryFile(suffix=".toml") as file:
        file.write(text.encode() if isinstance(text, str) else text)
        file.flush()
        return load(file.name, environ or {})


def refusal(text: str | bytes, environ: Mapping[str, str] | None = None) -> str:
    with pytest.raises(BadSettings) as caught:
        load_text(text, environ)
    return check(str(caught.value))


def check(sentence: str) -> str:
    assert sentence.isprintable()
    assert len(sentence) < 1000
    return sentence


def app(**values: object) -> str:
    lines = [f"{name} = {json.dumps(value)}" for name, value in {"id": "a", **KEYS, **values}.items()]
    return "\n".join(["[[app]]", *lines]) + "\n"


def test_without_a_file_the_defaults_hold() -> None:
    assert load(None, {}) == Settings()
    assert load_text("") == Settings()


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
    found = load_text(text, environ)
    assert (found.sockets.turn_ms, found.sockets.ping_seconds, found.sockets.tcp_listen) == (5.0, 12.5, "[::1]:7701")
    assert (found.control.uids, found.store.tail_bytes, found.log.level) == ((1000, 1001), 65536, "debug")
    assert load_text(text, {"PARLEY_CONTROL_UIDS": ""}).control.uids == ()


def test_an_app_is_one_flat_table() -> None:
    (found,) = load_text(app(id="x_1.y-z", sends_per_minute=0, multi_login="device")).apps
    chosen = AppSettings(sends_per_minute=0, multi_login="device")
    assert found == App(id="x_1.y-z", key="k", master_key="m", secret="s", settings=chosen)
    assert read_apps([]) == ()


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        # Not a file of settings
        ("[[[", ["is not TOML"]),
        (b'[sockets]\nlisten = "\xff"\n', ["is not TOML in UTF-8"]),
        ("x = " + "[" * 5000 + "]" * 5000, ["too deep"]),
        ("x = " + "9" * 5000, ["is not TOML"]),
        # Names nobody reads
        ("[[apps]]\n" + 'id = "a"\n', ["'apps'", "[[app]]"]),
        ("[socket]\n", ["'socket'", "[sockets]"]),
        ('listen = "127.0.0.1:70"\n', ["'listen'", "[sockets]"]),
        ("apps = []\n", ["'apps'"]),
        ("[sockets]\nlissten = 5\n", ["[sockets]", "'lissten'", "tcp_listen"]),
        ("[sockets]\n" + "a" * 5000 + " = 5\n", ["[sockets]", "listen"]),
        ("sockets = []\n", ["[sockets]", "[]"]),
        ("admin = 5\n", ["[admin]", "5"]),
        # Addresses
        ("[sockets]\nlisten = 5\n", ["[sockets] listen is 5;", "host:port"]),
        ("[sockets]\nlisten." + "a." * 5000 + "b = 5\n", ["[sockets] listen", "longer"]),
        ('[sockets]\nlisten = "foo"\n', ["[sockets] listen", "'foo'", "host:port"]),
        ('[sockets]\nlisten = ":7700"\n', ["[sockets] listen", "host:port"]),
        ('[sockets]\nlisten = "127.0.0.1:²"\n', ["[sockets] listen", "'127.0.0.1:²'"]),
        ('[sockets]\nlisten = "127.0.0.1:\u0667\u0667"\n', ["[sockets] listen"]),
        ('[sockets]\nlisten = "127.0.0.1:99999"\n', ["[sockets] listen", "99999"]),
        ('[sockets]\ntcp_listen = "a..b:70"\n', ["[sockets] tcp_listen", "'a..b:70'"]),
        ('[sockets]\nlisten = "' + "a" * 300 + ':70"\n', ["[sockets] listen", "aaa..."]),
        ('[sockets]\nlisten = "' + "a." * 200 + 'a:70"\n', ["[sockets] listen"]),
        ('[sockets]\nlisten = "a\\u0000b:70"\n', ["[sockets] listen", r"a\x00b"]),
        ('[sockets]\nlisten = "127.0.0.300:70"\n', ["[sockets] listen", "127.0.0.300"]),
        ('[sockets]\nlisten = "[::g]:70"\n', ["[sockets] listen", "[ipv6]:port"]),
        ('[sockets]\nlisten = "::1:70"\n', ["[sockets] listen", "[ipv6]:port"]),
        ('[sockets]\nlisten = "[fe80::1%' + "a" * 80 + ']:70"\n', ["[sockets] listen"]),
        # Paths
        ('[control]\npath = "/run/a\\u0000b"\n', ["[control] path", "control characters"]),
        ('[control]\npath = "/tmp/' + "x" * 200 + '"\n', ["[control] path", "107 bytes"]),
        ('[control]\npath = "/tmp/' + "é" * 53 + '"\n', ["[control] path", "107 bytes"]),
        ('[store]\ndata = "a\\u0000b"\n', ["[store] data", "control characters"]),
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
        ('[store]\nurl = "postgresql://u:hunter2@h/d"\n', ["[store] url", "postgresql://", "no other store"]),
        # Users
        ('[control]\nuids = ["a"]\n', ["[control] uids", "['a']", "list of numeric user ids"]),
        ("[control]\nuids = [-1]\n", ["[control] uids", "[-1]"]),
        ("[control]\nuids = 5\n", ["[control] uids", "5"]),
        # Numbers: their ranges are below
        ('[sockets]\nturn_ms = "5"\n', ["[sockets] turn_ms", "'5'", "a number from 0.1 to 1000"]),
        ("[sockets]\nfragments = true\n", ["[sockets] fragments", "a whole number"]),
        ("[sockets]\nfragments = 1979-05-27\n", ["[sockets] fragments", "a whole number"]),
        ("[sockets]\nfragments = 0x" + "f" * 5000 + "\n", ["[sockets] fragments", "longer"]),
        ("[store]\njournal_bytes = 67108864\n", ["[store] journal_bytes", "67108864", "twice segment_bytes", "134217728"]),
        # Apps
        ("app = 5\n", ["[[app]]"]),
        ("app = [5]\n", ["[[app]]"]),
        ('[app]\nid = "a"\n', ["[[app]]"]),
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
    sentence = refusal(text)
    for part in parts:
        assert part in sentence
    assert "hunter2" not in sentence


NUMBERS = [
    (section, field.name)
    for section, kind in SECTIONS.items()
    for field in msgspec.structs.fields(kind)
    if isinstance(msgspec.inspect.type_info(field.type), msgspec.inspect.IntType | msgspec.inspect.FloatType)
]
OFF = {"connections", "free_bytes", "temporary_days", "message_days", "file_days"}
OFF |= {"sends_per_minute", "history_per_minute", "others_per_minute", "frames_per_second"}


@pytest.mark.parametrize(("section", "key"), NUMBERS)
def test_a_number_has_two_ends_and_is_finite(section: str, key: str) -> None:
    begin = f"[{section}]\n" if section != "app" else app()
    for value in ("-1", "nan", "inf", "-inf", "9223372036854775807", "1" + "0" * 30, '"5"', "false", "[]"):
        sentence = refusal(f"{begin}{key} = {value}\n")
        assert f" {key} is " in sentence
        assert " from " in sentence
        assert ("[[app]] id = 'a'" if section == "app" else f"[{section}]") in sentence
    if key in OFF:
        load_text(f"{begin}{key} = 0\n")
    else:
        assert f" {key} is 0;" in refusal(f"{begin}{key} = 0\n")


@pytest.mark.parametrize(
    ("variable", "value", "parts"),
    [
        ("PARLEY_SOCKETS_PING_SECONDS", "abc", ["[sockets] ping_seconds", "'abc'", "a number from"]),
        ("PARLEY_SOCKETS_PING_SECONDS", "", ["[sockets] ping_seconds", "''"]),
        ("PARLEY_SOCKETS_PING_SECONDS", "nan", ["[sockets] ping_seconds"]),
        ("PARLEY_SOCKETS_TURN_MS", "\udcff", ["[sockets] turn_ms", r"'\udcff'"]),
        ("PARLEY_SOCKETS_LISTEN", "nowhere", ["[sockets] listen", "'nowhere'"]),
        ("PARLEY_SOCKETS_LISTEN", "\udcff:70", ["[sockets] listen", "UTF-8"]),
        ("PARLEY_STORE_DATA", "/\udcff", ["[store] data"]),
        ("PARLEY_STORE_URL", "mysql://root:hunter2@h", ["[store] url", "no other store"]),
        ("PARLEY_CONTROL_UIDS", "1,a", ["[control] uids", "['1', 'a']"]),
        ("PARLEY_CONTROL_UIDS", "\udcff", ["[control] uids"]),
        ("PARLEY_LOG_LEVEL", "INFO", ["[log] level", "'INFO'", '"info"']),
        ("PARLEY_SOCKETS_LISTENN", "x", ["[sockets]", "LISTENN", "listen,"]),
        ("PARLEY_SOCKETS_listen", "127.0.0.1:5", ["[sockets]"]),
        ("PARLEY_SOCKETS_\udcff", "x", ["[sockets]"]),
        ("PARLEY_SOCKETS_", "x", ["[sockets]"]),
    ],
)
def test_a_mistake_in_the_environment_names_the_variable_too(variable: str, value: str, parts: list[str]) -> None:
    sentence = refusal("", {variable: value})
    for part in (*parts, "PARLEY_", "in the environment"):
        assert part in sentence
    assert "hunter2" not in sentence


def test_a_mistake_in_the_file_is_refused_although_the_environment_covers_it() -> None:
    assert "[sockets] turn_ms is -1" in refusal("[sockets]\nturn_ms = -1\n", {"PARLEY_SOCKETS_TURN_MS": "2"})
    assert "[sockets] listen is 'a'" in refusal('[sockets]\nlisten = "a"\n', {"PARLEY_SOCKETS_LISTEN": "127.0.0.1:0"})


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing", "a\0b", "x" * 5000):
        with pytest.raises(BadSettings) as caught:
            load(str(path), {})
        assert str(path) in str(caught.value)


def tls(cert: Path, key: Path) -> str:
    return f'[sockets]\ntls_listen = "127.0.0.1:0"\ntls_cert = "{cert}"\ntls_key = "{key}"\n'


def test_tls_files_are_tried_when_they_are_named(tmp_path: Path) -> None:
    issued = trustme.CA().issue_cert("127.0.0.1")
    cert, key, other = tmp_path / "cert.pem", tmp_path / "key.pem", tmp_path / "other.pem"
    issued.private_key_pem.write_to_path(key)
    issued.cert_chain_pems[0].write_to_path(cert)
    trustme.CA().issue_cert("127.0.0.1").private_key_pem.write_to_path(other)
    assert load_text(tls(cert, key)).sockets.tls_key == str(key)
    for bad in (other, cert):
        sentence = refusal(tls(cert, bad))
        assert "tls_cert" in sentence
        assert str(bad) in sentence
    assert str(tmp_path / "gone.pem") in refusal(tls(cert, tmp_path / "gone.pem"))
    assert "Is a directory" in refusal(tls(cert, tmp_path))
    if os.geteuid() != 0:
        key.chmod(0)
        assert "Permission denied" in refusal(tls(cert, key))


def test_a_key_with_a_pass_phrase_is_refused_and_nobody_is_asked_for_it(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization as s

    issued = trustme.CA().issue_cert("127.0.0.1")
    private = s.load_pem_private_key(issued.private_key_pem.bytes(), None)
    locked = private.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.BestAvailableEncryption(b"x"))
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    issued.cert_chain_pems[0].write_to_path(cert)
    key.write_bytes(locked)
    assert "unencrypted key" in refusal(tls(cert, key))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.1:0", ("127.0.0.1", 0)),
        ("0.0.0.0:65535", ("0.0.0.0", 65535)),
        ("[::]:7700", ("::", 7700)),
        ("[::ffff:1.2.3.4]:1", ("::ffff:1.2.3.4", 1)),
        ("[fe80::1%eth0.5]:1", ("fe80::1%eth0.5", 1)),
        ("localhost:80", ("localhost", 80)),
        ("my_broker-1.example.com.:80", ("my_broker-1.example.com.", 80)),
    ],
)
def test_addresses_are_split(text: str, expected: tuple[str, int]) -> None:
    assert address(text) == expected


@given(st.one_of(st.text(), st.from_regex(r"\A[a-z0-9.%:_\[\]-]{0,70}:[0-9]{1,5}\Z")))
@settings(deadline=None)
@example("[fe80::1%a..b]:1")
@example("1.2.3.4.:1")
def test_an_address_that_passes_can_be_looked_up(text: str) -> None:
    try:
        host, port = address(text)
    except BadSettings:
        return
    assert 0 <= port <= 65535
    host.encode("idna")  # the step of getaddrinfo that raised UnicodeError
    assert host
    assert "\0" not in host


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
    try:
        found = load_text(file_of(entries, odd), environ)
    except BadSettings as error:
        check(str(error))
        return
    assert all(math.isfinite(number) and number >= 0 for number in numbers(found))
    assert found.log.level.upper() in logging.getLevelNamesMapping()
    for key in ("listen", "tcp_listen", "tls_listen"):
        if given_address := getattr(found.sockets, key):
            address(given_address)


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
@settings(deadline=None)
def test_any_bytes_are_a_file_of_settings_or_refused(raw: bytes) -> None:
    try:
        load_text(raw)
    except BadSettings as error:
        check(str(error))


@pytest.mark.parametrize(
    ("module", "kinds"),
    [
        (broker.settings, ("Sockets", "StoreSettings", "Log")),
        (protocol.settings, ("Control",)),
        (protocol.apps, ("AppSettings",)),
    ],
)
def test_every_setting_is_explained_beneath_it(module: Any, kinds: tuple[str, ...]) -> None:
    tree = ast.parse(Path(module.__file__).read_text())
    classes = {node.name: node.body for node in tree.body if isinstance(node, ast.ClassDef)}
    for kind in kinds:
        for line, after in zip(classes[kind], [*classes[kind][1:], None], strict=True):
            if isinstance(line, ast.AnnAssign):
                assert isinstance(after, ast.Expr), ast.unparse(line)
