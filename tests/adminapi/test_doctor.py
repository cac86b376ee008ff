"""What the doctor says while the broker is away: of the settings the broker alone reads, of ports, who has them and whether
that is a fault, of limits, and of the answers that are kept under a key."""

from __future__ import annotations

import resource
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from adminapi.dialect import Answer
from adminapi.doctor import Finding, limits, look, ports, repeats
from adminapi.repeats.book import Book, Kept
from adminapi.settings import load


class Said(BaseHTTPRequestHandler):
    body = b""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def listener(body: bytes) -> Iterator[str]:
    """Somebody who answers every GET with this."""
    handler = type("Handler", (Said,), {"body": body})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def found(folder: Path, **where: str) -> dict[str, Finding]:
    """By setting, of an installation without a broker."""
    environ = {"PARLEY_SOCKETS_LISTEN": "127.0.0.1:0", "PARLEY_ADMIN_LISTEN": "127.0.0.1:0", **where}
    place = load(None, str(folder), environ)
    return {finding.text.split()[1] + " " + finding.text.split()[2]: finding for finding in ports(place, running=False)}


@pytest.mark.parametrize(("body", "sound"), [(b'{"alive":true}', True), (b"something else", False)])
def test_an_admin_api_that_waits_for_its_broker_is_no_fault(tmp_path: Path, body: bytes, sound: bool) -> None:
    with listener(body) as where:
        finding = found(tmp_path, PARLEY_ADMIN_LISTEN=where)["[admin] listen"]
    assert finding.sound is sound
    assert ("waits for its broker" in finding.text) is sound
    assert ("ss -ltnp" in finding.todo) is not sound


def test_each_door_that_is_set_is_looked_at(tmp_path: Path) -> None:
    with listener(b"") as where:
        taken = found(tmp_path, PARLEY_SOCKETS_TCP_LISTEN=where)["[sockets] tcp_listen"]
    assert not taken.sound
    assert where in taken.text


def test_the_limit_of_open_files_is_the_running_brokers(tmp_path: Path) -> None:
    """That of a shell says nothing of a service."""
    own = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    place = load(None, str(tmp_path), {})
    assert f" {own} open files" in limits(place).text
    listens = "import socket, sys; s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen()"
    listens += "; print(flush=True); sys.stdin.read()"
    command = ["prlimit", "--nofile=300", sys.executable, "-c", listens, str(place.control)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as broker:
        assert broker.stdout is not None
        broker.stdout.readline()
        assert limits(place).text == "limits: 300 open files of the broker"
        broker.communicate()


def test_the_answers_under_a_key_are_sound_or_it_is_said_what_to_do(tmp_path: Path) -> None:
    place = load(None, str(tmp_path), {})
    assert repeats(place) == Finding(True, "repeats: no POST came with an Idempotency-Key yet")
    book = Book(place.repeats)
    book.load()
    book.write({b"a": Kept(1.0, Answer()), b"b": Kept(2.0, None)}, 0.0)
    assert repeats(place) == Finding(True, "repeats: in use by the running admin API")
    book.close()
    assert repeats(place) == Finding(True, "repeats: 2 of an Idempotency-Key, answered or begun")
    place.repeats.chmod(0o640)
    found = repeats(place)
    assert (found.sound, found.todo) == (False, f"chmod 600 {place.repeats}*")
    place.repeats.chmod(0o600)
    place.repeats.write_bytes(b"x" * 5000)
    found = repeats(place)
    assert not found.sound
    assert "not a database" in found.text
    assert found.todo.startswith(f"move {place.repeats}* away")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("[sockets]\nfragments = 0", "[sockets] fragments is 0; write a whole number from 1 to "),
        (
            '[[app]]\nid = "a"\nkey = "k"\nmaster_key = "m"\nsecret = "s"\ntext_bytes = 0',
            "text_bytes is 0; write a whole number ",
        ),
        ('[sockets]\nlisten = "127.0.0.1:0"', ""),
    ],
)
def test_settings_that_only_the_broker_reads_are_checked_by_it(tmp_path: Path, line: str, words: str) -> None:
    """Also while one runs: it would not start again with them. The data is not to be blamed for it."""
    config = tmp_path / "parley.toml"
    config.write_text(line)
    findings = list(look(str(config), load(str(config), str(tmp_path), {"PARLEY_ADMIN_LISTEN": "127.0.0.1:0"})))
    assert (findings[0].sound, words in findings[0].text) == (not words, True), findings[0]
    assert findings[0].text.startswith(f"settings: {config}")
    assert ("correct it" in findings[0].todo) is bool(words)
    assert any(finding.text.startswith("journal: ") for finding in findings) is not bool(words)
