"""A table is read through a mapping, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import apsw

from broker.persistence.mapped import mapped


def is_mapped(path: Path) -> bool:
    return any(line.rstrip().endswith(str(path)) for line in Path("/proc/self/maps").read_text().splitlines())


def test_the_file_is_mapped_as_long_as_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    db = apsw.Connection(str(path))
    db.execute("CREATE TABLE t (n); INSERT INTO t VALUES (1), (2)")
    with mapped(db):
        assert db.execute("SELECT n FROM t").fetchall() == [(1,), (2,)]
        assert is_mapped(path)
    assert db.execute("SELECT n FROM t").fetchall() == [(1,), (2,)]
    assert not is_mapped(path)
    db.close()
