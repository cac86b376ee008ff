"""Every Reason has a code the SDK can show, whatever was asked; every push of a hub is rendered or has no word here."""

from __future__ import annotations

import pytest

from protocol import pushes as p
from protocol.errors import Reason, Refused
from protocol.wires.leancloud import errors
from protocol.wires.leancloud.pushes import PUSHES

SUBJECTS = [each for each in vars(errors).values() if isinstance(each, dict) and set(each) <= set(Reason)]


def test_every_reason_has_a_code_and_a_sentence() -> None:
    assert set(errors.CODES) == set(Reason)
    for reason in Reason:
        for subject in SUBJECTS:
            said = errors.failure(Refused(reason, "why"), subject).errorMessage
            assert 4100 <= said.code < 4600
            assert said.reason == ("why" if reason is not Reason.INTERNAL else errors.INTERNAL_TEXT)


@pytest.mark.parametrize(
    ("reason", "subject", "code"),
    [
        (Reason.BAD_TOKEN, errors.SESSION, 4112),
        (Reason.BAD_TOKEN, errors.FIRST_LOGIN, 4102),
        (Reason.UNKNOWN_CONVERSATION, errors.TEMPORARY_MESSAGE, 4303),
        (Reason.UNKNOWN_CONVERSATION, errors.MESSAGE, 4401),
        (Reason.NOT_ALLOWED, errors.PATCH, 4403),
        (Reason.NOT_ALLOWED, errors.REMOVAL, 4324),
        (Reason.NOT_ALLOWED, errors.CONVERSATION, 4320),
    ],
)
def test_a_subject_has_its_own_words(reason: Reason, subject: errors.Subject, code: int) -> None:
    assert errors.code_of(reason, subject) == code


def test_the_pushes_without_a_word_are_these() -> None:
    silent = {p.AppsChanged, p.ConversationDeleted, p.PresenceChanged, p.SystemNew}
    assert set(p.Push.__subclasses__()) - silent == set(PUSHES)
