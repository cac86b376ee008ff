"""The units and the settings file that `make install` puts in place: hardened as they claim, complete, and without slips."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from adminapi.settings import load as load_admin
from broker.settings import load as load_broker
from protocol.apps import App, AppSettings

UNITS = Path(__file__).parents[2] / "systemd"
SETTINGS = UNITS / "parley.toml"
ANALYZE = shutil.which("systemd-analyze")
needs_systemd = pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not here (apt-get install systemd)")


def analyze(*arguments: str) -> str:
    assert ANALYZE is not None
    return subprocess.run(
        [ANALYZE, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=30, check=False
    ).stdout


@needs_systemd
@pytest.mark.parametrize(("unit", "most"), [("broker.service", 1.2), ("adminapi.service", 1.0)])
def test_a_service_is_exposed_no_more_than_it_must_be(unit: str, most: float) -> None:
    said = analyze("security", "--offline=true", str(UNITS / unit))
    found = re.search(r"exposure level for \S+ (\d+\.\d+)", said)
    assert found, said
    assert float(found[1]) <= most, said


@needs_systemd
def test_systemd_finds_nothing_wrong_but_that_it_is_not_installed() -> None:
    said = analyze(
        "verify", *(str(path) for path in sorted(UNITS.iterdir()) if path.suffix in (".service", ".socket", ".target"))
    )
    assert [line for line in said.splitlines() if "/opt/parley/bin/parley is not executable" not in line] == []


def test_a_service_is_found_by_its_socket_and_both_by_the_target() -> None:
    target = (UNITS / "parley.target").read_text()
    for name in ("broker", "adminapi"):
        service, sock = ((UNITS / f"{name}.{kind}").read_text() for kind in ("service", "socket"))
        assert f"Requires={name}.socket" in service
        assert f"{name}.service" in target
        assert f"{name}.socket" in target
        assert "FileDescriptorName=" in sock
        for words in ("Type=notify", "WatchdogSec=", "User=parley", "Restart=always", "ExecReload=", "PartOf=parley.target"):
            assert words in service


def test_a_reload_needs_no_program_that_a_small_debian_lacks() -> None:
    """/bin/kill is of procps, which a minimal system has not; a shell it has, with a kill of its own."""
    for name in ("broker", "adminapi"):
        found = re.findall(r"(?m)^Exec\w+=(\S+)", (UNITS / f"{name}.service").read_text())
        assert len(found) == 2
        assert set(found) == {"/opt/parley/bin/parley", "/bin/sh"}


def all_switched_on(text: str) -> dict[str, Any]:
    """The file with every setting in force that stands behind a #."""
    return tomllib.loads(re.sub(r"(?m)^# (\[\[app\]\]|[a-z_]+ = )", r"\1", text))


def test_every_setting_stands_in_the_file_at_its_default() -> None:
    tables = all_switched_on(SETTINGS.read_text())
    (app,) = tables.pop("app")
    broker, admin = load_broker(None, {}), load_admin(None, None, {})
    for name, section in (
        ("sockets", broker.sockets),
        ("control", broker.control),
        ("store", broker.store),
        ("log", broker.log),
        ("admin", admin.admin),
        ("hisihi", admin.hisihi),
    ):
        written = tables.pop(name)
        assert set(written) == set(section.__struct_fields__), name
        assert msgspec.convert(written, type(section)) == section
    assert tables == {}
    keys = {"id", "key", "master_key", "secret"}
    assert keys < {field.name for field in msgspec.structs.fields(App)}
    assert {name: value for name, value in app.items() if name not in keys} == msgspec.to_builtins(AppSettings())
    assert set(app) >= keys


def test_the_file_as_it_is_changes_nothing() -> None:
    assert load_broker(str(SETTINGS), {}) == load_broker(None, {})
