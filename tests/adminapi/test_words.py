"""What the pages say, they can say in Chinese; and no translation is left of what they say no more."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from adminapi.app import GONE
from adminapi.dialect import OperatorRole
from adminapi.dialects.parley.endpoints.apps import explained
from protocol.commands import Command, Login
from protocol.errors import CloseReason, Reason
from protocol.records import Kind, Role, Status
from protocol.wires.native.codes import CODES
from tests.adminapi.test_pages import ADMINAPI, FOLDERS

TEXT = r'"((?:[^"\\]|\\.)+)"'
LEARNED = re.compile(r"learn\(\{(.*?)\n\}\);", re.DOTALL)
THE_SERVERS = {each.name.lower() for kind in (Kind, Role, Status, OperatorRole) for each in kind}
"""Words that come with the data."""
REASONS = {reason.value for reason in Reason} | {"not_found", "bad_method"}
"""For which our own API refuses."""
CHANGES = re.compile(r'(?:\bchanging\(|\bnote\(.*\[|^UPLOAD = )"([A-Z]\w+)"', re.MULTILINE)
OUTCOMES = {"done", "failed", GONE}
"""Of a change, beside a status and a reason."""
NAMES = {"versions", "data directory", "files", "limits", "clock", "audit log", "repeats", "broker", "database"}
"""Of checks, before the colon."""
MARKS = re.compile(r"`| \((?:(?:[A-Z]{2}-\d+|DESIGN \d+)(?:, )?)+\)")
SETTINGS = {MARKS.sub("", str(each["text"])) for each in explained()}
"""As the page of an app shows them."""


def scripts(folder: str) -> str:
    """Without the lines that are comments."""
    source = "\n".join(path.read_text() for path in sorted((ADMINAPI / folder).glob("*.js")))
    return re.sub(r"^\s*//.*", "", source, flags=re.MULTILINE)


def translated(source: str) -> set[str]:
    found: set[str] = set()
    for block in LEARNED.findall(source):
        keys = re.findall(rf"^\s*(?:{TEXT}|(\w+)):", block, re.MULTILINE)
        found |= {json.loads(f'"{quoted}"') if quoted else bare for quoted, bare in keys}
    return found


def said(source: str) -> set[str]:
    return {json.loads(f'"{text}"') for text in re.findall(rf"\bt\({TEXT}", source)}


def commands(of: type[Command] = Command) -> Iterator[type[Command]]:
    for each in of.__subclasses__():
        yield each
        yield from commands(each)


def changes() -> set[str]:
    """All that a line of the audit log may be about: commands that are made in our source, and what it names itself."""
    source = "".join(path.read_text() for path in ADMINAPI.rglob("*.py"))
    asked = {each.__name__ for each in commands() if not each.reads and re.search(rf"\b{each.__name__}\(", source)}
    own = set(CHANGES.findall(source))
    assert {"BanUser"} <= asked
    assert {"SignIn", "Operators", "Upload", "Export"} <= own
    return asked | own


def checks() -> set[str]:
    """The words of all sayings in the source, name, finding and advice apart."""
    source = "".join((ADMINAPI / name).read_text() for name in ("doctor.py", "health.py"))
    found: set[str] = set()
    for pair in re.findall(rf"\bsaid\(\s*{TEXT}(?: if \w+ else {TEXT})?", source):
        for text in filter(None, pair):
            name, colon, rest = text.partition(": ")
            found |= {name, rest} if colon and name in NAMES else {text}
    assert len(found) >= source.count("said(")
    return found


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_text_has_its_translation(folder: str) -> None:
    source = scripts(folder)
    assert said(source) <= translated(source) | translated(scripts("look"))


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_translation_is_of_a_text_that_is_shown(folder: str) -> None:
    source = scripts(folder)
    shown = LEARNED.sub("", source) + "".join(path.read_text() for path in (ADMINAPI / folder).glob("*.html"))
    said_or_marked = shown.replace(">", '"').replace("<", '"')
    left = {text for text in translated(source) if f'"{text}"' not in said_or_marked}
    assert left - THE_SERVERS - REASONS - checks() - changes() - OUTCOMES - SETTINGS - said(source) == set()


def test_every_reason_and_every_finding_of_a_check_is_said_in_chinese() -> None:
    assert REASONS | checks() <= translated(scripts("console"))


def test_every_change_and_its_outcome_has_a_chinese_name_in_the_audit_log() -> None:
    assert changes() | OUTCOMES <= translated(scripts("console"))


def table(folder: str, name: str) -> dict[str, str]:
    """A constant of a page's scripts."""
    found = re.search(rf"const {name} = {{(.*?)\n}};", scripts(folder), re.DOTALL)
    assert found
    return dict(re.findall(rf"^\s*(\w+): {TEXT}", found[1], re.MULTILINE))


def test_every_end_of_a_session_has_its_words_in_both_languages() -> None:
    ended, refused = table("tryit", "ENDED"), table("tryit", "REFUSED")
    assert ended.keys() == {reason.word for reason in CloseReason if reason.code}
    named = {reason for reason in Reason if re.search(rf"\b{reason.name}\b", Login.__doc__ or "")}
    assert len(named) > 5
    moment = {Reason.INTERNAL, Reason.TOO_FAST, Reason.TOO_LARGE, Reason.STORAGE_UNAVAILABLE, Reason.GOING_AWAY}
    assert refused.keys() == {str(CODES[reason]) for reason in named - {Reason.NOT_ALLOWED} | moment}
    assert {*ended.values(), *refused.values()} <= translated(scripts("tryit"))


def test_every_setting_of_an_app_is_explained_in_chinese_too() -> None:
    assert SETTINGS <= translated(scripts("console"))
