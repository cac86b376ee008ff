"""adminapi's settings: what is taken, and what is refused in which words.

What the broker reads too is tested in `tests.protocol.test_settings`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import adminapi.settings
import broker.settings
from adminapi.settings import Place, Settings
from protocol.settings import Control, address
from tests.settings_files import load_text, refusal, tried


def load(path: str | None, environ: Mapping[str, str]) -> Place:
    return adminapi.settings.load(path, None, environ)


def test_the_defaults() -> None:
    place = load(None, {})
    assert (place.data, place.control) == (Path("parley-data"), Path("parley-data/control.sock"))
    assert (place.calls, place.calls_per_app, place.sockets_listen) == (64, 16, "127.0.0.1:7700")
    assert place.tls_listen == ""
    assert (place.admin, place.lists_apps) == (Settings(), False)
    assert msgspec.convert(msgspec.structs.asdict(place.admin), Settings) == Settings()


def test_the_file_goes_over_the_defaults_and_the_environment_over_the_file() -> None:
    text = """
[admin]
public_url = "https://im.example.com:8443/base/"
[control]
calls_per_connection = 32
calls_per_app = 8
path = "/run/c"
[sockets]
listen = "h:1"
anything = "is the broker's to refuse"
[store]
data = "/d"
[log]
level = "debug"
[[app]]
id = "x"
"""
    place = load_text(load, text, {"PARLEY_CONTROL_CALLS_PER_APP": "9", "PARLEY_ADMIN_SERVICE_PORT": "of Kubernetes"})
    assert (place.calls, place.calls_per_app, place.control) == (32, 9, Path("/run/c"))
    assert (place.data, place.files, place.sockets_listen) == (Path("/d"), Path("/d/files"), "h:1")
    assert (place.admin.public_url, place.lists_apps) == ("https://im.example.com:8443/base/", True)
    place = load_text(load, text, {"PARLEY_STORE_DATA": "/e", "PARLEY_SOCKETS_LISTEN": "", "PARLEY_CONTROL_PATH": ""})
    assert load_text(load, text, {"PARLEY_SOCKETS_TLS_LISTEN": "h:3"}).tls_listen == "h:3"
    assert (place.data, place.sockets_listen, place.control) == (Path("/e"), "127.0.0.1:7700", Path("/e/control.sock"))


def test_the_app_of_hisihi_calls_that_name_none() -> None:
    assert load(None, {}).hisihi.app == ""
    text = '[hisihi]\napp = "666666"\n'
    assert load_text(load, text).hisihi.app == "666666"
    assert load_text(load, text, {"PARLEY_HISIHI_APP": "other"}).hisihi.app == "other"
    broker.settings.load(None, {"PARLEY_HISIHI_APP": "other"})
    for wrong in ('app = "a b"', "app = 5", f'app = "{"x" * 65}"'):
        sentence = refusal(load, f"[hisihi]\n{wrong}\n")
        assert "[hisihi] app" in sentence
        assert "the id of an app" in sentence
    assert "'ap'" in refusal(load, '[hisihi]\nap = "x"\n')


ADMIN = [
    ("listen = 5", ["[admin] listen", "5"]),
    ('listen = ""', ["[admin] listen", "host:port"]),
    ('listen = "127.0.0.1:²"', ["[admin] listen", "'127.0.0.1:²'"]),
    ('listen = "a..b:70"', ["[admin] listen", "'a..b:70'"]),
    ('listen = "' + "a" * 300 + ':70"', ["[admin] listen"]),
    ("lissten = 5", ["[admin]", "'lissten'", "public_url"]),
    ('public_url = "ftp://u:hunter2@x"', ["[admin] public_url", "ftp://", "https://host"]),
    ('public_url = "https://"', ["[admin] public_url"]),
    ('public_url = "https:///x"', ["[admin] public_url"]),
    ('public_url = "https://a b"', ["[admin] public_url"]),
    ('public_url = "https://a?b"', ["[admin] public_url"]),
    ('operator_token = "hunter2 hunter2"', ["[admin] operator_token", "without spaces"]),
    ('socket_url = "http://x"', ["[admin] socket_url", "ws://host"]),
    ('socket_url = "wss://a b"', ["[admin] socket_url"]),
    ("operator_token = 5", ["[admin] operator_token"]),
    ("free_bytes = -1", ["[admin] free_bytes", "-1", "from 0 to"]),
    ("free_bytes = 1.5", ["[admin] free_bytes"]),
    ('free_bytes = "5"', ["[admin] free_bytes", "'5'"]),
    ("graceful_seconds = nan", ["[admin] graceful_seconds", "nan", "from 0 to 600"]),
    ("graceful_seconds = inf", ["[admin] graceful_seconds", "inf"]),
    ("graceful_seconds = -0.1", ["[admin] graceful_seconds", "-0.1"]),
]


@pytest.mark.parametrize(("line", "parts"), ADMIN)
def test_a_mistake_in_our_section_is_named_and_the_broker_leaves_it_to_us(line: str, parts: list[str]) -> None:
    sentence = refusal(load, f"[admin]\n{line}\n")
    for part in parts:
        assert part in sentence
    load_text(broker.settings.load, f"[admin]\n{line}\n")


@pytest.mark.parametrize(
    ("variable", "value", "parts"),
    [
        ("PARLEY_ADMIN_LISTEN", "\udcff:70", ["[admin] listen", "UTF-8"]),
        ("PARLEY_ADMIN_LISTENN", "x", ["[admin]", "public_url"]),
        ("PARLEY_ADMIN_FREE_BYTES", "many", ["[admin] free_bytes", "'many'"]),
        ("PARLEY_ADMIN_OPERATOR_TOKEN", "hunter2 hunter2", ["[admin] operator_token"]),
    ],
)
def test_a_mistake_in_the_environment_names_the_variable_too(variable: str, value: str, parts: list[str]) -> None:
    sentence = refusal(load, "", {variable: value})
    for part in (*parts, variable, "in the environment"):
        assert part in sentence


TEXTS = st.text(st.characters(exclude_categories=[]), max_size=30) | st.sampled_from(
    ["", "127.0.0.1:0", "[::1]:5", "h:70", "http://h", "/tmp", "5", "0", "nan", "1,2", "1" * 5000]
)
NAMED = [
    *(("admin", field.name) for field in msgspec.structs.fields(Settings)),
    *(("control", field.name) for field in msgspec.structs.fields(Control)),
    ("sockets", "listen"),
    ("store", "data"),
]
VALUES = st.one_of(
    TEXTS.map(lambda text: json.dumps(text.encode(errors="replace").decode(), ensure_ascii=False)),
    st.integers().map(str),
    st.integers(0, 200).map(str),
    st.floats().map(repr),
    st.sampled_from(["true", "1979-05-27", "[]", "[1, 2]", "{}", '{ a = "b" }', "0x" + "f" * 5000]),
)


@given(
    st.dictionaries(st.sampled_from(NAMED), VALUES, max_size=3),
    st.dictionaries(
        st.sampled_from(NAMED).map(lambda name: f"PARLEY_{name[0]}_{name[1]}".upper())
        | st.text(st.characters(exclude_categories=[]), max_size=20).map("PARLEY_ADMIN_{}".format),
        TEXTS,
        max_size=3,
    ),
)
@settings(deadline=None, max_examples=400)
def test_whatever_is_written_is_taken_or_refused_in_words(
    entries: dict[tuple[str, str], str], environ: dict[str, str]
) -> None:
    text = "".join(f"{section}.{name} = {value}\n" for (section, name), value in entries.items())
    place = tried(load, text, environ)
    if place is None:
        return
    assert place.calls >= 1
    assert place.calls_per_app >= 1
    for given_address in (place.admin.listen, place.sockets_listen):
        host, _ = address(given_address, "listen")
        host.encode("idna")
