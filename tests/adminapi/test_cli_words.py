"""What the command line says and takes: JSON, exit codes, what to do next, an overlap's bound, completion of every verb."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from adminapi.cli import with_next
from adminapi.cli.completion import script, walk
from adminapi.cli.grammar import parser
from protocol.errors import RETRY_LATER, Reason, Refused
from tests.adminapi.test_cli import STUB, run, wait_for

ROOT = Path(__file__).parents[2]
NO_JSON = {"up", "broker", "admin"}
"""They run on; `[log] format` has a form for programs."""


@pytest.fixture
def stub(folder: Path) -> Iterator[tuple[str, str]]:
    """A running stub broker, as options."""
    with subprocess.Popen([*STUB, "--data", str(folder)], cwd=ROOT, env={**os.environ, "STUB_APPS": "1"}) as process:
        wait_for(lambda: (folder / "control.sock").exists())
        yield ("--data", str(folder))
        process.terminate()


def shown(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> Any:
    """The JSON document it prints: on stderr if it fails."""
    found, out, err = run(capsys, *arguments, "--json")
    assert found == code, err
    assert not (out if code else err)
    return json.loads(err if code else out)


def test_results_and_errors_are_one_json_document(stub: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, "app", "list", *stub) == {"apps": [{"id": "demo", "disabled": False}]}
    assert shown(capsys, "app", "set", "demo", "text_bytes=9", *stub)["settings"]["text_bytes"] == 9
    assert shown(capsys, "kick", "demo", "tom", *stub) == {"kicked": "tom", "device": None}
    assert set(shown(capsys, "token", "demo", "tom", *stub)) == {"token", "user", "expires"}
    assert shown(capsys, "backup", "/x", *stub)["commit"] == 12
    imported = shown(capsys, "import", "leancloud", "--app", "demo", os.devnull, *stub)
    assert imported["messages"] == {"imported": 0, "known": 0, "skipped": {}}
    assert shown(capsys, "audit", "verify", *stub)["lines"] == 3
    assert shown(capsys, "stats", *stub)["sessions"] == 3
    looks = run(capsys, "stats", "--watch", "--every", "0.1", "--times", "2", "--json", *stub)[1].splitlines()
    assert [json.loads(look)["counters"]["sessions"] for look in looks] == [3, 3]
    assert shown(capsys, "tree", "00ff", *stub)["peer"] == "192.0.2.1:5"
    assert "compdef" in shown(capsys, "completion", "zsh")["script"]
    error = shown(capsys, "app", "show", "nobody", *stub, code=1)
    assert (error["error"], error["exit"]) == ("unknown_app", 1)
    assert "parley app list" in error["message"]
    assert shown(capsys, "app", "set", "demo", "nonsense=1", *stub, code=78)["error"] == "settings"
    away = shown(capsys, "kick", "demo", "tom", "--data", "/nonexistent", code=75)
    assert (away["error"], "parley doctor" in away["message"]) == ("overloaded", True)


@pytest.mark.parametrize(
    ("pair", "words"),
    [
        ("text_bytes=0", "settings: text_bytes is '0'; write a whole number from 1 to 16777216"),
        ("text_bytes=many", "settings: text_bytes is 'many'; write a whole number from 1 to 16777216"),
        ("file_days=", "settings: file_days is ''; write a whole number from 0 to 36500"),
        ("open_groups=maybe", "settings: open_groups is 'maybe'; write true or false"),
        ("multi_login=two", """settings: multi_login is 'two'; write one of "", "device", """),
        ("colour=red", "settings: 'colour' is not a setting; there are multi_login, token_required, "),
        ("text_bytes", "settings: 'text_bytes' has no value; write NAME=VALUE"),
    ],
)
def test_a_wrong_setting_is_named_with_its_value_and_what_it_may_be(
    stub: tuple[str, str], capsys: pytest.CaptureFixture[str], pair: str, words: str
) -> None:
    for command in (("app", "set", "demo", pair), ("app", "add", "demo", "--set", pair)):
        code, out, err = run(capsys, *command, *stub)
        assert (code, out, words in err) == (78, "", True), err


def test_keys_are_not_in_the_audit_log(stub: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "app", "add", "mine", "--secret", "the-old-secret", *stub)
    made = shown(capsys, "app", "rotate", "mine", *stub)
    text = run(capsys, "audit", "tail", *stub)[1]
    lines = [json.loads(line) for line in text.splitlines()]
    assert [(line["path"], line["app"]) for line in lines] == [("app add", "mine"), ("app rotate", "mine")]
    assert run(capsys, "audit", "tail", "-n", "1", *stub)[1] == text.splitlines(keepends=True)[1]
    for hidden in ("the-old-secret", made["key"], made["master_key"], made["secret"]):
        assert hidden not in text


def test_rotations_with_an_overlap_are_bounded(stub: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    seen = [shown(capsys, "app", "show", "demo", *stub)["secret"]]
    for _ in range(4):
        made = shown(capsys, "app", "rotate", "demo", "--overlap", "1", *stub)
        assert [keys["secret"] for keys in made["earlier"]] == seen[::-1]
        seen.append(made["secret"])
    refused = shown(capsys, "app", "rotate", "demo", *stub, code=1)
    assert refused["error"] == "full"
    assert "--overlap 0" in refused["message"]
    assert shown(capsys, "app", "show", "demo", *stub)["secret"] == seen[-1]
    assert shown(capsys, "app", "rotate", "demo", "--overlap", "0", *stub)["earlier"] == []


def test_nothing_is_changed_where_the_audit_log_cannot_be_written(
    stub: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    (Path(stub[1]) / "audit").write_text("in the way")
    refused = shown(capsys, "app", "rotate", "demo", *stub, code=75)
    assert refused["error"] == "storage_unavailable"
    assert "nothing was changed" in refused["message"]
    assert shown(capsys, "app", "show", "demo", *stub)["secret"] == "ds"


@pytest.mark.parametrize("reason", Reason)
def test_every_refusal_has_its_exit_code(reason: Reason, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    def refuse(given: object, place: object) -> int:
        raise Refused(reason, "So it is.")

    monkeypatch.setattr("adminapi.cli.apps.app_list", refuse)
    code, out, err = run(capsys, "app", "list")
    assert (code, out) == (75 if reason in RETRY_LATER else 1, "")
    assert err.startswith("parley: So it is.")
    assert err.count("\n") == 1


def test_the_grammar_offers_json_and_a_sentence_everywhere() -> None:
    nodes = {path: (verbs, options) for path, verbs, options in walk("", parser())}
    leaves = {path for path, (_, options) in nodes.items() if "--data" in options}
    assert {" app rotate", " user export", " audit verify", " import leancloud"} <= leaves
    assert {path.strip() for path in leaves if "--json" not in nodes[path][1]} == NO_JSON


def completed(words: str, tmp_path: Path) -> set[str]:
    """What bash offers for the last of these words."""
    (tmp_path / "parley.bash").write_text(script("bash", parser()))
    ask = 'source ./parley.bash; COMP_WORDS=($1); [ "${1: -1}" = " " ] && COMP_WORDS+=(""); '
    ask += 'COMP_CWORD=$((${#COMP_WORDS[@]}-1)); _parley; printf "%s\\n" "${COMPREPLY[@]}"'
    done = subprocess.run(["bash", "-c", ask, "-", words], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert not done.stderr
    return set(done.stdout.split())


def test_bash_completes_every_verb_and_option(tmp_path: Path) -> None:
    for path, verbs, options in walk("", parser()):
        if verbs:
            assert completed(f"parley{path} ", tmp_path) == set(verbs)
        assert completed(f"parley{path} --", tmp_path) == {option for option in options if option.startswith("--")}
    assert completed("parley app ro", tmp_path) == {"rotate"}
    assert completed("parley --data x us", tmp_path) == {"user"}
    assert completed("parley backup parl", tmp_path) == {"parley.bash"}


def test_the_scripts_are_printed_and_zsh_gets_bashs(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "completion", "zsh")
    assert (code, out.splitlines()[0]) == (0, "#compdef parley")
    assert out.endswith(run(capsys, "completion", "bash")[1])


def test_what_to_do_next_is_a_sentence_of_its_own() -> None:
    told = with_next(Refused(Reason.UNKNOWN_USER, "there is no user tom"))
    assert told.startswith("there is no user tom. User names ")
    assert with_next(Refused(Reason.UNKNOWN_USER, "Nobody.")).startswith("Nobody. User names ")
    assert with_next(Refused(Reason.MUTED, "tom is silent")) == "tom is silent"


def test_an_audit_log_in_the_wrong_place_is_not_called_sound(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for verb in ("verify", "tail"):
        code, out, err = run(capsys, "audit", verb, "--data", str(folder / "nowhere"))
        assert (code, out) == (78, "")
        assert "--data" in err
    assert run(capsys, "audit", "verify", "--data", str(folder))[0] == 0


@pytest.mark.parametrize("words", [("stats",), ("operator", "list")])
def test_who_may_not_look_into_the_data_is_told_so_and_not_to_try_again(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    """As without sudo on a server."""
    with TemporaryDirectory() as folder:
        data = Path(folder, "data")
        data.mkdir(mode=0)
        Path(folder).chmod(0o755)
        own = os.geteuid()
        os.seteuid(own or 65534)  # root may look anywhere
        try:
            code, out, err = run(capsys, *words, "--data", str(data))
        finally:
            os.seteuid(own)
    assert (code, out) == (1, "")
    assert f"may not look into {data}: run parley as root, or as the user it belongs to." in err
    assert "in a moment" not in err


def test_a_pipe_that_nobody_reads_any_more_is_no_fault(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "adminapi.cli", "audit", "verify", "--data", str(tmp_path)]
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    ran = subprocess.run(command, cwd=ROOT, env=environ, stdout=writing, stderr=subprocess.PIPE, timeout=30, check=False)
    os.close(writing)
    assert (ran.returncode, ran.stderr) == (1, b"")
