"""What the journeys need to call everything the running programs say they serve: proofs, and a request for an example."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from tests.adminapi.described import Description, mounted_on
from tests.journeys.programs import Host

MASTER = "the-master-key"
MOUNTED = [dialect.name for dialect in mounted_on(Path(__file__).parent)]
"""The names of the program's dialects."""

USERS = ("boss", "tom", "Tom", "Jerry", "eddie", "annie", "test1", "test2", "javen", "1597500303", "1597500304")
"""Whom the documents' examples name."""


def basic(app: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{app}:{MASTER}".encode()).decode()}


PROOFS: dict[str, Callable[[str], dict[str, str]]] = {
    "native": lambda app: {"app-id": app, "app-key": MASTER},
    "jmessage": basic,
    "leancloud": lambda app: {"X-LC-Id": app, "X-LC-Key": f"{MASTER},master"},
    "maxleap": lambda app: {"X-ML-AppId": app, "X-ML-APIKey": MASTER},
    "hisihi": lambda app: {"app-id": app, "app-key": MASTER},
    "parley": lambda app: {"Authorization": f"Bearer {MASTER}"},
}
"""By dialect: the headers of an app's back office."""


def make_users(http: httpx.Client, app: str, *more: str) -> None:
    for user in (*USERS, *more):
        made = http.put(f"/-/api/apps/{app}/users/{user}", headers=PROOFS["parley"](app), json={})
        assert made.status_code in (200, 409), made.text  # somebody may have deleted him


def description(host: Host) -> Description:
    return Description(httpx.get(host.admin_url + "/-/openapi.json", timeout=15).json())


def operations(found: Description, dialect: str) -> list[tuple[str, str, dict[str, Any]]]:
    """(method, path, operation) of a dialect, in its order."""
    return [
        (method.upper(), path, operation)
        for path, item in found.document["paths"].items()
        for method, operation in item.items()
        if operation["tags"] == [dialect]
    ]
