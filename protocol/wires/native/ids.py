"""Ids of one app as the native dialect writes and reads them: 32 hex digits out, every form in (DESIGN 4).

The law: what is not an id of this app is "not found" (4011, 4016), never an internal error, and a foreign app's id
looks no different from a mistyped one. The memory of recent ids is bounded and only ever holds true answers.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from protocol.errors import Reason, Refused
from protocol.ids import LARGEST, RECENT, IdForms
from protocol.wires.native.fields import Data, bad, missing


class AppIds:
    """One app's ids. Share it through `app_ids`."""

    __slots__ = ("_numbers", "app", "forms", "text")

    def __init__(self, app: str) -> None:
        self.app = app
        self.forms = IdForms(app)
        self.text = self.forms.hex32
        self._numbers: dict[str, int] = {}

    def number(self, text: str) -> int | None:
        """The id behind any accepted form, None if this app never emitted it."""
        return self._remembered(text, self.forms.parse)

    def conversation_number(self, text: str) -> int | None:
        """The same for a conversation, which may also be meant by the id it had before it was imported."""
        return self._remembered(text, self.forms.conversation)

    def message_id(self, text: str) -> int | str:
        """The same for a message as LeanCloud's side names it: the text itself if it is none of ours, for it may be the id
        it had before it was imported."""
        number = self.number(text)
        return text if number is None else number

    def _remembered(self, text: str, parse: Callable[[str], int | None]) -> int | None:
        known = self._numbers.get(text)
        if known is None:
            known = parse(text)
            if known is not None and known <= LARGEST:
                if len(self._numbers) >= RECENT:
                    self._numbers.clear()
                self._numbers[text] = known
        return known

    def conversation(self, data: Data) -> int:
        """The required `conv_id`; UNKNOWN_CONVERSATION if it is not one of this app's ids."""
        return self._field(data, "conv_id", Reason.UNKNOWN_CONVERSATION, "conversation", self.conversation_number)

    def message(self, data: Data) -> int:
        """The required `msg_id`; UNKNOWN_MESSAGE if it is not one of this app's ids."""
        return self._field(data, "msg_id", Reason.UNKNOWN_MESSAGE, "message", self.number)

    def _field(self, data: Data, field: str, unknown: Reason, noun: str, number_of: Callable[[str], int | None]) -> int:
        value = data.get(field)
        if type(value) is int:
            value = str(value)  # the plain integer is one of the accepted forms
        if value is None or value == "":
            missing(field)
        if type(value) is not str:
            bad(field, "an id: text of 32 hex digits")
        number = number_of(value)
        if number is None:
            raise Refused(unknown, f"There is no {noun} with this {field}.")
        return number


@lru_cache(maxsize=1024)
def app_ids(app: str) -> AppIds:
    """The ids of an app the broker knows. Call it behind a login or for a push only: strangers must not fill it."""
    return AppIds(app)
