"""One set of data: a group made through any of the five APIs is named, joined, spoken to and deleted through every other."""

from __future__ import annotations

import base64
import json

import httpx
import pytest

from protocol.ids import IdForms
from tests.journeys.offices import NO_SUCH_GROUP, OFFICES, JMessage, LeanCloud, Native, Office
from tests.journeys.programs import APP, Host
from tests.journeys.wire import json_peer

IDS = IdForms(APP["id"])


def can(office: Office, word: str) -> bool:
    """Whether this vendor has a word for it."""
    return getattr(type(office), word) is not getattr(Office, word)


@pytest.mark.parametrize("maker", OFFICES)
async def test_a_group_of_one_is_everybodys(host: Host, maker: type[Office]) -> None:
    host.broker()
    host.admin()
    async with (
        httpx.AsyncClient(base_url=host.admin_url, timeout=10) as http,
        json_peer(host.url) as owner,
        json_peer(host.url) as member,
        json_peer(host.url) as guest,
    ):
        for peer, name in ((owner, "c1"), (member, "c2"), (guest, "c3")):
            await peer.login(name)
        offices = [kind(http) for kind in OFFICES]
        making = next(office for office in offices if type(office) is maker)
        group = await making.create("first", "c1", "c2")
        number = IDS.parse(group)
        joined = (await member.push("conv.joined"))["conv_id"]
        assert IDS.parse(joined) == number

        for office in offices:
            assert await office.name_of(group) == "first"
            assert await office.members(group) == {"c1", "c2"}
            assert [IDS.parse(each) for each in await office.groups_of("c2")] == [number]
        for office in offices:
            if can(office, "rename"):
                name = f"by {type(office).__name__}"
                await office.rename(group, name)
                assert (await member.push("conv.updated"))["name"] == name
                for other in offices:
                    assert await other.name_of(group) == name

        expected = []
        for office in offices:
            await office.add(group, "c3")
            assert (await guest.push("conv.joined"))["conv_id"] == joined
            assert (await member.push("conv.members_joined"))["client_ids"] == ["c3"]
            if can(office, "say"):
                text = f"from {type(office).__name__}"
                await office.say(group, "c3", text)
                assert (await member.push("msg.new"))["text"] == text
                expected.append(("c3", text))
            await office.remove(group, "c3")
            assert (await guest.push("conv.left"))["conv_id"] == joined
            assert (await member.push("conv.members_left"))["client_ids"] == ["c3"]
        await member.ok("msg.send", conv_id=joined, type=-1, text="from a socket")
        expected.append(("c2", "from a socket"))
        readers = [office for office in offices if can(office, "said")]
        assert len(readers) == 3
        for office in readers:
            assert await office.said(group) == expected


async def test_a_name_is_one_thing_and_no_attribute_is_a_built_in_field(host: Host) -> None:
    """LC-28 and ZD-46: a name of `conv_extend` is found and pushed as LeanCloud's, and what is built in there is not
    taken from `conv_extend`."""
    host.broker()
    host.admin()
    async with httpx.AsyncClient(base_url=host.admin_url, timeout=10) as http, json_peer(host.url) as owner:
        async with json_peer(host.url) as peer:
            await peer.login("c2")
            await owner.login("c1")
        native, leancloud = Native(http), LeanCloud(http)
        said = {"name": "team", "colour": "red", "m": ["evil"], "objectId": "zz", "mu": ["q"], "temp": True}
        made = {"client_id": "c1", "to_client_ids": ["c2"], "conv_type": 3, "conv_extend": said}
        assert (await native.data("POST", "/im/conversations", json=made))["conv_extend"] == said
        where = {"where": json.dumps({"name": "team"})}
        [row] = (await leancloud.call("GET", "/1.1/classes/_Conversation", params=where))["results"]
        assert (row["name"], row["colour"], set(row["m"])) == ("team", "red", {"c1", "c2"})
        assert row["objectId"] != "zz"
        assert not {"mu", "temp"} & row.keys()
        path = f"/1.2/rtm/conversations/{row['objectId']}"
        await leancloud.call("PUT", path, json={"name": "crew"})
        assert (await owner.push("conv.updated"))["name"] == "crew"
        await leancloud.call("PUT", path, json={"colour": "blue"})
        assert (await owner.push("conv.updated"))["conv_extend"] == {**said, "name": "crew", "colour": "blue"}
        condition = {"where": json.dumps([["conv_extend.name", "=", "crew"]])}
        page = await native.data("GET", "/im/conversations", params=condition)
        assert [each["conv_extend"] for each in page["data"]] == [{**said, "name": "crew", "colour": "blue"}]
        update = {"where": [["name", "=", "crew"]], "update": {"conv_extend": {"colour": "green"}}}
        assert await native.data("PUT", "/im/conversations", json=update) is True
        pushed = await owner.push("conv.updated")
        assert (pushed["name"], pushed["conv_extend"]) == ("", {"colour": "green"})
        assert await leancloud.name_of(row["objectId"]) == ""


