"""`parley operator`: accounts of the console, made and changed at a terminal, without a broker."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
import trio

from adminapi import cli
from adminapi.operators.accounts import Accounts
from adminapi.operators.sessions import Operators
from adminapi.passwords import Passwords
from protocol.errors import Refused


class Terminal:
    """`parley` on one data directory, with something at stdin."""

    def __init__(self, data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.data, self._capsys, self._monkeypatch = data, capsys, monkeypatch

    def __call__(self, *words: str, stdin: str = "") -> tuple[int, str, str]:
        self._monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        code = cli.main((*words, "--data", str(self.data)))
        said = self._capsys.readouterr()
        return code, said.out, said.err


@pytest.fixture
def parley(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Terminal:
    return Terminal(tmp_path, capsys, monkeypatch)


def role_of(parley: Terminal, name: str, password: str) -> str:
    """As whom the password signs him in, "" if it does not."""

    async def sign_in() -> str:
        operators = Operators(Accounts(parley.data / "operators.json"), Passwords())
        try:
            return (await operators.sign_in(name, password, ""))[1].role.word
        except Refused:
            return ""

    return trio.run(sign_in)


def test_an_operator_is_added_changed_and_removed(parley: Terminal) -> None:
    code, out, _ = parley("operator", "add", "ann", "--role", "support", stdin="open sesame\n")
    assert (code, out) == (0, "ann may sign in now, as support\n")
    assert role_of(parley, "ann", "open sesame") == "support"
    assert parley("operator", "add", "ann", stdin="another word\n")[0] == 1
    assert parley("operator", "role", "ann", "admin")[0] == 0
    assert parley("operator", "password", "ann", stdin="open sesame 2\n")[0] == 0
    assert (role_of(parley, "ann", "open sesame"), role_of(parley, "ann", "open sesame 2")) == ("", "admin")
    assert parley("operator", "list")[1] == "ann  admin\n"
    (listed,) = json.loads(parley("operator", "list", "--json")[1])["operators"]
    assert set(listed) == {"name", "role", "since_ms"}
    assert parley("operator", "remove", "ann")[0] == 0
    assert role_of(parley, "ann", "open sesame 2") == ""


def test_what_was_changed_is_in_the_audit_log_and_no_password_is(parley: Terminal) -> None:
    parley("operator", "add", "ann", stdin="open sesame\n")
    parley("operator", "remove", "tom")
    lines = parley("audit", "tail")[1]
    found = [(line["path"], line["outcome"]) for line in map(json.loads, lines.splitlines())]
    assert found == [("operator add ann", "done"), ("operator remove tom", "unknown_user")]
    assert "sesame" not in lines + (parley.data / "operators.json").read_text()


@pytest.mark.parametrize(
    ("words", "stdin", "code", "sentence"),
    [
        (("add", "ann"), "short\n", 78, "a password has at least 8 characters"),
        (("add", "ann"), "", 78, "a password has at least 8 characters"),
        (("add", "a b"), "open sesame\n", 78, "an operator's name has 1 to 64 letters"),
        (("add", "ann"), "x" * 2000 + "\n", 1, "A password has at most 1024 bytes"),
        (("remove", "tom"), "", 1, "There is no operator 'tom'"),
        (("role", "tom", "viewer"), "", 1, "There is no operator 'tom'"),
        (("password", "tom"), "open sesame\n", 1, "There is no operator 'tom'"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    parley: Terminal, words: tuple[str, ...], stdin: str, code: int, sentence: str
) -> None:
    done, out, err = parley("operator", *words, stdin=stdin)
    assert (done, out) == (code, "")
    assert err.startswith(f"parley: {sentence}")


def test_no_password_is_taken_from_the_command_line(parley: Terminal) -> None:
    with pytest.raises(SystemExit):
        parley("operator", "add", "ann", "open sesame")
