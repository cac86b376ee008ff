"""Node and the published LeanCloud SDKs for it: fetching them (`packages`), and running a scenario that uses them.

Where Node or the registry is missing the tests are skipped with the reason; with PARLEY_REQUIRE_NODE=1 they fail. The
counterpart is sdk.js, which prints the lines a scenario is read by.
"""

from __future__ import annotations

import functools
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from tests.journeys.leancloud.packages import fetch, missing
from tests.journeys.leancloud.scenario import Running

REALTIME, STORAGE = "leancloud-realtime", "leancloud-storage"
FOLDER = Path(__file__).parent
REQUIRE = "PARLEY_REQUIRE_NODE"
GET_NODE = "install Node 18 or newer with npm (apt-get install nodejs npm, or https://nodejs.org/)"
FLAGS = ("--no-audit", "--no-fund", "--ignore-scripts", "--save-exact")


def modules(version: str, package: str = REALTIME) -> Path:
    """The node_modules with this SDK in it; skips the test that asks if they are not to be had."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        missing(REQUIRE, f"node or npm is not on the PATH: {GET_NODE}")
    fetched = fetch(f"{package}-{version}", _npm(f"{package}@{version}"))
    if isinstance(fetched, str):
        missing(REQUIRE, f"npm cannot install {package}@{version}; the registry must be in reach once. It says: {fetched}")
    return fetched / "node_modules"


@functools.cache
def _npm(wanted: str) -> Callable[[Path], list[str]]:
    return lambda place: ["npm", "install", *FLAGS, "--prefix", str(place), wanted]


class Scenario(Running):
    """`name`.js with these modules on its path."""

    def __init__(self, sdk: Path | list[Path], name: str, *arguments: str) -> None:
        path = os.pathsep.join(map(str, sdk if isinstance(sdk, list) else [sdk]))
        super().__init__(["node", str(FOLDER / f"{name}.js"), *arguments], {"NODE_PATH": path})
