"""The command line and `parley up`, with the fake broker as a program of its own behind them."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from adminapi import cli, up
from adminapi.settings import load
from protocol.ids import IdForms
from protocol.settings import BadSettings
from protocol.tokens import read_jwt

ROOT = Path(__file__).parents[2]
STUB = [sys.executable, "-m", "tests.adminapi.stub_broker"]


@pytest.fixture
def door(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An address that answers, where the settings say that the broker's sockets are; the admin API's is free."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        monkeypatch.setenv("PARLEY_SOCKETS_LISTEN", address)
        monkeypatch.setenv("PARLEY_ADMIN_LISTEN", f"127.0.0.1:{free_port()}")
        yield address


@pytest.fixture
def stub(folder: Path, door: str) -> Iterator[Path]:
    """A running stub broker; its data directory."""
    with subprocess.Popen([*STUB, "--data", str(folder)], cwd=ROOT, env={**os.environ, "STUB_APPS": "1"}) as process:
        wait_for(lambda: (folder / "control.sock").exists())
        yield folder
        process.terminate()


def wait_for(holds: object, seconds: float = 8.0) -> None:
    end = time.monotonic() + seconds
    while not holds():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.01)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = cli.main(arguments)
    said = capsys.readouterr()
    return code, said.out, said.err


def test_errands_over_the_control_socket(stub: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = ("--data", str(stub))
    assert run(capsys, "app", "list", *data) == (0, "demo\n", "")
    code, out, _ = run(
        capsys, "app", "add", "mine", "--key", "kkk", "--set", "text_bytes=99", "--set", "bare_app_id=true", *data
    )
    assert code == 0
    assert re.search(r"^key +kkk$", out, re.M)
    assert re.search(r"^text_bytes +99$", out, re.M)
    assert re.search(r"^bare_app_id +true$", out, re.M)
    first = re.search(r"^secret +(\S+)$", out, re.M)
    assert first is not None
    assert len(first[1]) > 40
    code, out, _ = run(capsys, "app", "add", "mine", "--master-key", "mmm", *data)
    assert first[0] in out
    assert re.search(r"^key +kkk$", out, re.M)
    assert run(capsys, "app", "show", "demo", *data)[1].startswith("id ")
    line = "00ff  tom  -  -  -  native  192.0.2.1  1970-01-01 00:00:00  90.0 s ago  17 B\n"
    assert run(capsys, "sessions", "demo", *data)[1] == line
    assert json.loads(run(capsys, "sessions", "demo", "--json", *data)[1])["outbox_bytes"] == 17
    assert run(capsys, "tree", "00ff", *data)[1].splitlines()[-1] == "└─ waits for   nothing"
    assert run(capsys, "kick", "demo", "tom", *data) == (0, "", "")
    assert run(capsys, "stats", *data)[1].split() == ["commands_total", "0", "sessions", "3"]
    out = run(capsys, "stats", "--watch", "--every", "0.1", "--times", "2", *data)[1]
    rates = [float(line.split()[1]) for line in out.splitlines() if line.startswith("commands ")]
    assert len(rates) == 2
    assert all(10 < rate <= 100 for rate in rates)  # ten a look
    code, out, _ = run(capsys, "token", "demo", "alice", "--hours", "2", *data)
    claims = read_jwt("ds", out.strip(), time.time())
    assert claims["unique_name"] == "alice"
    assert abs(claims["exp"] - time.time() - 7200) < 5
    code, out, _ = run(capsys, "doctor", *data)
    assert code == 0
    assert out.count("ok ") == 14
    assert "database: sqlite 2 commits behind the journal" in out
    code, out, _ = run(capsys, "backup", "saved", *data)
    assert code == 0
    assert out.splitlines()[0] == f"{Path('saved').absolute()}  4096 bytes, everything up to commit 12"
    assert str(stub / "files") in out


def test_what_is_wrong_is_one_sentence(stub: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = ("--data", str(stub))
    for arguments, code in (
        (("app", "show", "nobody"), 1),
        (("token", "nobody", "x"), 1),
        (("app", "add", "x", "--set", "nonsense=1"), 78),
        (("app", "add", "x", "--set", "text_bytes=many"), 78),
        (("app", "add", "x", "--key", ""), 78),
        (("app", "add", "\n"), 78),
        (("stats", "--config", "/nonexistent.toml"), 78),
        (("backup", "/taken"), 1),
        (("import", "leancloud", "--app", "nobody", os.devnull), 1),
        (("import", "leancloud", "--app", "demo", "/nonexistent.json"), 78),
    ):
        found, out, err = run(capsys, *arguments, *data)
        assert (found, out) == (code, "")
        assert err.startswith("parley: ")
        assert len(err.splitlines()) == 1


def test_the_doctor_lists_what_a_store_refused(
    folder: Path, door: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STUB_QUARANTINE", "1")
    monkeypatch.setenv("STUB_APPS", "1")
    with subprocess.Popen([*STUB, "--data", str(folder)], cwd=ROOT) as process:
        wait_for(lambda: (folder / "control.sock").exists())
        code, out, _ = run(capsys, "doctor", "--data", str(folder))
        process.terminate()
    faults = [line for line in out.splitlines() if line.startswith("FAULT")]
    assert code == 1
    assert re.match(r'FAULT  quarantine: sqlite, app demo, table users, key \["x"\], for \d+ days: OverflowError', faults[0])
    assert faults[1:] == ["FAULT  quarantine: 1 rows"]


def test_an_import_says_what_came_of_it(stub: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The broker has one of the two conversations already, and takes one of the two messages."""
    days = ("2018-01-16T03:40:32.814Z", "2018-01-17T03:40:32.814Z", "yesterday")
    rows = [{"objectId": f"{at:024}", "createdAt": day} for at, day in enumerate(days)]
    said = [{"msg-id": f"m{at}", "conv-id": "0" * 24, "from": "a", "timestamp": at, "data": "x"} for at in range(2)]
    path = tmp_path / "export"
    path.write_text(json.dumps(rows + said))
    code, out, err = run(capsys, "import", "leancloud", "--app", "demo", str(path), "--data", str(stub))
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "conversations  1 imported, 1 there already, 1 skipped",
        f"  skipped 1: its createdAt is not a time ({2:024})",
        "messages       1 imported, 0 there already, 1 skipped",
        "  skipped 1: it is too old (m0)",
    ]


