"""adminapi's settings: what is taken, what is refused in which words, and that the broker says the same of the same file."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import broker.settings
from adminapi.settings import Place, Settings, load
from protocol.settings import BadSettings, Control, address


def load_text(text: str | bytes, environ: Mapping[str, str] | None = None) -> Place:
    with tempfile.NamedTemporaryFile(suffix=".toml") as file:
        file.write(text.encode() if isinstance(text, str) else text)
        file.flush()
        return load(file.name, None, environ or {})


def refusal(text: str | bytes, environ: Mapping[str, str] | None = None) -> str:
    with pytest.raises(BadSettings) as caught:
        load_text(text, environ)
    return check(str(caught.value))


def check(sentence: str) -> str:
    assert sentence.isprintable()
    assert len(sentence) < 1000
    return sentence


def test_the_defaults() -> None:
    place = load(None, None, {})
    assert (place.data, place.control) == (Path("parley-data"), Path("parley-data/control.sock"))
    assert (place.calls, place.calls_per_app, place.sockets_listen) == (64, 16, "127.0.0.1:7700")
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
level = 5
[[app]]
id = "x"
"""
    place = load_text(text, {"PARLEY_CONTROL_CALLS_PER_APP": "9", "PARLEY_ADMIN_SERVICE_PORT": "of Kubernetes"})
    assert (place.calls, place.calls_per_app, place.control) == (32, 9, Path("/run/c"))
    assert (place.data, place.files, place.sockets_listen) == (Path("/d"), Path("/d/files"), "h:1")
    assert (place.admin.public_url, place.lists_apps) == ("https://im.example.com:8443/base/", True)
    place = load_text(text, {"PARLEY_STORE_DATA": "/e", "PARLEY_SOCKETS_LISTEN": "", "PARLEY_CONTROL_PATH": ""})
    assert (place.data, place.sockets_listen, place.control) == (Path("/e"), "127.0.0.1:7700", Path("/e/control.sock"))


def test_the_app_of_hisihi_calls_that_name_none() -> None:
    assert load(None, None, {}).hisihi.app == ""
    text = '[hisihi]\napp = "666666"\n'
    assert load_text(text).hisihi.app == "666666"
    assert load_text(text, {"PARLEY_HISIHI_APP": "other"}).hisihi.app == "other"
    broker.settings.load(None, {"PARLEY_HISIHI_APP": "other"})
    for wrong in ('app = "a b"', "app = 5", f'app = "{"x" * 65}"'):
        sentence = refusal(f"[hisihi]\n{wrong}\n")
        assert "[hisihi] app" in sentence
        assert "the id of an app" in sentence
    assert "'ap'" in refusal('[hisihi]\nap = "x"\n')


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
    ("operator_token = 5", ["[admin] operator_token"]),
    ("free_bytes = -1", ["[admin] free_bytes", "-1", "from 0 to"]),
    ("free_bytes = 1.5", ["[admin] free_bytes"]),
    ('free_bytes = "5"', ["[admin] free_bytes", "'5'"]),
    ("graceful_seconds = nan", ["[admin] graceful_seconds", "nan", "from 0 to 600"]),
    ("graceful_seconds = inf", ["[admin] graceful_seconds", "inf"]),
    ("graceful_seconds = -0.1", ["[admin] graceful_seconds", "-0.1"]),
]
BOTH = [
    ("[[[", ["is not TOML"]),
    (b"\xff", ["is not TOML in UTF-8"]),
    ("x = " + "[" * 5000 + "]" * 5000, ["too deep"]),
    ("x = " + "9" * 5000, ["is not TOML"]),
    ("x = 5\n", ["'x'", "[admin]"]),
    ("[socket]\n", ["'socket'", "[sockets]"]),
    ('[[apps]]\nid = "a"\n', ["'apps'", "[[app]]"]),
    ("admin = 5\n", ["[admin]", "5"]),
    ("control = 5\n", ["[control]", "5"]),
    ("log = []\n", ["[log]"]),
    ("store = 5\n", ["[store]"]),
    ("app = 5\n", ["[[app]]"]),
    ("app = [5]\n", ["[[app]]"]),
    ("[app]\n", ["[[app]]"]),
    ("[control]\npath = 5\n", ["[control] path", "5"]),
    ('[control]\npath = "a\\u0000b"\n', ["[control] path", "control characters"]),
    ('[control]\npath = "/tmp/' + "x" * 200 + '"\n', ["[control] path", "107 bytes"]),
    ("[control]\ncalls = 5\n", ["[control]", "'calls'", "calls_per_app"]),
    ("[control]\ncalls_per_connection = 0\n", ["[control] calls_per_connection is 0", "from 1 to 128"]),
    ("[control]\ncalls_per_app = -1\n", ["[control] calls_per_app is -1", "from 1 to 128"]),
    ("[control]\ncalls_per_app = 100000\n", ["[control] calls_per_app"]),
    ("[control]\ncalls_per_app = nan\n", ["[control] calls_per_app is nan"]),
    ("[control]\nframe_bytes = 5\n", ["[control] frame_bytes is 5"]),
    ('[control]\nuids = ["a"]\n', ["[control] uids"]),
    ("[sockets]\nlisten = 5\n", ["[sockets] listen", "5"]),
    ('[sockets]\nlisten = "nowhere"\n', ["[sockets] listen", "'nowhere'"]),
    ('[store]\ndata = "a\\u0000b"\n', ["[store] data", "control characters"]),
    ("[store]\ndata = 5\n", ["[store] data", "5"]),
]


