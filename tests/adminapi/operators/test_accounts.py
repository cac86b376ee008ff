"""The file of operators: private, whole, one writer at a time, and read again when it has changed."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from adminapi.operators import accounts
from adminapi.operators.accounts import Account, Accounts, Book, renewed
from protocol.errors import Refused


def account(name: str = "ann") -> Account:
    return Account(name=name, role="viewer", password="x", since_ms=1, serial="s")


def test_it_is_its_owners_alone_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    file = Accounts(tmp_path / "data" / "operators.json")
    assert file.book() == Book(key="")
    file.change(lambda book: book.put(account()))
    assert file.path.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in file.path.parent.iterdir()] == ["operators.json"]
    assert file.book().named("ann") == account()
    assert len(file.book().key) >= 43


def test_a_change_by_another_program_is_seen_at_once_and_the_key_stays(tmp_path: Path) -> None:
    one, other = Accounts(tmp_path / "o.json"), Accounts(tmp_path / "o.json")
    one.change(lambda book: book.put(account()))
    key = other.book().key
    one.change(lambda book: book.put(renewed(book.named("ann"), role="admin")))
    found = other.book().named("ann")
    assert (found.role, found.serial == "s", found.ended) == ("admin", False, ())
    one.change(lambda book: book.drop("ann"))
    assert other.book() == Book(key=key)
    with pytest.raises(Refused, match="no operator 'ann'"):
        one.change(lambda book: book.drop("ann"))


def test_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    def add(number: int) -> None:
        Accounts(tmp_path / "o.json").change(lambda book: book.put(account(f"n{number}")))

    threads = [threading.Thread(target=add, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {each.name for each in Accounts(tmp_path / "o.json").book().operators} == {f"n{number}" for number in range(16)}


def test_a_file_that_is_broken_lets_nobody_in_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "o.json").write_text("{")
    with pytest.raises(Refused, match="cannot be read"):
        Accounts(tmp_path / "o.json").book()


def test_there_is_a_most(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts, "MOST", 2)
    file = Accounts(tmp_path / "o.json")
    for name in ("a", "b", "b"):
        file.change(lambda book, name=name: book.put(account(name)))  # type: ignore[misc]
    with pytest.raises(Refused, match="full"):
        file.change(lambda book: book.put(account("c")))


def test_a_link_in_the_way_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("mine")
    os.symlink(tmp_path / "victim", tmp_path / "o.json.new")
    with pytest.raises(OSError, match=r"o\.json\.new"):
        Accounts(tmp_path / "o.json").change(lambda book: book)
    assert (tmp_path / "victim").read_text() == "mine"
