"""The five management APIs as back offices: each says the same things about a group in its own words.

The law: one method is one request and its check; what a vendor has no word for raises NotImplementedError, and a journey
that goes through all five leaves it out there. A group goes by the id its maker printed, whoever is asked about it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import httpx

from tests.journeys.programs import APP

MASTER = APP["master_key"]


class Office:
    """`http` needs no headers of its own."""

    headers: Mapping[str, str]

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def call(self, method: str, path: str, status: int = 200, **more: Any) -> Any:
        answer = await self.http.request(method, path, headers=self.headers, **more)
        assert answer.status_code == status, f"{type(self).__name__} {method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    async def create(self, name: str, owner: str, member: str) -> str:
        """A new group's id, as text."""
        raise NotImplementedError

    async def name_of(self, group: str) -> str:
        raise NotImplementedError

    async def rename(self, group: str, name: str) -> None:
        raise NotImplementedError

    async def members(self, group: str) -> set[str]:
        raise NotImplementedError

    async def groups_of(self, user: str) -> list[str]:
        """The ids of his groups, in this vendor's form."""
        raise NotImplementedError

    async def add(self, group: str, user: str) -> None:
        raise NotImplementedError

    async def remove(self, group: str, user: str) -> None:
        raise NotImplementedError

    async def say(self, group: str, user: str, text: str) -> None:
        raise NotImplementedError

    async def said(self, group: str) -> list[tuple[str, str]]:
        """(who, text), oldest first."""
        raise NotImplementedError

    async def delete(self, group: str) -> None:
        raise NotImplementedError

    async def gone(self, group: str) -> tuple[int, int]:
        """(HTTP status, code) of asking for a group that is not there."""
        raise NotImplementedError


class Native(Office):
    headers = MappingProxyType({"app-id": APP["id"], "app-key": MASTER})

    async def data(self, method: str, path: str, **more: Any) -> Any:
        answer = await self.call(method, path, **more)
        assert answer["code"] == 0, answer
        return answer["data"]

    async def create(self, name: str, owner: str, member: str) -> str:
        body = {"client_id": owner, "to_client_ids": [member], "conv_type": 3, "conv_extend": {"name": name}}
        return str((await self.data("POST", "/im/conversations", json=body))["conv_id"])

    async def name_of(self, group: str) -> str:
        page = await self.data("GET", "/im/conversations", params={"where": f'[["conv_id","=","{group}"]]'})
        return str(page["data"][0]["conv_extend"].get("name", ""))

    async def rename(self, group: str, name: str) -> None:
        update = {"where": [["conv_id", "=", group]], "update": {"conv_extend": {"name": name}}}
        assert await self.data("PUT", "/im/conversations", json=update) is True

    async def members(self, group: str) -> set[str]:
        return set(await self.data("GET", f"/im/conversations/{group}/members"))

    async def groups_of(self, user: str) -> list[str]:
        params = {"where": f'[["user_id","=","{user}"]]', "size": "100"}
        return [row["conv_id"] for row in (await self.data("GET", "/im/conversations", params=params))["data"]]

    async def add(self, group: str, user: str) -> None:
        await self.data("POST", f"/im/conversations/{group}/members", json={"client_ids": [user]})

    async def remove(self, group: str, user: str) -> None:
        await self.data("DELETE", f"/im/conversations/{group}/members", json={"client_ids": [user]})

    async def say(self, group: str, user: str, text: str) -> None:
        body = {"from_client": user, "type": -1, "text": text}
        await self.data("POST", f"/im/conversations/{group}/message", json=body)

    async def said(self, group: str) -> list[tuple[str, str]]:
        page = await self.data("GET", f"/im/conversations/{group}/message", params={"size": "100"})
        return [(row["client_id"], row["text"]) for row in reversed(page["data"])]

    async def delete(self, group: str) -> None:
        await self.data("DELETE", f"/im/conversations/{group}")

    async def gone(self, group: str) -> tuple[int, int]:
        return 200, (await self.call("GET", f"/im/conversations/{group}/members"))["code"]


class JMessage(Office):
    headers = MappingProxyType({"Authorization": "Basic " + base64.b64encode(f"{APP['id']}:{MASTER}".encode()).decode()})

    async def create(self, name: str, owner: str, member: str) -> str:
        body = {"owner_username": owner, "group_name": name, "members_username": [member], "group_desc": ""}
        return str((await self.call("POST", "/v1/groups/", 201, json=body))["gid"])

    async def name_of(self, group: str) -> str:
        return str((await self.call("GET", f"/v1/groups/{group}"))["group_name"])

    async def members(self, group: str) -> set[str]:
        return {row["username"] for row in await self.call("GET", f"/v1/groups/{group}/members/")}

    async def groups_of(self, user: str) -> list[str]:
        return [str(gid) for gid in await self.call("GET", f"/v1/users/{user}/groups/")]

    async def add(self, group: str, user: str) -> None:
        await self.call("POST", f"/v1/groups/{group}/members", 204, json={"add": [user]})

    async def remove(self, group: str, user: str) -> None:
        await self.call("POST", f"/v1/groups/{group}/members", 204, json={"remove": [user]})

    async def say(self, group: str, user: str, text: str) -> None:
        target = {"target_type": "group", "target_id": group, "from_type": "user", "from_id": user}
        body = {"version": 1, **target, "msg_type": "text", "msg_body": {"text": text}}
        await self.call("POST", "/v1/messages", json=body)

    async def delete(self, group: str) -> None:
        await self.call("DELETE", f"/v1/groups/{group}", 204)

    async def gone(self, group: str) -> tuple[int, int]:
        return 403, (await self.call("GET", f"/v1/groups/{group}", 403))["error"]["code"]


