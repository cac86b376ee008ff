"""The ids of a call: how another dialect writes them, and those that are none of the app's.

The law: an id of the app is written in each dialect's own form; any other, of another service or another app, stays the
text it was. While a call is followed such an id is a number of its own, which never leaves here.
"""

from __future__ import annotations

import re
from typing import Any

from adminapi.dialect import id_forms
from protocol.ids import LARGEST
from protocol.records import Kind

TOKEN = re.compile(r"(?<![0-9A-Za-z_$])(?:[0-9a-fA-F]{32}|[0-9a-fA-F]{24}|\$[A-Z_]*CONVERSATION)(?![0-9A-Za-z_])")
"""What may be an id, or stands for one."""
MOST = 100
"""Of one call."""


class Named:
    """`adminapi.dialects.saying.Names` for one app."""

    def __init__(self, known: str, app: str, kind: Kind | None) -> None:
        self._forms = id_forms(known)
        self.app = app
        """As the line has it, or what stands for it."""
        self.kind = kind

    def hex32(self, number: int | str) -> str:
        return self._forms.hex32(number) if isinstance(number, int) else number

    def hex24(self, number: int | str) -> str:
        return self._forms.hex24(number) if isinstance(number, int) else number

    def base64(self, number: int | str) -> str:
        return self._forms.base64(number) if isinstance(number, int) else number


class Foreign:
    """The ids of one call that are not the app's."""

    def __init__(self, known: str) -> None:
        self._forms = id_forms(known)
        self._texts: dict[str, str] = {}
        """What stands for each, in every form, and what it stands for."""
        self._numbers: dict[int, str] = {}

    def replaced(self, text: str) -> str:
        return TOKEN.sub(lambda found: self._replace(found[0]), text)

    def _replace(self, text: str) -> str:
        if self._forms.parse(text) is not None or len(self._numbers) >= MOST:
            return text
        number = next((number for number, known in self._numbers.items() if known == text), None)
        if number is None:
            number = LARGEST - 1000 - len(self._numbers)
            self._numbers[number] = text
            forms = self._forms
            for form in (forms.hex32(number), forms.hex24(number), forms.base64(number), str(number)):
                self._texts[form] = text
        return self._forms.hex24(number) if len(text) == 24 else self._forms.hex32(number)

    def restored(self, value: Any) -> Any:
        """The value with the ids as they were."""
        if not self._numbers:
            return value
        if isinstance(value, str):
            for form, text in self._texts.items():
                value = value.replace(form, text)
            return value
        if isinstance(value, bool):
            return value
        if isinstance(value, int):
            return self._numbers.get(value, value)
        if isinstance(value, list):
            return [self.restored(each) for each in value]
        if isinstance(value, dict):
            return {name: self.restored(each) for name, each in value.items()}
        return value
