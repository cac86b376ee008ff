"""The log of both programs: one line an event, its words first and then `key=value`, on stderr.

The law: whoever logs never waits. A thread of its own writes; what it has not written yet is bounded, and what does not
fit, or cannot be written, is dropped and counted (F38 of `reliability.md`): a full disk below the log, or a reader that has
stopped, costs lines and nothing else. It does not touch the flags of stderr, which others share.

Where an event's message names values as `key=%s`, these are its fields: text and the journal get them quoted where they
need it, JSON gets them by name. So one call serves every form, and no value breaks a line in two.
"""

from __future__ import annotations

import json
import logging
import os
import re
import select
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from queue import SimpleQueue

from protocol.settings import Log

WAITING_LINES = 1_000
LINE_CHARACTERS = 16_384
"""systemd's journal would break a line at 48 KiB."""
CLOSE_SECONDS = 0.5
"""At the end, for what is not written yet."""
FIELD = re.compile(r"(?:^|\s)([a-z_]+)=")
CONVERSION = re.compile(r"%[-#0 +]*\d*(?:\.\d+)?[a-zA-Z%]")
NEEDS_QUOTES = re.compile(r'[\s"=\x00-\x1f\x7f-\x9f\u2028\u2029]|^$')
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
PRIORITIES = {logging.CRITICAL: 2, logging.ERROR: 3, logging.WARNING: 4, logging.INFO: 6, logging.DEBUG: 7}
"""sd-daemon(3)."""

Value = str | int | float | bool


def event_of(record: logging.LogRecord) -> tuple[str, dict[str, Value]]:
    """The words of an event, and its fields."""
    template, given = record.msg, record.args or ()
    if not isinstance(template, str) or not isinstance(given, tuple):
        return record.getMessage(), {}
    parts = FIELD.split(template)
    if len(given) != sum(conversions(part) for part in parts[::2]):
        return record.getMessage(), {}
    at = conversions(parts[0])
    words, fields = formatted(parts[0], given[:at]), dict[str, Value]()
    for name, part in zip(parts[1::2], parts[2::2], strict=True):
        end = at + conversions(part)
        fields[name] = value_of(part.strip(), given[at:end])
        at = end
    return words.strip(), fields


def conversions(part: str) -> int:
    """How many arguments it takes."""
    return sum(found != "%%" for found in CONVERSION.findall(part))


def formatted(part: str, given: tuple[object, ...]) -> str:
    return part % given if given else part.replace("%%", "%")


def value_of(part: str, given: tuple[object, ...]) -> Value:
    """A number stays one, with the digits that the message gives it."""
    text = formatted(part, given)
    if part in ("%d", "%s") and type(given[0]) in (int, float, bool):
        return given[0]  # type: ignore[return-value]  # one of these three, as was just seen
    return float(text) if part.startswith("%.") and part.endswith("f") else text


def quoted(value: Value) -> str:
    text = str(value)
    return json.dumps(text, ensure_ascii=bool(CONTROL.search(text))) if NEEDS_QUOTES.search(text) else text


def stack_of(record: logging.LogRecord) -> str:
    if not record.exc_info or record.exc_info[1] is None:
        return ""
    return "".join(traceback.format_exception(record.exc_info[1]))


class Lines(logging.Formatter):
    """Records as lines of text. `journal`: with the severity in front that systemd reads, without the time it knows."""

    def __init__(self, *, journal: bool) -> None:
        super().__init__()
        self._journal = journal

    def format(self, record: logging.LogRecord) -> str:
        words, fields = event_of(record)
        if stack := stack_of(record):
            fields["traceback"] = stack
        if self._journal:
            head = f"<{PRIORITIES.get(record.levelno, 6)}>{record.name}"
        else:
            head = f"{self.formatTime(record)} {record.levelname} {record.name}"
        words = CONTROL.sub(lambda found: repr(found[0])[1:-1], words)
        return " ".join([head, words, *(f"{name}={quoted(value)}" for name, value in fields.items())])


class Objects(logging.Formatter):
    """Records as one JSON object a line: `time` (UTC), `level`, `logger`, `event`, then the event's own fields; one that is
    called as one of those stands behind an underscore."""

    def format(self, record: logging.LogRecord) -> str:
        words, fields = event_of(record)
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        found: dict[str, Value] = {
            "time": f"{moment}.{int(record.msecs):03}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": words,
        }
        for name, value in fields.items():
            found[f"_{name}" if name in found else name] = value
        if stack := stack_of(record):
            found["traceback"] = stack
        text = json.dumps(found)
        if len(text) <= LINE_CHARACTERS:
            return text
        # Cut, it would be no JSON any more.
        return json.dumps({name: value[:1_000] if isinstance(value, str) else value for name, value in found.items()})


class Writing(logging.Handler):
    """Writes to a descriptor from a thread of its own; `dropped` counts the lines that are lost."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self.dropped = 0
        self._told = 0
        self._descriptor = descriptor
        self._lines: SimpleQueue[str | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._write_all, name="log", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record)
        except Exception as error:  # a slip where it is logged: shown, for stderr itself must not be touched here
            line = f"{record.name} {record.msg!r} cannot be formatted: {error!r}"
        self.say(line)

    def say(self, line: str) -> None:
        """Hand over a line as it is."""
        if self._lines.qsize() >= WAITING_LINES:
            self.dropped += 1
        else:
            self._lines.put(line if len(line) <= LINE_CHARACTERS else line[:LINE_CHARACTERS] + "...")

    def close(self) -> None:
        """Write what is left, for a moment."""
        if self._thread.is_alive():
            self._lines.put(None)
            self._thread.join(CLOSE_SECONDS)
        super().close()

    def _write_all(self) -> None:
        while (line := self._lines.get()) is not None:
            if self.dropped > self._told:
                self._told = self.dropped
                lost = logging.makeLogRecord(
                    {"name": "parley.log", "levelno": logging.WARNING, "levelname": "WARNING"}
                    | {"msg": "log lines were lost total=%d", "args": (self._told,)}
                )
                self._write(self.format(lost))
            self._write(line)

    def _write(self, line: str) -> None:
        left = memoryview((line + "\n").encode(errors="backslashreplace"))
        try:
            while left:
                try:
                    left = left[os.write(self._descriptor, left) :]
                except BlockingIOError:  # somebody who shares it has made it so
                    writable = select.poll()
                    writable.register(self._descriptor, select.POLLOUT)
                    writable.poll()
        except OSError:
            self.dropped += 1


_running: Writing | None = None


def start(settings: Log, descriptor: int = 2, environ: Mapping[str, str] = os.environ) -> Writing:
    """Everything that is logged goes to `descriptor` from now on."""
    global _running
    _running = handler = Writing(descriptor)
    if settings.format == "json":
        handler.setFormatter(Objects())
    else:
        handler.setFormatter(Lines(journal=settings.format == "journald" or is_journal(descriptor, environ)))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(settings.level.upper())
    return handler


def say(sentence: str) -> None:
    """Last words, as they are, behind what was logged; also before `start`."""
    if _running is None:
        print(sentence, file=sys.stderr)
    else:
        _running.say(sentence)


def dropped() -> int:
    """Lines lost since the start."""
    return _running.dropped if _running is not None else 0


def is_journal(descriptor: int, environ: Mapping[str, str]) -> bool:
    """Whether systemd's journal reads it: `JOURNAL_STREAM` is its device and inode (systemd.exec(5))."""
    try:
        found = os.fstat(descriptor)
    except OSError:
        return False
    return environ.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"
