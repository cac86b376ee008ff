"""The tail: whatever was added and not applied can be found, in memory or by the commit it is in."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.hub.recent import FetchedRow, Key, MessageKey, MessagesKey, OldKey, PatchesKey, SendsKey
from broker.hub.rows import HeadRow, Image, SendRow, delete, put
from broker.persistence import traces
from broker.persistence.store import belongs
from broker.persistence.tail import MESSAGE_BYTES, OLD_ID_BYTES, SEND_BYTES, Budget, Tail, merge
from protocol.records import Message, PatchRecord


def message(seq: int, conversation: int = 9, rev: int = 0, body: bytes = b"{}") -> Message:
    return Message(conversation * 1000 + seq, conversation, seq, "u", 1, body, rev=rev)


def patch(number: int, seq: int = 1, changed: int = 0) -> PatchRecord:
    return PatchRecord(9, number, 9000 + seq, seq, 3, b"{}", "u", 5, changed)


def send(n: int, device: str = "d") -> SendRow:
    return SendRow("u", device, n % 64, n, str(n), 9000 + n, 9, n)


def add(tail: Tail, commit: int, *rows: FetchedRow) -> None:
    tables = {Message: "messages", PatchRecord: "patches", SendRow: "sends"}
    for row in rows:
        tail.add(commit, put("app", tables[type(row)], row))


def test_messages_are_given_only_if_every_one_is_held() -> None:
    tail = Tail(Budget(1 << 20))
    for seq in range(5, 10):
        add(tail, seq, message(seq))
    assert tail.messages(9, 5, 9) == [message(seq) for seq in range(5, 10)]
    assert tail.messages(9, 7, 7) == [message(7)]
    assert tail.messages(9, 4, 6) is None
    assert tail.messages(9, 9, 10) is None
    assert tail.messages(8, 5, 5) is None
    assert tail.messages(9, 6, 5) == []
    assert tail.messages(9, 0, 1 << 52) is None
    assert tail.message(9005) == message(5)
    assert tail.message(8005) is None


def test_an_edit_takes_the_place_of_the_message_and_stays_until_its_own_commit_is_applied() -> None:
    budget = Budget(1 << 20)
    tail = Tail(budget)
    add(tail, 1, message(1, body=b"x" * 1000), message(2))
    add(tail, 2, message(1, rev=1), patch(1))
    assert tail.message(9001) == message(1, rev=1)
    tail.applied(1)
    assert tail.message(9001) == message(1, rev=1)
    assert tail.message(9002) is None
    assert tail.copy([PatchesKey(9, -1, 5)]) == [patch(1)]
    tail.applied(2)
    assert tail.message(9001) is None
    assert (budget.used, tail.statistics()) == (0, {"held": 0, "let_go": 0})


def test_what_the_store_has_is_dropped_a_part_at_a_time() -> None:
    tail = Tail(Budget(1 << 20))
    for seq in range(1, 6):
        add(tail, seq, message(seq))
    assert tail.applied(4, 3) is True
    assert [tail.message(9000 + seq) is None for seq in range(1, 6)] == [True, True, True, False, False]
    assert tail.applied(4, 3) is False
    assert [tail.message(9000 + seq) is None for seq in range(1, 6)] == [True, True, True, True, False]


def test_images_of_other_tables_are_not_the_tails() -> None:
    budget = Budget(1 << 20)
    tail = Tail(budget)
    tail.add(1, put("app", "heads", HeadRow(9, 5)))
    tail.add(1, delete("app", "heads", 9))
    assert budget.used == 0


def test_a_deleted_row_is_taken_out() -> None:
    budget = Budget(1 << 20)
    tail = Tail(budget)
    add(tail, 1, message(1), patch(1), send(1))
    for image in (delete("app", "messages", 9001), delete("app", "patches", 9, 1), delete("app", "sends", "u", "d", 1)):
        tail.add(2, image)
        tail.add(2, image)
    assert tail.copy([MessagesKey(9, 0, 9), PatchesKey(9, -1, 5), SendsKey("u", "d")]) == []
    tail.applied(1)
    assert budget.used == 0


def test_all_tails_share_the_budget_and_memory_never_passes_it() -> None:
    budget = Budget(20 * MESSAGE_BYTES)
    one, two = Tail(budget), Tail(budget)
    for seq in range(1, 16):
        add(one, seq, message(seq))
    for seq in range(16, 200):
        add(two, seq, message(seq, conversation=8))
        assert budget.used <= budget.limit
    assert one.messages(9, 1, 15) is not None  # who adds pays
    assert two.message(8199) is not None
    assert two.message(8016) is None
    assert two.commits_for([MessageKey(8016)]) == [16]


def test_a_row_larger_than_the_budget_is_let_go_at_once() -> None:
    tail = Tail(Budget(1000))
    add(tail, 4, message(1, body=b"x" * 2000))
    assert tail.message(9001) is None
    assert tail.commits_for([MessagesKey(9, 1, 1)]) == [4]


def test_an_old_id_is_found_in_memory_and_on_the_journal() -> None:
    tail = Tail(Budget(2 * (MESSAGE_BYTES + OLD_ID_BYTES) + 10))
    for seq in range(1, 5):
        row = message(seq)
        row.old_id = f"m{seq}"
        add(tail, seq, row)
    edited = message(1, rev=1)
    edited.old_id = "m1"
    add(tail, 5, edited)
    assert tail.copy([OldKey(9, "m1")]) == [edited]
    assert [tail.commits_for([OldKey(9, f"m{seq}")]) for seq in range(1, 5)] == [[1], [2], [3], []]
    tail.applied(5)
    assert tail.copy([OldKey(9, f"m{seq}") for seq in range(1, 5)]) == []


def test_of_the_sends_of_a_device_the_last_64_are_traced(monkeypatch: pytest.MonkeyPatch) -> None:
    tail = Tail(Budget(SEND_BYTES))
    for n in range(1, 1001):
        add(tail, n, send(n))
    assert len(tail.commits_for([SendsKey("u", "d")])) == 64
    assert tail.commits_for([SendsKey("u", "d")])[-1] == 999


# Any history: what a reader finds in memory, in the traced commits and in the store is what was added.

rows = st.one_of(
    st.builds(message, st.integers(1, 6), st.integers(8, 9), st.just(0), st.binary(max_size=400)),
    st.builds(lambda number, seq: patch(number, seq), st.integers(1, 6), st.integers(1, 6)),
    st.builds(send, st.integers(1, 70), st.sampled_from(["d", "e"])),
)
keys: st.SearchStrategy[Key] = st.one_of(
    st.builds(MessagesKey, st.integers(8, 9), st.integers(1, 6), st.integers(1, 6)),
    st.builds(MessageKey, st.integers(8001, 9006)),
    st.builds(PatchesKey, st.integers(8, 9), st.integers(0, 20), st.integers(1, 3), st.booleans()),
    st.builds(OldKey, st.integers(8, 9), st.sampled_from(["m1", "m2", "m3"])),
    st.builds(SendsKey, st.just("u"), st.sampled_from(["d", "e"])),
)


@settings(deadline=None, max_examples=200)
@given(
    st.lists(rows | st.none(), max_size=40), st.lists(keys, min_size=1, max_size=3), st.integers(0, 4000), st.integers(1, 5)
)
def test_nothing_that_was_added_is_out_of_reach(
    history: list[FetchedRow | None], asked: list[Key], limit: int, generation: int
) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(traces, "ROWS", generation)
        budget = Budget(limit)
        tail = Tail(budget)
        journal: dict[int, FetchedRow] = {}
        store: dict[Any, FetchedRow] = {}
        seen: dict[Any, FetchedRow] = {}
        applied = sends_applied = 0
        for row in history:
            if row is None:  # the store of messages catches up by half, the one of sends altogether
                applied += (len(journal) - applied + 1) // 2
                sends_applied = len(journal)
                for commit, added in journal.items():
                    if commit <= applied or isinstance(added, SendRow):
                        image = image_of(added)
                        store[image.key, image.table] = added
                tail.applied(applied)
                tail.sends_applied(sends_applied)
                continue
            commit = len(journal) + 1
            if isinstance(row, Message):
                old = seen.get(image_of(row).key)
                row.rev = old.rev + 1 if isinstance(old, Message) else 0
                row.old_id = f"m{row.seq}" if row.seq % 2 else ""
            elif isinstance(row, PatchRecord):
                row.number = row.changed = commit  # each has a number of its own
            elif isinstance(row, SendRow):
                row.n += 64 * commit
            journal[commit] = row
            seen[image_of(row).key] = row
            add(tail, commit, row)
            assert budget.used <= limit
        on_journal = [journal[commit] for commit in tail.commits_for(asked)]
        for key in asked:
            least = sends_applied if isinstance(key, SendsKey) else applied
            assert all(commit > least for commit in tail.commits_for([key]))
        found = merge(asked, tail.copy(asked), merge(asked, on_journal, list(store.values())))
        expected = merge(asked, list(seen.values()), [])
        assert found == expected


def image_of(row: FetchedRow) -> Image:
    table = {Message: "messages", PatchRecord: "patches", SendRow: "sends"}[type(row)]
    return put("app", table, row)


def test_merge_takes_the_higher_rev_wherever_it_is() -> None:
    asked = [MessagesKey(9, 1, 9)]
    assert merge(asked, [message(1, rev=1)], [message(1)]) == [message(1, rev=1)]
    assert merge(asked, [message(1)], [message(1, rev=1)]) == [message(1, rev=1)]
    assert merge(asked, [message(3), message(1)], [message(2), message(10)]) == [message(1), message(2), message(3)]


def test_merge_gives_each_patches_key_its_first_or_last_patches() -> None:
    asked = [PatchesKey(9, 10, 2)]
    found = [patch(number, changed=number * 5) for number in (5, 1, 3)]
    stored = [patch(2, changed=10), patch(4, changed=20)]
    assert merge(asked, found, stored) == [patch(3, changed=15), patch(4, changed=20)]
    assert merge([PatchesKey(9, 10, 2, last=True)], found, stored) == [patch(4, changed=20), patch(5, changed=25)]


def test_belongs_never_mixes_kinds() -> None:
    for row in (message(1), patch(1, changed=5), send(1)):
        matches = [
            belongs(row, key) for key in (MessagesKey(9, 1, 1), OldKey(9, "x"), PatchesKey(9, 0, 1), SendsKey("u", "d"))
        ]
        assert sum(matches) == 1
