"""Sentences that are shown in more than one language.

The law: a saying is its English sentence wherever text goes; its words with their `{gaps}`, and what fills these, ride along
for the console, whose Chinese table has an entry for the words of each (a test compares them).
"""

from __future__ import annotations


class Said(str):
    """The sentence; `words` and `values` are what it was made of."""

    words: str
    values: dict[str, str]


def said(words: str, **values: object) -> Said:
    made = Said(words.format(**values))
    made.words, made.values = words, {name: str(value) for name, value in values.items()}
    return made


def parts(text: str) -> tuple[str, dict[str, str]]:
    """Words and values; of a sentence that is no saying itself and nothing."""
    return (text.words, text.values) if isinstance(text, Said) else (text, {})