def test_without_a_broker_errands_say_so(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "stats", "--data", str(folder / "nowhere"))
    assert (code, out) == (75, "")
    assert "cannot be reached" in err
    assert "parley doctor" in err


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


UP = """
import sys
from adminapi import cli, up
real = up.child_command
def child_command(module, config, data, *more):
    command = real(module, config, data, *more)
    return [part if part != "broker" else "tests.adminapi.stub_broker" for part in command]
up.child_command = child_command
sys.exit(cli.main(sys.argv[1:]))
"""


def start_up(folder: Path, **environ: str) -> tuple[subprocess.Popen[str], str, dict[str, str]]:
    """`parley up` with the stub broker, once it has printed everything or ended."""
    more = {
        "PARLEY_ADMIN_LISTEN": f"127.0.0.1:{free_port()}",
        "PARLEY_SOCKETS_LISTEN": f"127.0.0.1:{free_port()}",
        **environ,
    }
    process = subprocess.Popen(
        [sys.executable, "-c", UP, "up", "--data", str(folder / "data")],
        cwd=ROOT,
        env={**os.environ, **more},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if line.startswith("Ctrl-C"):
            break
    return process, said, more


@pytest.mark.parametrize("known", [True, False])
def test_up_prints_what_to_paste_and_a_signal_stops_both(folder: Path, known: bool) -> None:
    process, said, more = start_up(folder, **({"STUB_APPS": "1"} if known else {}))
    with process:
        assert f"ws://{more['PARLEY_SOCKETS_LISTEN']}" in said
        assert f"http://{more['PARLEY_ADMIN_LISTEN']}" in said
        assert ("key         dk" in said) is known
        assert said.count(" -m protocol.clients.chat ws://127.0.0.1:") == 2
        (line,) = [line.strip() for line in said.splitlines() if line.strip().startswith("curl ")]
        assert IdForms("demo").hex32(77) in line
        answer = subprocess.run(line, shell=True, capture_output=True, text=True, check=True).stdout
        assert '"request-id":null' in answer
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert process.wait(5) == 0
        assert time.monotonic() - began < 2.0


def test_up_ends_with_the_code_of_the_child_that_died(folder: Path) -> None:
    process, _, _ = start_up(folder, STUB_END="74", STUB_APPS="1")
    with process:
        _, err = process.communicate(timeout=8)
        assert process.returncode == 74
        assert "broker ended with code 74" in err


@pytest.mark.parametrize(("key", "setting"), [("SOCKETS", "[sockets] listen"), ("ADMIN", "[admin] listen")])
def test_up_names_the_address_and_the_setting_that_is_taken(folder: Path, key: str, setting: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        process, said, _ = start_up(folder, **{f"PARLEY_{key}_LISTEN": address})
        with process:
            _, err = process.communicate(timeout=5)
        assert process.returncode == 78
        assert said == ""
        assert setting in err
        assert address in err
        assert len(err.splitlines()) == 1


def test_the_interpreter_is_printed_as_one_would_type_it_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "executable", str(tmp_path / ".venv/bin/python"))
    assert up.interpreter() == ".venv/bin/python"
    monkeypatch.setattr(sys, "executable", "/usr/bin/python3")
    assert up.interpreter() == "/usr/bin/python3"


def test_settings_come_from_file_and_environment(tmp_path: Path) -> None:
    file = tmp_path / "parley.toml"
    file.write_text(
        '[admin]\nlisten = "[::1]:9"\n[sockets]\nlisten = "h:1"\n[control]\npath = "/run/c"\n[[app]]\nid = "x"\n'
    )
    place = load(str(file), "/d", {"PARLEY_ADMIN_OPERATOR_TOKEN": "t"})
    assert (place.admin.listen, place.admin.operator_token, place.sockets_listen) == ("[::1]:9", "t", "h:1")
    assert (place.control, place.files, place.lists_apps) == (Path("/run/c"), Path("/d/files"), True)
    place = load(None, None, {"PARLEY_ADMIN_LISTEN": "0.0.0.0:1"})
    assert (place.control, place.lists_apps) == (Path("parley-data/control.sock"), False)
    assert up.url("http", place.admin.listen) == "http://127.0.0.1:1"
    assert up.url("ws", "[::]:5") == "ws://[::1]:5"


@pytest.mark.parametrize(
    "text",
    [
        "[admin]\nlisten = 5\n",
        '[admin]\nlisten = "nowhere"\n',
        '[admin]\nunknown = "x"\n',
        '[admin]\npublic_url = "ftp://x"\n',
        "admin = 5\n",
        "[control]\npath = 5\n",
        "not toml",
    ],
)
def test_wrong_settings_are_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "parley.toml"
    file.write_text(text)
    with pytest.raises(BadSettings):
        load(str(file), None, {})
