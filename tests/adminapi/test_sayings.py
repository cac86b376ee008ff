"""Sentences with their values apart."""

from __future__ import annotations

import json

import msgspec

from adminapi.sayings import parts, said


def test_a_saying_is_its_sentence_and_what_it_was_made_of() -> None:
    saying = said("limits: {most} open files", most=7)
    assert saying == "limits: 7 open files"
    assert json.dumps([saying]) == '["limits: 7 open files"]'
    assert msgspec.to_builtins([saying], enc_hook=str) == ["limits: 7 open files"]
    assert parts(saying) == ("limits: {most} open files", {"most": "7"})


def test_a_sentence_that_is_no_saying_is_shown_as_it_stands() -> None:
    assert parts("{0} files") == ("{0} files", {})
