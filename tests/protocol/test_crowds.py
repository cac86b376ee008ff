"""How many connections a program takes, in all and of each address."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from protocol.addresses import Addresses
from protocol.crowds import Crowds, spare_descriptors


@given(st.lists(st.tuples(st.booleans(), st.sampled_from(["a", "b", ""]))))
def test_no_address_has_more_than_it_may_and_all_slots_come_back(moves: list[tuple[bool, str]]) -> None:
    crowds = Crowds(2, Addresses(()))
    inside: list[str] = []
    for comes, name in moves:
        if comes:
            assert crowds.enter(name) == (not name or inside.count(name) < 2)
            if not name or inside.count(name) < 2:
                inside.append(name)
        elif name in inside:
            inside.remove(name)
            crowds.leave(name)
    for name in inside:
        crowds.leave(name)
    assert all(crowds.enter(name) and crowds.enter(name) for name in ("a", "b"))


def test_a_program_without_room_keeps_a_quarter_of_its_descriptors() -> None:
    assert 0 < spare_descriptors()
