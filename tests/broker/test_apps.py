"""The table of apps as others see it: which of them stand in the settings file."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from broker.apps import Apps
from broker.hub.hub import Hub
from broker.hub.rows import Image
from protocol.apps import App
from protocol.errors import Refused
from tests.broker.hub.script import Script

OWN = App(id="own", key="k", master_key="m", secret="s")
FILE = App(id="file", key="k2", master_key="m2", secret="s2")


@pytest.fixture
def apps() -> Apps:
    make: Callable[[App], Hub] = Script().make_hub
    return Apps(make)


def stored(images: list[Image]) -> App:
    (image,) = images
    assert image.row is not None
    return msgspec.json.decode(image.row.body, type=App)


def test_it_says_which_apps_stand_in_the_file_and_keeps_no_such_word(apps: Apps) -> None:
    assert not stored(apps.configure([FILE])).fixed
    # As a command line or adminapi sends it back: what it says of that is not believed.
    assert not stored(apps.add(msgspec.structs.replace(OWN, fixed=True))).fixed
    assert {app.id: app.fixed for app in apps.table().apps} == {"file": True, "own": False}
    assert apps.add(msgspec.structs.replace(OWN, fixed=True)) == []
    with pytest.raises(Refused, match="settings file"):
        apps.add(msgspec.structs.replace(FILE, fixed=False))


def test_an_app_that_moves_into_the_file_says_so(apps: Apps) -> None:
    apps.add(OWN)
    apps.configure([OWN])
    assert [app.fixed for app in apps.table().apps] == [True]
