"""Published packages the journeys use: fetched once into the user's cache, never into the tree or the test environment.

The law: a package is what its registry serves under that very version, unchanged. Where it cannot be had the test that asks
is skipped with the reason and the cure; with the registry's variable set to 1 (`.ci/run` does that) it fails instead.
"""

from __future__ import annotations

import functools
import os
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

INSTALL_SECONDS = 40


def missing(variable: str, reason: str) -> NoReturn:
    if os.environ.get(variable) == "1":
        pytest.fail(f"{variable} is set, but {reason}", pytrace=False)
    pytest.skip(reason)


@functools.cache
def fetch(name: str, command: Callable[[Path], list[str]]) -> Path | str:
    """The folder `command` has filled, called `name` in the cache; or why it cannot be had. Asked once a run, as a registry
    out of reach takes its time."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "parley-tests"
    place = cache / name
    if not place.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            out = Path(folder, "out")
            out.mkdir()
            said = install(command(out), folder)
            if said:
                return said[-500:]
            try:
                out.rename(place)
            except OSError:
                assert place.exists()  # another run was faster
    return place


def install(command: list[str], folder: str) -> str:
    """What the command says if it fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False, cwd=folder)
    except subprocess.TimeoutExpired:
        return f"nothing within {INSTALL_SECONDS} s"
    return "" if done.returncode == 0 else done.stderr or f"exit code {done.returncode}"
