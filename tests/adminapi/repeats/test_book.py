"""The file of answers: what is in it, who may read it, and when it is not used."""

from __future__ import annotations

import shutil
from pathlib import Path

import apsw
import pytest

from adminapi.dialect import Answer
from adminapi.repeats.book import Book, InUse, Kept, Unkept

ANSWER = Answer(status=201, body=b'{"key":"\xe4"}', type="application/x-y", headers=(("Location", "/1"), ("A", "b")))


def of_a_killed_one(path: Path, folder: Path) -> Book:
    """The files as they lie there now, as one finds them whose program was killed."""
    folder.mkdir()
    for each in path.parent.glob(path.name + "*"):
        shutil.copy(each, folder)
    return Book(folder / path.name)


def test_what_was_written_is_there_after_a_kill_the_oldest_first(tmp_path: Path) -> None:
    book = Book(tmp_path / "data" / "repeats.db")
    assert book.load() == []
    book.write({b"b": Kept(2.5, ANSWER), b"a": Kept(1.25, None), b"c": Kept(1.5, None)}, 0.0)
    book.write({b"a": Kept(3.0, Answer()), b"c": None}, 0.0)
    left = of_a_killed_one(book.path, tmp_path / "killed")
    assert left.load() == [(b"b", Kept(2.5, ANSWER)), (b"a", Kept(3.0, Answer()))]
    book.write({}, 3.0)
    assert of_a_killed_one(book.path, tmp_path / "later").load() == [(b"a", Kept(3.0, Answer()))]


def test_only_the_owner_reads_it(tmp_path: Path) -> None:
    """Answers hold keys. The mode of one that was there is set right too."""
    path = tmp_path / "repeats.db"
    path.touch(0o644)
    book = Book(path)
    book.load()
    book.write({b"a": Kept(1.0, ANSWER)}, 0.0)
    modes = {each.name: each.stat().st_mode & 0o777 for each in tmp_path.iterdir()}
    assert modes == {"repeats.db": 0o600, "repeats.db-wal": 0o600}
    book.close()
    assert [each.name for each in tmp_path.iterdir()] == ["repeats.db"]


def test_one_program_at_a_time_has_it(tmp_path: Path) -> None:
    first, second = Book(tmp_path / "repeats.db"), Book(tmp_path / "repeats.db")
    first.load()
    with pytest.raises(InUse, match=r"repeats\.db is in use by another program"):
        second.load()
    first.close()
    assert second.load() == []
    second.close()


@pytest.mark.parametrize("broken", ["newer", "no database", "no folder", "a link"])
def test_a_file_that_cannot_be_used_is_told_by_name(tmp_path: Path, broken: str) -> None:
    path = tmp_path / "data" / "repeats.db"
    path.parent.mkdir()
    if broken == "newer":
        apsw.Connection(str(path)).pragma("user_version", 2)
    elif broken == "no database":
        path.write_bytes(b"x" * 5000)
    elif broken == "no folder":
        path.parent.rmdir()
        path.parent.write_bytes(b"")
    else:
        path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Unkept, match=r"repeats\.db"):
        Book(path).load()


def test_a_write_that_fails_has_written_nothing_and_a_later_one_is_heeded(tmp_path: Path) -> None:
    book = Book(tmp_path / "repeats.db")
    book.load()
    assert book._db is not None
    full = book._db.pragma("page_count")
    book._db.pragma("max_page_count", full)  # as on a full disk
    with pytest.raises(Unkept, match="full"):
        book.write({b"a": Kept(1.0, None), b"b": Kept(2.0, Answer(body=b"x" * 100_000))}, 0.0)
    book._db.pragma("max_page_count", 1_000_000)
    book.write({b"c": Kept(3.0, None)}, 0.0)
    assert of_a_killed_one(book.path, tmp_path / "killed").load() == [(b"c", Kept(3.0, None))]
    book.close()
