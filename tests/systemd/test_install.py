"""`make install` and `make uninstall`, below another root: what lands where, that both may be repeated, and what stays."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parents[2]
UNITS = ("broker.service", "adminapi.service", "broker.socket", "adminapi.socket", "parley.target")


def make(target: str, root: Path) -> str:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    done = subprocess.run(
        ["make", "-s", target, f"DESTDIR={root}"],
        cwd=HERE, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=280, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.timeout(600)
def test_what_is_installed_runs_and_what_an_operator_wrote_stays(tmp_path: Path) -> None:
    assert "systemctl start parley.target" in make("install", tmp_path)
    units = tmp_path / "etc/systemd/system"
    assert {path.name for path in units.iterdir()} == set(UNITS)
    for unit in UNITS:
        assert (units / unit).read_bytes() == (HERE / "systemd" / unit).read_bytes()
    for file in ("grafana.json", "alerts.yml"):
        assert (tmp_path / "usr/local/share/parley" / file).read_bytes() == (HERE / "systemd" / file).read_bytes()
    program = tmp_path / "opt/parley/bin/parley"
    told = subprocess.run([program, "--help"], capture_output=True, text=True, timeout=60, check=True, cwd=tmp_path)
    assert "doctor" in told.stdout
    settings = tmp_path / "etc/parley/parley.toml"
    assert settings.stat().st_mode & 0o777 == 0o640
    settings.write_text("# mine\n")
    (tmp_path / "var/lib/parley").mkdir(parents=True)

    make("install", tmp_path)
    assert settings.read_text() == "# mine\n"

    said = make("uninstall", tmp_path)
    assert "etc/parley" in said
    assert settings.exists()
    assert (tmp_path / "var/lib/parley").exists()
    assert not list(units.iterdir())
    assert not (tmp_path / "opt/parley").exists()
    assert not (tmp_path / "usr/local/bin/parley").exists()
    assert not (tmp_path / "usr/local/share/parley").exists()
    make("uninstall", tmp_path)


def test_without_root_it_says_what_to_do(tmp_path: Path) -> None:
    script = HERE / "systemd/install"
    done = subprocess.run(
        ["sh", "-c", 'id() { echo 1000; }; set -- ; . "$0"', str(script)],
        cwd=tmp_path, env={**os.environ, "DESTDIR": ""}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 77
    assert "sudo make install" in done.stderr