@pytest.mark.parametrize("ender", OFFICES)
async def test_what_one_deletes_is_gone_for_all(host: Host, ender: type[Office]) -> None:
    host.broker()
    host.admin()
    async with httpx.AsyncClient(base_url=host.admin_url, timeout=10) as http, json_peer(host.url) as member:
        await member.login("c2")
        async with json_peer(host.url) as owner:
            await owner.login("c1")
            offices = [kind(http) for kind in OFFICES]
            ending = next(office for office in offices if type(office) is ender)
            for making in offices:
                group = await making.create("short", "c1", "c2")
                await member.push("conv.joined")
                await ending.delete(group)
                await member.push("conv.deleted")
                for office in offices:
                    assert (await office.gone(group))[1] == NO_SUCH_GROUP[type(office)]
                    assert await office.groups_of("c2") == []


async def test_a_password_of_jmessage_opens_a_socket_and_a_mute_of_leancloud_closes_a_mouth(host: Host) -> None:
    host.broker()
    host.admin()
    async with httpx.AsyncClient(base_url=host.admin_url, timeout=10) as http, json_peer(host.url) as peer:
        offices = {type(kind(http)).__name__: kind(http) for kind in OFFICES}
        users = [{"username": "c001", "password": "secret"}, {"username": "c002", "password": "secret"}]
        await offices["JMessage"].call("POST", "/v1/users/", 201, json=users)
        await offices["MaxLeap"].call("POST", "/ctx/c001/attributes", 201, json={"nickname": "Tom", "level": 3})
        profile = await offices["JMessage"].call("GET", "/v1/users/c001")
        assert profile["nickname"] == "Tom"
        await peer.login("c001", password="secret")
        assert (await peer.ok("user.get"))["attributes"] == {"nickname": "Tom", "level": 3}
        group = await offices["Hisihi"].create("class", "c002", "c001")
        joined = (await peer.push("conv.joined"))["conv_id"]
        await offices["LeanCloud"].call(
            "POST", f"/1.2/rtm/conversations/{group}/mutes", json={"client_id": "c001", "ttl": 60}
        )
        assert await peer.refused("msg.send", conv_id=joined, type=-1, text="x") == 4012


async def test_an_id_of_another_app_is_not_there_in_any_dialects_words(host: Host) -> None:
    other = {**APP, "id": "other"}
    host.configure(APP, other)
    host.broker()
    host.admin()
    async with httpx.AsyncClient(base_url=host.admin_url, timeout=10) as http:
        offices = [kind(http) for kind in OFFICES]
        for user in ("c1", "c2"):
            await http.put(
                f"/-/api/apps/{APP['id']}/users/{user}", headers={"Authorization": f"Bearer {APP['master_key']}"}, json={}
            )
        native = next(office for office in offices if isinstance(office, Native))
        number = IDS.parse(await native.create("ours", "c1", "c2"))
        assert number is not None
        theirs = IdForms("other")
        forms = (theirs.hex32(number), theirs.hex24(number), theirs.base64(number))
        for office in offices:
            for form in (*forms, "0" * 32, "nonsense"):
                assert (await office.gone(form))[1] == NO_SUCH_GROUP[type(office)], (office, form)
        # The plain integer is the same in every app; the other app has no such row.
        for kind in OFFICES:
            stranger = kind(http)
            stranger.headers = {name: value.replace(APP["id"], "other") for name, value in kind.headers.items()}
            if kind is JMessage:
                proof = base64.b64encode(f"other:{APP['master_key']}".encode()).decode()
                stranger.headers = {"Authorization": f"Basic {proof}"}
            assert (await stranger.gone(str(number)))[1] == NO_SUCH_GROUP[kind]
