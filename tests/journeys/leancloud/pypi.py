"""The published LeanCloud SDK for Python: fetching it (`packages`) into a folder of its own, as it pins what we use in other
versions, and running a scenario that uses it, in a Python of its own.

Where pip or the index is missing the test is skipped with the reason; with PARLEY_REQUIRE_PYPI=1 it fails.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.journeys.leancloud.packages import fetch, missing
from tests.journeys.leancloud.scenario import Running

WANTED = "leancloud==3.0.2"
NAME = f"{WANTED.replace('==', '-')}-python{sys.version_info.major}.{sys.version_info.minor}"
REQUIRE = "PARLEY_REQUIRE_PYPI"
FOLDER = Path(__file__).parent


def pip(place: Path) -> list[str]:
    options = ["--quiet", "--no-input", "--disable-pip-version-check", "--no-compile", "--retries", "1"]
    return [sys.executable, "-m", "pip", "install", *options, "--target", str(place), WANTED]


def packages() -> Path:
    """The folder with the SDK in it; skips the test that asks if it is not to be had."""
    fetched = fetch(NAME, pip)
    if isinstance(fetched, str):
        missing(REQUIRE, f"pip cannot install {WANTED}; pip and its index must be in reach once. It says: {fetched}")
    return fetched


class Scenario(Running):
    """`name`.py with the SDK on its path; `server` is the address of the REST API."""

    def __init__(self, sdk: Path, name: str, server: str, *arguments: str) -> None:
        environ = {"PYTHONPATH": str(sdk), "LC_API_SERVER": server, "PYTHONDONTWRITEBYTECODE": "1"}
        super().__init__([sys.executable, "-W", "ignore", str(FOLDER / f"{name}.py"), *arguments], environ)
