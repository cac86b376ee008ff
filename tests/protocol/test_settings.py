"""The one settings file of both programs: what both read is refused by both in the same words, before anything starts;
what an address may be; and that every setting is explained. Each program's own sections are tested beside it."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import adminapi.settings
import broker.settings
import protocol.apps
import protocol.settings
from adminapi.settings import Place
from protocol.settings import BadSettings, address, read_tables
from tests.settings_files import NOTHING, refusal


def admin(path: str, environ: Mapping[str, str]) -> Place:
    return adminapi.settings.load(path, None, environ)


def refused_by_both(text: str | bytes, environ: Mapping[str, str] = NOTHING) -> str:
    sentence = refusal(broker.settings.load, text, environ)
    assert sentence == refusal(admin, text, environ)
    return sentence


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing", "a\0b", "x" * 5000):
        with pytest.raises(BadSettings) as caught:
            read_tables(str(path))
        assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        # Not a file of settings
        ("[[[", ["is not TOML"]),
        (b'[sockets]\nlisten = "\xff"\n', ["is not TOML in UTF-8"]),
        ("x = " + "[" * 5000 + "]" * 5000, ["too deep"]),
        ("x = " + "9" * 5000, ["is not TOML"]),
        # Names nobody reads
        ("x = 5\n", ["'x'", "[admin]"]),
        ("[socket]\n", ["'socket'", "[sockets]"]),
        ('listen = "127.0.0.1:70"\n', ["'listen'", "[sockets]"]),
        ("[[apps]]\n" + 'id = "a"\n', ["'apps'", "[[app]]"]),
        ("apps = []\n", ["'apps'"]),
        ("[control]\ncalls = 5\n", ["[control]", "'calls'", "calls_per_app"]),
        # Sections that are none
        ("admin = 5\n", ["[admin]", "5"]),
        ("control = 5\n", ["[control]", "5"]),
        ("log = []\n", ["[log]"]),
        ("sockets = []\n", ["[sockets]", "[]"]),
        ("store = 5\n", ["[store]"]),
        ("app = 5\n", ["[[app]]"]),
        ("app = [5]\n", ["[[app]]"]),
        ('[app]\nid = "a"\n', ["[[app]]"]),
        # Addresses
        ("[sockets]\nlisten = 5\n", ["[sockets] listen is 5;", "host:port"]),
        ("[sockets]\nlisten." + "a." * 5000 + "b = 5\n", ["[sockets] listen", "host:port"]),
        ('[sockets]\nlisten = "foo"\n', ["[sockets] listen", "'foo'", "host:port"]),
        ('[sockets]\nlisten = ":7700"\n', ["[sockets] listen", "host:port"]),
        ('[sockets]\nlisten = "127.0.0.1:²"\n', ["[sockets] listen", "'127.0.0.1:²'"]),
        ('[sockets]\nlisten = "127.0.0.1:\u0667\u0667"\n', ["[sockets] listen"]),
        ('[sockets]\nlisten = "127.0.0.1:99999"\n', ["[sockets] listen", "99999"]),
        ('[sockets]\nlisten = "' + "a" * 300 + ':70"\n', ["[sockets] listen", "aaa..."]),
        ('[sockets]\nlisten = "' + "a." * 200 + 'a:70"\n', ["[sockets] listen"]),
        ('[sockets]\nlisten = "a\\u0000b:70"\n', ["[sockets] listen", r"a\x00b"]),
        ('[sockets]\nlisten = "127.0.0.300:70"\n', ["[sockets] listen", "127.0.0.300"]),
        ('[sockets]\nlisten = "[::g]:70"\n', ["[sockets] listen", "[ipv6]:port"]),
        ('[sockets]\nlisten = "::1:70"\n', ["[sockets] listen", "[ipv6]:port"]),
        ('[sockets]\nlisten = "[fe80::1%' + "a" * 80 + ']:70"\n', ["[sockets] listen"]),
        # Paths
        ("[control]\npath = 5\n", ["[control] path", "5"]),
        ('[control]\npath = "/run/a\\u0000b"\n', ["[control] path", "control characters"]),
        ('[control]\npath = "/tmp/' + "x" * 200 + '"\n', ["[control] path", "107 bytes"]),
        ('[control]\npath = "/tmp/' + "é" * 53 + '"\n', ["[control] path", "107 bytes"]),
        ('[store]\ndata = "a\\u0000b"\n', ["[store] data", "control characters"]),
        ("[store]\ndata = 5\n", ["[store] data", "5"]),
        # Numbers
        ("[control]\ncalls_per_connection = 0\n", ["[control] calls_per_connection is 0", "from 1 to 128"]),
        ("[control]\ncalls_per_app = -1\n", ["[control] calls_per_app is -1", "from 1 to 128"]),
        ("[control]\ncalls_per_app = 100000\n", ["[control] calls_per_app"]),
        ("[control]\ncalls_per_app = nan\n", ["[control] calls_per_app is nan"]),
        ("[control]\nframe_bytes = 5\n", ["[control] frame_bytes is 5"]),
        # Users
        ('[control]\nuids = ["a"]\n', ["[control] uids", "['a']", "list of numeric user ids"]),
        ("[control]\nuids = [-1]\n", ["[control] uids", "[-1]"]),
        ("[control]\nuids = 5\n", ["[control] uids", "5"]),
    ],
)
def test_a_mistake_in_what_both_read_is_refused_by_both_in_the_same_words(text: str | bytes, parts: list[str]) -> None:
    sentence = refused_by_both(text)
    for part in parts:
        assert part in sentence


@pytest.mark.parametrize(
    ("variable", "value", "parts"),
    [
        ("PARLEY_SOCKETS_LISTEN", "nowhere", ["[sockets] listen", "'nowhere'"]),
        ("PARLEY_SOCKETS_LISTEN", "\udcff", ["[sockets] listen"]),
        ("PARLEY_SOCKETS_LISTEN", "\udcff:70", ["[sockets] listen", "UTF-8"]),
        ("PARLEY_STORE_DATA", "\udcff", ["[store] data"]),
        ("PARLEY_STORE_DATA", "/\udcff", ["[store] data"]),
        ("PARLEY_CONTROL_CALLS_PER_APP", "0", ["[control] calls_per_app", "'0'"]),
        ("PARLEY_CONTROL_UIDS", "a", ["[control] uids"]),
        ("PARLEY_CONTROL_UIDS", "1,a", ["[control] uids", "['1', 'a']"]),
        ("PARLEY_CONTROL_UIDS", "\udcff", ["[control] uids"]),
    ],
)
def test_a_mistake_in_the_environment_names_the_variable_too(variable: str, value: str, parts: list[str]) -> None:
    sentence = refused_by_both("", {variable: value})
    for part in (*parts, variable, "in the environment"):
        assert part in sentence


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


@pytest.mark.parametrize(
    ("module", "kinds"),
    [
        (broker.settings, ("Sockets", "StoreSettings")),
        (adminapi.settings, ("Settings",)),
        (protocol.settings, ("Control", "Log")),
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
