"""The README's table of attacks: every row has tests, and every test of a row stands in a row."""

from __future__ import annotations

import re
from pathlib import Path

from tests.conftest import ATTACKS

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"(?m)^\| (\w+) \|.*\| ([^|]*) \|$")


def test_every_row_names_tests_that_carry_its_mark() -> None:
    table = (ROOT / "README.md").read_text().partition("## Attacks")[2].partition("\n## ")[0]
    rows = {row: set(re.findall(r"`(\w[\w/]*(?:\.py|/))`", files)) for row, files in ROW.findall(table)}
    assert set(rows) == ATTACKS
    for row, files in rows.items():
        for file in files:
            path = ROOT / "tests" / file
            texts = [each.read_text() for each in ([path] if path.is_file() else path.rglob("test_*.py"))]
            assert any(f"pytest.mark.{row}\n" in text for text in texts), (row, file)
