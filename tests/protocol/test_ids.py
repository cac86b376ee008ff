"""Ids: every text form leads back to the integer, and to nothing in another app or mistyped."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.ids import ALIASES, EPOCH_MS, LARGEST, RECENT, IdForms, Mint, first_at, time_of

NUMBERS = st.integers(1, LARGEST)
FORMS = IdForms("666666")
OTHER = IdForms("777777")


def forms(number: int) -> list[str]:
    return [FORMS.hex32(number), FORMS.hex24(number), FORMS.base64(number)]


@given(NUMBERS)
def test_every_form_leads_back(number: int) -> None:
    assert [FORMS.parse(text) for text in [*forms(number), str(number)]] == [number] * 4
    assert [len(text) for text in forms(number)] == [32, 24, 22]


@given(NUMBERS)
def test_an_id_of_another_app_is_no_id_here(number: int) -> None:
    assert [OTHER.parse(text) for text in forms(number)] == [None] * 3


@given(NUMBERS, st.integers(0, 31), st.sampled_from("0123456789abcdefghij-_"))
def test_a_mistyped_id_is_no_id(number: int, place: int, letter: str) -> None:
    for text in forms(number):
        at = place % len(text)
        if text[at] != letter:
            assert FORMS.parse(text[:at] + letter + text[at + 1 :]) is None


@given(st.text(max_size=40))
def test_any_text_is_an_id_or_none(text: str) -> None:
    number = FORMS.parse(text)
    assert number is None or text in [*forms(number), str(number)] or text.lower() in forms(number) or text.isdigit()


@given(st.text("0123456789abcdef", min_size=24, max_size=24))
def test_an_id_of_elsewhere_becomes_the_same_alias_number_in_any_case_and_another_in_another_app(text: str) -> None:
    number = FORMS.conversation(text)
    assert number is not None
    assert ALIASES <= number < 1 << 63
    assert FORMS.conversation(text.upper()) == number == FORMS.alias(text)
    assert OTHER.conversation(text) != number


@given(NUMBERS)
def test_our_own_ids_are_no_aliases(number: int) -> None:
    assert [FORMS.conversation(text) for text in [*forms(number), str(number)]] == [number] * 4


@pytest.mark.parametrize("text", ["", "x" * 24, "0" * 23, "0" * 25, " " * 24, "٣" * 24])
def test_what_is_no_id_anywhere_is_no_alias(text: str) -> None:
    assert FORMS.conversation(text) is None


@pytest.mark.parametrize("text", ["", "0", "-1", str(LARGEST + 1), "9" * 17, "١٢", "1.0", "0x1f", "x" * 32, "é" * 22])
def test_what_is_no_id_is_none(text: str) -> None:
    assert FORMS.parse(text) is None


@given(st.lists(st.integers(EPOCH_MS, EPOCH_MS + (1 << 40)), min_size=2, max_size=30))
def test_minted_ids_only_grow_whatever_the_clock_does(times: list[int]) -> None:
    mint = Mint()
    made = [mint.next(ms) for ms in times]
    assert made == sorted(set(made))
    assert all(time_of(number) >= ms for number, ms in zip(made, times, strict=True))


def test_a_full_millisecond_runs_over_into_the_next() -> None:
    mint = Mint()
    made = [mint.next(EPOCH_MS + 5) for _ in range(4097)]
    assert time_of(made[4095]) == EPOCH_MS + 5
    assert time_of(made[4096]) == EPOCH_MS + 6
    assert first_at(EPOCH_MS + 5) == made[0]


@pytest.mark.parametrize("form", ["hex32", "hex24", "base64"])
def test_texts_are_remembered_a_bounded_number_of_them(form: str) -> None:
    forms = IdForms("666666")
    text_of = getattr(forms, form)
    texts = [text_of(number) for number in range(1, RECENT * 2)]
    assert texts == [getattr(FORMS, form)(number) for number in range(1, RECENT * 2)]
    assert text_of(RECENT) is texts[RECENT - 1]
    assert text_of.cache_info().currsize == RECENT
