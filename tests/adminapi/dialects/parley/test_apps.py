"""Apps: added with keys that are shown once, changed at run time, their keys rotated; and what a setting means."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from protocol.apps import App, AppSettings
from protocol.commands import AddApp, AppTable
from protocol.errors import Reason, Refused
from tests.adminapi.conftest import APP, BARE, OPERATOR, Served

ALL = {"authorization": f"Bearer {OPERATOR}"}
OWN = {"authorization": f"Bearer {APP.master_key}"}
BASE = f"/-/api/apps/{APP.id}"


@pytest.fixture
def put(served: Served) -> list[App]:
    """What the broker was given to keep; it keeps it."""
    found: list[App] = []

    def keep(command: AddApp, managed: object) -> AppTable:
        found.append(command.app)
        return AppTable(apps=[BARE, msgspec.structs.replace(command.app, rev=4)])

    served.broker.on(AddApp, keep)
    return found


async def test_an_apps_keys_are_shown_when_they_are_drawn_and_not_again(served: Served, put: list[App]) -> None:
    answer = await served.client.post("/-/api/apps", headers=ALL, json={"id": "shop", "settings": {"open_groups": True}})
    made = answer.json()
    assert (made["id"], made["rev"], made["fixed"], made["settings"]["open_groups"]) == ("shop", 4, False, True)
    (app,) = put
    assert made["keys"] == {"key": app.key, "master_key": app.master_key, "secret": app.secret}
    assert len({*made["keys"].values()}) == 3
    assert len(app.secret) >= 32
    line = json.loads(served.audit.tail(1)[0])
    assert (line["app"], line["commands"]) == ("shop", ["AddApp"])
    assert app.secret not in json.dumps(line)


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"id": APP.id}, 409, "already"),
        ({}, 400, "id is missing"),
        ({"id": "a b"}, 400, "letters, digits"),
        ({"id": "x" * 65}, 400, "id must be"),
        ({"id": "a", "settings": {"colour": 1}}, 400, "settings: 'colour' is not a setting; there are multi_login, "),
        ({"id": "a", "settings": {"text_bytes": "9"}}, 400, "text_bytes is '9'; write a whole number from 1 to 16777216."),
        ({"id": "a", "settings": {"text_bytes": 0}}, 400, "text_bytes is 0; write a whole number from 1 to 16777216."),
        ({"id": "a", "settings": {"open_groups": 1}}, 400, "settings: open_groups is 1; write true or false."),
        ({"id": "a", "settings": {"multi_login": "two"}}, 400, """multi_login is 'two'; write one of "", "device", """),
        ({"id": "a", "settings": [1]}, 400, "settings must be an object"),
    ],
)
async def test_what_cannot_be_an_app_is_said(
    served: Served, put: list[App], body: dict[str, Any], status: int, words: str
) -> None:
    answer = await served.client.post("/-/api/apps", headers=ALL, json=body)
    assert (answer.status_code, words in answer.json()["error"]["message"]) == (status, True), answer.text
    assert not put


async def test_settings_change_and_the_others_stay(served: Served, put: list[App]) -> None:
    await served.change(open_groups=True)
    answer = await served.client.patch(BASE, headers=ALL, json={"settings": {"sends_per_minute": 5}})
    assert answer.status_code == 200
    assert put[0].settings == AppSettings(open_groups=True, sends_per_minute=5)
    assert (put[0].key, put[0].secret) == (APP.key, APP.secret)
    assert "keys" not in answer.json()
    assert (await served.client.patch(BASE, headers=ALL, json={})).status_code == 400


async def test_an_app_of_the_settings_file_is_changed_there(served: Served, put: list[App]) -> None:
    await served.broker.push_apps(msgspec.structs.replace(APP, fixed=True))
    answer = await served.client.get(BASE, headers=ALL)
    while not answer.json()["fixed"]:
        answer = await served.client.get(BASE, headers=ALL)
    for answer in (
        await served.client.patch(BASE, headers=ALL, json={"settings": {"open_groups": True}}),
        await served.client.post(f"{BASE}/keys", headers=ALL, json={}),
    ):
        assert answer.status_code == 409
        assert "stands in the settings file" in answer.json()["error"]["message"]
    assert not put


async def test_a_new_key_is_shown_once_and_the_old_stays_good_for_the_overlap(served: Served, put: list[App]) -> None:
    answer = await served.client.post(f"{BASE}/keys", headers=ALL, json={"which": "master_key", "overlap_s": 60})
    (app,) = put
    assert answer.json()["keys"] == {"master_key": app.master_key}
    assert app.master_key != APP.master_key
    assert (app.key, app.secret) == (APP.key, APP.secret)
    assert app.earlier[0].master_key == APP.master_key
    assert answer.json()["earlier_until_ms"] == app.earlier[0].until_ms
    answer = await served.client.post(f"{BASE}/keys", headers=ALL, json={"overlap_s": 0})
    assert set(answer.json()["keys"]) == {"key", "master_key", "secret"}
    assert (put[1].earlier, answer.json()["earlier_until_ms"]) == ((), None)


@pytest.mark.parametrize("body", [{"which": "door"}, {"which": []}, {"which": [1]}, {"overlap_s": -1}, {"which": 5}])
async def test_what_cannot_be_rotated_is_said(served: Served, put: list[App], body: dict[str, Any]) -> None:
    assert (await served.client.post(f"{BASE}/keys", headers=ALL, json=body)).status_code == 400
    assert not put


async def test_an_apps_own_key_changes_neither_it_nor_others(served: Served, put: list[App]) -> None:
    for method, path in (("POST", "/-/api/apps"), ("PATCH", BASE), ("POST", f"{BASE}/keys")):
        answer = await served.client.request(method, path, headers=OWN, json={"id": "x", "settings": {}})
        assert (answer.status_code, answer.json()["error"]["reason"]) == (403, "not_allowed")
    assert not put


async def test_what_the_broker_refuses_is_said(served: Served) -> None:
    served.broker.on(AddApp, Refused(Reason.STORAGE_UNAVAILABLE, "the disk is full"))
    answer = await served.client.post("/-/api/apps", headers=ALL, json={"id": "shop"})
    assert answer.status_code == 507


async def test_every_setting_is_explained(served: Served) -> None:
    found = {each["name"]: each for each in (await served.client.get("/-/api/app-settings", headers=OWN)).json()}
    assert list(found) == list(AppSettings.__struct_fields__)
    assert all(len(each["text"]) > 20 for each in found.values())
    assert {name: each["default"] for name, each in found.items()} == msgspec.to_builtins(AppSettings())
    assert (found["group_members"]["least"], found["group_members"]["most"]) == (2, 1_000_000)
    assert found["multi_login"]["type"] == "choice"
    assert "tag" in found["multi_login"]["choices"]