class LeanCloud(Office):
    headers = MappingProxyType({"X-LC-Id": APP["id"], "X-LC-Key": f"{MASTER},master"})
    root = "/1.2/rtm/conversations"

    async def create(self, name: str, owner: str, member: str) -> str:
        body = {"name": name, "m": [owner, member], "c": owner}
        return str((await self.call("POST", self.root, json=body))["objectId"])

    async def row(self, where: str) -> list[dict[str, Any]]:
        return list((await self.call("GET", self.root, params={"where": where}))["results"])

    async def name_of(self, group: str) -> str:
        return str((await self.row(f'{{"objectId":"{group}"}}'))[0]["name"])

    async def rename(self, group: str, name: str) -> None:
        await self.call("PUT", f"{self.root}/{group}", json={"name": name})

    async def members(self, group: str) -> set[str]:
        return set(await self.call("GET", f"{self.root}/{group}/members"))

    async def groups_of(self, user: str) -> list[str]:
        return [row["objectId"] for row in await self.row(f'{{"m":"{user}"}}')]

    async def add(self, group: str, user: str) -> None:
        await self.call("POST", f"{self.root}/{group}/members", json={"client_ids": [user]})

    async def remove(self, group: str, user: str) -> None:
        await self.call("DELETE", f"{self.root}/{group}/members", json={"client_ids": [user]})

    async def say(self, group: str, user: str, text: str) -> None:
        await self.call("POST", f"{self.root}/{group}/messages", json={"from_client": user, "message": text})

    async def said(self, group: str) -> list[tuple[str, str]]:
        rows = await self.call("GET", f"{self.root}/{group}/messages")
        said = [(row["from"], row["data"]) for row in reversed(rows)]  # rich text, where it was said elsewhere
        return [(who, json.loads(text)["_lctext"] if text.startswith("{") else text) for who, text in said]

    async def delete(self, group: str) -> None:
        await self.call("DELETE", f"{self.root}/{group}")

    async def gone(self, group: str) -> tuple[int, int]:
        return 404, (await self.call("GET", f"{self.root}/{group}/members", 404))["code"]


class MaxLeap(Office):
    headers = MappingProxyType({"X-ML-AppId": APP["id"], "X-ML-APIKey": MASTER})

    async def create(self, name: str, owner: str, member: str) -> str:
        return str(await self.call("POST", "/groups", 201, json={"owner": owner, "name": name, "members": [member]}))

    async def name_of(self, group: str) -> str:
        return str(await self.call("GET", f"/groups/{group}/attributes/name"))

    async def rename(self, group: str, name: str) -> None:
        await self.call("POST", f"/groups/{group}/attributes", 201, json={"name": name})

    async def members(self, group: str) -> set[str]:
        row = await self.call("GET", f"/groups/{group}")
        return {row["owner"], *row["members"]}  # it leaves the owner out, as the vendor's samples do

    async def groups_of(self, user: str) -> list[str]:
        return list(await self.call("GET", f"/ctx/{user}/groups"))

    async def add(self, group: str, user: str) -> None:
        await self.call("POST", f"/groups/{group}/members", 201, json={"members": [user]})

    async def remove(self, group: str, user: str) -> None:
        await self.call("DELETE", f"/groups/{group}/members", 204, json={"members": [user]})

    async def said(self, group: str) -> list[tuple[str, str]]:
        rows = await self.call("GET", f"/groups/{group}/chats", params={"limit": "100"})
        return [(row["speaker"], row["content"]["body"]) for row in rows]

    async def delete(self, group: str) -> None:
        await self.call("DELETE", f"/groups/{group}", 204)

    async def gone(self, group: str) -> tuple[int, int]:
        return 404, (await self.call("GET", f"/groups/{group}", 404))["errorCode"]


class Hisihi(Office):
    headers = MappingProxyType({"Authorization": f"Bearer {MASTER}", "app-id": APP["id"]})

    async def create(self, name: str, owner: str, member: str) -> str:
        about = {"organization_id": 7, "conversation_id": "", "group_avatar": "0", "description": ""}
        body = {"group_name": name, "member_client_ids": member, "admin_uid": owner, **about}
        return str((await self.call("POST", "/im/group", 201, json=body))["group_id"])

    async def detail(self, group: str) -> dict[str, Any]:
        return dict((await self.call("GET", f"/im/group/{group}"))["data"])

    async def name_of(self, group: str) -> str:
        return str((await self.detail(group))["group_info"]["group_name"])

    async def rename(self, group: str, name: str) -> None:
        await self.call("PUT", f"/im/group/{group}", json={"group_name": name})

    async def members(self, group: str) -> set[str]:
        return {row["client_id"] for row in (await self.detail(group))["group_member_info"]}

    async def groups_of(self, user: str) -> list[str]:
        return [str(row["id"]) for row in (await self.call("GET", f"/im/user/{user}/groups"))["data"]]

    async def add(self, group: str, user: str) -> None:
        await self.call("POST", f"/im/group/{group}/member", 201, json={"member_client_ids": user})

    async def remove(self, group: str, user: str) -> None:
        await self.call("DELETE", f"/im/group/{group}/member/{user}", 204)

    async def delete(self, group: str) -> None:
        await self.call("DELETE", f"/im/group/{group}", 204)

    async def gone(self, group: str) -> tuple[int, int]:
        return 404, (await self.call("GET", f"/im/group/{group}", 404))["code"]


OFFICES: tuple[type[Office], ...] = (Native, JMessage, LeanCloud, MaxLeap, Hisihi)
NO_SUCH_GROUP = {Native: 4011, JMessage: 899006, LeanCloud: 4303, MaxLeap: 5004, Hisihi: 7003}
"""The code of `gone`."""
