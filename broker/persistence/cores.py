"""Giving way: a thread lets the others have the interpreter and the core, once, and goes on.

The law: whoever has a commit on its way gives way to it. A thread that waits for the interpreter may ask for it only after
half a millisecond (`sys.setswitchinterval`), and to ask it needs a core, which on a machine with one to spare for the
broker the kernel leaves to a busy reactor or to SQLite for 3 to 4 ms: that was the 99th percentile of a commit, with the
store on no disk at all too (traced: 0.4 ms in the middle and 4.2 ms then, 0.06 and 0.7 ms with it).
"""

from __future__ import annotations

import ctypes

_libc = ctypes.CDLL(None)


def give_way() -> None:
    """0.5 us if nobody waits. Not `os.sched_yield`, which keeps the interpreter meanwhile, so that whoever gets the core
    can do nothing with it; nor `time.sleep(0)`, which sleeps 50 us."""
    _libc.sched_yield()
