"""The log: its three forms, one line an event whatever is logged, and that nobody ever waits for its reader (F38)."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import pytest

from protocol.clients import logs
from protocol.settings import Log

PIPE_BYTES = 4096


class Pipe:
    """Where a log is written to, and its reader."""

    def __init__(self) -> None:
        self.reader, self.writer = os.pipe()
        fcntl.fcntl(self.writer, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        self._gathered = b""

    def line(self) -> str:
        while b"\n" not in self._gathered:
            self._gathered += os.read(self.reader, 65536)
        line, self._gathered = self._gathered.split(b"\n", 1)
        return line.decode()


@contextmanager
def logged(format: Literal["text", "json", "journald"], *, journal: bool = False) -> Iterator[tuple[logging.Logger, Pipe]]:
    pipe = Pipe()
    found = os.fstat(pipe.writer)
    environ = {"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino if journal else found.st_ino + 1}"}
    root = logging.getLogger()
    level = root.level
    handler = logs.start(Log(format=format), pipe.writer, environ)
    try:
        yield logging.getLogger("parley.test"), pipe
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
        os.close(pipe.reader)  # which frees a thread that waits
        handler.close()
        os.close(pipe.writer)


def test_text_has_the_words_first_and_quotes_what_would_be_misread() -> None:
    with logged("text") as (log, pipe):
        log.info("listening door=%s address=%s:%s", "tcp", "::1", 5)
        assert re.fullmatch(
            r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} INFO parley.test listening door=tcp address=::1:5", pipe.line()
        )
        log.warning("away reason=%s empty=%s", 'no "such" file\nor user=x', "")
        assert pipe.line().endswith(r'away reason="no \"such\" file\nor user=x" empty=""')
        log.error("store: 100%% of it: %s", "line\none\x1b")
        assert pipe.line().endswith(r"store: 100% of it: line\none\x1b")
        log.info("plain %s", "words a=b")
        assert pipe.line().endswith("plain words a=b")


def test_a_traceback_is_one_field_of_its_line() -> None:
    with logged("text") as (log, pipe):
        try:
            raise ValueError("two\nlines")
        except ValueError:
            log.exception("failed session=%x", 255)
        line = pipe.line()
        assert 'failed session=ff traceback="Traceback (most recent call last):\\n' in line
        assert line.endswith('ValueError: two\\nlines\\n"')


def test_json_is_an_object_a_line_with_the_events_own_fields() -> None:
    with logged("json") as (log, pipe):
        log.warning("late seconds=%.2f connections=%d room=%s level=%s", 1.23456, 7, False, "high")
        found = json.loads(pipe.line())
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", found.pop("time"))
        assert found == {
            "level": "warning", "logger": "parley.test", "event": "late", "seconds": 1.23, "connections": 7, "room": False,
            "_level": "high",
        }  # fmt: skip
        log.warning("broken text=%s", "\x00\n" + "x" * (2 * logs.LINE_CHARACTERS))
        assert json.loads(pipe.line())["text"].startswith("\x00\nxxx")


@pytest.mark.parametrize(("format", "journal"), [("journald", False), ("text", True)])
def test_systemd_is_told_the_severity(format: Literal["text", "journald"], journal: bool) -> None:
    """Asked for, or found out by JOURNAL_STREAM."""
    with logged(format, journal=journal) as (log, pipe):
        log.error("failed why=%s", "x")
        assert pipe.line() == "<3>parley.test failed why=x"
        log.info("fine")
        assert pipe.line() == "<6>parley.test fine"


def test_what_is_logged_wrong_is_shown_and_ends_nothing() -> None:
    with logged("text") as (_, pipe):
        (handler,) = [each for each in logging.getLogger().handlers if isinstance(each, logs.Writing)]
        handler.handle(logging.makeLogRecord({"name": "parley.test", "msg": "one %d", "args": ("word",)}))
        assert "parley.test 'one %d' cannot be formatted" in pipe.line()


def test_nobody_waits_for_a_reader_that_has_stopped_and_what_is_lost_is_counted() -> None:
    """F38."""
    with logged("text") as (log, pipe):
        lines = 3 * logs.WAITING_LINES
        began = time.monotonic()
        for number in range(lines):
            log.info("event number=%d text=%s", number, "x" * 50)
        assert time.monotonic() - began < 5.0  # it would be for ever
        lost = logs.dropped()
        assert lines - logs.WAITING_LINES - PIPE_BYTES // 50 <= lost < lines
        told, last = 0, -1
        while told < lost:  # more than once, where the thread that writes was late and lines were lost meanwhile
            line = pipe.line()
            if "log lines were lost" in line:
                told = int(line.rpartition("total=")[2])
            else:
                number = re.search(r" number=(\d+) text=x{50}\Z", line)
                assert number is not None, line  # what is left is whole and in order
                assert int(number[1]) > last
                last = int(number[1])
        assert told == lost


def test_the_end_waits_for_no_reader_either() -> None:
    with logged("text") as (log, _):
        for _ in range(2 * PIPE_BYTES // 50):
            log.info("event text=%s", "x" * 50)
        (handler,) = [each for each in logging.getLogger().handlers if isinstance(each, logs.Writing)]
        ending = threading.Thread(target=handler.close)
        ending.start()
        ending.join(5)
        assert not ending.is_alive()
