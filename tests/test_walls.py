"""The walls of DESIGN 2.1, and the rules of the tree that a reader relies on."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from broker.dispatcher import UPKEEP
from broker.hub.handlers import HANDLERS, SCANS
from protocol.commands import AddApp, Command, Stats, WatchApps

ROOT = Path(__file__).parents[1]
OWN = ("broker", "adminapi", "protocol", "bench", "tests")
SOURCES = sorted(path for top in ("broker", "adminapi", "protocol", "bench") for path in (ROOT / top).rglob("*.py"))
# Folders of tests have an __init__.py with nothing in it, where they have one.
TESTS = sorted(path for path in (ROOT / "tests").rglob("*.py") if path.name != "__init__.py" or path.stat().st_size)
MOST_LINES = 400
PLUMBING = {"quart", "quart_trio", "hypercorn", "werkzeug", "trio", "cbor2", "argon2", "prometheus_client", "PIL"}
"""What a dialect leaves to others: it turns a plain request into a command and a reply into plain values."""
WAITING = {"trio", "trio_websocket", "asyncio", "socket", "select", "threading", "time", "random", "secrets"}
"""What neither the hub nor the protocol may touch: they never wait, and read no clock and no random source."""
ASYNCIO = {"asyncio", "asyncpg", "trio_asyncio"}
"""Of one folder alone, and of peers that are measured: everything else is Trio's."""
ASYNCIO_MAY = ("broker.persistence.postgres", "bench.peers")


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            yield node.module or ""


def inside(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def allowed(importer: str, imported: str) -> bool:
    top = imported.partition(".")[0]
    if top in ASYNCIO and not any(inside(importer, each) for each in ASYNCIO_MAY):
        return False
    if inside(importer, "protocol"):
        if top in WAITING:
            return inside(importer, "protocol.clients")
        return top not in OWN or top == "protocol"
    if inside(importer, "broker.hub"):
        return top not in WAITING and (top not in OWN or inside(imported, "protocol") or inside(imported, "broker.hub"))
    if inside(importer, "broker"):
        return top not in ("adminapi", "quart", "hypercorn", "bench", "tests")
    if inside(importer, "adminapi.dialects"):
        own = any(
            inside(imported, each) for each in ("adminapi.dialect", "adminapi.dialects", "adminapi.schemas", "protocol")
        )
        return own if top in OWN else top not in PLUMBING
    if inside(importer, "adminapi"):
        return top not in ("broker", "bench", "tests") and (top not in ("quart", "quart_trio") or importer == "adminapi.app")
    return top != "tests"


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_imports_keep_to_the_walls(path: Path) -> None:
    wrong = [imported for imported in imports(path) if not allowed(name_of(path), imported)]
    assert not wrong


@pytest.mark.parametrize("path", SOURCES + TESTS, ids=name_of)
def test_a_file_opens_with_what_it_is_and_stays_readable(path: Path) -> None:
    text = path.read_text()
    assert ast.get_docstring(ast.parse(text)), "what it holds, the law that keeps it true, and why"
    assert len(text.splitlines()) <= MOST_LINES


def every(base: type[Command]) -> Iterator[type[Command]]:
    """The commands proper: classes that are not only the base of others."""
    for command in base.__subclasses__():
        if command.__subclasses__():
            yield from every(command)
        else:
            yield command


def test_every_command_has_exactly_one_handler() -> None:
    at_the_broker = {WatchApps, AddApp, Stats, *UPKEEP}
    assert set(HANDLERS) | set(SCANS) | at_the_broker == set(every(Command))
    assert not set(HANDLERS) & set(SCANS)
    assert not at_the_broker & (set(HANDLERS) | set(SCANS))
