"""Who may import whom inside adminapi (DESIGN 2.1), read from the source."""

from __future__ import annotations

import ast
from pathlib import Path

import adminapi

ROOT = Path(adminapi.__file__).parent


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.module is not None
            names.add(node.module)
    return names


def test_only_app_imports_quart_and_nobody_the_broker() -> None:
    for path in ROOT.rglob("*.py"):
        roots = {name.partition(".")[0] for name in imported(path)}
        assert "broker" not in roots, path
        assert path.name == "app.py" or not roots & {"quart", "quart_trio"}, path


def test_dialects_import_only_dialect_and_protocol() -> None:
    for path in (ROOT / "dialects").rglob("*.py"):
        for name in imported(path):
            own = name.startswith("adminapi.dialects.native") and path.parent.name == "native"
            foreign = name.startswith("adminapi") and name != "adminapi.dialect" and not own
            assert not foreign, (path, name)
            assert name.partition(".")[0] not in {"trio", "cbor2", "werkzeug", "argon2", "prometheus_client"}, (path, name)


def test_no_file_outgrows_the_ceiling() -> None:
    for path in ROOT.rglob("*.py"):
        assert len(path.read_text().splitlines()) <= 400, path
