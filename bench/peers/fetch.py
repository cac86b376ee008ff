"""The packages of npm the thin brokers on Node need, fetched once into the user's cache, never into the tree.

The law: a package is what its registry serves under the very version named here.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

VERSIONS = {"ws": "8.23.0", "socket.io": "4.8.4"}
INSTALL_SECONDS = 40
FLAGS = ("--no-audit", "--no-fund", "--ignore-scripts", "--save-exact")


@cache
def modules(package: str) -> Path | None:
    """The node_modules with this package in it; None where Node, npm or the registry is not to be had."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    store = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "parley-bench"
    place = store / f"{package}-{VERSIONS[package]}"
    if not place.exists():
        store.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=store) as folder:
            command = [npm, "install", *FLAGS, "--prefix", folder, f"{package}@{VERSIONS[package]}"]
            try:
                subprocess.run(command, check=True, capture_output=True, timeout=INSTALL_SECONDS, cwd=folder)
                Path(folder).rename(place)
            except (subprocess.SubprocessError, OSError):
                if not place.exists():  # else another run was faster
                    return None
            Path(folder).mkdir(exist_ok=True)  # the context wants something to remove
    return place / "node_modules"
