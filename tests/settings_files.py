"""Settings files as the tests of both programs write them, and what holds of every refusal of one.

`load` is a program's own: the file's path and the environment -> its settings, or BadSettings.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

import pytest

from protocol.settings import BadSettings

T = TypeVar("T")
NOTHING: Mapping[str, str] = {}


@contextmanager
def written(text: str | bytes) -> Iterator[str]:
    """The path of a file that holds this."""
    with tempfile.NamedTemporaryFile(suffix=".toml") as file:
        file.write(text.encode() if isinstance(text, str) else text)
        file.flush()
        yield file.name


def load_text(load: Callable[[str, Mapping[str, str]], T], text: str | bytes, environ: Mapping[str, str] = NOTHING) -> T:
    with written(text) as path:
        return load(path, environ)


def tried(load: Callable[[str, Mapping[str, str]], T], text: str | bytes, environ: Mapping[str, str] = NOTHING) -> T | None:
    """The settings, or None where they are refused as they should be."""
    try:
        return load_text(load, text, environ)
    except BadSettings as error:
        check(str(error))
        return None


def refusal(
    load: Callable[[str, Mapping[str, str]], object], text: str | bytes, environ: Mapping[str, str] = NOTHING
) -> str:
    """The sentence they are refused with."""
    with written(text) as path, pytest.raises(BadSettings) as caught:
        load(path, environ)
    # One file has another name each time.
    return check(str(caught.value)).replace(path, "FILE")


def check(sentence: str) -> str:
    """One short line that shows no password: the tests' is hunter2."""
    assert sentence.isprintable()
    assert len(sentence) < 1000
    assert "hunter2" not in sentence
    return sentence