@pytest.mark.parametrize(("line", "parts"), ADMIN)
def test_a_mistake_in_our_section_is_named_and_the_broker_leaves_it_to_us(line: str, parts: list[str]) -> None:
    sentence = refusal(f"[admin]\n{line}\n")
    for part in parts:
        assert part in sentence
    assert "hunter2" not in sentence
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(f"[admin]\n{line}\n")
        file.flush()
        broker.settings.load(file.name, {})


@pytest.mark.parametrize(("text", "parts"), BOTH)
def test_a_mistake_in_what_both_read_is_refused_by_both_in_the_same_words(text: str | bytes, parts: list[str]) -> None:
    with tempfile.NamedTemporaryFile() as file:
        file.write(text.encode() if isinstance(text, str) else text)
        file.flush()
        with pytest.raises(BadSettings) as caught:
            load(file.name, None, {})
        with pytest.raises(broker.settings.BadSettings) as other:
            broker.settings.load(file.name, {})
    for part in parts:
        assert part in str(caught.value)
        assert part in str(other.value)


@pytest.mark.parametrize(
    ("variable", "value", "parts"),
    [
        ("PARLEY_ADMIN_LISTEN", "\udcff:70", ["[admin] listen", "UTF-8"]),
        ("PARLEY_ADMIN_LISTENN", "x", ["[admin]", "public_url"]),
        ("PARLEY_ADMIN_FREE_BYTES", "many", ["[admin] free_bytes", "'many'"]),
        ("PARLEY_ADMIN_OPERATOR_TOKEN", "hunter2 hunter2", ["[admin] operator_token"]),
        ("PARLEY_CONTROL_CALLS_PER_APP", "0", ["[control] calls_per_app", "'0'"]),
        ("PARLEY_CONTROL_UIDS", "a", ["[control] uids"]),
        ("PARLEY_STORE_DATA", "\udcff", ["[store] data"]),
        ("PARLEY_SOCKETS_LISTEN", "\udcff", ["[sockets] listen"]),
    ],
)
def test_a_mistake_in_the_environment_names_the_variable_too(variable: str, value: str, parts: list[str]) -> None:
    sentence = refusal("", {variable: value})
    for part in (*parts, variable, "in the environment"):
        assert part in sentence
    assert "hunter2" not in sentence


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing", "a\0b"):
        with pytest.raises(BadSettings) as caught:
            load(str(path), None, {})
        assert str(path) in str(caught.value)


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
    try:
        place = load_text(text, environ)
    except BadSettings as error:
        check(str(error))
        return
    assert place.calls >= 1
    assert place.calls_per_app >= 1
    for given_address in (place.admin.listen, place.sockets_listen):
        host, _ = address(given_address, "listen")
        host.encode("idna")
